//! A folder with files, and a registry in it.

use feature_store::offline::{Condition, ReadOptions};
use model::{FitConfig, ModelConfig};
use registry::Registry;
use schemas::ModelName;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use trainer::{Dataset, Error, Inquiry, Report, Test, TrainRequest};

/// A folder with files, and a registry in it.
pub struct Bench {
    pub folder: TempDir,
    pub registry: Registry,
}

impl Bench {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::open(folder.path().join("registry").to_str().unwrap()).unwrap();
        Self { folder, registry }
    }

    pub fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    pub async fn train(&self, request: TrainRequest) -> Result<Report, Error> {
        trainer::train(&self.registry, request, |_| {}).await
    }

    pub async fn versions(&self) -> usize {
        self.registry.versions(&name()).await.unwrap().len()
    }
}

pub fn name() -> ModelName {
    "sentiment".parse().unwrap()
}

pub fn request(data: Dataset, test: Test) -> TrainRequest {
    TrainRequest {
        name: name(),
        model: small_model(),
        fit: FitConfig::default(),
        data,
        test,
        inquiry: Inquiry::default(),
        tune: None,
        promotion: None,
        stop: CancellationToken::new(),
    }
}

pub fn small_model() -> ModelConfig {
    let mut config = ModelConfig::default();
    config.vectorizer.hash_bits = 14;
    config
}

pub fn files(path: &Path) -> Dataset {
    files_where(path, &[])
}

pub fn files_where(path: &Path, conditions: &[(&str, &str)]) -> Dataset {
    let conditions = conditions.iter().map(|(column, value)| Condition::new(*column, *value)).collect();
    Dataset::files(vec![path.to_owned()], ReadOptions { conditions, ..ReadOptions::default() })
}

/// A text whose first words tell the class and whose others don't, all different.
pub fn text(i: u64, is_positive: bool) -> String {
    let telling = if is_positive { ["lovely", "superb", "splendid"] } else { ["awful", "dreadful", "shoddy"] };
    let plain = ["kettle", "lamp", "chair", "radio", "table", "clock", "mirror"];
    let pick = |salt: u64| plain[(i.wrapping_mul(salt) / 3 % 7) as usize];
    format!("{} {} and {} number {i}", telling[(i % 3) as usize], pick(7919), pick(104_729))
}

/// `rows` rows, every second positive; the last fourth of them is the test part.
pub fn csv(rows: u64) -> String {
    let mut csv = "review_id,text,label,part,created_at\n".to_owned();
    for i in 0..rows {
        let is_positive = i % 2 == 0;
        let part = if i < rows * 3 / 4 { "train" } else { "test" };
        let (text, label, day) = (text(i, is_positive), u8::from(is_positive), 1 + i % 28);
        writeln!(csv, "r{i},{text},{label},{part},2024-02-{day:02}").unwrap();
    }
    csv
}

/// What goes wrong leaves no version, and says in one sentence what it was.
pub async fn refused(bench: &Bench, request: TrainRequest) -> String {
    let error = bench.train(request).await.unwrap_err().to_string();
    assert_eq!(bench.versions().await, 0);
    assert!(!error.contains('\n') && !error.ends_with('.'), "{error}");
    error
}
