//! Raw text to probability in two threads, against Vowpal Wabbit on the same documents with its tokens prepared beforehand.
//! The two take turns. Without `PLAUDIT_BENCH_PYTHON`, the Python that has Vowpal Wabbit, only ours is measured.
#![expect(clippy::print_stdout, reason = "a measurement's output")]

#[path = "support/documents.rs"]
mod documents;
#[path = "support/figures.rs"]
mod figures;

use documents::Documents;
use figures::{median, row, say};
use model::{Document, Scratch};
use schemas::Label;
use scorer::LoadedModel;
use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;
use trainer::grouped;

const THREADS: usize = 2;
const ROUNDS: usize = 5;
/// Each document is scored this often in a round, by ours and by the peer.
const COPIES: usize = 4;

fn main() {
    let documents = Documents::load();
    let model = documents.fit();
    let scored = documents.test.len() * COPIES;
    let bytes: usize = documents.test.iter().map(|(text, _)| text.len()).sum::<usize>() * COPIES;
    let right = documents.test.iter().filter(|(text, label)| label_of(&model, text) == *label).count();
    say(&format!("plaudit: accuracy {:.4}", right as f64 / documents.test.len() as f64));
    let peer = Peer::prepare(&documents);

    let mut ours = Vec::new();
    let mut theirs: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for round in 1..=ROUNDS {
        let seconds = score_all(&model, &documents);
        say(&format!("round {round}: plaudit {} docs/s", grouped((scored as f64 / seconds) as u64)));
        ours.push(scored as f64 / seconds);
        for (form, seconds) in peer.iter().flat_map(Peer::measure) {
            say(&format!("round {round}: Vowpal Wabbit, {form}: {} docs/s", grouped((scored as f64 / seconds) as u64)));
            theirs.entry(form).or_default().push(scored as f64 / seconds);
        }
    }
    let ours = median(&ours);
    let megabytes = ours * bytes as f64 / scored as f64 / 1e6;
    say(&format!("plaudit: {} docs/s, {megabytes:.0} MB/s of raw text, {THREADS} threads", grouped(ours as u64)));
    for (form, rates) in &theirs {
        let peer = median(rates);
        row(
            "score raw text, 2 threads",
            &format!("{} docs/s ({megabytes:.0} MB/s)", grouped(ours as u64)),
            &format!("Vowpal Wabbit, {form}: {} docs/s", grouped(peer as u64)),
            ours / peer,
        );
    }
}

fn label_of(model: &LoadedModel, text: &str) -> Label {
    scorer::score(model, &Document { title: None, text, features: &[] }, &mut Scratch::new()).label
}

/// Scores every document [`COPIES`] times; answers the seconds it took.
fn score_all(model: &LoadedModel, documents: &Documents) -> f64 {
    let started = Instant::now();
    std::thread::scope(|scope| {
        for share in documents.test.chunks(documents.test.len().div_ceil(THREADS)) {
            scope.spawn(move || {
                let mut scratch = Scratch::new();
                for _ in 0..COPIES {
                    for (text, _) in share {
                        let scored = scorer::score(model, &Document { title: None, text, features: &[] }, &mut scratch);
                        std::hint::black_box(scored);
                    }
                }
            });
        }
    });
    started.elapsed().as_secs_f64()
}

/// `benches/peers/vowpal_wabbit.py` with its files.
struct Peer {
    python: String,
    folder: tempfile::TempDir,
}

impl Peer {
    /// Hands the documents over, and has tokens prepared and a model trained.
    fn prepare(documents: &Documents) -> Option<Self> {
        let Ok(python) = std::env::var("PLAUDIT_BENCH_PYTHON") else {
            say("Vowpal Wabbit is left out: PLAUDIT_BENCH_PYTHON is not set (dev/bench sets it)");
            return None;
        };
        let folder = tempfile::tempdir().expect("a temporary folder");
        write(&folder.path().join("train.jsonl"), &documents.train);
        write(&folder.path().join("test.jsonl"), &documents.test);
        let peer = Self { python, folder };
        say(&format!("Vowpal Wabbit: {}", peer.run("prepare").trim()));
        Some(peer)
    }

    /// Seconds to score everything, for each of the forms that Vowpal Wabbit takes it in.
    fn measure(&self) -> BTreeMap<String, f64> {
        serde_json::from_str(&self.run("measure")).expect("the peer prints seconds by form")
    }

    fn run(&self, step: &str) -> String {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/vowpal_wabbit.py");
        let output = Command::new(&self.python)
            .args([script, step])
            .arg(self.folder.path())
            .arg(COPIES.to_string())
            .stderr(Stdio::inherit())
            .output()
            .expect("PLAUDIT_BENCH_PYTHON can be run");
        assert!(output.status.success(), "{script} {step} failed");
        String::from_utf8(output.stdout).expect("the peer prints UTF-8")
    }
}

fn write(path: &Path, documents: &[(String, Label)]) {
    let mut file = BufWriter::new(std::fs::File::create(path).expect("a file in a temporary folder"));
    for (text, label) in documents {
        let line = serde_json::json!({"text": text, "label": u8::from(label.is_positive())});
        writeln!(file, "{line}").expect("a file in a temporary folder can be written");
    }
    file.flush().expect("a file in a temporary folder can be written");
}
