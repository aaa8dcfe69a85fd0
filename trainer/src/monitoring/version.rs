//! One version of the model at work: its errors and scores under detectors, and its windows beside its reference.

use super::config::MonitorConfig;
use super::normal::{Normal, Normals};
use super::readings::Scope;
use model::Scratch;
use monitor::{Change, Comparison, Detector, Distance, Outcome, Reading, Reference, Shift, Signal};
use schemas::{Label, ModelVersion, Prediction, Timestamp, Topics, Window};
use serde::Serialize;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A registry that does not answer is asked again after this.
const ASK_AGAIN: Duration = Duration::from_secs(60);

/// A version, from its first prediction on.
pub(super) struct VersionWatch {
    pub(super) version: ModelVersion,
    predictions: u64,
    normal: Option<Arc<Normal>>,
    asked: Option<Instant>,
    errors: Stream,
    scores: Stream,
    seen: Block,
    labelled: Block,
    texts: Block,
    comparison: Option<Comparison>,
    words: Option<WordComparison>,
    shift: Option<Shift>,
}

/// The words of a window of reviews beside those of the reference.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct WordComparison {
    /// How many reviews.
    pub reviews: u64,
    /// The population stability index.
    pub words: Option<Distance>,
    /// The share of words that the model does not know,
    pub unknown_share: Option<f64>,
    /// what it was when the model was made,
    pub unknown_share_before: Option<f64>,
    /// and by how many deviations it lies above that.
    pub unknown_words: Option<Distance>,
}

/// What is read of a version at once: changes that detectors found, and measures with their thresholds.
#[derive(Debug, Default)]
pub(super) struct Readings {
    pub(super) changes: Vec<Reading>,
    pub(super) measures: Vec<Reading>,
}

/// What is known of a version.
#[derive(Debug, Clone, Serialize)]
pub struct VersionReport {
    /// Which one.
    pub version: ModelVersion,
    /// Its predictions.
    pub predictions: u64,
    /// Whether the registry has what was normal for it. Without that nothing is compared.
    pub has_reference: bool,
    /// The share of its test rows that it got wrong.
    pub error_rate_promised: Option<f64>,
    /// The last whole window beside the reference; before there is one, what there is.
    pub comparison: Option<Comparison>,
    /// What explains the last window of labelled predictions.
    pub shift: Option<Shift>,
    /// The same for the words of the reviews that came while it scored.
    pub words: Option<WordComparison>,
    /// The last change of its errors.
    pub change_of_errors: Option<Change>,
    /// The last change of its scores.
    pub change_of_scores: Option<Change>,
}

impl VersionWatch {
    pub(super) fn new(version: ModelVersion, config: &MonitorConfig) -> Self {
        Self {
            version,
            predictions: 0,
            normal: None,
            asked: None,
            errors: Stream::new(config.error_detector.begin()),
            scores: Stream::new(config.score_detector.begin()),
            seen: Block::default(),
            labelled: Block::default(),
            texts: Block::default(),
            comparison: None,
            words: None,
            shift: None,
        }
    }

    /// Looks up what was normal, unless that is known, or was asked for a moment ago.
    pub(super) fn look_up(&mut self, normals: &Normals) {
        if self.normal.is_some() || self.asked.is_some_and(|asked| asked.elapsed() < ASK_AGAIN) {
            return;
        }
        if self.asked.is_none() {
            tracing::info!("begins with {} {}", normals.name, self.version);
        }
        self.asked = Some(Instant::now());
        match normals.of(self.version) {
            Ok(normal) => self.normal = Some(normal),
            Err(error) => tracing::warn!("{} is compared with nothing: {error}", self.version),
        }
    }

    /// The text of a review that it is about to score.
    pub(super) fn text(
        &mut self,
        text: &str,
        at: Timestamp,
        scratch: &mut Scratch,
        config: &MonitorConfig,
        topics: &Topics,
    ) -> Readings {
        let Some(normal) = &self.normal else { return Readings::default() };
        let Some(window) = self.texts.window(normal) else { return Readings::default() };
        window.words.add(text);
        let (unknown, words) = normal.unknown_words(text, scratch);
        window.unknown_words.add(unknown, words);
        self.texts.records += 1;
        self.texts.from.get_or_insert(at);
        if self.texts.records < config.window as u64 {
            return Readings::default();
        }
        let block = std::mem::take(&mut self.texts);
        self.words = self.compare_words(&block, config);
        let scope = self.scope(&topics.reviews, block.records, block.from.unwrap_or(at), at);
        let measures = self.words.iter().flat_map(|found| scope.words(found, config)).collect();
        Readings { changes: Vec::new(), measures }
    }

    /// A prediction of a review of that time.
    pub(super) fn scored(
        &mut self,
        prediction: &Prediction,
        at: Timestamp,
        config: &MonitorConfig,
        topics: &Topics,
    ) -> Readings {
        self.predictions += 1;
        let mut readings = Readings::default();
        let change = self.scores.update(prediction.probability, at, config.window);
        if let Some((change, since)) = change {
            let scope = self.scope(&topics.predictions, change.age, since, at);
            let found = scope.change_of_scores(self.scores.name(), change, config.least_change);
            self.scores.found |= found.is_some();
            readings.changes.extend(found);
        }
        self.seen.records += 1;
        self.seen.from.get_or_insert(at);
        if let Some(window) = self.normal.as_ref().and_then(|normal| self.seen.window(normal)) {
            window.add_score(prediction.probability, None);
            window.add_features(&prediction.features);
        }
        if self.seen.records >= config.window as u64 {
            let block = std::mem::take(&mut self.seen);
            let scope = self.scope(&topics.predictions, block.records, block.from.unwrap_or(at), at);
            self.comparison = self.compare(&block, config);
            readings.measures.extend(self.comparison.iter().flat_map(|found| scope.distances(found, config)));
            if !std::mem::take(&mut self.scores.found) {
                let statistic = format!("change_of_mean_score_by_{}", self.scores.name());
                readings.changes.push(scope.quiet("scores", &statistic));
            }
        }
        readings
    }

    /// The label of one of its predictions.
    pub(super) fn labelled(&mut self, outcome: &Outcome, config: &MonitorConfig, topics: &Topics) -> Readings {
        let at = outcome.scored.at;
        let mut readings = Readings::default();
        if let Some((change, since)) = self.errors.update(outcome.error(), at, config.window) {
            let scope = self.scope(&topics.feedback, change.age, since, at);
            let found = scope.rise_of_errors(self.errors.name(), change, config.least_change);
            self.errors.found |= found.is_some();
            readings.changes.extend(found);
        }
        self.labelled.records += 1;
        self.labelled.from.get_or_insert(at);
        self.labelled.wrong += u64::from(Label::from_probability(outcome.scored.probability) != outcome.label);
        if let Some(window) = self.normal.as_ref().and_then(|normal| self.labelled.window(normal)) {
            window.add_score(outcome.scored.probability, Some(outcome.label));
        }
        if self.labelled.records >= config.window as u64 {
            let block = std::mem::take(&mut self.labelled);
            let scope = self.scope(&topics.feedback, block.records, block.from.unwrap_or(at), at);
            self.shift = self.shift(&block, config);
            readings.measures.extend(self.shift.iter().flat_map(|shift| scope.shift(shift, config.alpha)));
            if let Some(normal) = &self.normal {
                readings.measures.extend(scope.error_rate(block.wrong, block.records, normal, config));
            }
            if !std::mem::take(&mut self.errors.found) {
                readings.changes.push(scope.quiet("errors", &format!("error_rate_by_{}", self.errors.name())));
            }
        }
        readings
    }

    fn scope(&self, topic: &str, records: u64, from: Timestamp, to: Timestamp) -> Scope {
        let window = Window {
            topic: topic.to_owned(),
            records: Some(records),
            from: Some(from.min(to)),
            to: Some(to.max(from)),
            ..Window::default()
        };
        Scope { version: self.version, window, at: to }
    }

    fn compare(&self, block: &Block, config: &MonitorConfig) -> Option<Comparison> {
        let reference = self.normal.as_ref()?.reference.as_ref()?;
        Some(Comparison::of(block.window.as_ref()?, reference, config.alpha))
    }

    fn compare_words(&self, block: &Block, config: &MonitorConfig) -> Option<WordComparison> {
        let reference = self.normal.as_ref()?.reference.as_ref()?;
        let window = block.window.as_ref()?;
        let Comparison { words, unknown_words, .. } = Comparison::of(window, reference, config.alpha);
        Some(WordComparison {
            reviews: block.records,
            words,
            unknown_share: window.unknown_words.share(),
            unknown_share_before: reference.unknown_words.share(),
            unknown_words,
        })
    }

    fn shift(&self, block: &Block, config: &MonitorConfig) -> Option<Shift> {
        Shift::of(block.window.as_ref()?, self.normal.as_ref()?.reference.as_ref()?, config.alpha)
    }

    pub(super) fn report(&self, config: &MonitorConfig) -> VersionReport {
        let reference = self.normal.as_ref().and_then(|normal| normal.reference.as_ref());
        VersionReport {
            version: self.version,
            predictions: self.predictions,
            has_reference: reference.is_some(),
            error_rate_promised: self.normal.as_ref().and_then(|normal| normal.error_rate),
            comparison: self.comparison.clone().or_else(|| self.compare(&self.seen, config)),
            shift: self.shift.clone().or_else(|| self.shift(&self.labelled, config)),
            words: self.words.or_else(|| self.compare_words(&self.texts, config)),
            change_of_errors: self.errors.last,
            change_of_scores: self.scores.last,
        }
    }
}

/// Numbers under a detector, and when the last ones came.
struct Stream {
    detector: Detector,
    times: VecDeque<Timestamp>,
    /// Whether a change that is news was found since the last look.
    found: bool,
    last: Option<Change>,
}

impl Stream {
    fn new(detector: Detector) -> Self {
        Self { detector, times: VecDeque::new(), found: false, last: None }
    }

    fn name(&self) -> &'static str {
        self.detector.name()
    }

    /// A change, and the time of the number with which it began, or of the oldest one that is remembered.
    fn update(&mut self, value: f64, at: Timestamp, remembered: usize) -> Option<(Change, Timestamp)> {
        if self.times.len() >= remembered {
            self.times.pop_front();
        }
        self.times.push_back(at);
        let Signal::Drift(change) = self.detector.update(value) else { return None };
        self.last = Some(change);
        let age = usize::try_from(change.age.max(1)).unwrap_or(usize::MAX);
        let since = self.times[self.times.len().saturating_sub(age)];
        Some((change, since))
    }
}

/// Records that are looked at together.
#[derive(Default)]
struct Block {
    window: Option<Reference>,
    records: u64,
    wrong: u64,
    from: Option<Timestamp>,
}

impl Block {
    fn window(&mut self, normal: &Normal) -> Option<&mut Reference> {
        if self.window.is_none() {
            self.window = normal.reference.as_ref().map(Reference::empty_window);
        }
        self.window.as_mut()
    }
}
