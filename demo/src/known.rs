//! What is known of products and users: at each row that the model learns from, as it would have been known when it was
//! written, and when the replay begins, from all rows before it. For a model without features nothing has to be known.

use crate::Error;
use crate::options::Config;
use crate::split::{Half, Split};
use feature_store::join::{JoinProgress, JoinRequest, JoinView, join};
use feature_store::offline::{ReadOptions, ReviewFiles};
use feature_store::online::{Entity, MemoryStore, ReviewEntities, Update, ViewReading};
use feature_store::views::{EventSource, View};
use ingest::RowBatches;
use schemas::{Rating, Source, Timestamp};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

/// Files with a column for each feature, in a folder that goes with them.
pub(crate) struct Joined {
    pub(crate) path: PathBuf,
    /// How they are read: conditions are met already.
    pub(crate) read: ReadOptions,
    _folder: TempDir,
}

impl Joined {
    /// Joins the rows of files with the ratings in them.
    pub(crate) async fn of(paths: &[PathBuf], read: &ReadOptions, config: &Config) -> Result<Self, Error> {
        let folder = tempfile::Builder::new().prefix("plaudit-demo-").tempdir().map_err(Error::TemporaryFolder)?;
        let path = folder.path().join("joined.parquet");
        // A file need not have an id that no feature is about.
        let names: Vec<&str> = config.model.features.iter().map(|feature| feature.name.as_str()).collect();
        let is_used = |view: &&View| view.features().iter().any(|feature| names.contains(&feature.full_name()));
        let views = views_of_ratings(config).filter(is_used);
        let request = JoinRequest {
            input: paths.to_vec(),
            read: read.clone(),
            views: views.map(|view| JoinView::History { view: view.clone(), files: None }).collect(),
            known_from: None,
            output: path.clone(),
            temp_dir: None,
            memory_limit_bytes: config.join.memory_limit_bytes,
        };
        let progress = Arc::new(JoinProgress::default());
        let joining = StopOnDrop(progress.clone());
        let joined = tokio::task::spawn_blocking(move || join(&request, &progress)).await;
        drop(joining);
        let report = joined.expect("a join doesn't panic, and isn't cancelled")?;
        Ok(Self { path, read: report.read, _folder: folder })
    }
}

/// A demo that is stopped waits for nothing that it has begun.
struct StopOnDrop(Arc<JoinProgress>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}

fn views_of_ratings(config: &Config) -> impl Iterator<Item = &View> {
    config.features.iter().filter(|view| view.source() == EventSource::Reviews)
}

/// Whether each feature of the model is one that ratings make.
pub(crate) fn check_features(config: &Config) -> Result<(), Error> {
    let given = |name: &str| {
        let mut features = views_of_ratings(config).flat_map(View::features);
        features.any(|feature| feature.full_name() == name)
    };
    match config.model.features.iter().find(|feature| !given(&feature.name)) {
        Some(feature) => Err(Error::UnknownFeature { name: feature.name.clone() }),
        None => Ok(()),
    }
}

/// Ratings on their way into the store, each with a number of its own.
pub(crate) struct Ratings<'s> {
    store: &'s MemoryStore,
    taken: i64,
}

impl<'s> Ratings<'s> {
    pub(crate) fn new(store: &'s MemoryStore) -> Self {
        Self { store, taken: 0 }
    }

    /// Takes in those of the first half of files.
    pub(crate) async fn of_first_half(
        mut self,
        paths: &[PathBuf],
        read: &ReadOptions,
        split: &Split,
    ) -> Result<(), Error> {
        let files = ReviewFiles::open(paths, read).map_err(trainer::Error::from)?;
        let mut batches = RowBatches::new(files);
        while let Some(rows) = batches.next().await? {
            for row in rows.iter().filter(|row| split.half_of(row) == Half::First) {
                let entities =
                    ReviewEntities { product_id: row.product_id.as_deref(), user_id: row.user_id.as_deref() };
                self.take(entities, row.rating, row.created_at);
            }
        }
        Ok(())
    }

    /// Takes one in, where there is one.
    pub(crate) fn take(&mut self, entities: ReviewEntities<'_>, rating: Option<Rating>, at: Option<Timestamp>) {
        let (Some(rating), Some(at)) = (rating, at) else { return };
        // No topic of Kafka has a space in its name.
        let record = Source { topic: "before the replay".to_owned(), partition: 0, offset: self.taken };
        self.taken += 1;
        self.store.apply(&Update::of_rating(entities, rating, at, &record).collect::<Vec<_>>());
    }
}

/// The values of the model's features, in its order, as the store has them at a moment; NaN for what it doesn't know.
pub(crate) fn values(store: &MemoryStore, config: &Config, entities: ReviewEntities<'_>, at: Timestamp) -> Vec<f64> {
    let mut known: HashMap<&str, f64> = HashMap::new();
    let of_product = entities.product_id.map(Entity::product);
    for entity in of_product.into_iter().chain(entities.user_id.map(Entity::user)) {
        let reading = store.read(&[entity], at).entities.remove(0);
        for (view, reading) in config.features.of(entity.kind).zip(reading.views) {
            if let ViewReading::Present(found) = reading {
                let named = view.features().iter().zip(found.values);
                known.extend(named.filter_map(|(feature, value)| Some((feature.full_name(), value?))));
            }
        }
    }
    config.model.features.iter().map(|feature| known.get(feature.name.as_str()).copied().unwrap_or(f64::NAN)).collect()
}

/// The reviews that a generated demo learns from, each with what was known before it.
pub(crate) fn with_values(
    store: &MemoryStore,
    config: &Config,
    reviews: impl Iterator<Item = schemas::Review>,
) -> impl Iterator<Item = (schemas::Review, Vec<f64>)> {
    let mut ratings = Ratings::new(store);
    reviews.map(move |review| {
        if config.model.features.is_empty() {
            return (review, Vec::new());
        }
        let entities = ReviewEntities { product_id: review.product_id.as_deref(), user_id: review.user_id.as_deref() };
        let values = values(store, config, entities, review.created_at);
        ratings.take(entities, review.rating, Some(review.created_at));
        (review, values)
    })
}
