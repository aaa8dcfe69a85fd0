//! What happens between a registry and an MLflow server, from a server that is away to one that is killed.

use crate::server::{Running, answer, free_port, json, python, script, start_mlflow, wait_for};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Stdio};

/// Words of a class, and some of either.
const TEXTS: [(&str, u8); 6] = [
    ("a wonderful gift, works great", 1),
    ("don't buy, it broke <br/> after a day", 0),
    ("great great value &amp; fast 😀", 1),
    ("terrible, see http://example.com/why", 0),
    ("ดีมาก love it", 1),
    ("not good at all, returned it", 0),
];

struct World {
    folder: tempfile::TempDir,
    port: u16,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let rows: String = (0..300)
            .map(|row| {
                let (text, label) = TEXTS[row % TEXTS.len()];
                format!("{}\n", json!({"text": format!("{text} number {row}"), "label": label}))
            })
            .collect();
        std::fs::write(folder.path().join("reviews.jsonl"), rows).unwrap();
        Self { folder, port: free_port() }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn plaudit(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plaudit"));
        for (key, _) in std::env::vars().filter(|(key, _)| key.starts_with("PLAUDIT__")) {
            command.env_remove(key);
        }
        let settings = [format!("mlflow.url={}", self.url()), "mlflow.poll_interval_ms=100".to_owned()];
        command.args(line.split(' ')).args(["--registry", "models"]).current_dir(self.path()).env("USER", "ann");
        command.args(settings.iter().flat_map(|setting| ["--set", setting])).stdin(Stdio::null());
        command
    }

    fn run(&self, line: &str) -> Value {
        json(&self.plaudit(&format!("{line} --json")).output().unwrap())
    }

    /// What MLflow's own client sees.
    fn look(&self) -> Value {
        script("mlflow_side.py", &[&self.url(), "look", "sentiment"], &Value::Null)
    }
}

const TRAIN: &str = "train --input reviews.jsonl --holdout 0.3 --promote --force --reason test";

#[test]
fn mlflow_hears_of_everything_is_followed_and_holds_nothing_up() {
    // Asked for at once: without it nothing here can be tested.
    python();
    let world = World::new();

    // Away.
    let trained = world.plaudit(TRAIN).output().unwrap();
    let said = String::from_utf8(trained.stderr).unwrap();
    assert!(trained.status.success() && said.contains("`plaudit models sync` will tell it"), "{said}");
    let failed = world.plaudit("models sync").output().unwrap();
    let said = String::from_utf8(failed.stderr).unwrap();
    assert!(failed.status.code() == Some(1) && said.contains("does not answer: Connection refused"), "{said}");

    // Back.
    let server = start_mlflow(world.path(), world.port);
    let synced = world.run("models sync");
    assert_eq!((&synced["sent"], &synced["pushed"]), (&json!(["v1"]), &json!(["production"])));
    world.run(&format!("{TRAIN} --set train.c=1.0"));
    let nothing = json!({"name": "sentiment", "url": world.url(), "sent": [], "pushed": [], "adopted": []});
    assert_eq!(world.run("models sync"), nothing, "the run went there with the training");
    let there = world.look();
    assert_eq!(there["aliases"], json!({"production": "2"}));
    assert_eq!(there["versions"][0]["tags"]["plaudit.version"], "v1");
    assert_eq!(there["run_count"], 2);
    let shown = world.run("models show v1");
    let run = &there["runs"][0];
    assert_eq!((&run["status"], &run["files"]), (&json!("FINISHED"), &json!(["plaudit/manifest.json"])));
    assert_eq!(run["params"]["model.vectorizer.ngrams"], "3");
    assert_eq!(there["runs"][1]["params"]["train.c"], "1.0");
    assert_eq!(run["metrics"]["accuracy"], shown["run"]["metrics"]["accuracy"]);
    assert_eq!(run["datasets"][0][0], "reviews.jsonl");
    assert_eq!(run["datasets"][0][1]["rows"], shown["run"]["data"]["rows"]);
    let gaps = run["gap"].as_array().unwrap();
    assert!(gaps.last().is_some_and(|gap| gap[1].as_f64().unwrap() <= 0.001), "{gaps:?}");

    // Followed.
    let port = free_port();
    let mut serve = world.plaudit(&format!("serve --listen 127.0.0.1:{port} --set registry.poll_interval_ms=50"));
    let _serving = Running::start(serve.stderr(Stdio::null()));
    let version_in_service = || {
        let (_, body) = answer(port, "POST", "/predict", r#"{"text": "great"}"#)?;
        serde_json::from_str::<Value>(&body).ok()?["model_version"].as_str().map(str::to_owned)
    };
    wait_for("the gateway", || version_in_service().as_deref() == Some("v2"));
    script("mlflow_side.py", &[&world.url(), "alias", "sentiment", "1"], &Value::Null);
    wait_for("the version that was promoted in MLflow", || version_in_service().as_deref() == Some("v1"));
    let log = world.run("models log --alias production");
    let last = log["entries"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["version"], &last["who"]), (&json!("v1"), &json!("MLflow")));
    world.run("models promote v2");
    wait_for("the version that was promoted here", || version_in_service().as_deref() == Some("v2"));
    world.run("models rollback");
    assert_eq!(world.look()["aliases"], json!({"production": "1"}));

    // Loaded and served by MLflow.
    let texts: Vec<&str> = TEXTS.iter().map(|(text, _)| *text).chain(["", "unheard of"]).collect();
    let records: Vec<Value> = texts.iter().map(|text| json!({"text": text})).collect();
    let of_port = free_port().to_string();
    let arguments = [&world.url(), "predict", "sentiment", &of_port];
    let answers = script("mlflow_side.py", &arguments, &Value::Array(records));
    // In order; of a blank text there is no prediction.
    let mut ours = world.plaudit("predict --json");
    let ours = json(&ours.arg("--").args(texts.iter().filter(|text| !text.is_empty())).output().unwrap());
    let answered = texts.iter().enumerate().filter(|(_, text)| !text.is_empty());
    for ((place, text), ours) in answered.zip(ours.as_array().unwrap()) {
        for how in ["loaded", "served"] {
            let theirs = &answers[how][place];
            assert_eq!(theirs["sentiment"], ours["sentiment"], "{how}: {text}");
            for figure in ["probability", "confidence"] {
                let [theirs, ours] = [theirs, ours].map(|answer| answer[figure].as_f64().unwrap());
                assert!((theirs - ours).abs() < 1e-6, "{how}: {text}: {theirs} {ours}");
            }
        }
    }

    // Killed.
    drop(server);
    world.run("models promote v2");
    wait_for("a promotion without MLflow", || version_in_service().as_deref() == Some("v2"));
    world.run(TRAIN);
    assert_eq!(world.run("models list")["versions"].as_array().unwrap().len(), 3);
    let _server = start_mlflow(world.path(), world.port);
    // The gateway may be first to tell MLflow of the alias.
    assert_eq!(world.run("models sync")["sent"], json!(["v3"]));
    assert_eq!(world.look()["aliases"], json!({"production": "3"}));
}
