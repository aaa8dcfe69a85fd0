//! How rows are divided.

use super::request::Validation;
use super::split::Split;
use super::texts::Texts;
use crate::error::Error;
use crate::examples::Example;
use model::Document;
use schemas::{Label, Timestamp};
use std::collections::HashSet;

/// Rows with a text, a class and a day.
fn texts(rows: impl IntoIterator<Item = (String, bool, Option<i64>)>) -> Texts {
    let mut texts = Texts::new(u64::MAX, 0);
    for (text, is_positive, day) in rows {
        texts.push(&Example {
            document: Document { title: None, text: &text, features: &[] },
            label: if is_positive { Label::Positive } else { Label::Negative },
            created_at: day.and_then(Timestamp::from_epoch_millis),
            is_repaired: false,
        });
    }
    texts
}

fn split(texts: &Texts, validation: Validation) -> Result<Split, Error> {
    Split::of(texts.rows(), validation, "a.csv")
}

fn shares(texts: &Texts, places: &[usize]) -> (usize, usize) {
    let positives = places.iter().filter(|&&place| texts.rows()[place].label.is_positive()).count();
    (places.len() - positives, positives)
}

#[test]
fn by_hash_each_class_gives_a_fifth_and_no_text_stands_on_both_sides() {
    let texts = texts((0..1000).map(|i| (format!("text {}", i % 900), i % 10 == 0, None)));
    let split = split(&texts, Validation::Auto).unwrap();
    assert_eq!(split.by, "hash");
    let (negatives, positives) = shares(&texts, &split.validation);
    assert!((155..=180).contains(&negatives) && (15..=20).contains(&positives), "{negatives} {positives}");
    let hashes = |places: &[usize]| places.iter().map(|&place| texts.rows()[place].hash).collect::<HashSet<_>>();
    assert!(hashes(&split.validation).is_disjoint(&hashes(&split.training(1.0))));
}

#[test]
fn by_time_the_last_fifth_judges_and_days_stay_whole() {
    let texts = texts((0..1000).map(|i| (format!("text {i}"), i % 2 == 0, Some((i * 7919 % 1000) / 10))));
    let split = split(&texts, Validation::Auto).unwrap();
    assert_eq!(split.by, "time");
    let days = |places: &[usize]| {
        let days: Vec<i64> = places.iter().filter_map(|&place| texts.rows()[place].created_at).collect();
        (*days.iter().min().unwrap(), *days.iter().max().unwrap())
    };
    assert_eq!((days(&split.training(1.0)), days(&split.validation)), ((0, 79), (80, 99)));
    assert_eq!((split.training_rows(), split.validation.len()), (800, 200));
}

#[test]
fn a_sample_holds_every_smaller_one_and_both_classes() {
    let texts = texts((0..1000).map(|i| (format!("text {i}"), i % 10 == 0, None)));
    let split = split(&texts, Validation::Hash).unwrap();
    let (ninth, third) = (split.training(1.0 / 9.0), split.training(1.0 / 3.0));
    assert!(ninth.iter().all(|place| third.contains(place)));
    assert_eq!(shares(&texts, &ninth), (80, 9));
    assert!(third.is_sorted());
}

#[test]
fn a_part_of_one_class_is_refused_and_auto_divides_otherwise() {
    // Positive at first, negative later.
    let texts = texts((0..100).map(|i| (format!("text {i}"), i < 50, Some(i))));
    let message = split(&texts, Validation::Time).unwrap_err().to_string();
    assert!(message.contains("validation") && message.contains("--validation hash"), "{message}");
    assert_eq!(split(&texts, Validation::Auto).unwrap().by, "hash");
}

#[test]
fn too_few_rows_of_a_class_or_no_times_are_refused() {
    let one_class = texts((0..100).map(|i| (format!("text {i}"), true, None)));
    assert!(matches!(split(&one_class, Validation::Hash), Err(Error::OneClassPart { negatives: 0, .. })));
    assert!(matches!(split(&one_class, Validation::Time), Err(Error::NoTimes { .. })));
}
