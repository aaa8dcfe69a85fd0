//! Labels from the feedback in the written store, which win over what follows from ratings.

use super::SampleError;
use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMillisecondType;
use arrow_array::{Array, RecordBatch};
use feature_store::offline::store::{Dataset, Store};
use schemas::{Label, Timestamp};
use std::ops::Range;
use std::sync::Arc;
use twox_hash::XxHash64;

/// The latest label of each review that has one: of its id 64 bits of hash are kept.
#[derive(Debug, Clone, Default)]
pub struct FeedbackLabels {
    /// Ascending.
    labels: Arc<[(u64, Label)]>,
}

/// A label on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    review: u64,
    time: i64,
    is_positive: bool,
}

impl FeedbackLabels {
    /// Reads the feedback of a store, within so much memory.
    pub async fn read(store: &Store, memory_limit_bytes: u64) -> Result<Self, SampleError> {
        Self::read_all(store, None, memory_limit_bytes).await
    }

    /// Reads what was said within a time: of reviews of that time there is nothing else that could be known by its end, for a
    /// label comes behind its review.
    pub async fn read_within(
        store: &Store,
        time: Range<Timestamp>,
        memory_limit_bytes: u64,
    ) -> Result<Self, SampleError> {
        Self::read_all(store, Some(time), memory_limit_bytes).await
    }

    async fn read_all(
        store: &Store,
        within: Option<Range<Timestamp>>,
        memory_limit_bytes: u64,
    ) -> Result<Self, SampleError> {
        let within = within.map(|time| time.start.epoch_millis()..time.end.epoch_millis());
        let most = usize::try_from(memory_limit_bytes).unwrap_or(usize::MAX) / size_of::<Entry>();
        let mut entries: Vec<Entry> = Vec::new();
        for part in store.list(Dataset::Feedback).await?.parts {
            let mut reader = store.open_part(&part).await?;
            while let Some(batch) = reader.next_batch_as(&Dataset::Feedback.schema())? {
                take(&batch, within.as_ref(), &mut entries);
                if entries.len() > most / 2 {
                    keep_latest(&mut entries);
                }
                if entries.len() > most / 2 {
                    return Err(SampleError::TooMuchFeedback { store: store.address().to_owned(), labels: most / 2 });
                }
            }
        }
        keep_latest(&mut entries);
        let label = |entry: Entry| (entry.review, if entry.is_positive { Label::Positive } else { Label::Negative });
        Ok(Self { labels: entries.into_iter().map(label).collect() })
    }

    /// The label of a review.
    pub(super) fn of(&self, review_id: &str) -> Option<Label> {
        let review = hash(review_id);
        let place = self.labels.binary_search_by_key(&review, |(review, _)| *review).ok()?;
        Some(self.labels[place].1)
    }
}

fn hash(review_id: &str) -> u64 {
    XxHash64::oneshot(0, review_id.as_bytes())
}

/// Adds the labels of a batch with the columns of the dataset.
fn take(batch: &RecordBatch, within: Option<&Range<i64>>, entries: &mut Vec<Entry>) {
    let (Some(ids), Some(labels), Some(times)) =
        (batch.column_by_name("review_id"), batch.column_by_name("label"), batch.column_by_name("created_at"))
    else {
        return;
    };
    let (ids, labels) = (ids.as_string::<i32>(), labels.as_string::<i32>());
    let times = times.as_primitive::<TimestampMillisecondType>();
    for row in 0..batch.num_rows() {
        // A record that could not be decoded has neither.
        if ids.is_valid(row)
            && labels.is_valid(row)
            && let Some(label) = Label::parse(labels.value(row))
        {
            let time = if times.is_valid(row) { times.value(row) } else { i64::MIN };
            if within.is_none_or(|within| within.contains(&time)) {
                entries.push(Entry { review: hash(ids.value(row)), time, is_positive: label.is_positive() });
            }
        }
    }
}

/// Leaves the latest label of each review.
fn keep_latest(entries: &mut Vec<Entry>) {
    entries.sort_unstable();
    entries.dedup_by(|later, earlier| {
        let is_same = later.review == earlier.review;
        if is_same {
            *earlier = *later;
        }
        is_same
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_label_of_a_review_counts() {
        let entry = |review, time, is_positive| Entry { review, time, is_positive };
        let mut entries = vec![entry(2, 5, true), entry(1, 9, false), entry(2, 7, false), entry(1, 3, true)];
        keep_latest(&mut entries);
        assert_eq!(entries, [entry(1, 9, false), entry(2, 7, false)]);
    }
}
