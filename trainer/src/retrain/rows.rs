//! The rows of a run, as files in a folder of their own that goes with the run: features joined point in time, labels of
//! feedback in place of those that follow from ratings, the larger class undersampled where one is much larger.

use super::label_events::{KNOWN_FROM, LabelEvents};
use super::plan::{Part, RetrainPlan};
use super::workspace::Workspace;
use super::{RetrainConfig, RetrainError};
use crate::dataset::Dataset;
use crate::sample::{ByClass, FeedbackLabels, SampleProgress, SampleReport, SampleRequest, Size, sample};
use feature_store::join::{JoinProgress, JoinRequest, JoinView, join};
use feature_store::offline::{ReadOptions, ReviewFiles, ScanProgress};
use feature_store::views::{EventSource, View, Views};
use serde_json::json;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use twox_hash::XxHash64;

/// What the newest part is compared on keeps its natural balance: no class is so much larger.
const ANY_RATIO: f64 = 1e15;

/// What becomes of rows that were counted and cannot be used.
const UNUSED: &str =
    "; copies of a text, texts that are learned from and compared on, and rows beyond retrain.max_ratio do not count";

/// Where rows come from.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// The folder of the dataset of reviews.
    pub(super) reviews: PathBuf,
    pub(super) feedback: FeedbackLabels,
    pub(super) views: Views,
    /// Where some feature is made of feedback.
    pub(super) label_events: Option<Arc<LabelEvents>>,
    pub(super) sample_memory_bytes: u64,
    pub(super) join_memory_bytes: u64,
}

/// The rows of a run.
pub(super) struct Rows {
    /// What is learned from.
    pub(super) train: Dataset,
    /// What is compared on, without the texts that are learned from.
    pub(super) test: Dataset,
    /// What is learned from was drawn from.
    pub(super) sampled: SampleReport,
    /// Removed with all that is in it.
    folder: Workspace,
}

impl Rows {
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// What a run is told while it gathers rows, and with which it is ended.
#[derive(Debug, Default)]
pub(super) struct GatherProgress {
    pub(super) sample: SampleProgress,
    pub(super) labels: ScanProgress,
    pub(super) join: JoinProgress,
    pub(super) validation: ScanProgress,
}

impl GatherProgress {
    /// Asks for an end soon.
    pub(super) fn stop(&self) {
        self.sample.stop();
        self.labels.stop();
        self.join.stop();
        self.validation.stop();
    }
}

impl Source {
    /// Writes the rows that a plan names.
    pub(super) fn gather(
        &self,
        plan: &RetrainPlan,
        config: &RetrainConfig,
        extras: &[String],
        progress: &GatherProgress,
    ) -> Result<Rows, RetrainError> {
        let folder = Workspace::create(&config.temp_dir)?;
        let reviews =
            if plan.features.is_empty() { self.reviews.clone() } else { self.join(plan, folder.path(), progress)? };
        let request = |part: &Part, ratio, name: &str| SampleRequest {
            inputs: vec![reviews.clone()],
            read: ReadOptions {
                features: plan.features.clone(),
                since: Some(part.from),
                until: Some(part.until),
                ..ReadOptions::default()
            },
            feedback: Some(self.feedback.clone()),
            output: folder.path().join(name),
            size: Size { ratio, rows: None },
            stratify: None,
            keep: extras.to_vec(),
            temp_dir: None,
            memory_limit_bytes: self.sample_memory_bytes,
        };
        let of_training = request(&plan.train, config.max_ratio, "train.parquet");
        let of_test = request(&plan.test, ANY_RATIO, "test.parquet");
        let sampled = sample(&of_training, &progress.sample)?;
        sample(&of_test, &progress.sample)?;
        let learned = Arc::new(texts(&of_training.output)?);
        // The plan has counted what there is; copies, rows beyond the ratio and texts on both sides are not used.
        let train = Part { rows: sampled.rows, ..plan.train };
        train.check("learn from", config.min_train_rows, "retrain.min_train_rows", UNUSED)?;
        let test = Part { rows: new_rows(&of_test.output, &learned)?, ..plan.test };
        test.check("compare on", config.min_test_rows, "retrain.min_test_rows", UNUSED)?;
        // The files go with the run: what is written down of a version is what they were drawn from.
        let file = |request: &SampleRequest, part: &Part| {
            let (path, name) = (request.output.clone(), self.reviews.display().to_string());
            let drawn = json!({
                "paths": [name],
                "since": part.from,
                "until": part.until,
                "labels": "feedback, else ratings",
                "max_ratio": (request.size.ratio < ANY_RATIO).then_some(request.size.ratio),
            });
            Dataset::files(vec![path], ReadOptions::default()).known_as(name, drawn)
        };
        let is_new = move |text: Option<&str>| text.is_none_or(|text| !learned.contains(&hash(text)));
        Ok(Rows {
            train: file(&of_training, &plan.train),
            test: file(&of_test, &plan.test).keep(move |row| is_new(row.text.as_deref())),
            sampled,
            folder,
        })
    }

    /// The rows of the whole time with their features, as serving would have seen them.
    fn join(&self, plan: &RetrainPlan, folder: &Path, progress: &GatherProgress) -> Result<PathBuf, RetrainError> {
        let labels = folder.join("labels.parquet");
        if let Some(events) = &self.label_events {
            events.write(&self.reviews, &labels, &progress.labels)?;
        }
        let history = |view: View| {
            let files = match view.source() {
                EventSource::Reviews => self.reviews.clone(),
                EventSource::Feedback => labels.clone(),
            };
            JoinView::History { view, files: Some(vec![files]) }
        };
        let request = JoinRequest {
            input: vec![self.reviews.clone()],
            read: ReadOptions { since: Some(plan.train.from), until: Some(plan.test.until), ..ReadOptions::default() },
            views: self.views_of(&plan.features)?.into_iter().map(history).collect(),
            known_from: Some(KNOWN_FROM.to_owned()),
            output: folder.join("joined.parquet"),
            temp_dir: None,
            memory_limit_bytes: self.join_memory_bytes,
        };
        join(&request, &progress.join)?;
        Ok(request.output)
    }

    /// The views that features are of.
    pub(super) fn views_of(&self, features: &[String]) -> Result<Vec<View>, RetrainError> {
        let mut views: Vec<View> = Vec::new();
        for feature in features {
            let has_it = |view: &&View| view.features().iter().any(|of_view| of_view.full_name() == feature);
            let view = self.views.iter().find(has_it);
            let view = view.ok_or_else(|| RetrainError::NoFeature { feature: feature.clone() })?;
            if !views.iter().any(|known| known.name() == view.name()) {
                views.push(view.clone());
            }
        }
        Ok(views)
    }
}

/// The rows of a file whose text is none of these, by class.
fn new_rows(path: &Path, learned: &HashSet<u64>) -> Result<ByClass, RetrainError> {
    let mut files = ReviewFiles::open(&[path.to_owned()], &ReadOptions::default())?;
    let mut count = ByClass::default();
    while let Some(rows) = files.next_batch()? {
        let is_new = |text: Option<&str>| text.is_none_or(|text| !learned.contains(&hash(text)));
        for label in rows.iter().filter(|row| is_new(row.text.as_deref())).filter_map(|row| row.label) {
            if label.is_positive() { count.positive += 1 } else { count.negative += 1 }
        }
    }
    Ok(count)
}

/// The texts of a file, by their hashes.
fn texts(path: &Path) -> Result<HashSet<u64>, RetrainError> {
    let mut files = ReviewFiles::open(&[path.to_owned()], &ReadOptions::default())?;
    let mut texts = HashSet::new();
    while let Some(rows) = files.next_batch()? {
        texts.extend(rows.iter().filter_map(|row| row.text.as_deref()).map(hash));
    }
    Ok(texts)
}

fn hash(text: &str) -> u64 {
    XxHash64::oneshot(0, text.as_bytes())
}
