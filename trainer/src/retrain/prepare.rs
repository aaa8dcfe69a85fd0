//! What is known before rows are gathered: the window, production and its settings, how many rows there are, and the plan that
//! follows. Nothing is written.

use super::RetrainError;
use super::census::Census;
use super::halting::on_thread;
use super::label_events::LabelEvents;
use super::plan::{Draft, RetrainPlan};
use super::production::{Production, Settings};
use super::rows::Source;
use super::run::{RetrainOrder, Retrainer};
use crate::error::Error as TrainError;
use crate::evaluation::SliceBy;
use crate::sample::{FeedbackLabels, is_own};
use feature_store::offline::store::{Dataset as Stored, Store};
use feature_store::offline::{FileError, ReadOptions, Scan, ScanProgress};
use feature_store::views::EventSource;
use schemas::Timestamp;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

const DAY_MILLIS: i64 = 86_400_000;

/// What is known before rows are gathered.
pub(super) struct Prepared {
    pub(super) plan: RetrainPlan,
    pub(super) settings: Settings,
    pub(super) source: Source,
    pub(super) production: Option<Production>,
    /// The number of the alias' last line in the log.
    pub(super) alias_line: u64,
    /// The columns that gates slice by, beside those that every file of reviews has.
    pub(super) extras: Vec<String>,
}

impl Retrainer {
    /// The folder of reviews, if there can be one.
    pub(super) fn reviews(&self) -> Result<PathBuf, RetrainError> {
        let url = self.offline.url.trim_end_matches('/');
        if url.is_empty() {
            return Err(RetrainError::NoOfflineStore);
        }
        Ok(PathBuf::from(format!("{url}/{}", Stored::Reviews)))
    }

    pub(super) async fn prepare(
        &self,
        order: &RetrainOrder,
        stop: &CancellationToken,
    ) -> Result<Prepared, RetrainError> {
        let window = self.window(order)?;
        let reviews = self.reviews()?;
        let store = Store::open(&self.offline)?;
        if store.list(Stored::Reviews).await?.parts.is_empty() {
            return Err(RetrainError::NoReviews { folder: reviews.display().to_string() });
        }
        let mut notes = Vec::new();
        let configured =
            Settings { model: self.model.clone(), fit: self.fit.clone(), source: "the configuration".to_owned() };
        let (version, alias_line) = self.registry.holder(&self.name, &self.alias).await?;
        let production = match version {
            Some(version) => Some(Production::find(&self.registry, &self.name, version).await?),
            None => None,
        };
        let settings = match &production {
            Some(production) if !order.configured => {
                production.settings(&self.registry, &configured, &mut notes).await?
            }
            _ => configured,
        };
        let extras = self.gate_columns(&reviews)?;
        // Read on a thread: decoding takes its time, and meanwhile the lease is renewed.
        let (runtime, labels_memory_bytes) = (Handle::current(), self.sample_memory_bytes / 2);
        let (of_labels, of_window, on_runtime) = (store.clone(), window.clone(), runtime.clone());
        let reading = move || {
            let reading = FeedbackLabels::read_within(&of_labels, of_window, labels_memory_bytes);
            on_runtime.block_on(reading).map_err(RetrainError::of_feedback)
        };
        let feedback = on_thread(stop, || {}, reading).await?;
        let mut source = Source {
            reviews: reviews.clone(),
            feedback: feedback.clone(),
            views: self.views.clone(),
            label_events: None,
            sample_memory_bytes: self.sample_memory_bytes,
            join_memory_bytes: self.join_memory_bytes,
        };
        let features: Vec<String> = settings.model.features.iter().map(|feature| feature.name.clone()).collect();
        if source.views_of(&features)?.iter().any(|view| view.source() == EventSource::Feedback) {
            let reading = move || runtime.block_on(LabelEvents::read(&store, labels_memory_bytes));
            let events = on_thread(stop, || {}, reading).await?;
            source.label_events = Some(Arc::new(events));
        }
        let census = {
            let (scan, window) = (Arc::new(ScanProgress::default()), window.clone());
            let halted = Arc::clone(&scan);
            on_thread(stop, move || halted.stop(), move || Census::take(reviews, &window, &feedback, &scan)).await?
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
        Ok(Prepared { plan, settings, source, production, alias_line, extras })
    }

    /// The columns that gates slice by, beside our own. Known before anything is gathered: without one no run could succeed.
    fn gate_columns(&self, reviews: &Path) -> Result<Vec<String>, RetrainError> {
        let mut columns = Vec::new();
        for slice in self.promotion.gates.iter().filter_map(|gate| gate.slice.as_deref()) {
            let by: SliceBy =
                slice.parse().map_err(|reason| TrainError::GateSlice { slice: slice.to_owned(), reason })?;
            let Some(column) = by.extra_column().filter(|column| !is_own(column)) else { continue };
            let read = ReadOptions { extras: vec![column.to_owned()], ..ReadOptions::default() };
            match Scan::open(&[reviews.to_owned()], &read) {
                Ok(_) => columns.push(column.to_owned()),
                Err(FileError::NoExtraColumn { .. }) => {
                    let (data, slice) = (reviews.display().to_string(), slice.to_owned());
                    return Err(TrainError::NoGateColumn { data, slice, column: column.to_owned() }.into());
                }
                Err(error) => return Err(error.into()),
            }
        }
        columns.sort();
        columns.dedup();
        Ok(columns)
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
}
