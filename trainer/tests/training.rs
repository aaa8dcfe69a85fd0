//! Files to registered versions, through the public interface and on small data that is written here.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, as tests do")]

use feature_store::offline::{Condition, ReadOptions, ReviewFiles, Row};
use model::{FeatureConfig, FitConfig, Model, ModelConfig, Transform};
use registry::{Alias, Reference, Registry};
use schemas::{Label, ModelName, ModelVersion};
use serde_json::json;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use trainer::{
    Dataset, Error, EvaluateRequest, Holdout, Inquiry, Progress, Promotion, PromotionConfig, Report, Test, TrainRequest,
};

/// A folder with files, and a registry in it.
struct Bench {
    folder: TempDir,
    registry: Registry,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::open(folder.path().join("registry").to_str().unwrap()).unwrap();
        Self { folder, registry }
    }

    fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    async fn train(&self, request: TrainRequest) -> Result<Report, Error> {
        trainer::train(&self.registry, request, |_| {}).await
    }

    async fn versions(&self) -> usize {
        self.registry.versions(&name()).await.unwrap().len()
    }
}

fn name() -> ModelName {
    "sentiment".parse().unwrap()
}

fn request(data: Dataset, test: Test) -> TrainRequest {
    TrainRequest {
        name: name(),
        model: small_model(),
        fit: FitConfig::default(),
        data,
        test,
        inquiry: Inquiry::default(),
        tune: None,
        promotion: None,
    }
}

fn small_model() -> ModelConfig {
    let mut config = ModelConfig::default();
    config.vectorizer.hash_bits = 14;
    config
}

fn files(path: &Path) -> Dataset {
    files_where(path, &[])
}

fn files_where(path: &Path, conditions: &[(&str, &str)]) -> Dataset {
    let conditions = conditions.iter().map(|(column, value)| Condition::new(*column, *value)).collect();
    Dataset::files(vec![path.to_owned()], ReadOptions { conditions, ..ReadOptions::default() })
}

/// A text whose first words tell the class and whose others don't, all different.
fn text(i: u64, is_positive: bool) -> String {
    let telling = if is_positive { ["lovely", "superb", "splendid"] } else { ["awful", "dreadful", "shoddy"] };
    let plain = ["kettle", "lamp", "chair", "radio", "table", "clock", "mirror"];
    let pick = |salt: u64| plain[(i.wrapping_mul(salt) / 3 % 7) as usize];
    format!("{} {} and {} number {i}", telling[(i % 3) as usize], pick(7919), pick(104_729))
}

/// `rows` rows, every second positive; the last fourth of them is the test part.
fn csv(rows: u64) -> String {
    let mut csv = "review_id,text,label,part,created_at\n".to_owned();
    for i in 0..rows {
        let is_positive = i % 2 == 0;
        let part = if i < rows * 3 / 4 { "train" } else { "test" };
        let (text, label, day) = (text(i, is_positive), u8::from(is_positive), 1 + i % 28);
        writeln!(csv, "r{i},{text},{label},{part},2024-02-{day:02}").unwrap();
    }
    csv
}

#[tokio::test]
async fn a_version_is_registered_with_all_that_made_it() {
    let bench = Bench::new();
    let path = bench.file("reviews.csv", &csv(400));
    let test = Test::On(files_where(&path, &[("part", "test")]));
    let report = bench.train(request(files_where(&path, &[("part", "train")]), test)).await.unwrap();

    assert_eq!((report.rows.train, report.rows.test, report.rows.dropped), (300, 100, 0));
    let metrics = report.metrics.unwrap();
    assert!(metrics.accuracy > 0.95, "{metrics:?}");
    assert!(report.peak_rss_bytes.is_none_or(|bytes| bytes > 1 << 20));

    let manifest = bench.registry.manifest(&name(), ModelVersion(1)).await.unwrap();
    assert_eq!((&manifest.sha256, manifest.version), (&report.model.sha256, report.model.version));
    assert_eq!(manifest.run.parameters["model"]["vectorizer"]["hash_bits"], 14);
    assert_eq!(manifest.run.parameters["train"]["c"], FitConfig::default().c);
    let test = serde_json::json!({"paths": [path.display().to_string()], "columns": {}, "where": ["part=test"]});
    assert_eq!(manifest.run.parameters["test"], test);
    assert_eq!(manifest.run.metrics["accuracy"], metrics.accuracy);
    assert_eq!(manifest.run.metrics["confusion"]["tp"], metrics.confusion.tp);
    let data = manifest.run.data.unwrap();
    assert_eq!(data.paths, [path.display().to_string()]);
    assert_eq!((data.rows, data.positives, data.negatives), (300, 150, 150));
    assert_eq!(data.first_created_at.unwrap().to_string(), "2024-02-01T00:00:00.000Z");
    assert_eq!(data.last_created_at.unwrap().to_string(), "2024-02-28T00:00:00.000Z");
    let fingerprint = ReviewFiles::open(&[path], &ReadOptions::default()).unwrap().fingerprint();
    assert_eq!(data.schema_sha256, fingerprint.0);
    for stage in ["read", "vectorize", "fit", "test", "total"] {
        assert!(manifest.run.seconds.contains_key(stage), "{stage}");
    }
    assert!(manifest.run.library_version.starts_with("plaudit "));
    assert!(bench.registry.aliases(&name()).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_registered_bytes_are_the_model_that_was_tested() {
    let bench = Bench::new();
    let path = bench.file("reviews.csv", &csv(400));
    let test = files_where(&path, &[("part", "test")]);
    let trained = bench.train(request(files(&path), Test::On(test.clone()))).await.unwrap();
    let request = EvaluateRequest {
        name: name(),
        reference: Reference::Version(ModelVersion(1)),
        data: test,
        inquiry: Inquiry::default(),
    };
    let evaluated = trainer::evaluate(&bench.registry, request, |_| {}).await.unwrap();
    assert_eq!(evaluated.metrics, trained.metrics);
    assert_eq!(evaluated.model, trained.model);
    assert_eq!((evaluated.rows.train, evaluated.rows.test), (0, 100));
}

#[tokio::test]
async fn what_is_tested_is_not_learned_from() {
    let bench = Bench::new();
    let (path, other) = (bench.file("reviews.csv", &csv(400)), bench.file("other.csv", &csv(40)));
    let both = Dataset::files(vec![other, path.clone()], ReadOptions::default());
    // By a condition on the test alone, with the file at another place among the paths, spelled in another way.
    std::fs::create_dir(bench.folder.path().join("sub")).unwrap();
    let spelled = bench.folder.path().join("sub/../reviews.csv");
    let test = files_where(&spelled, &[("part", "test")]);
    let report = bench.train(request(both, Test::On(test))).await.unwrap();
    assert_eq!((report.rows.train, report.rows.test), (340, 100));
}

#[tokio::test]
async fn a_holdout_keeps_copies_of_a_text_together() {
    let bench = Bench::new();
    let once = csv(300);
    let rows = once.split_once('\n').unwrap().1;
    // Every text twice, the second time far from the first, and three rows that nobody can use.
    let path = bench.file("reviews.csv", &format!("{once}{rows}x,,1,train,\ny,some words,,train,\nz,words,2,train,\n"));
    let holdout = Holdout::new(0.25).unwrap();
    let report = bench.train(request(files(&path), Test::Holdout(holdout))).await.unwrap();
    assert_eq!(report.rows.train + report.rows.test, 600);
    assert!((100..200).contains(&report.rows.test), "{:?}", report.rows);
    assert_eq!((report.rows.train % 2, report.rows.test % 2), (0, 0));
    assert_eq!(report.rows.dropped, 3);
    let reasons = serde_json::to_value(report.dropped_reasons).unwrap();
    assert_eq!(reasons, json!({"no_text": 1, "no_label": 1, "unreadable_label": 1}));
}

#[tokio::test]
async fn a_file_of_its_own_is_the_test_and_its_dropped_rows_count() {
    let bench = Bench::new();
    let train = bench.file("train.csv", &csv(100));
    let test = bench.file(
        "test.jsonl",
        "{\"text\":\"lovely\",\"rating\":5}\n{\"text\":\"awful\",\"rating\":1}\nno json\n\
                                         {\"text\":\"so so\",\"rating\":3}\n{\"text\":\"\",\"rating\":4}\n",
    );
    let report = bench.train(request(files(&train), Test::On(files(&test)))).await.unwrap();
    assert_eq!((report.rows.train, report.rows.test, report.rows.dropped), (100, 2, 3));
    let reasons = serde_json::to_value(report.dropped_reasons).unwrap();
    assert_eq!(reasons, json!({"unreadable_row": 1, "neutral_rating": 1, "no_text": 1}));
}

#[tokio::test]
async fn a_line_that_cannot_be_read_is_counted_once() {
    let bench = Bench::new();
    let mut lines = "no json\n".to_owned();
    for i in 0..40 {
        let part = ["train", "test"][i as usize % 4 / 2];
        let line = json!({"text": text(i, i % 2 == 0), "label": (i + 1) % 2, "part": part});
        writeln!(lines, "{line}").unwrap();
    }
    let path = bench.file("reviews.jsonl", &lines);
    for trained in [files_where(&path, &[("part", "train")]), files(&path)] {
        let test = Test::On(files_where(&path, &[("part", "test")]));
        let report = bench.train(request(trained, test)).await.unwrap();
        assert_eq!((report.rows.train, report.rows.test, report.rows.dropped), (20, 20, 1));
    }
}

#[tokio::test]
async fn without_a_test_there_are_no_figures() {
    let bench = Bench::new();
    let path = bench.file("reviews.csv", &csv(100));
    let report = bench.train(request(files(&path), Test::None)).await.unwrap();
    assert_eq!((report.rows.train, report.rows.test, report.metrics), (100, 0, None));
    let manifest = bench.registry.manifest(&name(), ModelVersion(1)).await.unwrap();
    assert!(manifest.run.metrics.is_empty() && manifest.run.parameters["test"].is_null());
}

#[tokio::test]
async fn promotion_sets_the_alias_and_says_who_and_why() {
    let bench = Bench::new();
    let path = bench.file("reviews.csv", &csv(100));
    let alias: Alias = "production".parse().unwrap();
    let promotion = Promotion {
        alias: alias.clone(),
        who: "ada".to_owned(),
        why: "train --promote".to_owned(),
        gates: PromotionConfig::default(),
        force: false,
    };
    let request = TrainRequest { promotion: Some(promotion), ..request(files(&path), Test::None) };
    bench.train(request).await.unwrap();
    assert_eq!(bench.registry.aliases(&name()).await.unwrap()[&alias], ModelVersion(1));
    let log = bench.registry.log(&name()).await.unwrap();
    assert_eq!((log[0].who.as_str(), log[0].why.as_str()), ("ada", "train --promote"));
}

#[tokio::test]
async fn the_same_data_make_the_same_bytes() {
    let bench = Bench::new();
    let path = bench.file("reviews.csv", &csv(400));
    let first = bench.train(request(files(&path), Test::None)).await.unwrap();
    let second = bench.train(request(files(&path), Test::None)).await.unwrap();
    assert_eq!(first.model.sha256, second.model.sha256);
    assert_eq!((first.model.version, second.model.version), (ModelVersion(1), ModelVersion(2)));
}

#[tokio::test]
async fn rows_at_hand_and_a_rule_make_the_same_model_as_files() {
    let bench = Bench::new();
    let path = bench.file("reviews.csv", &csv(3000));
    let mut reader = ReviewFiles::open(std::slice::from_ref(&path), &ReadOptions::default()).unwrap();
    let mut rows: Vec<Row> = Vec::new();
    while let Some(batch) = reader.next_batch().unwrap() {
        rows.extend(batch);
    }
    let is_kept = |row: &Row| row.review_id.as_deref().is_some_and(|id| !id.ends_with('7'));
    let of_files = bench.train(request(files(&path).keep(is_kept), Test::None)).await.unwrap();
    let of_rows = bench.train(request(Dataset::rows("a list", rows).keep(is_kept), Test::None)).await.unwrap();
    assert_eq!(of_files.rows.train, 2700);
    assert_eq!(of_files.model.sha256, of_rows.model.sha256);
    let manifest = bench.registry.manifest(&name(), of_rows.model.version).await.unwrap();
    assert_eq!(manifest.run.data.unwrap().paths, ["a list"]);
}

#[tokio::test]
async fn titles_and_other_names_of_columns_are_read() {
    let bench = Bench::new();
    let mut csv = "headline,body,stars\n".to_owned();
    for i in 0..60 {
        let (headline, stars) = if i % 2 == 0 { ("lovely", 4 + i % 4 / 2) } else { ("awful", 1 + i % 4 / 2) };
        writeln!(csv, "{headline},kettle {i},{stars}").unwrap();
    }
    let path = bench.file("other.csv", &csv);
    let columns = ["title=headline", "text=body", "rating=stars"].map(|pair| pair.parse().unwrap());
    let options = ReadOptions { columns: columns.into_iter().collect(), ..ReadOptions::default() };
    bench.train(request(Dataset::files(vec![path], options), Test::None)).await.unwrap();
    let artifact = bench.registry.artifact(&name(), ModelVersion(1)).await.unwrap();
    let model = Model::from_bytes(&artifact).unwrap();
    let probability = |title| {
        let document = model::Document { title: Some(title), text: "kettle", features: &[] };
        model.probability(&document, &mut model::Scratch::new())
    };
    assert_eq!(Label::from_probability(probability("lovely")), Label::Positive);
    assert_eq!(Label::from_probability(probability("awful")), Label::Negative);
}

#[tokio::test]
async fn rows_that_are_not_utf8_are_counted_where_they_are_learned_from_or_tested() {
    let bench = Bench::new();
    let mut latin = b"text,title,user_id,rating\n".to_vec();
    for i in 0..40 {
        let rating = if i % 2 == 0 { 5 } else { 1 };
        let (text, title, user) = match i % 4 {
            0 => (b"caf\xe9 lovely".to_vec(), "", ""),
            1 => (b"awful".to_vec(), "\u{fffd}", ""),
            2 => (b"lovely".to_vec(), "", "x"),
            _ => (b"awful".to_vec(), "", ""),
        };
        latin.extend([text, format!(" {i},{title},{user},{rating}\n").into_bytes()].concat());
    }
    let path = bench.folder.path().join("latin.csv");
    std::fs::write(&path, latin).unwrap();
    let report = bench.train(request(files(&path), Test::Holdout(Holdout::new(0.4).unwrap()))).await.unwrap();
    assert_eq!((report.rows.train + report.rows.test, report.rows.dropped), (40, 0));
    assert!(report.rows.test > 0);
    assert_eq!(report.repaired_rows, 10, "a U+FFFD that stands in the file is as good as any");
    let evaluate = EvaluateRequest {
        name: name(),
        reference: "v1".parse().unwrap(),
        data: files(&path),
        inquiry: Inquiry::default(),
    };
    assert_eq!(trainer::evaluate(&bench.registry, evaluate, |_| {}).await.unwrap().repaired_rows, 10);
}

#[tokio::test]
async fn every_stage_reports_its_progress() {
    let bench = Bench::new();
    let path = bench.file("reviews.csv", &csv(400));
    let (sender, receiver) = std::sync::mpsc::channel();
    let request = request(files(&path), Test::Holdout(Holdout::new(0.2).unwrap()));
    let report = trainer::train(&bench.registry, request, move |step| sender.send(step).unwrap()).await.unwrap();
    let steps: Vec<Progress> = receiver.iter().collect();
    let size = std::fs::metadata(&path).unwrap().len();
    let learned = Progress::Learning { rows: report.rows.train, bytes_read: size, total_bytes: size };
    let tested = Progress::Testing { rows: report.rows.test, bytes_read: size, total_bytes: size };
    assert!(steps.contains(&learned) && steps.contains(&tested), "{steps:?}");
    assert!(steps.iter().any(|step| matches!(step, Progress::Fitting(_))));
    assert_eq!(steps.last(), Some(&Progress::Registering));
}

/// What goes wrong leaves no version, and says in one sentence what it was.
async fn refused(bench: &Bench, request: TrainRequest) -> String {
    let error = bench.train(request).await.unwrap_err().to_string();
    assert_eq!(bench.versions().await, 0);
    assert!(!error.contains('\n') && !error.ends_with('.'), "{error}");
    error
}

#[tokio::test]
async fn data_that_cannot_be_learned_from_are_refused() {
    let bench = Bench::new();
    let positives =
        csv(400).lines().filter(|line| !line.contains(",0,")).map(|line| format!("{line}\n")).collect::<String>();
    let one_class = refused(&bench, request(files(&bench.file("one.csv", &positives)), Test::None)).await;
    assert!(one_class.contains("one.csv") && one_class.contains("all 200 rows are positive"), "{one_class}");

    let few = refused(&bench, request(files(&bench.file("few.csv", &(csv(9) + "x,words,,,\n"))), Test::None)).await;
    assert!(few.contains("few.csv has 9 rows to learn from, and 10 are the least"), "{few}");
    assert!(few.ends_with("; rows left out: 1 no label"), "{few}");

    let neutral = bench.file("neutral.csv", "text,rating\nfine,3\n,5\nso so,3\n");
    let neutral = refused(&bench, request(files(&neutral), Test::None)).await;
    let expected =
        "neutral.csv has 0 rows to learn from, and 10 are the least; rows left out: 1 no text, 2 neutral rating";
    assert!(neutral.ends_with(expected), "{neutral}");

    let header = bench.file("header.csv", "text,rating\n");
    let header = refused(&bench, request(files(&header), Test::None)).await;
    assert!(header.ends_with("header.csv has not a single row"), "{header}");

    let unlabelled = bench.file("unlabelled.csv", "review_id,text,stars\n1,fine,5\n");
    let unlabelled = refused(&bench, request(files(&unlabelled), Test::None)).await;
    assert!(unlabelled.contains("--column rating=COLUMN"), "{unlabelled}");

    let path = bench.file("reviews.csv", &csv(400));
    let none = refused(&bench, request(files_where(&path, &[("part", "neither")]), Test::None)).await;
    assert!(none.ends_with("where part=neither has not a single row"), "{none}");
    let untested = Test::On(files_where(&path, &[("part", "neither")]));
    let untested = refused(&bench, request(files(&path), untested)).await;
    assert!(untested.ends_with("where part=neither has not a single row"), "{untested}");
    let unlabelled = bench.file("unlabelled.csv", "text,rating\nfine,\n");
    let unlabelled = refused(&bench, request(files(&path), Test::On(files(&unlabelled)))).await;
    assert!(unlabelled.ends_with("has no row to test on; rows left out: 1 no label"), "{unlabelled}");
    let all_tested = refused(&bench, request(files(&path), Test::On(files(&path)))).await;
    assert!(all_tested.contains("has 0 rows to learn from"), "{all_tested}");
}

#[tokio::test]
async fn a_wrong_test_file_is_known_before_anything_is_learned() {
    let bench = Bench::new();
    let path = bench.file("reviews.csv", &csv(100));
    let request = request(files(&path), Test::On(files(&bench.folder.path().join("absent.csv"))));
    let outcome = trainer::train(&bench.registry, request, |step| panic!("{step:?}")).await;
    assert!(outcome.unwrap_err().to_string().contains("absent.csv"));
}

#[tokio::test]
async fn the_memory_limit_ends_the_training() {
    let bench = Bench::new();
    let path = bench.file("reviews.csv", &csv(3000));
    let fit = FitConfig { memory_limit_bytes: 10_000, ..FitConfig::default() };
    let error = refused(&bench, TrainRequest { fit, ..request(files(&path), Test::None) }).await;
    assert!(error.contains("train.memory_limit_bytes"), "{error}");
}

#[tokio::test]
async fn settings_that_make_no_sense_are_refused() {
    let bench = Bench::new();
    let path = bench.file("reviews.csv", &csv(100));
    let fit = FitConfig { c: -1.0, ..FitConfig::default() };
    let error = refused(&bench, TrainRequest { fit, ..request(files(&path), Test::None) }).await;
    assert!(error.contains("train.c"), "{error}");
}

#[tokio::test]
async fn a_registry_that_cannot_be_written_gets_no_half_version() {
    let bench = Bench::new();
    let path = bench.file("reviews.csv", &csv(100));
    // A file where the model's folder would be, as a full disk: every write fails.
    std::fs::create_dir(bench.folder.path().join("registry")).unwrap();
    std::fs::write(bench.folder.path().join("registry").join("sentiment"), "in the way").unwrap();
    let error = bench.train(request(files(&path), Test::None)).await.unwrap_err();
    assert!(matches!(error, Error::Registry(_)), "{error}");
    assert!(bench.registry.names().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_unknown_version_or_alias_is_not_evaluated() {
    let bench = Bench::new();
    let path = bench.file("reviews.csv", &csv(100));
    bench.train(request(files(&path), Test::None)).await.unwrap();
    for wanted in ["production", "v7"] {
        let request = EvaluateRequest {
            name: name(),
            reference: wanted.parse().unwrap(),
            data: files(&path),
            inquiry: Inquiry::default(),
        };
        let error = trainer::evaluate(&bench.registry, request, |_| {}).await.unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_pipe_cannot_be_split_into_training_and_test() {
    let bench = Bench::new();
    let pipe = bench.folder.path().join("pipe.csv");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let holdout = Test::Holdout(Holdout::new(0.2).unwrap());
    let error = refused(&bench, request(files(&pipe), holdout)).await;
    assert!(error.contains("pipe.csv` can be read only once"), "{error}");
}

/// As [`csv`], but the texts tell nothing; of the two features one tells the class, and each is missing now and then.
fn csv_of_features(rows: u64) -> String {
    let mut csv = "text,label,stats.tells,stats.count,part\n".to_owned();
    for i in 0..rows {
        let part = if i < rows * 3 / 4 { "train" } else { "test" };
        let tells = if i % 10 == 7 { String::new() } else { (i % 2 * 3 + i % 3).to_string() };
        let count = if i % 9 == 4 { String::new() } else { (i % 100).to_string() };
        writeln!(csv, "{},{},{tells},{count},{part}", text(i, i % 3 == 0), i % 2).unwrap();
    }
    csv
}

fn with_features(names: &[&str]) -> ModelConfig {
    let feature = |name: &&str| FeatureConfig { name: (*name).to_owned(), transform: Transform::None };
    ModelConfig { features: names.iter().map(feature).collect(), ..small_model() }
}

#[tokio::test]
async fn features_are_learned_tested_and_named_in_the_manifest() {
    let bench = Bench::new();
    let path = bench.file("joined.csv", &csv_of_features(400));
    let (train, test) = (files_where(&path, &[("part", "train")]), files_where(&path, &[("part", "test")]));
    let accuracy = |report: &Report| report.metrics.as_ref().unwrap().accuracy;
    let without = bench.train(request(train.clone(), Test::On(test.clone()))).await.unwrap();
    let model = with_features(&["stats.tells", "stats.count"]);
    let with = TrainRequest { model, ..request(train.clone(), Test::On(test.clone())) };
    let with = bench.train(with).await.unwrap();
    assert!(accuracy(&without) < 0.7 && accuracy(&with) > 0.9, "{} {}", accuracy(&without), accuracy(&with));

    let features = async |version| bench.registry.manifest(&name(), version).await.unwrap().run.features;
    assert_eq!(features(without.model.version).await, Vec::<String>::new());
    assert_eq!(features(with.model.version).await, ["stats.tells", "stats.count"]);

    // What an evaluation reads is what the model takes, whatever is configured by now.
    let reference = Reference::Version(with.model.version);
    let evaluation = EvaluateRequest { name: name(), reference, data: test, inquiry: Inquiry::default() };
    let evaluated = trainer::evaluate(&bench.registry, evaluation, |_| {}).await.unwrap();
    assert_eq!(evaluated.metrics, with.metrics);

    let holdout = Test::Holdout(Holdout::new(0.25).unwrap());
    let request = TrainRequest { model: with_features(&["stats.tells"]), ..request(files(&path), holdout) };
    assert!(accuracy(&bench.train(request).await.unwrap()) > 0.9);
}

#[tokio::test]
async fn rows_at_hand_bring_the_values_of_their_features() {
    let bench = Bench::new();
    let path = bench.file("joined.csv", &csv_of_features(400));
    let options = ReadOptions { features: vec!["stats.tells".to_owned()], ..ReadOptions::default() };
    let mut reader = ReviewFiles::open(std::slice::from_ref(&path), &options).unwrap();
    let mut rows: Vec<Row> = Vec::new();
    while let Some(batch) = reader.next_batch().unwrap() {
        rows.extend(batch);
    }
    let model = with_features(&["stats.tells"]);
    let of_rows = TrainRequest { model: model.clone(), ..request(Dataset::rows("a list", rows), Test::None) };
    let of_files = TrainRequest { model, ..request(files(&path), Test::None) };
    let (of_rows, of_files) = (bench.train(of_rows).await.unwrap(), bench.train(of_files).await.unwrap());
    assert_eq!(of_rows.model.sha256, of_files.model.sha256);
}

#[tokio::test]
async fn files_without_the_features_are_refused_before_anything_is_learned() {
    let bench = Bench::new();
    let (plain, joined) = (bench.file("plain.csv", &csv(400)), bench.file("joined.csv", &csv_of_features(400)));
    let model = with_features(&["stats.tells"]);
    for (data, test) in [(&plain, Test::None), (&joined, Test::On(files(&plain)))] {
        let request = TrainRequest { model: model.clone(), ..request(files(data), test) };
        let outcome = trainer::train(&bench.registry, request, |step| panic!("{step:?}")).await;
        let error = outcome.unwrap_err();
        assert!(error.to_string().contains("no column `stats.tells`") && error.is_wrong_usage(), "{error}");
    }
    let trained = bench.train(TrainRequest { model, ..request(files(&joined), Test::None) }).await.unwrap();
    let reference = Reference::Version(trained.model.version);
    let request = EvaluateRequest { name: name(), reference, data: files(&plain), inquiry: Inquiry::default() };
    let error = trainer::evaluate(&bench.registry, request, |_| {}).await.unwrap_err();
    assert!(error.to_string().contains("plain.csv` has no column `stats.tells`"), "{error}");
}

#[tokio::test]
async fn a_feature_that_no_row_has_is_refused_by_its_name() {
    let bench = Bench::new();
    let rows = (0..40).map(|i| format!("{},{},\n", text(i, i % 2 == 0), i % 2)).collect::<String>();
    let path = bench.file("empty.csv", &format!("text,label,stats.other\n{rows}"));
    let model = with_features(&["stats.other"]);
    let error = refused(&bench, TrainRequest { model, ..request(files(&path), Test::None) }).await;
    assert!(error.contains("no row has a value of the feature stats.other"), "{error}");
}
