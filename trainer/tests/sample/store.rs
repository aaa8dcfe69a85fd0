//! The offline store as input: its reviews, with the labels in its feedback.

use crate::files::{Folder, request, rows, sample};
use feature_store::offline::store::{Columns, Dataset, OfflineConfig, Origin, PartWriter, SourcePartition, Store};
use schemas::{Label, Timestamp};
use serde_json::{Value, json};
use trainer::sample::{FeedbackLabels, SampleError, SampleRequest};

/// Creates a part of a dataset with these records.
async fn write(store: &Store, dataset: Dataset, records: impl IntoIterator<Item = Value>) {
    let partition = SourcePartition::new("topic", 0);
    let mut columns = Columns::with_capacity(dataset, &partition, 0, 0);
    let mut next = 0;
    for record in records {
        let value = record.to_string();
        let decoded = dataset.decode(value.as_bytes());
        let origin = Origin { offset: next, timestamp: Some(next), key: None, value: Some(value.as_bytes()) };
        columns.push(origin, decoded.as_ref());
        next += 1;
    }
    let mut writer = PartWriter::new(dataset, partition, 0).unwrap();
    writer.write(&columns.finish(Timestamp::now())).unwrap();
    store.create(&writer.finish(next).unwrap()).await.unwrap();
}

#[tokio::test]
async fn feedback_says_what_a_review_is_and_ratings_where_it_says_nothing() {
    let folder = Folder::new();
    let store =
        Store::open_or_create(&OfflineConfig { url: folder.path("store").to_str().unwrap().to_owned() }).unwrap();
    let review = |i: i64| json!({"review_id": format!("r{i}"), "text": format!("text {i}"), "rating": if i < 20 { 1 } else { 5 }, "created_at": i});
    // What is no review is in the store too.
    write(&store, Dataset::Reviews, (0..100).map(review).chain([json!({"text": "of nobody"})])).await;
    let label = |i: i64, label: &str, created_at: i64| json!({"review_id": format!("r{i}"), "label": label, "origin": "user", "created_at": created_at});
    // The last word counts, whatever the order: r50 is negative, r51 stays positive.
    let feedback =
        [label(50, "negative", 9), label(50, "positive", 3), label(51, "negative", 3), label(51, "positive", 9)];
    write(&store, Dataset::Feedback, feedback).await;

    let feedback = FeedbackLabels::read(&store, 1 << 20).await.unwrap();
    let request = SampleRequest {
        feedback: Some(feedback),
        ..request(&[folder.path("store/reviews")], &folder.path("sample.parquet"))
    };
    let report = sample(&request).unwrap();
    assert_eq!((report.rows.negative, report.rows.positive, report.texts.positive), (21, 21, 79));
    assert_eq!(report.rows_seen, 101);
    let rows = rows(&request.output);
    let r50 = rows.iter().find(|row| row.review_id.as_deref() == Some("r50")).unwrap();
    assert_eq!((r50.label, r50.rating.map(|rating| rating.stars())), (Some(Label::Negative), Some(5.0)));

    // What was said later is not known before.
    let time = |millis| Timestamp::from_epoch_millis(millis).unwrap();
    let before = FeedbackLabels::read_within(&store, time(0)..time(5), 1 << 20).await.unwrap();
    let request = SampleRequest { feedback: Some(before), ..request };
    let report = sample(&request).unwrap();
    assert_eq!((report.rows.negative, report.texts.positive), (21, 79));
    let rows = self::rows(&request.output);
    let r51 = rows.iter().find(|row| row.review_id.as_deref() == Some("r51")).unwrap();
    assert_eq!(r51.label, Some(Label::Negative));

    // Labels of other times take no memory.
    FeedbackLabels::read_within(&store, time(9)..time(9), 48).await.unwrap();
    let error = FeedbackLabels::read(&store, 48).await.unwrap_err();
    assert!(
        matches!(error, SampleError::TooMuchFeedback { .. }) && error.to_string().contains("--memory-limit"),
        "{error}"
    );
}
