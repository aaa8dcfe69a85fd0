//! What is known before rows are gathered: the window, production and its settings, how many rows there are, and the plan that
//! follows. Nothing is written.

use super::RetrainError;
use super::census::Census;
use super::halting::on_thread;
use super::label_events::LabelEvents;
use super::plan::{Draft, RetrainPlan};
use super::production::{Production, Settings, last_line};
use super::rows::Source;
use super::run::{RetrainOrder, Retrainer};
use crate::sample::FeedbackLabels;
use feature_store::offline::ScanProgress;
use feature_store::offline::store::{Dataset as Stored, Store};
use feature_store::views::EventSource;
use schemas::Timestamp;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
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
        let alias_line = last_line(&self.registry, &self.name, &self.alias).await?;
        let production = Production::find(&self.registry, &self.name, &self.alias).await?;
        let settings = match &production {
            Some(production) if !order.configured => {
                production.settings(&self.registry, &configured, &mut notes).await?
            }
            _ => configured,
        };
        let feedback = FeedbackLabels::read_before(&store, window.end, self.sample_memory_bytes / 2).await;
        let feedback = feedback.map_err(RetrainError::of_feedback)?;
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
            let events = LabelEvents::read(&store, self.sample_memory_bytes / 2).await?;
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
}
