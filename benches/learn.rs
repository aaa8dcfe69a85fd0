//! Learning one label after another in one thread, from raw text, against Vowpal Wabbit's FTRL on the same reviews in the same
//! order with its tokens prepared beforehand; each scores a review before it learns from it, and both are judged on that. The
//! two take turns. Amazon's reviews in time order without those of three stars; needs the folder `PLAUDIT_TEST_DATA`, and
//! for the peer `PLAUDIT_BENCH_PYTHON`.
#![expect(clippy::print_stdout, reason = "a measurement's output")]

#[path = "support/figures.rs"]
mod figures;

use feature_store::offline::{ColumnPair, Field, ReadOptions, ReviewFiles, Row};
use feature_store::views::FeaturesConfig;
use figures::{median, row, say};
use learner::progressive::{self, BurnIn, Delay, Request, Start};
use learner::{Example, LearnConfig, Learner};
use model::metrics::{Evaluation, Metrics};
use model::{Document, FeatureConfig, ModelConfig, Scratch, TermIndex, Transform, VectorizerConfig};
use schemas::{Label, Origin, Timestamp};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

const ROUNDS: usize = 3;

/// No figure counts the first tenth.
const BURN_IN: f64 = 0.1;

fn main() {
    let folder = std::env::var_os("PLAUDIT_TEST_DATA").map_or_else(PathBuf::new, PathBuf::from);
    let path = folder.join("amazon_stream.parquet");
    if !path.is_file() {
        say(&format!("left out: there is no {}; PLAUDIT_TEST_DATA names the folder", path.display()));
        return;
    }
    let reviews = reviews(&path);
    let bytes: usize = reviews.iter().map(|(review, _)| document(review).bytes()).sum();
    say(&format!("{} reviews of {} bytes on average, one thread", reviews.len(), bytes / reviews.len()));
    let peer = Peer::prepare(&path);
    let forms = [("pairs, 2^22 slots", 2, TermIndex::Hashed), ("triples, exact", 3, TermIndex::Exact)];
    let mut ours = [Vec::new(), Vec::new()];
    let mut theirs = Vec::new();
    for round in 1..=ROUNDS {
        for (&(form, ngrams, terms), rates) in forms.iter().zip(&mut ours) {
            let (rate, metrics) = learn(&reviews, ngrams, terms);
            say(&format!("round {round}: plaudit, {form}: {rate:.0} rows/s, {}", shown(&metrics)));
            rates.push(rate);
        }
        if let Some(peer) = &peer {
            let found = peer.run("measure");
            let rate = reviews.len() as f64 / found["seconds"].as_f64().expect("the peer prints its seconds");
            say(&format!("round {round}: Vowpal Wabbit, FTRL, pairs, 2^22: {rate:.0} rows/s, {found}"));
            theirs.push(rate);
        }
    }
    for ((form, ..), rates) in forms.iter().zip(&ours) {
        if !theirs.is_empty() {
            let (rate, of_peer) = (median(rates), median(&theirs));
            let peer = format!("Vowpal Wabbit, prepared tokens, FTRL, pairs: {of_peer:.0} rows/s");
            row(&format!("learn from raw text, 1 thread, {form}"), &format!("{rate:.0} rows/s"), &peer, rate / of_peer);
        }
    }
    with_features(&path);
}

/// What `plaudit learn --input` does, with what was known of product and user at each row.
fn with_features(path: &Path) {
    let feature = |name: &str, transform| FeatureConfig { name: name.to_owned(), transform };
    let model = ModelConfig {
        features: vec![
            feature("product_stats.rating_mean", Transform::None),
            feature("product_stats.rating_count", Transform::Log1p),
            feature("user_stats.rating_mean", Transform::None),
            feature("user_stats.rating_count", Transform::Log1p),
        ],
        ..ModelConfig::default()
    };
    let request = Request {
        input: vec![path.to_owned()],
        read: options(),
        start: Start::Cold(Box::new(model)),
        config: LearnConfig::default(),
        views: FeaturesConfig::default().parse().expect("the default views are sound"),
        delay: Delay::Rows(0),
        burn_in: BURN_IN.to_string().parse::<BurnIn>().expect("a share"),
    };
    let report = progressive::run(request, |_| {}).expect("the file can be learned from").report;
    let rate = report.rows_per_second;
    say(&format!(
        "plaudit learn, triples, exact, as-of features, with the file: {rate:.0} rows/s, {}",
        shown(&report.metrics)
    ));
}

fn shown(metrics: &Metrics) -> String {
    let Metrics { macro_f1, log_loss, roc_auc, .. } = metrics;
    format!("AUC {:.4}, macro F1 {macro_f1:.4}, log loss {log_loss:.4}", roc_auc.unwrap_or_default())
}

fn options() -> ReadOptions {
    let pairs = ["rating=stars", "created_at=timestamp_ms"].map(|pair| pair.parse::<ColumnPair>().expect("a pair"));
    ReadOptions { columns: pairs.into_iter().collect(), ..ReadOptions::default() }
}

fn reviews(path: &Path) -> Vec<(Row, Label)> {
    let mut files = ReviewFiles::open(&[path.to_owned()], &options()).expect("the file can be read");
    assert!(files.has_field(Field::Rating), "the file has ratings");
    let mut reviews = Vec::new();
    while let Some(batch) = files.next_batch().expect("the file can be read") {
        reviews.extend(batch.into_iter().filter_map(|row| row.label().map(|label| (row, label))));
    }
    reviews
}

fn document(row: &Row) -> Document<'_> {
    Document { title: row.title.as_deref(), text: row.text.as_deref().unwrap_or_default(), features: &[] }
}

/// Rows a second, and how good the scores were.
fn learn(reviews: &[(Row, Label)], ngrams: u8, terms: TermIndex) -> (f64, Metrics) {
    let vectorizer = VectorizerConfig { ngrams, terms, ..VectorizerConfig::default() };
    let model = ModelConfig { vectorizer, ..ModelConfig::default() };
    let mut learner = Learner::new(LearnConfig::default(), model).expect("the default settings are sound");
    let (mut scratch, mut scored) = (Scratch::new(), Vec::with_capacity(reviews.len()));
    let started = Instant::now();
    for (row, label) in reviews {
        let example = Example {
            document: document(row),
            label: *label,
            origin: Origin::Rating,
            user_id: row.user_id.as_deref(),
            product_id: row.product_id.as_deref(),
            time: row.created_at.unwrap_or_else(|| Timestamp::from_epoch_millis(0).expect("the epoch is a moment")),
        };
        scored.push((learner.learn(&example, &mut scratch).probability, *label));
    }
    let rate = reviews.len() as f64 / started.elapsed().as_secs_f64();
    let mut evaluation = Evaluation::new();
    let counted = &scored[(BURN_IN * scored.len() as f64) as usize..];
    counted.iter().for_each(|&(probability, label)| evaluation.push(probability, label));
    (rate, evaluation.metrics().expect("there are rows"))
}

/// `benches/peers/vowpal_wabbit_online.py` with its files.
struct Peer {
    python: String,
    folder: tempfile::TempDir,
}

impl Peer {
    fn prepare(reviews: &Path) -> Option<Self> {
        let Ok(python) = std::env::var("PLAUDIT_BENCH_PYTHON") else {
            say("Vowpal Wabbit is left out: PLAUDIT_BENCH_PYTHON is not set (dev/bench sets it)");
            return None;
        };
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::os::unix::fs::symlink(reviews, folder.path().join("reviews.parquet"))
            .expect("a link in a temporary folder");
        let peer = Self { python, folder };
        peer.run("prepare");
        Some(peer)
    }

    fn run(&self, step: &str) -> Value {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/vowpal_wabbit_online.py");
        let mut command = Command::new(&self.python);
        let output = command.args([script, step]).arg(self.folder.path()).stderr(Stdio::inherit()).output();
        let output = output.expect("PLAUDIT_BENCH_PYTHON can be run");
        assert!(output.status.success(), "{script} {step} failed");
        serde_json::from_slice(&output.stdout).expect("the peer prints JSON")
    }
}
