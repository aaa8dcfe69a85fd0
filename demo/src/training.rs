//! The model of the demo: trained on the first half by the very call that `plaudit train` makes, and promoted.

use crate::known::{Joined, Ratings, check_features, with_values};
use crate::options::{Config, Generated, Input};
use crate::split::{Half, Split};
use crate::{Error, GeneratedReviews};
use feature_store::offline::{Field, ReadOptions, ReviewFiles, Row, RowPosition};
use feature_store::online::MemoryStore;
use ingest::RowBatches;
use registry::{Alias, Registry};
use schemas::Review;
use std::path::PathBuf;
use tokio_util::sync::CancellationToken;
use trainer::{Dataset, Inquiry, Progress, Promotion, PromotionConfig, Report, Test, TrainRequest};

/// The rows to train on, and how the rest is told apart.
pub(crate) struct Lesson {
    pub(crate) data: Dataset,
    /// None for generated reviews, whose halves are numbers.
    pub(crate) split: Option<Split>,
    /// What is known of products and users when the replay begins.
    pub(crate) store: MemoryStore,
    /// Where the rows stand, if not in the files of the input.
    _joined: Option<Joined>,
}

impl Lesson {
    /// Finds the rows; reads files once for their times, where they have times, and for what the model's features are made of.
    pub(crate) async fn of(input: &Input, config: &Config) -> Result<Self, Error> {
        check_features(config)?;
        let store = MemoryStore::new(&config.features);
        match input {
            Input::Generated(generated) => {
                let data = generated_rows(generated, config, &store);
                Ok(Self { data, split: None, store, _joined: None })
            }
            Input::Files { paths, read } => {
                let split = split_of(paths, read).await?;
                let joined = if config.model.features.is_empty() {
                    None
                } else {
                    Ratings::new(&store).of_first_half(paths, read, &split).await?;
                    Some(Joined::of(paths, read, config).await?)
                };
                let data = match &joined {
                    Some(joined) => Dataset::files(vec![joined.path.clone()], joined.read.clone()),
                    None => Dataset::files(paths.clone(), read.clone()),
                };
                let rule = split.clone();
                let data = data.keep(move |row| rule.half_of(row) == Half::First);
                Ok(Self { data, split: Some(split), store, _joined: joined })
            }
        }
    }
}

/// Trains, registers and promotes.
pub(crate) async fn train(
    registry: &Registry,
    config: &Config,
    alias: Alias,
    data: Dataset,
    progress: impl FnMut(Progress) + Send + 'static,
) -> Result<Report, Error> {
    let promotion = Promotion {
        alias,
        who: "plaudit demo".to_owned(),
        why: "the demo serves the model that it has just trained".to_owned(),
        gates: PromotionConfig { gates: Vec::new(), ..PromotionConfig::default() },
        force: false,
    };
    let request = TrainRequest {
        name: config.name.clone(),
        model: config.model.clone(),
        fit: config.fit.clone(),
        data,
        // The replay is the test.
        test: Test::None,
        inquiry: Inquiry::default(),
        tune: None,
        promotion: Some(promotion),
        stop: CancellationToken::new(),
    };
    Ok(trainer::train(registry, request, progress).await?)
}

async fn split_of(paths: &[PathBuf], read: &ReadOptions) -> Result<Split, Error> {
    let files = ReviewFiles::open(paths, read).map_err(trainer::Error::from)?;
    let mut millis = Vec::new();
    if files.has_field(Field::CreatedAt) {
        let mut batches = RowBatches::new(files);
        while let Some(rows) = batches.next().await? {
            millis.extend(rows.iter().filter_map(|row| row.created_at).map(|time| time.epoch_millis()));
        }
    }
    Ok(Split::of_times(millis))
}

fn generated_rows(generated: &Generated, config: &Config, store: &MemoryStore) -> Dataset {
    let reviews = GeneratedReviews::new(generated.seed, 0).take(generated.training_reviews);
    let rows = with_values(store, config, reviews).zip(1..);
    let rows: Vec<Row> = rows.map(|((review, values), number)| row_of(review, values, number)).collect();
    Dataset::rows("generated reviews", rows)
}

fn row_of(review: Review, features: Vec<f64>, number: u64) -> Row {
    Row {
        review_id: Some(review.review_id.0),
        product_id: review.product_id,
        user_id: review.user_id,
        title: review.title,
        text: Some(review.text),
        rating: review.rating,
        created_at: Some(review.created_at),
        label: None,
        features,
        extras: Vec::new(),
        problems: Vec::new(),
        position: RowPosition { file: 0, row: number },
    }
}
