//! The documents that every measurement is made on, and the model that is fitted to them: IMDb's reviews where the folder of
//! test data is at hand, else generated reviews, joined until they are as long.

use demo::GeneratedReviews;
use feature_store::offline::{Condition, ReadOptions, ReviewFiles};
use model::{Corpus, Document, FeatureConfig, FitConfig, ModelConfig, Transform};
use schemas::{Label, ModelRef, ModelVersion, Timestamp};
use scorer::{FeatureInputs, LoadedModel};
use std::path::PathBuf;

/// The mean size of IMDb's reviews.
const GENERATED_BYTES: usize = 1300;
const GENERATED_DOCUMENTS: usize = 25_000;

/// Texts with their labels.
pub struct Documents {
    /// Where they are from, for whoever reads the figures.
    pub origin: String,
    pub train: Vec<(String, Label)>,
    pub test: Vec<(String, Label)>,
}

impl Documents {
    /// IMDb in Stanford's split, from the folder `PLAUDIT_TEST_DATA`; else generated ones.
    pub fn load() -> Self {
        let folder = std::env::var_os("PLAUDIT_TEST_DATA").map_or_else(PathBuf::new, PathBuf::from);
        let imdb = folder.join("imdb.parquet");
        let documents = if imdb.is_file() {
            Self { origin: "IMDb test part".to_owned(), train: rows(&imdb, "train"), test: rows(&imdb, "test") }
        } else {
            let (train, test) = (generated(1), generated(2));
            Self { origin: format!("generated reviews: there is no {}", imdb.display()), train, test }
        };
        let bytes: usize = documents.test.iter().map(|(text, _)| text.len()).sum();
        let count = documents.test.len();
        crate::figures::say(&format!("{count} documents of {} bytes on average ({})", bytes / count, documents.origin));
        documents
    }

    /// A model with the default settings.
    pub fn fit(&self) -> LoadedModel {
        self.fit_with(&[])
    }

    /// The same with features beside the text, which tell little.
    pub fn fit_with(&self, features: &[&str]) -> LoadedModel {
        let feature = |name: &&str| FeatureConfig { name: (*name).to_owned(), transform: Transform::None };
        let config = ModelConfig { features: features.iter().map(feature).collect(), ..ModelConfig::default() };
        let mut corpus = Corpus::new(config, 8 << 30).expect("the default settings are sound");
        let values = [1, 2, 3].map(|value| vec![f64::from(value); features.len()]);
        for part in self.train.chunks(1024) {
            let rows: Vec<_> = part
                .iter()
                .zip(values.iter().cycle())
                .map(|((text, label), features)| (Document { title: None, text, features }, *label))
                .collect();
            corpus.push_batch(&rows).expect("25,000 documents fit into memory");
        }
        let (model, _) = corpus.fit(&FitConfig::default(), &mut |_| {}).expect("both labels are there");
        LoadedModel {
            inputs: FeatureInputs::of(&model),
            model,
            reference: ModelRef {
                name: "sentiment".parse().expect("a model's name"),
                version: ModelVersion(1),
                update: 0,
            },
            sha256: String::new(),
            created_at: Timestamp::now(),
            metrics: serde_json::Map::new(),
        }
    }
}

fn rows(path: &PathBuf, split: &str) -> Vec<(String, Label)> {
    let options = ReadOptions { conditions: vec![Condition::new("split", split)], ..ReadOptions::default() };
    let mut files = ReviewFiles::open(std::slice::from_ref(path), &options).expect("the file can be read");
    let mut rows = Vec::new();
    while let Some(batch) = files.next_batch().expect("the file can be read") {
        rows.extend(batch.into_iter().filter_map(|row| Some((row.text.clone()?, row.label()?))));
    }
    rows
}

/// Reviews of one label each, joined.
fn generated(seed: u64) -> Vec<(String, Label)> {
    let mut open = [String::new(), String::new()];
    let mut done = Vec::with_capacity(GENERATED_DOCUMENTS);
    for review in GeneratedReviews::new(seed, 0) {
        let Some(label) = review.rating.and_then(|rating| rating.label()) else { continue };
        let text = &mut open[usize::from(label.is_positive())];
        text.push_str(&review.text);
        text.push(' ');
        if text.len() >= GENERATED_BYTES {
            done.push((std::mem::take(text), label));
        }
        if done.len() == GENERATED_DOCUMENTS {
            break;
        }
    }
    done
}
