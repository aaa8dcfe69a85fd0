//! Training: learn, test, register, and promote where that is asked for. The version is registered last and in one
//! step, so whatever fails before leaves nothing behind.

use crate::dataset::Dataset;
use crate::error::Error;
use crate::evaluation::Inquiry;
use crate::gates::{Arena, Champion, Incumbent, PromotionConfig, overtaken};
use crate::holdout::Holdout;
use crate::learn::{Learned, Lesson};
use crate::monitoring::{Gathering, REFERENCE};
use crate::overlap::{check_rereadable, shared_files, shared_rows};
use crate::pass::Pass;
use crate::progress::Progress;
use crate::report::{ModelSummary, Report, RowCounts};
use crate::rss::peak_rss_bytes;
use crate::sampled::beside;
use crate::test_pass::{Exam, Tested, test};
use crate::tune::{TuneRequest, Tuned, tuned};
use bytes::Bytes;
use model::{FitConfig, FitError, FitProgress, Model, ModelConfig};
use registry::{Alias, Author, Manifest, Move, Registry, Run, Verdict};
use schemas::ModelName;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// What to train.
#[derive(Debug, Clone)]
pub struct TrainRequest {
    /// The model that gets a new version.
    pub name: ModelName,
    /// How texts become numbers.
    pub model: ModelConfig,
    /// How weights are fitted.
    pub fit: FitConfig,
    /// What to learn from.
    pub data: Dataset,
    /// What to test on.
    pub test: Test,
    /// What the test is to find out.
    pub inquiry: Inquiry,
    /// How to search for better settings than these first, on the training rows.
    pub tune: Option<TuneRequest>,
    /// Which alias to set afterwards.
    pub promotion: Option<Promotion>,
    /// Cancelled, it ends soon: between rows, and between the trials of a search. A fit that has begun is finished first, and
    /// what has begun to be registered too.
    pub stop: CancellationToken,
}

impl TrainRequest {
    /// Has its rows read with what the model's features and the slices of the test need.
    fn with_columns(mut self) -> Self {
        let features = &self.model.features;
        let extras = || self.inquiry.extra_columns();
        self.data = self.data.with_features(features);
        match self.test {
            Test::On(dataset) => self.test = Test::On(dataset.with_features(features).with_extras(extras())),
            Test::Holdout(_) => self.data = self.data.with_extras(extras()),
            Test::None => {}
        }
        self
    }
}

/// The rows that are tested, none of which is learned from.
#[derive(Debug, Clone)]
pub enum Test {
    /// None: the version has no figures.
    None,
    /// These. Rows of the training data that are among them are not learned from.
    On(Dataset),
    /// A share of the training data.
    Holdout(Holdout),
}

/// An alias to set to the new version.
#[derive(Debug, Clone)]
pub struct Promotion {
    /// The alias.
    pub alias: Alias,
    /// Who sets it, for the log.
    pub who: String,
    /// Why, for the log.
    pub why: String,
    /// What the new version must hold or beat first.
    pub gates: PromotionConfig,
    /// Whether it is set even if a gate does not hold.
    pub force: bool,
}

/// Trains and registers a model. Learning runs on all cores beside the async runtime; `progress` is called from there.
pub async fn train(
    registry: &Registry,
    request: TrainRequest,
    mut progress: impl FnMut(Progress) + Send + 'static,
) -> Result<Report, Error> {
    let start = Instant::now();
    let request = request.with_columns();
    // Better before the learning than after it.
    registry.check_writable().await?;
    let (champion, alias_line) = match &request.promotion {
        Some(promotion) => {
            let Incumbent { champion, line } = Incumbent::fetch(registry, &request.name, &promotion.alias).await?;
            (champion, line)
        }
        None => (None, 0),
    };
    let learning = tokio::task::spawn_blocking(move || {
        if let Some(promotion) = request.promotion.as_ref().filter(|_| champion.is_some()) {
            arena(&request, promotion).check()?;
        }
        let (request, tuned) = tune(request, &mut progress)?;
        let mut gaps = BTreeMap::new();
        let trained = Trained::from(&request, &mut |step| {
            if let Progress::Fitting(FitProgress { iteration, gap: Some(gap) }) = step {
                gaps.insert(u64::from(iteration), gap);
            }
            progress(step);
        })?;
        let trained = Trained { tuned, gaps, ..trained };
        let verdict = verdict(&request, champion, &trained.learned.model, &mut progress)?;
        if request.stop.is_cancelled() {
            return Err(Error::Stopped);
        }
        progress(Progress::Registering);
        let artifact = Bytes::from(trained.learned.model.to_bytes());
        // What is registered can be loaded.
        Model::from_bytes(&artifact).map_err(|error| Error::Fit {
            data: request.data.to_string(),
            error: FitError::Unloadable { reason: error.to_string() },
        })?;
        Ok::<_, Error>((request, trained, verdict, artifact))
    });
    let (request, trained, verdict, artifact) = learning.await.expect("training doesn't panic, and isn't cancelled")?;
    let registering = Instant::now();
    let run = trained.run(&request, start.elapsed());
    let manifest = registry.register(&request.name, artifact, run).await?;
    let (promoted, verdict) = match request.promotion {
        Some(promotion) => promote(registry, &manifest, promotion, (verdict, alias_line)).await?,
        None => (None, None),
    };
    let mut seconds = trained.seconds();
    seconds.insert("register".to_owned(), registering.elapsed().as_secs_f64());
    seconds.insert("total".to_owned(), start.elapsed().as_secs_f64());
    let Trained { learned, tested, tuned, .. } = trained;
    let mut dropped = learned.dropped;
    if let Some(tested) = &tested {
        dropped.merge(&tested.dropped);
    }
    Ok(Report {
        model: ModelSummary { name: manifest.name, version: manifest.version, sha256: manifest.sha256 },
        promoted,
        verdict,
        rows: RowCounts {
            train: learned.data.rows,
            test: tested.as_ref().map_or(0, |tested| tested.rows),
            dropped: dropped.total(),
        },
        dropped_reasons: dropped.by_name(),
        repaired_rows: learned.repaired + tested.as_ref().map_or(0, |tested| tested.repaired),
        metrics: tested.as_ref().map(|tested| tested.metrics),
        findings: tested.map(|tested| tested.findings),
        tuned,
        seconds,
        peak_rss_bytes: peak_rss_bytes(),
    })
}

/// What the gates say of the new model, where it is to be promoted.
fn verdict(
    request: &TrainRequest,
    champion: Option<Champion>,
    challenger: &Model,
    progress: &mut dyn FnMut(Progress),
) -> Result<Option<Verdict>, Error> {
    let Some(promotion) = &request.promotion else { return Ok(None) };
    let verdict = arena(request, promotion).verdict(champion, challenger, progress)?;
    Ok(verdict.map(|verdict| Verdict { forced: promotion.force && !verdict.passed, ..verdict }))
}

fn arena<'a>(request: &'a TrainRequest, promotion: &'a Promotion) -> Arena<'a> {
    let rows = match &request.test {
        Test::None => None,
        Test::On(dataset) => Some((dataset, None)),
        Test::Holdout(holdout) => Some((&request.data, Some(*holdout))),
    };
    Arena { rows, config: &promotion.gates }
}

/// Sets the alias unless the gates forbid it, or somebody else has moved it since the line of the log with which the champion was
/// fetched; answers the alias if it was set.
async fn promote(
    registry: &Registry,
    manifest: &Manifest,
    promotion: Promotion,
    (verdict, line): (Option<Verdict>, u64),
) -> Result<(Option<Alias>, Option<Verdict>), Error> {
    let Promotion { alias, who, why, force, .. } = promotion;
    if verdict.as_ref().is_some_and(|verdict| !verdict.passed && !verdict.forced) {
        return Ok((None, verdict));
    }
    let only_after = (!force).then_some(line);
    let change = Move { alias: alias.clone(), version: manifest.version, verdict: verdict.clone(), only_after };
    let standing = registry.move_alias(&manifest.name, change, &Author::new(who, why)).await?;
    if standing.entry.version != manifest.version {
        return Ok((None, Some(overtaken(verdict, &alias, &standing.entry))));
    }
    Ok((Some(alias), verdict))
}

/// The request with the settings that a search finds, where one is asked for.
fn tune(request: TrainRequest, progress: &mut dyn FnMut(Progress)) -> Result<(TrainRequest, Option<Tuned>), Error> {
    let Some(tune) = request.tune.clone() else { return Ok((request, None)) };
    let (request, tuned) = tuned(request, &tune, progress)?;
    Ok((request, Some(tuned)))
}

/// A model that has been tested and not yet registered.
struct Trained {
    learned: Learned,
    tested: Option<Tested>,
    tuned: Option<Tuned>,
    /// The fit's relative gap after each pass that measured it.
    gaps: BTreeMap<u64, f64>,
}

impl Trained {
    fn from(request: &TrainRequest, progress: &mut dyn FnMut(Progress)) -> Result<Self, Error> {
        request.model.check()?;
        request.fit.check()?;
        check_rereadable(&request.data, &request.test)?;
        // Everything is opened before anything is learned, so that a wrong path costs no time.
        let training = Pass::open(&request.data)?.until(&request.stop);
        let keep_rates = training.keep_rates()?;
        let mut lesson = Lesson {
            data: &request.data,
            holdout: None,
            tested_rows: Vec::new(),
            model: request.model.clone(),
            fit: &request.fit,
        };
        let inquiry = &request.inquiry;
        let exam = match &request.test {
            Test::None => None,
            Test::On(dataset) => {
                let trained_files = shared_files(&request.data, dataset).iter().map(|file| file.of_test).collect();
                let exam = Exam { trained_files, ..Exam::open(dataset, inquiry)? };
                lesson.tested_rows = shared_rows(&request.data, dataset)?;
                Some(exam)
            }
            Test::Holdout(holdout) => {
                lesson.holdout = Some(*holdout);
                Some(Exam { holdout: Some(*holdout), ..Exam::open(&request.data, inquiry)? })
            }
        };
        let exam = exam.map(|exam| Exam { pass: exam.pass.until(&request.stop), ..exam });
        let tested_rates = exam.as_ref().map_or(Ok(keep_rates), |exam| exam.pass.keep_rates())?;
        let exam = exam.map(|exam| Exam { gathering: Gathering::of(tested_rates), ..exam });
        let mut learned = lesson.learn(training, progress)?;
        if !learned.fit.converged {
            tracing::warn!(
                gap = learned.fit.gap,
                "the fit ended after {} passes, short of its tolerance: raise train.max_iterations, or lower train.c",
                learned.fit.iterations
            );
        }
        if learned.fit.collisions > learned.fit.terms {
            tracing::warn!(
                "about {} terms share a slot with another one, and {} are kept: raise model.vectorizer.hash_bits, or set \
                 model.vectorizer.terms = \"exact\"",
                learned.fit.collisions,
                learned.fit.terms
            );
        }
        // Tested on what its rows are a sample of, registered for what is there.
        learned.model = learned.model.with_keep_rates(beside(keep_rates, tested_rates))?;
        let tested = exam.map(|exam| test(&learned.model, exam, progress)).transpose()?;
        learned.model = learned.model.with_keep_rates(keep_rates)?;
        Ok(Self { learned, tested, tuned: None, gaps: BTreeMap::new() })
    }

    /// Every setting, so that the training can be repeated, and how they were found.
    fn parameters(&self, request: &TrainRequest) -> serde_json::Map<String, serde_json::Value> {
        let mut parameters = parameters(request);
        parameters.insert(WORDS.to_owned(), object(&self.learned.profile).into());
        if let Some(reference) = self.tested.as_ref().and_then(|tested| tested.reference.as_ref()) {
            parameters.insert(REFERENCE.to_owned(), object(reference).into());
        }
        if let Some(tuned) = &self.tuned {
            let mut search = serde_json::json!({
                "goal": tuned.goal,
                "validation": tuned.validation,
                "trials": tuned.trials.len(),
                "best": tuned.best,
            });
            if request.tune.as_ref().is_some_and(|tune| !tune.is_passing) {
                search["journal"] = tuned.journal.display().to_string().into();
            }
            parameters.insert("tuning".to_owned(), search);
        }
        parameters
    }

    /// How long each stage took; reading overlaps with vectorizing.
    fn seconds(&self) -> BTreeMap<String, f64> {
        let Learned { read, vectorize, fitting, .. } = &self.learned;
        let mut stages = vec![("read", *read), ("vectorize", *vectorize), ("fit", *fitting)];
        stages.extend(self.tested.as_ref().map(|tested| ("test", tested.total)));
        let mut seconds: BTreeMap<String, f64> =
            stages.into_iter().map(|(stage, time)| (stage.to_owned(), time.as_secs_f64())).collect();
        seconds.extend(self.tuned.as_ref().map(|tuned| ("tune".to_owned(), tuned.seconds)));
        seconds
    }

    /// What the registry keeps beside the model. The total there ends before registering, which it can't know.
    fn run(&self, request: &TrainRequest, total: Duration) -> Run {
        let mut seconds = self.seconds();
        seconds.insert("total".to_owned(), total.as_secs_f64());
        Run {
            parameters: self.parameters(request),
            features: request.model.features.iter().map(|feature| feature.name.clone()).collect(),
            metrics: self.tested.as_ref().map(|tested| object(&tested.metrics)).unwrap_or_default(),
            data: Some(self.learned.data.clone()),
            library_version: concat!("plaudit ", env!("CARGO_PKG_VERSION")).to_owned(),
            seconds,
            curves: BTreeMap::from([("fit.gap".to_owned(), self.gaps.clone())]),
        }
    }
}

/// The parameter of a version that has the words it learned from.
pub(crate) const WORDS: &str = "words";

fn parameters(request: &TrainRequest) -> serde_json::Map<String, serde_json::Value> {
    let test = match &request.test {
        Test::None => serde_json::Value::Null,
        Test::On(dataset) => dataset.description(),
        Test::Holdout(holdout) => serde_json::json!({"holdout": holdout.share()}),
    };
    let mut parameters = serde_json::Map::new();
    parameters.insert("model".to_owned(), object(&request.model).into());
    parameters.insert("train".to_owned(), object(&request.fit).into());
    parameters.insert("data".to_owned(), request.data.description());
    parameters.insert("test".to_owned(), test);
    parameters
}

fn object(value: &impl serde::Serialize) -> serde_json::Map<String, serde_json::Value> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::Object(object)) => object,
        _ => unreachable!("settings and metrics are structs of numbers and names"),
    }
}
