//! What is registered, and from which rows.

use crate::bench::{Bench, csv, files, files_where, name, request};
use feature_store::offline::{ReadOptions, ReviewFiles, Row};
use model::{FitConfig, Model};
use registry::Reference;
use schemas::{Label, ModelVersion};
use std::fmt::Write;
use trainer::{Dataset, Error, EvaluateRequest, Holdout, Inquiry, Progress, Test};

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
async fn without_a_test_there_are_no_figures() {
    let bench = Bench::new();
    let path = bench.file("reviews.csv", &csv(100));
    let report = bench.train(request(files(&path), Test::None)).await.unwrap();
    assert_eq!((report.rows.train, report.rows.test, report.metrics), (100, 0, None));
    let manifest = bench.registry.manifest(&name(), ModelVersion(1)).await.unwrap();
    assert!(manifest.run.metrics.is_empty() && manifest.run.parameters["test"].is_null());
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

#[tokio::test]
async fn a_training_that_is_told_to_stop_registers_nothing() {
    let bench = Bench::new();
    let path = bench.file("reviews.csv", &csv(4000));
    let request = request(files(&path), Test::Holdout(Holdout::new(0.2).unwrap()));
    let stop = request.stop.clone();
    let outcome = trainer::train(&bench.registry, request, move |step| match step {
        Progress::Learning { .. } => stop.cancel(),
        step => panic!("{step:?}"),
    });
    assert!(matches!(outcome.await, Err(Error::Stopped)));
    assert_eq!(bench.versions().await, 0);
}
