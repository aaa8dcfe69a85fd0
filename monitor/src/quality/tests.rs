use super::*;
use schemas::{Label, ModelVersion, Origin};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_epoch_millis(seconds * 1000).unwrap()
}

fn scored(probability: f64, category: &str, seconds: i64) -> Scored {
    Scored { probability, version: ModelVersion(1), category: Some(category.to_owned()), at: at(seconds) }
}

fn label(id: &str, label: Label, seconds: i64) -> Feedback {
    let json = serde_json::json!({"review_id": id, "label": label, "origin": "user", "created_at": at(seconds)});
    Feedback::decode(json.to_string().as_bytes()).unwrap()
}

fn of_all(quality: &Quality) -> SliceQuality {
    quality.figures().into_iter().find(|figures| figures.slice.is_empty()).unwrap()
}

fn quality(window: usize, maturity_seconds: u64) -> Quality {
    Quality::new(QualityConfig { window, maturity_seconds, ..QualityConfig::default() })
}

#[test]
fn what_has_no_label_is_in_no_figure_but_in_the_coverage() {
    let mut quality = quality(100, 50);
    for i in 0..40 {
        quality.scored(&format!("r{i}"), scored(0.9, "books", i));
        if i % 4 == 0 {
            let is = if i % 8 == 0 { Label::Positive } else { Label::Negative };
            quality.labelled(&label(&format!("r{i}"), is, i + 3));
        }
    }
    let before = of_all(&quality);
    assert_eq!((before.labelled, before.window.accuracy, before.coverage), (10, 0.5, None), "none is mature");
    assert_eq!(before.median_delay_seconds, 3.0);
    quality.scored("later", scored(0.9, "books", 89));
    let after = of_all(&quality);
    assert_eq!((after.coverage, after.matured), (Some(0.25), 40));
    assert_eq!((after.labelled, after.window.accuracy), (10, 0.5));
}

#[test]
fn a_label_before_its_prediction_waits_for_it_and_a_second_one_counts_no_more() {
    let mut quality = quality(100, 1000);
    assert_eq!(quality.labelled(&label("a", Label::Positive, 5)), None);
    let outcome = quality.scored("a", scored(0.2, "books", 7)).unwrap();
    assert_eq!((outcome.error(), outcome.delay_millis, outcome.origin), (1.0, 0, Origin::User));
    assert_eq!(quality.labelled(&label("a", Label::Negative, 9)), None);
    assert_eq!(quality.scored("a", scored(0.9, "books", 7)), None);
    let counts = quality.counts();
    assert_eq!((counts.matched, counts.repeated_labels, counts.repeated_predictions), (1, 1, 1));
}

#[test]
fn what_waits_is_bounded() {
    let config = QualityConfig { max_waiting: 10, ..QualityConfig::default() };
    let mut quality = Quality::new(config);
    for i in 0..100 {
        quality.scored(&format!("r{i}"), scored(0.5, "books", i));
        quality.labelled(&label(&format!("unknown{i}"), Label::Positive, i));
    }
    let counts = quality.counts();
    assert_eq!((counts.given_up, counts.without_prediction), (90, 90));
    assert_eq!(quality.labelled(&label("r5", Label::Positive, 200)), None, "given up");
    assert!(quality.labelled(&label("r95", Label::Positive, 200)).is_some());
}

#[test]
fn slices_are_bounded_and_the_newest_version_is_always_among_them() {
    let config = QualityConfig { max_versions: 2, max_categories: 3, ..QualityConfig::default() };
    let mut quality = Quality::new(config);
    for i in 0..20 {
        let scored = Scored { version: ModelVersion(1 + i / 4), ..scored(0.9, &format!("category {i}"), i as i64) };
        quality.scored(&format!("r{i}"), scored);
        quality.labelled(&label(&format!("r{i}"), Label::Positive, i as i64));
    }
    let values = |kind: &str| -> Vec<String> {
        quality.figures().into_iter().filter_map(|figures| figures.slice.get(kind).cloned()).collect()
    };
    assert_eq!(values("version"), ["v4", "v5"]);
    assert_eq!(values("category"), ["(other)", "category 0", "category 1", "category 2"]);
    assert_eq!(values("origin"), ["user"]);
    let labelled: u64 =
        quality.figures().iter().filter(|figures| figures.slice.contains_key("category")).map(|f| f.labelled).sum();
    assert_eq!(labelled, 20, "no label is lost to a bound");
}

#[test]
fn a_version_that_had_to_go_is_not_brought_back_by_what_comes_late() {
    let config = QualityConfig { max_versions: 1, maturity_seconds: 60, ..QualityConfig::default() };
    let mut quality = Quality::new(config);
    for (id, version, seconds) in [("a", 1, 0), ("b", 1, 1), ("c", 2, 2)] {
        quality.scored(id, Scored { version: ModelVersion(version), ..scored(0.9, "books", seconds) });
    }
    quality.labelled(&label("c", Label::Positive, 3));
    quality.labelled(&label("b", Label::Positive, 4));
    // The time of all three is over.
    quality.scored("d", Scored { version: ModelVersion(2), ..scored(0.9, "books", 100) });
    let versions: Vec<_> = quality.figures().into_iter().filter(|f| f.slice.contains_key("version")).collect();
    assert_eq!(versions.len(), 1);
    assert_eq!((versions[0].slice["version"].as_str(), versions[0].labelled, versions[0].matured), ("v2", 1, 1));
    assert_eq!(of_all(&quality).labelled, 2, "among all it counts");
}

#[test]
fn labels_from_the_future_make_no_others_wait_in_vain() {
    let config = QualityConfig { max_waiting: 10, ..QualityConfig::default() };
    let mut quality = Quality::new(config);
    (0..10).for_each(|i| drop(quality.labelled(&label(&format!("x{i}"), Label::Positive, 1_000_000_000))));
    assert_eq!(quality.labelled(&label("early", Label::Positive, 5)), None);
    assert!(quality.scored("early", scored(0.9, "books", 4)).is_some());
    let counts = quality.counts();
    assert_eq!((counts.waiting_labels, counts.without_prediction, counts.waiting_predictions), (9, 1, 0));
}

#[test]
fn the_window_forgets_at_once_and_the_fading_figure_slowly() {
    let mut quality = quality(50, 1000);
    for i in 0..150 {
        quality.scored(&format!("r{i}"), scored(0.9, "books", i));
        let is = if i < 100 { Label::Positive } else { Label::Negative };
        quality.labelled(&label(&format!("r{i}"), is, i));
    }
    let figures = of_all(&quality);
    assert_eq!((figures.labelled, figures.window.accuracy, figures.from), (50, 0.0, at(100)));
    // 100 right ones and then 50 wrong ones, each worth 0.999 of the next.
    let sum = |from: i32, to: i32| (from..to).map(|i| 0.999_f64.powi(i)).sum::<f64>();
    let expected = sum(50, 150) / sum(0, 150);
    assert!((figures.faded.accuracy - expected).abs() < 1e-6, "{} {expected}", figures.faded.accuracy);
    assert!((figures.faded.weight - sum(0, 150)).abs() < 1e-9);
}

#[test]
fn without_fading_the_figures_are_those_of_all_pairs() {
    let mut fading = Fading::default();
    let mut evaluation = model::metrics::Evaluation::new();
    for i in 0..500_u32 {
        let probability = f64::from(i * 7919 % 257) / 256.0;
        let is = if i * 104_729 % 127 < 60 { Label::Negative } else { Label::Positive };
        fading.add(probability, is, 1.0);
        evaluation.push(probability, is);
    }
    let (own, all) = (fading.figures().unwrap(), evaluation.metrics().unwrap());
    for (own, all) in [
        (own.accuracy, all.accuracy),
        (own.f1, all.f1),
        (own.macro_f1, all.macro_f1),
        (own.log_loss, all.log_loss),
        (own.brier, all.brier),
        (own.ece, all.ece),
    ] {
        assert!((own - all).abs() < 1e-9, "{own} {all}");
    }
}

#[test]
fn a_restart_goes_on_where_it_was() {
    let mut one = quality(20, 30);
    let mut other = one.clone();
    for i in 0..200 {
        for quality in [&mut one, &mut other] {
            quality.scored(&format!("r{i}"), scored(f64::from(i as u32 % 10) / 10.0, "books", i));
            quality.labelled(&label(&format!("r{}", i - 7), Label::Positive, i));
        }
        if i % 50 == 0 {
            other = serde_json::from_str(&serde_json::to_string(&other).unwrap()).unwrap();
        }
    }
    assert_eq!(one, other);
    assert_eq!(one.figures(), other.figures());
}
