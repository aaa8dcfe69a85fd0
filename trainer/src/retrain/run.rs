//! A retraining from beginning to end: the lease, the version, the comparison, the line in the history. Before the version is
//! registered anything may fail or be stopped, and nothing is there; afterwards it is finished in any case.

use super::hold::while_working;
use super::plan::RetrainPlan;
use super::report::RetrainReport;
use super::rule::may_begin;
use super::{RetrainConfig, RetrainError, metrics};
use crate::gates::PromotionConfig;
use crate::progress::Progress;
use crate::validate::ValidationConfig;
use feature_store::offline::store::OfflineConfig;
use feature_store::views::Views;
use model::{FitConfig, ModelConfig};
use registry::{
    Alias, Begun, Refusal, Registry, RetrainBeginning, RetrainEnd, RetrainLease, RetrainOutcome, Retraining, Trigger,
};
use schemas::{ModelName, Timestamp};
use tokio_util::sync::CancellationToken;

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
    /// There was no need, or not yet.
    Refused(Refusal),
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
        self.reviews().map(|_| ())
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
            Begun::Refused(refusal) => return Ok(Retrained::Refused(refusal)),
        };
        tracing::info!(
            model.name = %self.name, run = lease.run().number, "retraining \"{}\", {}", self.name, order.trigger
        );
        let done = self.work(lease, order, stop, progress).await;
        metrics::record(&order.trigger, done.as_ref().map(|report| report.outcome));
        Ok(Retrained::Done(Box::new(done?)))
    }

    /// Does the run that a lease is for, and writes down how it ended.
    async fn work(
        &self,
        lease: RetrainLease,
        order: &RetrainOrder,
        stop: &CancellationToken,
        progress: impl FnMut(Progress) + Send + 'static,
    ) -> Result<RetrainReport, RetrainError> {
        let (run, fence) = (lease.run().clone(), lease.fence());
        // The work stops on a signal, and when somebody else has taken over.
        let ended = stop.child_token();
        let lost = ended.clone();
        let work = async {
            let made = self.make(order, &ended, progress).await?;
            Ok::<_, RetrainError>(self.conclude(&fence, &run, order, made).await)
        };
        let (lease, done) = while_working(lease, self.config.lease() / 3, &lost, work).await;
        let done = done.map_err(|error| match error {
            RetrainError::Stopped if !stop.is_cancelled() => RetrainError::Lost,
            error => error,
        });
        let end = match &done {
            Ok(report) => success(report),
            Err(error) => self.failure(&run, error),
        };
        if let Err(error) = lease.end(end).await {
            // The lease is over by itself before long.
            tracing::warn!("the history does not say how run {} ended: {error}", run.number);
        }
        done
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

fn success(report: &RetrainReport) -> RetrainEnd {
    RetrainEnd {
        outcome: report.outcome,
        will_retry: false,
        version: Some(report.model.version),
        rows: Some((report.rows.train, report.rows.test)),
        reason: report.reason.clone(),
    }
}
