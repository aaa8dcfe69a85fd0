//! What a monitor knows: predictions and labels joined, quality, one watch for each version of the model, and what goes on.
//! Records come in one by one; alerts come out. It has no memory but what the configuration bounds.

use super::categories::Categories;
use super::config::MonitorConfig;
use super::normal::Normals;
use super::report::{Malformed, MonitorReport, Records};
use super::version::{Readings, VersionWatch};
use model::Scratch;
use monitor::{Alarms, Hysteresis, Outcome, Quality, Scored};
use schemas::{Alert, Feedback, Prediction, Review, Timestamp, Topics};

/// Who raises alerts.
pub(super) const MONITORS: [&str; 7] = ["errors", "quality", "scores", "features", "words", "unknown_words", "shift"];

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// Before its prediction, and that before its label, where their times are the same.
    Review,
    Prediction,
    Feedback,
}

/// See the module's description.
pub(super) struct Watch {
    config: MonitorConfig,
    topics: Topics,
    normals: Normals,
    quality: Quality,
    categories: Categories,
    /// The one that scored last is last.
    versions: Vec<VersionWatch>,
    /// What detectors found.
    changes: Alarms,
    /// What lies beyond a threshold.
    measures: Alarms,
    scratch: Scratch,
    records: Records,
    malformed: Malformed,
    alerts: Vec<Alert>,
    alert_count: u64,
}

/// So many of the last alerts stand in the report.
const ALERTS_SHOWN: usize = 1000;

impl Watch {
    pub(super) fn new(config: MonitorConfig, topics: Topics, normals: Normals) -> Self {
        let hysteresis = config.hysteresis();
        let mut watch = Self {
            quality: Quality::new(config.quality()),
            categories: Categories::new(&config.category_field, config.max_waiting),
            versions: Vec::new(),
            // A detector has looked at many numbers already.
            changes: Alarms::new(Hysteresis { begin_after: 1, ..hysteresis }),
            measures: Alarms::new(hysteresis),
            scratch: Scratch::new(),
            records: Records::default(),
            malformed: Malformed::default(),
            alerts: Vec::new(),
            alert_count: 0,
            config,
            topics,
            normals,
        };
        // The one that the next reviews are for, even before its first prediction is here.
        if let Some(version) = watch.normals.in_use() {
            let mut first = VersionWatch::new(version, &watch.config);
            first.look_up(&watch.normals);
            watch.versions.push(first);
        }
        watch
    }

    /// Alerts that were raised before. The episodes of those that have not come again may still go on.
    pub(super) fn resume(&mut self, earlier: &[Alert]) {
        for (place, alert) in earlier.iter().enumerate() {
            let is_same = |other: &&Alert| {
                (&other.monitor, &other.statistic, &other.slice) == (&alert.monitor, &alert.statistic, &alert.slice)
            };
            let is_last = !earlier[place + 1..].iter().any(|other| is_same(&other));
            let times = |alerts: &[Alert]| alerts.iter().filter(is_same).count();
            if is_last && times(earlier) > times(&self.alerts) {
                let is_change = alert.statistic.contains("_by_");
                if is_change { &mut self.changes } else { &mut self.measures }.resume(alert);
            }
        }
    }

    /// Takes a record's value. What cannot be decoded is counted.
    pub(super) fn take(&mut self, role: Role, value: &[u8]) -> Vec<Alert> {
        *self.records.of(role) += 1;
        let readings = match role {
            Role::Review => Review::decode(value).map(|review| self.review(&review, value)),
            Role::Prediction => Prediction::decode(value).map(|prediction| self.prediction(&prediction)),
            Role::Feedback => Feedback::decode(value).map(|feedback| {
                self.quality.labelled(&feedback).map(|outcome| self.outcome(&outcome)).unwrap_or_default()
            }),
        };
        match readings {
            Ok(readings) => self.read(&readings),
            Err(error) => {
                *self.malformed.of(role) += 1;
                tracing::trace!("a record is passed over: {error}");
                Vec::new()
            }
        }
    }

    fn review(&mut self, review: &Review, value: &[u8]) -> Readings {
        self.categories.note(&review.review_id.0, value);
        let Self { versions, config, topics, scratch, .. } = self;
        let scored_by = versions.last_mut();
        scored_by.map(|watch| watch.text(&review.text, review.created_at, scratch, config, topics)).unwrap_or_default()
    }

    fn prediction(&mut self, prediction: &Prediction) -> Readings {
        if prediction.model.name != self.normals.name {
            self.records.of_other_models += 1;
            return Readings::default();
        }
        let version = prediction.model.version;
        match self.versions.iter().position(|watch| watch.version == version) {
            Some(place) if place + 1 < self.versions.len() => {
                let watch = self.versions.remove(place);
                self.versions.push(watch);
            }
            Some(_) => {}
            None => self.begin(VersionWatch::new(version, &self.config)),
        }
        let review_id = prediction.review_id.0.as_str();
        let scored = Scored {
            probability: prediction.probability,
            version,
            category: self.categories.take(review_id),
            at: prediction.created_at.min(prediction.scored_at),
        };
        let at = scored.at;
        let outcome = self.quality.scored(review_id, scored);
        let Some(watch) = self.versions.last_mut() else { return Readings::default() };
        watch.look_up(&self.normals);
        let mut readings = watch.scored(prediction, at, &self.config, &self.topics);
        if let Some(outcome) = outcome {
            let Readings { changes, measures } = self.outcome(&outcome);
            readings.changes.extend(changes);
            readings.measures.extend(measures);
        }
        readings
    }

    /// A version that is new. Of too many the one that scored nothing for longest goes, with what went on about it.
    fn begin(&mut self, watch: VersionWatch) {
        if self.versions.len() >= self.config.max_versions {
            let gone = self.versions.remove(0).version.to_string();
            for alarms in [&mut self.changes, &mut self.measures] {
                alarms.forget(|episode| episode.slice.get("version") == Some(&gone));
            }
        }
        self.versions.push(watch);
    }

    fn outcome(&mut self, outcome: &Outcome) -> Readings {
        let of = |watch: &&mut VersionWatch| watch.version == outcome.scored.version;
        let watch = self.versions.iter_mut().find(of);
        watch.map(|watch| watch.labelled(outcome, &self.config, &self.topics)).unwrap_or_default()
    }

    fn read(&mut self, readings: &Readings) -> Vec<Alert> {
        let Readings { changes, measures } = readings;
        let of_changes = changes.iter().filter_map(|reading| self.changes.take(reading));
        let of_measures = measures.iter().filter_map(|reading| self.measures.take(reading));
        let alerts: Vec<Alert> =
            of_changes.chain(of_measures).filter(|alert| self.config.alerts.contains(&alert.monitor)).collect();
        for alert in &alerts {
            self.alert_count += 1;
            if self.alerts.len() >= ALERTS_SHOWN {
                self.alerts.remove(0);
            }
            self.alerts.push(alert.clone());
        }
        alerts
    }

    /// What is known now.
    pub(super) fn report(&self) -> MonitorReport {
        MonitorReport {
            at: Some(Timestamp::now()),
            records: self.records,
            malformed: self.malformed,
            labels: self.quality.counts(),
            quality: self.quality.figures(),
            versions: self.versions.iter().rev().map(|watch| watch.report(&self.config)).collect(),
            alerts: self.alerts.clone(),
            alert_count: self.alert_count,
            ongoing: self.changes.ongoing().chain(self.measures.ongoing()).cloned().collect(),
            seconds: 0.0,
        }
    }
}
