//! The probability is honest: what a sample does to the odds is undone by the model that learned from it.

use crate::files::{Folder, Review, note, request, sample};
use feature_store::offline::{Condition, ReadOptions, ReviewFiles};
use model::{Document, FitConfig, KeepRates, Model, ModelConfig, Scratch};
use registry::Registry;
use std::path::{Path, PathBuf};
use tokio_util::sync::CancellationToken;
use trainer::sample::SampleRequest;
use trainer::{Dataset, Error, Holdout, Inquiry, Promotion, PromotionConfig, Report, Test, TrainRequest};

struct Trained {
    report: Report,
    model: Model,
}

async fn train(folder: &Folder, inputs: Vec<PathBuf>, read: ReadOptions, test: Dataset) -> Result<Trained, Error> {
    let registry = Registry::open(folder.path("registry").to_str().unwrap()).unwrap();
    let mut model = ModelConfig::default();
    model.vectorizer.hash_bits = 16;
    let request = TrainRequest {
        name: "sentiment".parse().unwrap(),
        model,
        // Little enough trust in single words that the fit itself is calibrated.
        fit: FitConfig { c: 1.0, ..FitConfig::default() },
        data: Dataset::files(inputs, read),
        test: Test::On(test),
        inquiry: Inquiry::default(),
        tune: None,
        promotion: None,
        stop: CancellationToken::new(),
    };
    let report = trainer::train(&registry, request, |_| {}).await?;
    let artifact = registry.artifact(&report.model.name, report.model.version).await.unwrap();
    Ok(Trained { model: Model::from_bytes(&artifact).unwrap(), report })
}

/// The expected calibration error of a model on a file, in ten bins of one width.
fn ece(model: &Model, path: &Path, read: &ReadOptions) -> f64 {
    let mut bins = [(0.0, 0.0, 0.0); 10];
    each_probability(model, path, read, |probability, is_positive| {
        let bin = &mut bins[((probability * 10.0) as usize).min(9)];
        *bin = (bin.0 + 1.0, bin.1 + probability, bin.2 + f64::from(u8::from(is_positive)));
    });
    let rows: f64 = bins.iter().map(|bin| bin.0).sum();
    bins.iter().map(|(_, said, was)| (said - was).abs() / rows).sum()
}

fn each_probability(model: &Model, path: &Path, read: &ReadOptions, mut each: impl FnMut(f64, bool)) {
    let mut scratch = Scratch::new();
    let mut files = ReviewFiles::open(&[path.to_owned()], read).unwrap();
    while let Some(rows) = files.next_batch().unwrap() {
        for row in rows {
            let (Some(text), Some(label)) = (row.text.as_deref(), row.label()) else { continue };
            let document = Document { title: row.title.as_deref(), text, features: &[] };
            each(model.probability(&document, &mut scratch), label.is_positive());
        }
    }
}

/// Trains on a balanced sample of the first part and tests on all of the second: the errors before and after the correction.
async fn before_and_after(
    folder: &Folder,
    input: &Path,
    train_part: &ReadOptions,
    test_part: &ReadOptions,
) -> (f64, f64) {
    let request =
        SampleRequest { read: train_part.clone(), ..request(&[input.to_owned()], &folder.path("sample.parquet")) };
    let sampled = sample(&request).unwrap();
    let rates = sampled.keep_rates;
    assert!(rates.negative == 1.0 && rates.positive < 0.5, "{rates:?}");
    let test = Dataset::files(vec![input.to_owned()], test_part.clone());
    let Trained { report, model } =
        train(folder, vec![request.output.clone()], ReadOptions::default(), test).await.unwrap();
    assert_eq!(model.keep_rates(), rates);

    let uncorrected = model.clone().with_keep_rates(KeepRates::ALL).unwrap();
    // The formula: log-odds on the sample, and ln(r_negative / r_positive).
    let mut on_sample = Vec::new();
    each_probability(&uncorrected, input, test_part, |probability, _| on_sample.push(probability));
    let mut i = 0;
    each_probability(&model, input, test_part, |probability, _| {
        let log_odds = (on_sample[i] / (1.0 - on_sample[i])).ln() + (rates.negative / rates.positive).ln();
        let by_formula = 1.0 / (1.0 + (-log_odds).exp());
        assert!((probability - by_formula).abs() < 1e-9, "{probability} {by_formula}");
        i += 1;
    });
    assert!(i > 500);
    let after = ece(&model, input, test_part);
    // What training reports is what scoring does.
    assert!((report.metrics.unwrap().ece - after).abs() < 0.02);
    (ece(&uncorrected, input, test_part), after)
}

/// Reviews of which one in ten is negative, with words that tell the class more or less.
fn reviews(count: u64) -> Vec<Review> {
    let mut state = 3_u64;
    let mut random = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    (0..count)
        .map(|i| {
            let is_positive = random(10) > 0;
            let words: Vec<String> = (0..6)
                .map(|_| match random(10) {
                    0..3 if is_positive => format!("good{}", random(20)),
                    0..3 => format!("bad{}", random(20)),
                    3 => format!("{}{}", if random(2) == 0 { "good" } else { "bad" }, random(20)),
                    _ => format!("word{}", random(300)),
                })
                .collect();
            Review {
                id: format!("r{i}"),
                text: Some(format!("{} number{i}", words.join(" "))),
                rating: Some(if is_positive { 5.0 } else { 1.0 }),
                category: Some(if i % 3 == 0 { "test" } else { "train" }),
                ..Review::default()
            }
        })
        .collect()
}

fn part(name: &str) -> ReadOptions {
    ReadOptions { conditions: vec![Condition::new("category", name)], ..ReadOptions::default() }
}

#[tokio::test]
async fn the_odds_of_a_sample_are_undone_on_generated_reviews() {
    let folder = Folder::new();
    let input = folder.parquet("reviews.parquet", &reviews(12_000));
    let (before, after) = before_and_after(&folder, &input, &part("train"), &part("test")).await;
    println!("ECE on generated reviews: {before:.4} before, {after:.4} after");
    assert!(before > 0.05 && after < before / 2.0, "{before} {after}");
}

/// On real reviews in time order, where `PLAUDIT_TEST_DATA` has them: without, the test says so.
#[tokio::test]
async fn the_odds_of_a_sample_are_undone_on_reviews_of_later_years() {
    let data = std::env::var_os("PLAUDIT_TEST_DATA").map(|data| PathBuf::from(data).join("amazon_stream.parquet"));
    let Some(input) = data.filter(|input| input.is_file()) else {
        println!("left out: PLAUDIT_TEST_DATA has no amazon_stream.parquet");
        return;
    };
    let columns =
        || ["rating=stars", "created_at=timestamp_ms"].map(|pair| pair.parse().unwrap()).into_iter().collect();
    let middle = schemas::Timestamp::parse("2014-06-01");
    let early = ReadOptions { columns: columns(), until: middle, ..ReadOptions::default() };
    let late = ReadOptions { columns: columns(), since: middle, ..ReadOptions::default() };
    let (before, after) = before_and_after(&Folder::new(), &input, &early, &late).await;
    println!("ECE on real reviews of later years: {before:.4} before, {after:.4} after");
    assert!(after < before / 2.0, "{before} {after}");
}

#[tokio::test]
async fn files_that_were_sampled_at_different_rates_are_refused_together() {
    let folder = Folder::new();
    let input = folder.parquet("reviews.parquet", &reviews(3000));
    let sampled = folder.path("sample.parquet");
    sample(&request(std::slice::from_ref(&input), &sampled)).unwrap();
    assert!(note(&sampled).keep_rates.positive < 0.3);
    let test = || Dataset::files(vec![input.clone()], part("test"));
    let both = vec![sampled.clone(), input.clone()];
    let error = train(&folder, both, ReadOptions::default(), test()).await.err().unwrap().to_string();
    for named in
        ["sample.parquet` kept 1.0000 of the negative", "reviews.parquet` is no sample", "sample them together"]
    {
        assert!(error.contains(named), "{error}");
    }
    assert!(train(&folder, vec![sampled.clone(), sampled], ReadOptions::default(), test()).await.is_ok());
}

#[tokio::test]
async fn gates_score_a_test_that_is_a_sample_as_the_report_does() {
    let folder = Folder::new();
    let input = folder.parquet("reviews.parquet", &reviews(12_000));
    let sampled = folder.path("sample.parquet");
    sample(&request(std::slice::from_ref(&input), &sampled)).unwrap();
    let registry = Registry::open(folder.path("registry").to_str().unwrap()).unwrap();
    let promoted = async || {
        let mut model = ModelConfig::default();
        model.vectorizer.hash_bits = 16;
        let promotion = Promotion {
            alias: "production".parse().unwrap(),
            who: "ann".to_owned(),
            why: String::new(),
            gates: PromotionConfig::default(),
            force: false,
        };
        let request = TrainRequest {
            name: "sentiment".parse().unwrap(),
            model,
            fit: FitConfig::default(),
            data: Dataset::files(vec![sampled.clone()], ReadOptions::default()),
            test: Test::Holdout(Holdout::new(0.3).unwrap()),
            inquiry: Inquiry::default(),
            tune: None,
            promotion: Some(promotion),
            stop: CancellationToken::new(),
        };
        trainer::train(&registry, request, |_| {}).await.unwrap()
    };
    promoted().await;
    let Report { metrics, verdict, .. } = promoted().await;
    let gates = verdict.unwrap().gates;
    let log_loss = gates.iter().find(|gate| gate.metric == "log_loss").unwrap();
    assert_eq!((log_loss.champion, log_loss.challenger), (Some(metrics.unwrap().log_loss), log_loss.champion));
}
