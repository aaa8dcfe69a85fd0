//! The version of a run: its rows as files, looked at by the limits of `[validation]`, learned from, tested and registered.
//! Until it is registered it may be stopped at any time, and nothing is there.

use super::halting::on_thread;
use super::prepare::Prepared;
use super::production::Production;
use super::rows::{GatherProgress, Rows};
use super::run::{RetrainOrder, Retrainer};
use super::{RetrainError, fitness};
use crate::error::Error;
use crate::evaluation::Inquiry;
use crate::progress::Progress;
use crate::report::Report;
use crate::train::{Test, TrainRequest, train};
use crate::tune::{Goal, TuneRequest, Validation};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// A version that is registered, and what it was made with.
pub(super) struct Made {
    pub(super) report: Report,
    pub(super) prepared: Prepared,
    /// They are needed once more, for the comparison.
    pub(super) rows: Rows,
}

impl Retrainer {
    /// Trains and registers the version.
    pub(super) async fn make(
        &self,
        order: &RetrainOrder,
        stop: &CancellationToken,
        progress: impl FnMut(Progress) + Send + 'static,
    ) -> Result<Made, RetrainError> {
        self.registry.check_writable().await?;
        let prepared = self.prepare(order, stop).await?;
        for note in &prepared.plan.notes {
            tracing::info!("{note}");
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
                is_passing: true,
            }),
            promotion: None,
            stop: stop.clone(),
        };
        let report = train(&self.registry, request, progress).await.map_err(|error| match error {
            Error::Stopped => RetrainError::Stopped,
            error => error.into(),
        })?;
        Ok(Made { report, prepared, rows })
    }

    /// The rows as files, looked at before anything is learned from them.
    async fn gather(&self, prepared: &Prepared, stop: &CancellationToken) -> Result<Rows, RetrainError> {
        let Prepared { plan, source, production, .. } = prepared;
        let reference = production.as_ref().and_then(Production::words);
        let (plan, source, config) = (plan.clone(), source.clone(), self.config.clone());
        let (extras, limits) = (prepared.extras.clone(), self.validation.clone());
        let progress = Arc::new(GatherProgress::default());
        let halted = Arc::clone(&progress);
        let gathering = move || {
            let rows = source.gather(&plan, &config, &extras, &progress)?;
            fitness::check(&rows, plan.train.rows, &limits, reference, &progress.validation)?;
            Ok(rows)
        };
        on_thread(stop, move || halted.stop(), gathering).await
    }
}
