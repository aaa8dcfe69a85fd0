//! A retraining from beginning to end: the lease, the plan, the rows, the version, the comparison, the alias. Before the
//! version is registered anything may fail or be stopped, and nothing is there; afterwards it is finished in any case.

use super::census::Census;
use super::hold::while_working;
use super::plan::{Draft, RetrainPlan};
use super::production::{Production, Settings, last_line};
use super::report::RetrainReport;
use super::rows::{GatherProgress, Rows, Source};
use super::rule::may_begin;
use super::{RetrainConfig, RetrainError};
use crate::evaluation::{Inquiry, SliceBy};
use crate::gates::{Challenge, PromotionConfig, VerdictPage, verdict};
use crate::progress::Progress;
use crate::report::Report;
use crate::sample::FeedbackLabels;
use crate::train::{Test, TrainRequest, train};
use crate::tune::{Goal, TuneRequest, Validation};
use crate::validate::{Check, ValidateRequest, ValidationConfig, validate};
use feature_store::offline::ScanProgress;
use feature_store::offline::store::{Dataset as Stored, OfflineConfig, Store};
use feature_store::views::Views;
use model::{FitConfig, ModelConfig};
use registry::{
    Alias, Author, Begun, Move, Registry, RetrainBeginning, RetrainEnd, RetrainFence, RetrainOutcome, Retraining, Tag,
    Trigger, Verdict,
};
use schemas::{ModelName, ModelVersion, Timestamp};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use tokio_util::sync::CancellationToken;

const DAY_MILLIS: i64 = 86_400_000;

/// What every retraining of a model has in common.
#[derive(Debug, Clone)]
pub struct Retrainer {
    /// Where versions are.
    pub registry: Registry,
    /// The model.
    pub name: ModelName,
    /// The alias of the version in production.
    pub alias: Alias,
    /// How texts become numbers where there is nothing in production.
    pub model: ModelConfig,
    /// How weights are fitted where there is nothing in production.
    pub fit: FitConfig,
    /// Where rows come from.
    pub offline: OfflineConfig,
    /// The views that features are of.
    pub views: Views,
    /// What rows may take in memory.
    pub sample_memory_bytes: u64,
    /// What a join may take in memory.
    pub join_memory_bytes: u64,
    /// The section `[retrain]`.
    pub config: RetrainConfig,
    /// What rows must hold to be learned from.
    pub validation: ValidationConfig,
    /// What the new version must hold.
    pub promotion: PromotionConfig,
    /// Who retrains, for the log.
    pub who: String,
}

/// A retraining to be done.
#[derive(Debug, Clone, PartialEq)]
pub struct RetrainOrder {
    /// What for.
    pub trigger: Trigger,
    /// Rows of this time or later; none for `retrain.window_days` before the end.
    pub since: Option<Timestamp>,
    /// Rows before this; none for now.
    pub until: Option<Timestamp>,
    /// How many settings to try first; none for production's.
    pub trials: Option<u32>,
    /// Whether the settings are those of the configuration, whatever production has.
    pub configured: bool,
    /// Somebody's reason, beside the trigger.
    pub why: String,
}

/// What became of an order.
#[derive(Debug, Clone, PartialEq)]
pub enum Retrained {
    /// There is a new version.
    Done(Box<RetrainReport>),
    /// There was no need, for this reason.
    Refused(String),
}

/// What is known before rows are gathered.
struct Prepared {
    plan: RetrainPlan,
    settings: Settings,
    source: Source,
    production: Option<Production>,
    /// The number of the alias' last line in the log.
    alias_line: u64,
}

impl Retrainer {
    /// What a run would use. Nothing is written.
    pub async fn plan(&self, order: &RetrainOrder, stop: &CancellationToken) -> Result<RetrainPlan, RetrainError> {
        Ok(self.prepare(order, stop).await?.plan)
    }

    /// The runs that there were, the earliest first.
    pub async fn history(&self, last: Option<usize>) -> Result<Vec<Retraining>, RetrainError> {
        Ok(self.registry.retrainings(&self.name, last).await?)
    }

    /// Whether there can be rows at all; says so without looking at any.
    pub fn check_store(&self) -> Result<(), RetrainError> {
        self.folder().map(|_| ())
    }

    /// Retrains, unless another process does, or the history says that there is no need.
    pub async fn run(
        &self,
        order: &RetrainOrder,
        stop: &CancellationToken,
        progress: impl FnMut(Progress) + Send + 'static,
    ) -> Result<Retrained, RetrainError> {
        // Better before the lease than after it.
        self.check_store()?;
        let beginning =
            RetrainBeginning { trigger: order.trigger.clone(), who: self.who.clone(), lease: self.config.lease() };
        let rule = |runs: &[Retraining]| may_begin(&order.trigger, runs, &self.config, Timestamp::now());
        let lease = match self.registry.begin_retraining(&self.name, &beginning, rule).await? {
            Begun::Ours(lease) => *lease,
            Begun::Busy(run) => return Err(RetrainError::Busy(run)),
            Begun::Refused(reason) => return Ok(Retrained::Refused(reason)),
        };
        let run = lease.run().clone();
        tracing::info!(model.name = %self.name, run = run.number, "retraining \"{}\", {}", self.name, order.trigger);
        // The work stops on a signal, and when somebody else has taken over.
        let ended = stop.child_token();
        let lost = ended.clone();
        let fence = lease.fence();
        let work = async {
            let (report, prepared, rows) = self.version(&run, order, &ended, progress).await?;
            // The version is there: nothing stops what is left.
            Ok::<_, RetrainError>(self.conclude(&fence, &run, order, report, (prepared, rows)).await)
        };
        let (lease, done) = while_working(lease, self.config.lease() / 3, &lost, work).await;
        let done = done.map_err(|error| match error {
            RetrainError::Stopped if !stop.is_cancelled() => RetrainError::Lost,
            error => error,
        });
        let end = match &done {
            Ok(report) => RetrainEnd {
                outcome: report.outcome,
                will_retry: false,
                version: Some(report.model.version),
                rows: Some((report.rows.train, report.rows.test)),
                reason: report.reason.clone(),
            },
            Err(error) => self.failure(&run, error),
        };
        if let Err(error) = lease.end(end).await {
            // The lease is over by itself before long.
            tracing::warn!("the history does not say how run {} ended: {error}", run.number);
        }
        done.map(|report| Retrained::Done(Box::new(report)))
    }

    /// The folder of reviews, if there can be one.
    fn folder(&self) -> Result<PathBuf, RetrainError> {
        let url = self.offline.url.trim_end_matches('/');
        if url.is_empty() {
            return Err(RetrainError::NoOfflineStore);
        }
        Ok(PathBuf::from(format!("{url}/{}", Stored::Reviews)))
    }

    async fn prepare(&self, order: &RetrainOrder, stop: &CancellationToken) -> Result<Prepared, RetrainError> {
        let window = self.window(order)?;
        let reviews = self.folder()?;
        let store = Store::open(&self.offline)?;
        if store.list(Stored::Reviews).await?.parts.is_empty() {
            return Err(RetrainError::NoReviews { folder: reviews.display().to_string() });
        }
        let mut notes = Vec::new();
        let configured =
            Settings { model: self.model.clone(), fit: self.fit.clone(), source: "the configuration".to_owned() };
        let alias_line = last_line(&self.registry, &self.name, &self.alias).await?;
        let production = Production::find(&self.registry, &self.name, &self.alias).await?;
        let settings = match &production {
            Some(production) if !order.configured => {
                production.settings(&self.registry, &configured, &mut notes).await?
            }
            _ => configured,
        };
        let feedback = FeedbackLabels::read(&store, self.sample_memory_bytes / 2).await?;
        let source = Source {
            reviews: reviews.clone(),
            feedback: feedback.clone(),
            views: self.views.clone(),
            sample_memory_bytes: self.sample_memory_bytes,
            join_memory_bytes: self.join_memory_bytes,
        };
        let features: Vec<String> = settings.model.features.iter().map(|feature| feature.name.clone()).collect();
        source.views_of(&features)?;
        let census = {
            let (scan, window) = (Arc::new(ScanProgress::default()), window.clone());
            let halted = Arc::clone(&scan);
            blocking(stop, move || halted.stop(), move || Census::take(reviews, &window, &feedback, &scan)).await?
        };
        let draft = Draft {
            name: &self.name,
            window,
            production: production.as_ref(),
            settings: &settings,
            tuned: order.trials.is_some(),
            notes,
            config: &self.config,
        };
        let plan = draft.plan(&census)?;
        Ok(Prepared { plan, settings, source, production, alias_line })
    }

    fn window(&self, order: &RetrainOrder) -> Result<Range<Timestamp>, RetrainError> {
        let until = order.until.unwrap_or_else(Timestamp::now);
        let back = until.epoch_millis() - i64::from(self.config.window_days) * DAY_MILLIS;
        let since = order.since.or_else(|| Timestamp::from_epoch_millis(back)).unwrap_or(until);
        if since >= until {
            return Err(RetrainError::NoTime { since, until });
        }
        Ok(since..until)
    }

    /// Trains and registers the version.
    async fn version(
        &self,
        run: &Retraining,
        order: &RetrainOrder,
        stop: &CancellationToken,
        progress: impl FnMut(Progress) + Send + 'static,
    ) -> Result<(Report, Prepared, Rows), RetrainError> {
        self.registry.check_writable().await?;
        let prepared = self.prepare(order, stop).await?;
        for note in &prepared.plan.notes {
            tracing::info!(run = run.number, "{note}");
        }
        let rows = self.gather(&prepared, stop).await?;
        let request = TrainRequest {
            name: self.name.clone(),
            model: prepared.settings.model.clone(),
            fit: prepared.settings.fit.clone(),
            data: rows.train.clone(),
            test: Test::On(rows.test.clone()),
            inquiry: Inquiry::default(),
            tune: order.trials.map(|trials| TuneRequest {
                trials,
                validation: Validation::Auto,
                goal: Goal::LogLoss,
                folder: Some(rows.folder().join("tuning")),
            }),
            promotion: None,
        };
        let report = stop.run_until_cancelled(train(&self.registry, request, progress)).await;
        let report = report.ok_or(RetrainError::Stopped)??;
        Ok((report, prepared, rows))
    }

    /// The rows as files, looked at before anything is learned from them.
    async fn gather(&self, prepared: &Prepared, stop: &CancellationToken) -> Result<Rows, RetrainError> {
        let Prepared { plan, source, .. } = prepared;
        let (plan, source, config) = (plan.clone(), source.clone(), self.config.clone());
        let extras = self.extra_columns();
        let limits = self.validation.clone();
        let progress = Arc::new(GatherProgress::default());
        let halted = Arc::clone(&progress);
        let gathering = move || {
            let rows = source.gather(&plan, &config, &extras, &progress)?;
            let request = ValidateRequest { data: rows.train.clone(), test: Test::None, limits, reference: None };
            let report = validate(&request, &progress.validation)?;
            if !report.passed {
                return Err(RetrainError::Unfit(failed(&report.checks)));
            }
            Ok(rows)
        };
        blocking(stop, move || halted.stop(), gathering).await
    }

    /// The columns that gates are judged by, beside those that every file has.
    fn extra_columns(&self) -> Vec<String> {
        let of_gate = |slice: &str| {
            let by: SliceBy = slice.parse().ok()?;
            by.extra_column().map(str::to_owned)
        };
        let mut columns: Vec<String> =
            self.promotion.gates.iter().filter_map(|gate| of_gate(gate.slice.as_deref()?)).collect();
        columns.sort();
        columns.dedup();
        columns
    }

    /// Compares the version with production, moves the alias if the gates hold, and says so in the registry.
    async fn conclude(
        &self,
        fence: &RetrainFence,
        run: &Retraining,
        order: &RetrainOrder,
        report: Report,
        (prepared, rows): (Prepared, Rows),
    ) -> RetrainReport {
        let concluding = Instant::now();
        let version = report.model.version;
        let challenge = Challenge {
            name: self.name.clone(),
            version,
            alias: self.alias.clone(),
            data: rows.test.clone(),
            config: self.promotion.clone(),
        };
        let judged = async {
            let verdict = verdict(&self.registry, challenge, |_| {}).await?;
            let promotion = Promoting { fence, run, order, version, verdict: verdict.as_ref(), prepared: &prepared };
            let (outcome, reason) = self.promote(promotion).await?;
            Ok::<_, RetrainError>((verdict, outcome, reason))
        };
        // What goes wrong from here on keeps production as it is.
        let (verdict, outcome, reason) = judged.await.unwrap_or_else(|error| {
            (None, RetrainOutcome::Kept, format!("it could not be compared or promoted: {error}"))
        });
        self.describe(run, version, &prepared.plan, &reason).await;
        let mut seconds = report.seconds;
        seconds.insert("conclude".to_owned(), concluding.elapsed().as_secs_f64());
        RetrainReport {
            run: run.number,
            trigger: order.trigger.clone(),
            outcome,
            reason,
            model: report.model,
            rows: report.rows,
            metrics: report.metrics,
            verdict,
            plan: prepared.plan,
            seconds,
        }
    }

    async fn promote(&self, promoting: Promoting<'_>) -> Result<(RetrainOutcome, String), RetrainError> {
        let Promoting { fence, run, order, version, verdict, prepared } = promoting;
        if let Some(verdict) = verdict.filter(|verdict| !verdict.passed) {
            return Ok((RetrainOutcome::Kept, failed_gates(verdict)));
        }
        if !fence.is_held().await? {
            return Ok((RetrainOutcome::Kept, RetrainError::Lost.to_string()));
        }
        let why = match (order.why.as_str(), verdict.and_then(|verdict| verdict.reason.clone())) {
            ("", None) => format!("retraining {}, {}: the gates held", run.number, order.trigger),
            ("", Some(reason)) => format!("retraining {}, {}: {reason}", run.number, order.trigger),
            (why, _) => format!("retraining {}: {why}", run.number),
        };
        let change = Move {
            alias: self.alias.clone(),
            version,
            verdict: verdict.cloned(),
            only_after: Some(prepared.alias_line),
        };
        let standing = self.registry.move_alias(&self.name, change, &Author::new(self.who.clone(), why)).await?;
        if !standing.is_new {
            let others = standing.entry;
            let reason = format!("{} was moved to {} by {} meanwhile", self.alias, others.version, others.who);
            return Ok((RetrainOutcome::Kept, reason));
        }
        let reason = match (&prepared.production, verdict) {
            (None, _) => "it is the first version in production".to_owned(),
            (Some(_), None) => "there are no gates to hold".to_owned(),
            (Some(production), Some(_)) => format!("it holds the gates against {}", production.version),
        };
        Ok((RetrainOutcome::Promoted, reason))
    }

    /// Tags and description of the version. Nothing hangs on them.
    async fn describe(&self, run: &Retraining, version: ModelVersion, plan: &RetrainPlan, reason: &str) {
        let Retraining { number: run, trigger: of_run, .. } = run;
        let trigger = match of_run {
            Trigger::Manual => "manual",
            Trigger::Schedule { .. } => "schedule",
            Trigger::Drift { .. } => "drift",
        };
        let author = Author::new(self.who.clone(), format!("retraining {run}"));
        let text = format!(
            "Retrained ({}) on reviews of {} to {} with the settings of {}; compared on those up to {}: {reason}",
            of_run, plan.train.from, plan.train.until, plan.settings, plan.test.until
        );
        let noting = async {
            for (key, value) in [("retrain.run", run.to_string()), ("retrain.trigger", trigger.to_owned())] {
                let tag = Tag::new(key, &value).map_err(|problem| registry::Error::Note { problem })?;
                self.registry.tag(&self.name, version, tag, &author).await?;
            }
            self.registry.describe(&self.name, version, &shortened(&text), &author).await
        };
        if let Err(error) = noting.await {
            tracing::warn!(model.version = %version, "{version} has no description of its retraining: {error}");
        }
    }

    fn failure(&self, run: &Retraining, error: &RetrainError) -> RetrainEnd {
        let is_over = matches!(error, RetrainError::Stopped | RetrainError::Lost);
        let can_retry = run.trigger != Trigger::Manual && run.attempt <= self.config.retries;
        RetrainEnd {
            outcome: if is_over { RetrainOutcome::Stopped } else { RetrainOutcome::Failed },
            will_retry: can_retry && (is_over || error.is_passing()),
            version: None,
            rows: None,
            reason: error.to_string(),
        }
    }
}

/// A version that is to take the alias.
struct Promoting<'a> {
    fence: &'a RetrainFence,
    run: &'a Retraining,
    order: &'a RetrainOrder,
    version: ModelVersion,
    verdict: Option<&'a Verdict>,
    prepared: &'a Prepared,
}

/// Work on a thread, told to halt when the token is cancelled, and waited for: what it has made is removed then.
async fn blocking<T: Send + 'static>(
    stop: &CancellationToken,
    halt: impl Fn(),
    work: impl FnOnce() -> Result<T, RetrainError> + Send + 'static,
) -> Result<T, RetrainError> {
    let mut working = tokio::task::spawn_blocking(work);
    tokio::select! {
        outcome = &mut working => outcome.expect("gathering rows doesn't panic, and isn't cancelled"),
        () = stop.cancelled() => {
            halt();
            drop(working.await);
            Err(RetrainError::Stopped)
        }
    }
}

fn failed(checks: &[Check]) -> String {
    let in_words = |check: &Check| format!("{} is {:.4}, and {:.4} is the limit", check.what, check.value, check.limit);
    checks.iter().filter(|check| !check.passed).map(in_words).collect::<Vec<_>>().join("; ")
}

/// The gates that did not hold, in a line.
fn failed_gates(verdict: &Verdict) -> String {
    if let Some(reason) = &verdict.reason {
        return reason.clone();
    }
    let page = VerdictPage(verdict).to_string();
    let failed = page.lines().filter_map(|line| line.trim().strip_prefix("FAILED ")).collect::<Vec<_>>();
    format!("gates did not hold: {}", failed.join("; "))
}

/// What a description may take.
fn shortened(text: &str) -> String {
    text.chars().take(1000).collect()
}
