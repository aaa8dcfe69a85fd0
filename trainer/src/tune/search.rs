//! The search itself: rungs of trials, on all cores, each result written down before the next is begun.

use super::halving::rungs;
use super::journal::{Journal, SearchIdentity};
use super::request::TuneRequest;
use super::space::Settings;
use super::split::Split;
use super::texts::Texts;
use super::trial;
use super::tuned::{TrialSummary, Tuned};
use crate::error::Error;
use crate::evaluation::PageFile;
use crate::examples::example;
use crate::learn::MINIMUM_ROWS;
use crate::overlap::{check_rereadable, shared_rows};
use crate::pass::Pass;
use crate::progress::Progress;
use crate::train::{Test, TrainRequest};
use model::FitError;
use model::metrics::Metrics;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::time::Instant;
use tokio_util::sync::CancellationToken;

/// Where searches have their folders unless one is named.
const FOLDER: &str = "plaudit-tuning";

/// The request with the best settings that a search finds on its training rows.
pub(crate) fn tuned(
    request: TrainRequest,
    tune: &TuneRequest,
    progress: &mut dyn FnMut(Progress),
) -> Result<(TrainRequest, Tuned), Error> {
    let start = Instant::now();
    if tune.trials == 0 {
        return Err(Error::NoTrials);
    }
    let given = Settings { model: request.model.clone(), fit: request.fit.clone() };
    given.model.check()?;
    given.fit.check()?;
    let texts = read(&request, progress)?;
    let data = request.data.to_string();
    let split = Split::of(texts.rows(), tune.validation, &data)?;
    let identity = identity(&given, &texts, &split, data);
    let folder = tune.folder.clone().unwrap_or_else(|| Path::new(FOLDER).join(identity.folder_name()));
    let (journal, known) = Journal::open(&folder.join("journal.jsonl"), &identity)?;
    // Better before the search than after it.
    let page = PageFile::create(folder.join("trials.html"))?;
    let resumed = known.len() as u64;
    let memory_bytes = request.fit.memory_limit_bytes.saturating_sub(texts.used());
    let mut search = Search {
        texts: &texts,
        split: &split,
        memory_bytes,
        settings: Settings::of_trials(&given, tune.trials),
        tune,
        stop: &request.stop,
        journal,
        results: known.into_iter().map(|result| (key(&result), result)).collect(),
    };
    let (best, given_result) = search.climb(progress)?;
    let trials = search.furthest();
    let Settings { model, fit } = search.settings[best.trial as usize].clone();
    let tuned = Tuned {
        goal: tune.goal,
        validation: split.by.to_owned(),
        train_rows: split.training_rows() as u64,
        validation_rows: split.validation.len() as u64,
        rows_read: texts.seen,
        best,
        given: given_result,
        trials,
        resumed,
        journal: folder.join("journal.jsonl"),
        page: PathBuf::from(page.path()),
        seconds: start.elapsed().as_secs_f64(),
    };
    page.finish(&tuned.to_html())?;
    Ok((TrainRequest { model, fit, ..request }, tuned))
}

/// The training rows, without those that are tested.
fn read(request: &TrainRequest, progress: &mut dyn FnMut(Progress)) -> Result<Texts, Error> {
    let TrainRequest { data, test, model, fit, stop, .. } = request;
    check_rereadable(data, test)?;
    crate::overlap::check_repeatable(data)?;
    let tested = if let Test::On(test) = test { shared_rows(data, test)? } else { Vec::new() };
    let holdout = if let Test::Holdout(holdout) = test { Some(*holdout) } else { None };
    // The rest is for the matrices of the trials.
    let mut texts = Texts::new(fit.memory_limit_bytes / 2, model.features.len());
    Pass::open(data)?.until(stop).run(|rows, position| {
        for row in rows {
            if tested.binary_search(&row.position).is_ok() {
                continue;
            }
            match example(row) {
                Ok(example) if holdout.is_none_or(|holdout| !holdout.holds_document(&example.document)) => {
                    texts.push(&example);
                }
                _ => {}
            }
        }
        let (bytes_read, total_bytes) = (position.bytes_read, position.total_bytes);
        progress(Progress::Learning { rows: texts.seen, bytes_read, total_bytes });
        Ok(())
    })?;
    if (texts.rows().len() as u64) < MINIMUM_ROWS {
        let (data, rows, minimum) = (data.to_string(), texts.rows().len() as u64, MINIMUM_ROWS);
        return Err(Error::TooFewRows { data, rows, minimum, dropped: String::new() });
    }
    Ok(texts)
}

fn identity(given: &Settings, texts: &Texts, split: &Split, data: String) -> SearchIdentity {
    let mut settings = given.flat();
    // How much memory there is changes no trial.
    settings.remove("train.memory_limit_bytes");
    SearchIdentity {
        format: 2,
        program: concat!("plaudit ", env!("CARGO_PKG_VERSION")).to_owned(),
        data,
        rows: texts.rows().len() as u64,
        fingerprint: format!("{:016x}", texts.fingerprint()),
        validation: split.by.to_owned(),
        settings,
    }
}

/// A trial on a share of the rows.
type Key = (u32, u64);

fn key(result: &TrialSummary) -> Key {
    (result.trial, result.share.to_bits())
}

struct Search<'a> {
    texts: &'a Texts,
    split: &'a Split,
    /// What is left for the matrices of all trials that run at once.
    memory_bytes: u64,
    settings: Vec<Settings>,
    tune: &'a TuneRequest,
    stop: &'a CancellationToken,
    journal: Journal,
    results: HashMap<Key, TrialSummary>,
}

impl Search<'_> {
    /// Runs the rungs; answers the best trial and the given settings, both with all rows.
    fn climb(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<(TrialSummary, TrialSummary), Error> {
        let rungs = rungs(self.settings.len(), self.split.rarer_class_rows());
        let total = rungs.iter().map(|rung| rung.trials as u64).sum::<u64>();
        let mut ranked: Vec<u32> = (0..self.settings.len() as u32).collect();
        let mut done = 0;
        for rung in &rungs {
            let mut entrants = std::mem::take(&mut ranked);
            entrants.truncate(rung.trials);
            // The given settings go all the way, so that what was won by searching can be told.
            if !entrants.contains(&0) {
                entrants.push(0);
            }
            self.run(&entrants, rung.share, &mut |step, best| {
                progress(Progress::Tuning { done: (done + step).min(total), total, best });
            })?;
            done += rung.trials as u64;
            ranked = self.ranked(entrants, rung.share);
        }
        let of_all_rows = |trial: u32| self.results.get(&(trial, 1.0_f64.to_bits())).cloned();
        match (ranked.first().and_then(|&best| of_all_rows(best)), of_all_rows(0)) {
            (Some(best), Some(given)) => Ok((best, given)),
            _ => {
                let first =
                    self.results.values().filter(|result| result.error.is_some()).min_by_key(|result| result.trial);
                let error = first.and_then(|result| result.error.clone()).unwrap_or_default();
                Err(Error::NoTrialSucceeded { trials: self.settings.len(), error })
            }
        }
    }

    /// Runs trials whose result is not known yet, one on each core; the few that need more memory than their share run
    /// alone afterwards, so that the number of cores changes no result. `progress` hears how many are through, and the best
    /// figure among them.
    fn run(&mut self, trials: &[u32], share: f64, progress: &mut dyn FnMut(u64, Option<f64>)) -> Result<(), Error> {
        let is_known = |trial: &&u32| self.results.contains_key(&(**trial, share.to_bits()));
        let (known, waiting): (Vec<u32>, Vec<u32>) = trials.iter().partition(|trial| is_known(trial));
        let training = self.split.training(share);
        let memory = self.memory_bytes;
        let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get()).min(waiting.len().max(1));
        let goal = self.tune.goal;
        let mut finished = known.len() as u64;
        let mut best = self.best(&known, share);
        progress(finished, best);
        let mut too_large = Vec::new();
        let Self { texts, split, settings, journal, results, stop, .. } = self;
        let (texts, split, settings) = (*texts, *split, &*settings);
        let run = |trial: u32, memory: u64| {
            let start = Instant::now();
            let outcome = trial::run(texts, (&training, &split.validation), &settings[trial as usize], memory);
            (outcome, start.elapsed().as_secs_f64())
        };
        let mut keep = |trial: u32, (outcome, seconds): (Result<Metrics, FitError>, f64)| {
            let (metrics, error) = match outcome {
                Ok(metrics) => (Some(metrics), None),
                Err(error) => (None, Some(error.to_string())),
            };
            let changes = settings[trial as usize].changes(&settings[0]);
            let result = TrialSummary {
                trial,
                share,
                train_rows: training.len() as u64,
                settings: changes,
                metrics,
                error,
                seconds,
            };
            journal.add(&result)?;
            finished += 1;
            best = [best, result.figure(goal)].into_iter().flatten().min_by(|one, other| goal.order(*one, *other));
            progress(finished, best);
            results.insert(key(&result), result);
            if stop.is_cancelled() { Err(Error::Stopped) } else { Ok(()) }
        };
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            let (sender, receiver) = channel();
            for _ in 0..threads {
                let (sender, next, waiting, run) = (sender.clone(), &next, &waiting, &run);
                scope.spawn(move || {
                    while let Some(&trial) = waiting.get(next.fetch_add(1, Ordering::Relaxed)) {
                        // Nobody listens any more when the journal could not be written.
                        if sender.send((trial, run(trial, memory / threads as u64))).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(sender);
            for (trial, outcome) in receiver {
                match outcome {
                    (Err(FitError::MemoryLimit { .. }), _) if threads > 1 => too_large.push(trial),
                    outcome => keep(trial, outcome)?,
                }
            }
            Ok::<_, Error>(())
        })?;
        too_large.sort_unstable();
        too_large.into_iter().try_for_each(|trial| keep(trial, run(trial, memory)))
    }

    fn best(&self, trials: &[u32], share: f64) -> Option<f64> {
        let figures =
            trials.iter().filter_map(|trial| self.results.get(&(*trial, share.to_bits()))?.figure(self.tune.goal));
        figures.min_by(|one, other| self.tune.goal.order(*one, *other))
    }

    /// The trials that could be fitted, the best first; of equal ones that with the lower number.
    fn ranked(&self, trials: Vec<u32>, share: f64) -> Vec<u32> {
        let figure = |trial: u32| self.results.get(&(trial, share.to_bits()))?.figure(self.tune.goal);
        let mut ranked: Vec<(f64, u32)> =
            trials.into_iter().filter_map(|trial| Some((figure(trial)?, trial))).collect();
        ranked.sort_unstable_by(|one, other| self.tune.goal.order(one.0, other.0).then(one.1.cmp(&other.1)));
        ranked.into_iter().map(|(_, trial)| trial).collect()
    }

    /// Each trial where it got furthest: those with more rows first, and then the better ones.
    fn furthest(&self) -> Vec<TrialSummary> {
        let mut furthest: BTreeMap<u32, &TrialSummary> = BTreeMap::new();
        for result in self.results.values().filter(|result| (result.trial as usize) < self.settings.len()) {
            let known = furthest.entry(result.trial).or_insert(result);
            if result.share > known.share {
                *known = result;
            }
        }
        let mut trials: Vec<TrialSummary> = furthest.into_values().cloned().collect();
        let figure = |trial: &TrialSummary| trial.figure(self.tune.goal);
        trials.sort_by(|one, other| {
            let by_figure = match (figure(one), figure(other)) {
                (Some(one), Some(other)) => self.tune.goal.order(one, other),
                (one, other) => other.is_some().cmp(&one.is_some()),
            };
            other.share.total_cmp(&one.share).then(by_figure).then(one.trial.cmp(&other.trial))
        });
        trials
    }
}
