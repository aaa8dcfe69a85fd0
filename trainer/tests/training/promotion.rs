//! Production after a training: who moved it, and for what.

use crate::bench::{Bench, csv, files, files_where, name, request};
use registry::Alias;
use schemas::ModelVersion;
use trainer::{Gate, GateFigure, GateTest, Must, Progress, Promotion, PromotionConfig, Report, Test, TrainRequest};

fn production() -> Alias {
    "production".parse().unwrap()
}

fn promotion(force: bool) -> Promotion {
    Promotion {
        alias: production(),
        who: "ada".to_owned(),
        why: "train --promote".to_owned(),
        gates: PromotionConfig::default(),
        force,
    }
}

#[tokio::test]
async fn promotion_sets_the_alias_and_says_who_and_why() {
    let bench = Bench::new();
    let path = bench.file("reviews.csv", &csv(100));
    let request = TrainRequest { promotion: Some(promotion(false)), ..request(files(&path), Test::None) };
    bench.train(request).await.unwrap();
    assert_eq!(bench.registry.aliases(&name()).await.unwrap()[&production()], ModelVersion(1));
    let log = bench.registry.log(&name()).await.unwrap();
    assert_eq!((log[0].who.as_str(), log[0].why.as_str()), ("ada", "train --promote"));
}

/// Trains a third version for production, which is the first until somebody makes it the second while it is trained.
async fn overtaken(force: bool) -> (Report, ModelVersion) {
    let bench = Bench::new();
    let path = bench.file("reviews.csv", &csv(400));
    let (train, test) = (files_where(&path, &[("part", "train")]), files_where(&path, &[("part", "test")]));
    for promotion in [Some(promotion(false)), None] {
        bench.train(TrainRequest { promotion, ..request(train.clone(), Test::None) }).await.unwrap();
    }
    let request = TrainRequest { promotion: Some(promotion(force)), ..request(train, Test::On(test)) };
    let (registry, runtime) = (bench.registry.clone(), tokio::runtime::Handle::current());
    let report = trainer::train(&bench.registry, request, move |step| {
        if step == Progress::Registering {
            let (name, alias) = (name(), production());
            let moving = registry.set_alias(&name, &alias, ModelVersion(2), "ben", "it is better");
            runtime.block_on(moving).unwrap();
        }
    });
    let report = report.await.unwrap();
    let production = bench.registry.aliases(&name()).await.unwrap()[&production()];
    (report, production)
}

#[tokio::test]
async fn what_somebody_else_has_promoted_meanwhile_is_not_replaced_by_what_was_not_compared_with_it() {
    let (report, production) = overtaken(false).await;
    let verdict = report.verdict.unwrap();
    let reason = verdict.reason.as_deref().unwrap_or_default();
    assert_eq!((report.promoted, verdict.passed, production), (None, false, ModelVersion(2)));
    assert!(reason.starts_with("production was moved to v2 by ben meanwhile"), "{reason}");
    // Somebody's word is their word.
    let (report, production) = overtaken(true).await;
    assert_eq!((report.promoted.is_some(), production), (true, ModelVersion(3)));
}

#[tokio::test]
async fn a_gate_on_a_column_that_is_not_there_is_known_before_anything_is_learned() {
    let bench = Bench::new();
    let path = bench.file("reviews.csv", &csv(400));
    let (train, test) = (files_where(&path, &[("part", "train")]), files_where(&path, &[("part", "test")]));
    let of = |slice: &str| {
        let slice = Some(slice.to_owned());
        let gate = Gate { metric: GateFigure::Accuracy, must: Must::Hold, by: 0.0, test: GateTest::None, slice };
        let gates = PromotionConfig { gates: vec![gate], ..PromotionConfig::default() };
        let promotion = Some(Promotion { gates, ..promotion(false) });
        TrainRequest { promotion, ..request(train.clone(), Test::On(test.clone())) }
    };
    bench.train(of("part")).await.unwrap();
    for (slice, column) in [("category", "`category`"), ("product_id", "`product_id`")] {
        let outcome = trainer::train(&bench.registry, of(slice), |step| panic!("{step:?}")).await;
        let error = outcome.unwrap_err().to_string();
        assert!(error.contains("promotion.gates: `slice = ") && error.contains(column), "{error}");
    }
    assert!(bench.train(of("part")).await.unwrap().promoted.is_some());
}
