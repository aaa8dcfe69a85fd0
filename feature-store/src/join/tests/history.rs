use super::files::{Folder, column};
use super::{MEMORY, Random, join};
use crate::join::{JoinView, ViewReport};
use crate::offline::ReadOptions;
use crate::views::{Event, FeaturesConfig, State, View};
use arrow_array::{ArrayRef, Float64Array, StringArray, TimestampMillisecondArray};
use schemas::Timestamp;
use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Debug, Clone)]
struct Review {
    product_id: Option<String>,
    time: Option<i64>,
    /// When its record came.
    known: Option<i64>,
    rating: Option<f64>,
}

const DAY: i64 = 86_400_000;

fn views(ttl_days: u64) -> FeaturesConfig {
    let config = format!(
        "project = 'p'
         ttl_days = {ttl_days}
         [views.stats]
         entity = 'product_id'
         source = 'reviews'
         [views.stats.features]
         count = 'count'
         mean = 'mean'
         last = 'last'
         fading = {{ aggregate = 'mean', half_life_days = 3 }}
         week = {{ aggregate = 'count', window_days = 7 }}"
    );
    toml::from_str(&config).unwrap()
}

fn reviews(random: &mut Random) -> Vec<Review> {
    let (count, products, moments) = (random.below(300), 1 + random.below(5), 1 + random.below(60));
    (0..count)
        .map(|_| {
            let product = format!("product {}", random.below(products));
            let time = random.below(moments).cast_signed() * DAY / 3 - 5 * DAY;
            let rating = 1.0 + random.below(5) as f64;
            // Mostly at once, else late.
            let known = time + random.below(2).cast_signed() * random.below(20).cast_signed() * DAY / 3;
            Review {
                product_id: random.often(product),
                time: random.often(time),
                known: random.often(known),
                rating: random.often(rating),
            }
        })
        .collect()
}

fn parquet(folder: &Folder, name: &str, reviews: &[Review], group_rows: usize) -> PathBuf {
    let products: ArrayRef =
        Arc::new(reviews.iter().map(|review| review.product_id.as_deref()).collect::<StringArray>());
    let times: ArrayRef = Arc::new(reviews.iter().map(|review| review.time).collect::<TimestampMillisecondArray>());
    let ratings: ArrayRef = Arc::new(reviews.iter().map(|review| review.rating).collect::<Float64Array>());
    let known: ArrayRef = Arc::new(reviews.iter().map(|review| review.known).collect::<TimestampMillisecondArray>());
    let columns = vec![("rating", ratings), ("known", known), ("product_id", products), ("created_at", times)];
    folder.parquet(name, columns, group_rows)
}

fn csv(folder: &Folder, name: &str, reviews: &[Review]) -> PathBuf {
    let mut text = "text,product_id,created_at,known,rating\n".to_owned();
    for Review { product_id, time, known, rating } in reviews {
        let [time, known] = [time, known].map(|time| time.map_or(String::new(), |time| time.to_string()));
        let rating = rating.map_or(String::new(), |rating| rating.to_string());
        writeln!(text, "words,{},{time},{known},{rating}", product_id.as_deref().unwrap_or_default()).unwrap();
    }
    let path = folder.path(name);
    std::fs::write(&path, text).unwrap();
    path
}

/// The values of the view's features as of the events strictly before a row: those that happened before it happened, or that
/// came before it came.
fn oracle(row: &Review, history: &[Review], by_known: bool, view: &View, report: &mut ViewReport) -> Vec<String> {
    let nothing = vec!["-".to_owned(); view.features().len()];
    let order = |review: &Review| if by_known { review.known } else { review.time };
    if row.product_id.is_none() {
        report.no_entity += 1;
        return nothing;
    }
    let Some(time) = order(row) else {
        report.no_time += 1;
        return nothing;
    };
    let mut events: Vec<(i64, i64, f64)> = history
        .iter()
        .filter(|event| event.product_id == row.product_id)
        .filter_map(|event| Some((order(event)?, event.time?, event.rating?)))
        .filter(|(known, ..)| *known < time)
        .collect();
    events.sort_by_key(|(known, ..)| *known);
    let mut state = State::new(view);
    for (_, at, value) in &events {
        state.apply(view, &Event { value: *value, event_time: Timestamp::from_epoch_millis(*at).unwrap() });
    }
    let Some(latest) = state.event_time() else {
        report.missing += 1;
        return nothing;
    };
    if view.ttl_millis().is_some_and(|ttl| time - latest.epoch_millis() > ttl) {
        report.stale += 1;
        return nothing;
    }
    report.matched += 1;
    if view.ttl_millis().is_none() {
        // What everybody can compute.
        let sum: f64 = events.iter().map(|(.., value)| value).sum();
        assert_eq!(state.values(view)[0], events.len() as f64);
        assert_eq!(state.values(view)[3], sum / events.len() as f64);
    }
    let values = state.values(view).into_iter().zip(view.features());
    let shown = |(value, feature): (f64, &crate::views::Feature)| match feature.aggregate().is_whole() {
        true => value.to_string(),
        false => format!("{:x}", value.to_bits()),
    };
    values.map(shown).collect()
}

fn check(seed: u64, memory: u64) {
    let mut random = Random(seed);
    let folder = Folder::new();
    let views = views(random.below(3) * 4).parse().unwrap();
    let view = views.get("stats").unwrap();
    let (rows, history) = (reviews(&mut random), reviews(&mut random));
    let of_itself = random.below(2) == 0;
    let is_text = random.below(3) == 0;
    let by_known = random.below(2) == 0;
    let input = match is_text {
        true => csv(&folder, "rows.csv", &rows),
        false => parquet(&folder, "rows.parquet", &rows, 1 + random.below(200) as usize),
    };
    let files = (!of_itself).then(|| {
        let (first, second) = history.split_at(history.len() / 3);
        // Of text and Parquet mixed all is read as rows, and that needs a text: Parquet alone does not.
        let second = parquet(&folder, "history-2.parquet", second, 100);
        vec![parquet(&folder, "history-1.parquet", first, 70), second]
    });
    let history = if of_itself { &rows } else { &history };

    let join_view = JoinView::History { view: view.clone(), files };
    let known_from = by_known.then(|| "known".to_owned());
    let (output, report) = join(&folder, &[input], ReadOptions::default(), vec![join_view], known_from, memory);

    let mut expected_report = ViewReport::default();
    let expected: Vec<Vec<String>> =
        rows.iter().map(|row| oracle(row, history, by_known, view, &mut expected_report)).collect();
    assert_eq!(
        (report.rows, report.views["stats"]),
        (rows.len() as u64, expected_report),
        "seed {seed}, memory {memory}"
    );
    for (place, feature) in view.features().iter().enumerate() {
        let expected = expected.iter().map(|values| values[place].clone());
        let found = column(&output, feature.full_name());
        assert!(found.into_iter().eq(expected), "{}, seed {seed}, memory {memory}", feature.full_name());
    }
}

#[test]
fn each_row_gets_the_aggregates_of_the_events_strictly_before_it() {
    for seed in 0..150 {
        for memory in MEMORY {
            check(seed, memory);
        }
    }
}

#[test]
fn a_view_made_of_feedback_has_the_labels_before_a_row() {
    let config = "project = 'p'
        ttl_days = 0
        [views.praise]
        entity = 'product_id'
        source = 'feedback'
        features = { count = 'count', share = 'mean' }";
    let views = toml::from_str::<FeaturesConfig>(config).unwrap().parse().unwrap();
    let view = views.get("praise").unwrap().clone();
    let folder = Folder::new();
    let labels = folder.path("labels.csv");
    std::fs::write(&labels, "text,product_id,created_at,label\n-,p,10,positive\n-,p,20,negative\n-,q,15,1\n").unwrap();
    let columns = || {
        let labels: ArrayRef = Arc::new(StringArray::from(vec!["positive", "negative", "1"]));
        let products: ArrayRef = Arc::new(StringArray::from(vec!["p", "p", "q"]));
        let times: ArrayRef = Arc::new(TimestampMillisecondArray::from(vec![10, 20, 15]));
        vec![("label", labels), ("product_id", products), ("created_at", times)]
    };
    let rows = folder.path("rows.csv");
    std::fs::write(&rows, "text,product_id,created_at,rating\n-,p,10,5\n-,p,11,5\n-,p,21,5\n-,q,30,1\n").unwrap();
    for labels in [labels, folder.parquet("labels.parquet", columns(), 2)] {
        let history = JoinView::History { view: view.clone(), files: Some(vec![labels]) };
        let (output, _) =
            join(&folder, std::slice::from_ref(&rows), ReadOptions::default(), vec![history], None, MEMORY[2]);
        assert_eq!(column(&output, "praise.count"), ["-", "1", "2", "1"]);
        let share = [1.0_f64, 0.5, 1.0].map(|share| format!("{:x}", share.to_bits()));
        assert_eq!(column(&output, "praise.share")[1..], share);
    }
}
