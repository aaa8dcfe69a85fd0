//! A demo from beginning to end: train, start the system, replay, wait until everything has come out, stop, count.

use crate::feed::{Fed, Feed, PATIENCE, SecondHalf, Source};
use crate::ledger::{LIMIT_BYTES, Ledger};
use crate::options::{Config, Input, Options};
use crate::quality::Quality;
use crate::report::Report;
use crate::screen::{Picture, Screen};
use crate::split::Split;
use crate::system::{Books, Door, System};
use crate::tally::Counts;
use crate::training::{Lesson, train};
use crate::{Error, GeneratedReviews};
use feature_store::offline::ReviewFiles;
use feature_store::online::MemoryStore;
use ingest::{Pace, Publisher, RowBatches, RowConverter, Speed};
use registry::{Alias, Reference, Registry};
use scorer::ModelHandle;
use service::latency::Quantiles;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use trainer::Progress;
use trainer::grouped;

/// Between two looks at what is going on.
const LOOK: Duration = Duration::from_millis(200);

/// An endless stream is judged by at least so many of its latest labels: 16 MB at most.
const LATEST_LABELS: usize = 1_000_000;

/// Runs a demo. When `stop` is cancelled, it stops sending, waits for what is under way, and reports so far.
pub async fn run(
    config: &Config,
    options: &Options,
    stop: &CancellationToken,
    screen: &mut Screen,
) -> Result<Report, Error> {
    let outcome = run_on(config, options, stop, screen).await;
    screen.end();
    outcome
}

async fn run_on(
    config: &Config,
    options: &Options,
    stop: &CancellationToken,
    screen: &mut Screen,
) -> Result<Report, Error> {
    refuse_what_is_read_only_once(&options.input)?;
    let door = Door::open(&config.gateway.listen, options.any_port).await?;
    if !listens_as_configured(&config.gateway.listen, door.address()) {
        screen.note(&format!("{} is taken, the gateway takes another port", config.gateway.listen));
    }
    let gateway = format!("http://{}", door.address());
    let (registry, _folder) = open_registry(config, options)?;
    let alias: Alias = "production".parse().expect("it is a word");
    let training = Training { config, registry: &registry, alias: alias.clone(), input: &options.input };
    let Some(trained) = training.run(stop, screen).await? else { return Ok(Report::stopped_early()) };

    let is_endless = matches!(options.input, Input::Generated(_)) && !options.once;
    let counts = Counts::new(if is_endless { Quality::of_latest(LATEST_LABELS) } else { Quality::of_all() });
    let ledger = Arc::new(Ledger::new(LIMIT_BYTES));
    let books = Books { ledger: Arc::clone(&ledger), counts: counts.clone(), features: trained.store.clone() };
    screen.progress("starts the broker, the scorer and the gateway");
    let model = ModelHandle::load(&registry, &config.name, &Reference::Alias(alias)).await?;
    let system = System::start(config, options, model, door, books).await?;
    screen.note(&format!("the gateway answers at {gateway}, the broker at {}", system.kafka().brokers));

    let sent = Arc::new(AtomicU64::new(0));
    let view = View {
        model: format!("{} {}", trained.report.model.name, trained.report.model.version),
        gateway,
        sent: Arc::clone(&sent),
        ledger: Arc::clone(&ledger),
        counts: counts.clone(),
        start: Instant::now(),
    };
    let feed = Feed {
        source: source(&options.input, options.once, trained.split.as_ref())?,
        publisher: Publisher::new(system.kafka(), &config.topics)?,
        topics: config.topics.clone(),
        ledger: Arc::clone(&ledger),
        pace: Pace::start(speed(&options.input, options.once)),
        sent,
    };
    let replay = async {
        let fed = feed.run(stop).await;
        if fed.is_ok() {
            tokio::select! {
                () = ledger.settled() => {}
                () = ledger.stalled(PATIENCE) => {}
            }
        }
        fed
    };
    let replayed = watched(replay, &system, &view, screen).await;
    let seconds = view.start.elapsed().as_secs_f64();
    if let (Some(Ok(_)), false, false) = (&replayed, options.once, stop.is_cancelled()) {
        screen.note("the replay is over; the gateway goes on until Ctrl-C");
        watched(stop.cancelled(), &system, &view, screen).await;
    }
    // What broke says so here.
    let ends = system.stop().await?;
    let fed = replayed.transpose()?.unwrap_or_default();
    // The tally has read all there is: what the ledger still holds will never come.
    let books = Report::of_books(fed.reviews, &counts.lock(), ledger.records(), &ends);
    Ok(report(books, &trained, &fed, &counts, seconds))
}

/// A pipe has nothing left for the second reading. Asks only for the kind of file: opening a pipe would wait for its writer.
/// What is not there, or a folder, is told by whoever opens it.
fn refuse_what_is_read_only_once(input: &Input) -> Result<(), Error> {
    let Input::Files { paths, .. } = input else { return Ok(()) };
    let is_read_once = |path: &Path| std::fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir());
    match paths.iter().find(|path| is_read_once(path)) {
        Some(path) => Err(Error::ReadOnce { path: path.clone() }),
        None => Ok(()),
    }
}

/// Whether the gateway has the port that it was to have; port 0 stands for any.
fn listens_as_configured(listen: &str, address: SocketAddr) -> bool {
    let port = listen.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
    port.is_none_or(|port| port == 0 || port == address.port())
}

/// The registry that was asked for, or one in a folder that goes with the demo.
fn open_registry(config: &Config, options: &Options) -> Result<(Registry, Option<TempDir>), Error> {
    if options.keep_models {
        return Ok((Registry::open(&config.registry.url)?, None));
    }
    let folder = tempfile::Builder::new().prefix("plaudit-demo-").tempdir().map_err(Error::TemporaryFolder)?;
    Ok((Registry::open(&folder.path().to_string_lossy())?, Some(folder)))
}

struct Training<'a> {
    config: &'a Config,
    registry: &'a Registry,
    alias: Alias,
    input: &'a Input,
}

struct Trained {
    report: trainer::Report,
    /// None for generated reviews.
    split: Option<Split>,
    /// What is known of products and users when the replay begins.
    store: MemoryStore,
}

impl Training<'_> {
    /// None when it was stopped.
    async fn run(self, stop: &CancellationToken, screen: &mut Screen) -> Result<Option<Trained>, Error> {
        screen.progress("finds the rows to train on");
        let lesson = tokio::select! {
            () = stop.cancelled() => return Ok(None),
            lesson = Lesson::of(self.input, self.config) => lesson?,
        };
        let (sender, progress) = watch::channel(None);
        let tell = move |step| _ = sender.send_replace(Some(step));
        let mut training = pin!(train(self.registry, self.config, self.alias, lesson.data.clone(), tell));
        let mut looks = tokio::time::interval(LOOK);
        let report = loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(None),
                report = &mut training => break report?,
                _ = looks.tick() => {
                    if let Some(step) = *progress.borrow() {
                        screen.progress(&words(step));
                    }
                }
            }
        };
        let seconds = report.seconds.get("total").copied().unwrap_or_default();
        let (model, rows) = (&report.model, grouped(report.rows.train));
        screen.note(&format!("trained {} {} on {rows} reviews in {seconds:.1} s", model.name, model.version));
        Ok(Some(Trained { report, split: lesson.split, store: lesson.store }))
    }
}

fn words(step: Progress) -> String {
    match step {
        Progress::Learning { rows, bytes_read, total_bytes } if total_bytes > 0 => {
            format!("trains: {} reviews read, {} %", grouped(rows), 100 * bytes_read / total_bytes)
        }
        Progress::Learning { rows, .. } => format!("trains: {} reviews read", grouped(rows)),
        Progress::Tuning { done, total, .. } => format!("trains: {done} of {total} settings tried"),
        Progress::Fitting(_) => "trains: fits the weights".to_owned(),
        Progress::Testing { .. } => "trains: tests".to_owned(),
        Progress::Registering => "trains: writes the model".to_owned(),
    }
}

fn source(input: &Input, once: bool, split: Option<&Split>) -> Result<Source, Error> {
    match input {
        Input::Generated(generated) => Ok(Source::Generated {
            reviews: GeneratedReviews::new(generated.seed, generated.training_reviews as u64),
            left: once.then_some(generated.replayed_reviews),
        }),
        Input::Files { paths, read } => {
            let files = ReviewFiles::open(paths, read).map_err(trainer::Error::from)?;
            let split = split.expect("files were split before they were trained on").clone();
            let half = SecondHalf::new(RowBatches::new(files), split, RowConverter::new(paths));
            Ok(Source::Files(Box::new(half)))
        }
    }
}

fn speed(input: &Input, once: bool) -> Speed {
    match input {
        Input::Generated(generated) if !once => Speed::Rate(generated.reviews_per_second),
        Input::Generated(_) | Input::Files { .. } => Speed::Full,
    }
}

/// Waits for `work` while the screen shows what goes on; none when a part of the system broke before.
async fn watched<T>(work: impl Future<Output = T>, system: &System, view: &View, screen: &mut Screen) -> Option<T> {
    let mut work = pin!(work);
    let mut looks = tokio::time::interval(LOOK);
    let mut rate = Rate::new(view.start);
    loop {
        tokio::select! {
            biased;
            outcome = &mut work => return Some(outcome),
            () = system.broken() => return None,
            _ = looks.tick() => screen.picture(&view.picture(&mut rate)),
        }
    }
}

/// What the screen shows, and where it comes from.
struct View {
    model: String,
    gateway: String,
    sent: Arc<AtomicU64>,
    ledger: Arc<Ledger>,
    counts: Counts,
    start: Instant,
}

impl View {
    fn picture(&self, rate: &mut Rate) -> Picture {
        let sent = self.sent.load(Ordering::Relaxed);
        let under_way = self.ledger.records();
        let counts = self.counts.lock();
        Picture {
            model: self.model.clone(),
            gateway: self.gateway.clone(),
            sent,
            sent_per_second: rate.per_second(sent),
            under_way,
            predictions: counts.predictions,
            dead_letters: counts.dead_letters,
            latency_ms: counts.latencies.quantiles(),
            accuracy: counts.quality.accuracy(),
            labelled: counts.quality.judged(),
            latest: counts.latest.iter().cloned().collect(),
        }
    }
}

/// The rate of the last second or so.
struct Rate {
    at: Instant,
    sent: u64,
    per_second: Option<f64>,
}

impl Rate {
    fn new(start: Instant) -> Self {
        Self { at: start, sent: 0, per_second: None }
    }

    fn per_second(&mut self, sent: u64) -> f64 {
        let seconds = self.at.elapsed().as_secs_f64();
        let per_second = sent.saturating_sub(self.sent) as f64 / seconds.max(1e-3);
        if seconds >= 1.0 {
            (self.at, self.sent, self.per_second) = (Instant::now(), sent, Some(per_second));
        }
        // The first second is measured as it goes.
        self.per_second.unwrap_or(per_second)
    }
}

/// The books, with all that is told beside them.
fn report(books: Report, trained: &Trained, fed: &Fed, counts: &Counts, seconds: f64) -> Report {
    let counts = counts.lock();
    let latency_ms: Option<Quantiles> = counts.latencies.quantiles();
    Report {
        omissions: fed.omissions.clone(),
        stopped: fed.stopped,
        seconds,
        records_per_second: if seconds > 0.0 { fed.reviews as f64 / seconds } else { 0.0 },
        latency_ms,
        labelled: counts.quality.judged(),
        metrics: counts.quality.metrics(),
        model: Some(trained.report.model.clone()),
        trained_rows: trained.report.rows.train,
        split: trained.split.as_ref().map_or("generated", Split::name),
        ..books
    }
}
