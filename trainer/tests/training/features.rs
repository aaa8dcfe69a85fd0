//! Models that take features beside the text.

use crate::bench::{Bench, csv, files, files_where, name, refused, request, small_model, text};
use feature_store::offline::{ReadOptions, ReviewFiles, Row};
use model::{FeatureConfig, ModelConfig, Transform};
use registry::Reference;
use std::fmt::Write;
use trainer::{Dataset, EvaluateRequest, Holdout, Inquiry, Report, Test, TrainRequest};

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
