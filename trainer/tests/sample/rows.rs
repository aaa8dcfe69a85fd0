//! Which rows stay.

use crate::files::{Folder, Review, note, request, rows, sample, skewed};
use feature_store::offline::{ReadOptions, ReviewFiles};
use schemas::{Label, Rating, Timestamp};
use std::collections::{BTreeMap, HashMap};
use trainer::sample::{ByClass, SampleRequest, Size, Stratify};
use twox_hash::XxHash64;

fn hash(text: &str) -> u64 {
    XxHash64::oneshot(42, text.as_bytes())
}

/// The sample by the letter of its definition: for each stratum the texts of either class that stay, in the order of hashes.
fn by_definition(reviews: &[Review], ratio: f64, stratum: fn(&Review) -> String) -> Vec<(String, Label)> {
    let mut firsts: HashMap<&str, (&Review, Label)> = HashMap::new();
    for review in reviews {
        let Some(text) = review.text.as_deref().filter(|text| !text.trim().is_empty()) else { continue };
        let Some(label) = review.rating.and_then(Rating::new).and_then(Rating::label) else { continue };
        let order = |review: &Review, label: Label| {
            let id = (!review.id.trim().is_empty()).then_some(review.id.as_str());
            let others = [id, review.user.as_deref(), review.title.as_deref()];
            let others = others.into_iter().flatten().fold(42, |seed, text| XxHash64::oneshot(seed, text.as_bytes()));
            (review.created_at.unwrap_or(i64::MAX), others as i64, label)
        };
        let first = firsts.entry(text).or_insert((review, label));
        if order(review, label) < order(first.0, first.1) {
            *first = (review, label);
        }
    }
    let mut strata: BTreeMap<String, [Vec<&str>; 2]> = BTreeMap::new();
    for (text, (review, label)) in firsts {
        strata.entry(stratum(review)).or_default()[usize::from(label.is_positive())].push(text);
    }
    let mut kept = Vec::new();
    for [mut negative, mut positive] in strata.into_values() {
        for texts in [&mut negative, &mut positive] {
            texts.sort_by_key(|text| hash(text));
        }
        let allowed = |smaller: usize| (smaller as f64 * ratio).round() as usize;
        let (allowed_negative, allowed_positive) = (allowed(positive.len()), allowed(negative.len()));
        if positive.len() > negative.len() {
            positive.truncate(allowed_positive);
        } else {
            negative.truncate(allowed_negative);
        }
        kept.extend(negative.into_iter().map(|text| (text.to_owned(), Label::Negative)));
        kept.extend(positive.into_iter().map(|text| (text.to_owned(), Label::Positive)));
    }
    kept.sort_by_key(|(text, _)| hash(text));
    kept
}

fn sampled(request: &SampleRequest) -> Vec<(String, Label)> {
    sample(request).unwrap();
    rows(&request.output).into_iter().map(|row| (row.text.clone().unwrap(), row.label.unwrap())).collect()
}

#[test]
fn the_sample_is_that_of_its_definition() {
    let folder = Folder::new();
    let reviews = skewed(6000);
    let input = folder.parquet("reviews.parquet", &reviews);
    let request = request(&[input], &folder.path("sample.parquet"));
    let expected = by_definition(&reviews, 1.0, |_| String::new());
    assert!(expected.len() > 1000);
    assert_eq!(sampled(&request), expected);
    assert_eq!(
        sampled(&SampleRequest { size: Size { ratio: 2.5, rows: None }, ..request.clone() }),
        by_definition(&reviews, 2.5, |_| String::new())
    );
    let by_category = SampleRequest { stratify: Some(Stratify::Column("category".to_owned())), ..request.clone() };
    let category = |review: &Review| review.category.unwrap_or_default().to_owned();
    assert_eq!(sampled(&by_category), by_definition(&reviews, 1.0, category));
    let by_month = SampleRequest { stratify: Some(Stratify::Month), ..request };
    let month = |review: &Review| {
        let time = review.created_at.and_then(Timestamp::from_epoch_millis);
        time.map_or_else(String::new, |time| time.to_string()[..7].to_owned())
    };
    assert_eq!(sampled(&by_month), by_definition(&reviews, 1.0, month));
    assert!(note(&by_month.output).strata.len() > 3);
}

#[test]
fn neither_the_order_of_files_and_rows_nor_their_format_counts() {
    let folder = Folder::new();
    let reviews = skewed(3000);
    let whole = folder.parquet("whole.parquet", &reviews);
    let (first, second) = (folder.path("first.parquet"), folder.path("second.parquet"));
    let mut report = sample(&request(&[whole], &first)).unwrap();

    let mut turned: Vec<Review> = reviews.clone();
    turned.reverse();
    let parts: Vec<_> =
        turned.chunks(701).enumerate().map(|(i, part)| folder.parquet(&format!("{i}.parquet"), part)).collect();
    let mut of_parts = sample(&request(&parts, &second)).unwrap();
    assert_eq!(rows(&second), rows(&first));
    let (mut one, mut other) = (note(&first), note(&second));
    one.source.paths.clear();
    other.source.paths.clear();
    assert_eq!(one, other);
    for report in [&mut report, &mut of_parts] {
        report.output.clear();
        report.seconds.clear();
        report.peak_rss_bytes = None;
    }
    assert_eq!(report, of_parts);

    let third = folder.path("third.parquet");
    let lines: String = reviews
        .iter()
        .map(|review| {
            let rating = review.rating.filter(|rating| !rating.is_nan());
            let line = serde_json::json!({
                "review_id": review.id, "user_id": review.user, "category": review.category, "title": review.title,
                "text": review.text, "rating": rating, "created_at": review.created_at,
            });
            format!("{line}\n")
        })
        .collect();
    sample(&request(&[folder.write("reviews.jsonl", lines)], &third)).unwrap();
    assert_eq!(rows(&third), rows(&first));
}

#[test]
fn a_number_of_rows_is_kept_to_exactly_and_the_note_says_what_stayed() {
    let folder = Folder::new();
    let input = folder.parquet("reviews.parquet", &skewed(5000));
    let request = SampleRequest {
        size: Size { ratio: 3.0, rows: Some(400) },
        keep: vec!["category".to_owned()],
        ..request(&[input], &folder.path("sample.parquet"))
    };
    let report = sample(&request).unwrap();
    assert_eq!(report.rows, ByClass { negative: 100, positive: 300 });
    let note = note(&request.output);
    assert_eq!(note.rows, report.rows);
    assert_eq!(note.keep_rates.negative, 100.0 / note.source.texts.negative as f64);
    assert_eq!(note.keep_rates.positive, 300.0 / note.source.texts.positive as f64);
    let dropped: u64 = report.dropped_reasons.values().sum();
    assert_eq!(note.source.texts.total() + note.source.copies + dropped, 5000);
    for reason in ["no_text", "unreadable_rating", "neutral_rating", "no_label"] {
        assert!(report.dropped_reasons[reason] > 0, "{reason}");
    }
    assert!(note.source.contradictions > 0);
    assert!(report.to_string().contains("400 rows, 100 negative and 300 positive"), "{report}");
}

#[test]
fn only_rows_of_the_time_and_the_condition_are_sampled() {
    let folder = Folder::new();
    let mut reviews = skewed(4000);
    // In the order of time the statistics of row groups leave most of them unread.
    reviews.sort_by_key(|review| review.created_at);
    let input = folder.parquet("reviews.parquet", &reviews);
    let mut request = request(&[input], &folder.path("sample.parquet"));
    request.read.since = Timestamp::parse("2024-02-01");
    request.read.until = Timestamp::parse("2024-03-01");
    request.read.conditions = vec!["category=books".parse().unwrap()];
    let (since, until) = (request.read.since.unwrap(), request.read.until.unwrap());
    let wanted: Vec<Review> = reviews
        .into_iter()
        .filter(|review| {
            review.category == Some("books")
                && review.created_at.is_some_and(|time| (since.epoch_millis()..until.epoch_millis()).contains(&time))
        })
        .collect();
    assert_eq!(sampled(&request), by_definition(&wanted, 1.0, |_| String::new()));
    assert_eq!(sample(&request).unwrap().rows_seen, wanted.len() as u64);
}

#[test]
fn a_sample_has_our_names_whatever_the_files_beside_it_call_theirs() {
    let folder = Folder::new();
    let request = request(&[folder.parquet("reviews.parquet", &skewed(500))], &folder.path("sample.parquet"));
    sample(&request).unwrap();
    let columns = ["rating=stars", "text=body"].map(|pair| pair.parse().unwrap()).into_iter().collect();
    let options = ReadOptions { columns, ..ReadOptions::default() };
    let theirs = folder.write("theirs.csv", "body,stars\nfine,5\n");
    let mut files = ReviewFiles::open(&[request.output.clone(), theirs], &options).unwrap();
    let mut count = 0;
    while let Some(batch) = files.next_batch().unwrap() {
        count += batch.iter().filter(|row| row.text.is_some() && row.rating.is_some()).count();
    }
    assert_eq!(count, rows(&request.output).len() + 1);
}
