//! The version of a run: its rows as files, looked at by the limits of `[validation]`, learned from, tested and registered.
//! Until it is registered it may be stopped at any time, and nothing is there.

use super::halting::on_thread;
use super::prepare::Prepared;
use super::production::Production;
use super::rows::{GatherProgress, Rows};
use super::run::{RetrainOrder, Retrainer};
use super::{RetrainError, fitness};
use crate::evaluation::{Inquiry, SliceBy};
use crate::progress::Progress;
use crate::report::Report;
use crate::train::{Test, TrainRequest, train};
use crate::tune::{Goal, TuneRequest, Validation};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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
        };
        let report = self.train(request, stop, progress).await?;
        Ok(Made { report, prepared, rows })
    }

    /// Trains until it is told to stop. What has begun to be registered is finished: nobody could say whether it is there.
    async fn train(
        &self,
        request: TrainRequest,
        stop: &CancellationToken,
        mut progress: impl FnMut(Progress) + Send + 'static,
    ) -> Result<Report, RetrainError> {
        let is_registering = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&is_registering);
        let mut training = pin!(train(&self.registry, request, move |step| {
            if matches!(step, Progress::Registering) {
                seen.store(true, Ordering::Release);
            }
            progress(step);
        }));
        tokio::select! {
            biased;
            report = &mut training => Ok(report?),
            () = stop.cancelled() => match is_registering.load(Ordering::Acquire) {
                true => Ok(training.await?),
                false => Err(RetrainError::Stopped),
            },
        }
    }

    /// The rows as files, looked at before anything is learned from them.
    async fn gather(&self, prepared: &Prepared, stop: &CancellationToken) -> Result<Rows, RetrainError> {
        let Prepared { plan, source, production, .. } = prepared;
        let reference = production.as_ref().and_then(Production::words);
        let (plan, source, config) = (plan.clone(), source.clone(), self.config.clone());
        let (extras, limits) = (self.extra_columns(), self.validation.clone());
        let progress = Arc::new(GatherProgress::default());
        let halted = Arc::clone(&progress);
        let gathering = move || {
            let rows = source.gather(&plan, &config, &extras, &progress)?;
            fitness::check(&rows, plan.train.rows, &limits, reference, &progress.validation)?;
            Ok(rows)
        };
        on_thread(stop, move || halted.stop(), gathering).await
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
}
