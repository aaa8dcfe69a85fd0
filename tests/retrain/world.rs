//! An offline store and a registry in a folder, and the program on them.

use crate::support::{Running, plaudit, report, wait_for};
use feature_store::offline::store::{Columns, Dataset, OfflineConfig, Origin, PartWriter, SourcePartition, Store};
use registry::{Registry, RetrainState, Retraining};
use schemas::{ModelName, Timestamp};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::{Command, Output};
use tempfile::TempDir;

pub const DAY: i64 = 86_400_000;

pub struct World {
    folder: TempDir,
    pub settings: Vec<String>,
    pub environment: Vec<(&'static str, String)>,
}

impl World {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("rows")).unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let settings = vec![
            format!("offline.url={}", path("offline")),
            format!("registry.url={}", path("registry")),
            format!("retrain.temp_dir={}", path("rows")),
            "retrain.min_train_rows=100".to_owned(),
            "retrain.min_test_rows=50".to_owned(),
        ];
        Self { folder, settings, environment: Vec::new() }
    }

    /// With the reviews of sixty days, of which one in four is negative.
    pub fn with_reviews(count: u64) -> Self {
        let world = Self::new();
        world.store(Dataset::Reviews, (0..count).map(|i| review(i, count)));
        world
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a part of a dataset, behind what is there.
    pub fn store(&self, dataset: Dataset, records: impl Iterator<Item = Value>) {
        let url = self.path("offline").display().to_string();
        let store = Store::open_or_create(&OfflineConfig { url }).unwrap();
        let partition = SourcePartition::new(dataset.name(), 0);
        let first = block_on(store.chain_end(dataset, &partition)).unwrap().unwrap_or(0);
        let (mut columns, mut next) = (Columns::with_capacity(dataset, &partition, 0, 0), first);
        for record in records {
            let value = record.to_string().into_bytes();
            let timestamp = record["created_at"].as_i64();
            let origin = Origin { offset: next, timestamp, key: None, value: Some(&value) };
            columns.push(origin, dataset.decode(&value).as_ref());
            next += 1;
        }
        let mut writer = PartWriter::new(dataset, partition, first).unwrap();
        writer.write(&columns.finish(Timestamp::now())).unwrap();
        block_on(store.create(&writer.finish(next).unwrap())).unwrap();
    }

    /// What somebody who knows better says of the reviews older than so many days: the contrary of their ratings.
    pub fn contradict(&self, count: u64, days_ago: i64) {
        let cut = Timestamp::now().epoch_millis() - days_ago * DAY;
        let reviews = (0..count).map(|i| review(i, count));
        let labels = reviews.filter(|review| review["created_at"].as_i64().unwrap() < cut).map(|review| {
            let label = if review["rating"] == 5 { "negative" } else { "positive" };
            json!({"review_id": review["review_id"], "label": label, "origin": "annotator", "created_at": cut})
        });
        self.store(Dataset::Feedback, labels);
    }

    pub fn registry(&self) -> Registry {
        Registry::open(self.path("registry").to_str().unwrap()).unwrap()
    }

    /// The settings of this world as the environment has them.
    pub fn variables(&self) -> Vec<(String, String)> {
        let variable = |setting: &String| {
            let (key, value) = setting.split_once('=').unwrap();
            (format!("PLAUDIT__{}", key.replace('.', "__").to_uppercase()), value.to_owned())
        };
        self.settings.iter().map(variable).collect()
    }

    pub fn plaudit(&self, arguments: &[&str]) -> Command {
        let mut command = plaudit();
        command.envs(self.environment.iter().map(|(key, value)| (key, value)));
        // What a test says comes later, and wins.
        for setting in &self.settings {
            command.args(["--set", setting]);
        }
        command.args(arguments);
        command
    }

    /// A process that is killed when the test is over.
    pub fn start(&self, arguments: &[&str]) -> Running {
        Running(self.plaudit(arguments).spawn().unwrap())
    }

    pub fn json(&self, arguments: &[&str]) -> Value {
        report(&self.plaudit(&[arguments, &["--json"]].concat()).output().unwrap())
    }

    /// A run that ends with `code`, and what it says last.
    pub fn fails(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.start(arguments).end();
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
        assert_eq!(output.stdout, b"");
        said(&output).lines().last().unwrap().to_owned()
    }

    pub fn runs(&self) -> Vec<Retraining> {
        block_on(self.registry().retrainings(&sentiment(), None)).unwrap()
    }

    /// How the runs stand, in their order.
    pub fn states(&self) -> Vec<&'static str> {
        self.runs().iter().map(|run| run.state(Timestamp::now()).name()).collect()
    }

    /// Waits for runs that are as they should be.
    pub fn wait_for_runs(&self, mut is_so: impl FnMut(&[Retraining]) -> bool) -> Vec<Retraining> {
        let mut runs = Vec::new();
        wait_for("the run", || {
            runs = self.runs();
            is_so(&runs)
        });
        runs
    }

    /// The version in production and how many there are.
    pub fn versions(&self) -> (Option<u64>, usize) {
        let registry = self.registry();
        let aliases = block_on(registry.aliases(&sentiment())).unwrap();
        let production = aliases.get(&"production".parse().unwrap()).map(|version| version.0);
        (production, block_on(registry.versions(&sentiment())).unwrap().len())
    }
}

pub fn sentiment() -> ModelName {
    "sentiment".parse().unwrap()
}

pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

pub fn is_done(run: &Retraining) -> bool {
    matches!(run.state(Timestamp::now()), RetrainState::Ended(_))
}

pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// One of so many reviews of sixty days, the last of an hour ago.
pub fn review(i: u64, count: u64) -> Value {
    let is_positive = !i.is_multiple_of(4);
    let telling = if is_positive { ["lovely", "superb", "splendid"] } else { ["awful", "dreadful", "shoddy"] };
    let word = telling[(i / 4 % 3) as usize];
    let plain = i.wrapping_mul(2_654_435_761) % 1_000_003;
    let ago = 60 * DAY / count as i64 * (count - i) as i64;
    json!({
        "review_id": format!("r{i}"),
        "product_id": format!("p{}", i % 7),
        "text": format!("a {word} thing number {i} like {plain} of them all"),
        "rating": if is_positive { 5 } else { 1 },
        "created_at": Timestamp::now().epoch_millis() - DAY / 24 - ago,
    })
}
