//! Labels as events of products and users, for views made of feedback: a record of `feedback` names a review and nothing else,
//! so each label is put beside the product and the user of its review, as the online store did when it came.

use super::RetrainError;
use arrow_array::builder::{StringBuilder, TimestampMillisecondBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMillisecondType;
use arrow_array::{Array, ArrayRef, RecordBatch};
use feature_store::offline::store::{Dataset, Store};
use feature_store::offline::{Passage, ReadOptions, RowRef, Scan, ScanProgress};
use parquet::arrow::ArrowWriter;
use schemas::{Label, Timestamp};
use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use twox_hash::XxHash64;

/// The column of the store that says when a record came.
pub(super) const KNOWN_FROM: &str = "source_timestamp";

/// So long the online store remembers which product and user a review names.
const REMEMBERED_MILLIS: i64 = feature_store::online::REMEMBERED_SECONDS * 1000;

/// What a label may take in memory with the ids that it is put beside.
const BYTES_PER_LABEL: u64 = 192;

/// The labels of a store.
#[derive(Debug)]
pub(super) struct LabelEvents {
    /// In the order of their reviews' hashes.
    labels: Vec<Said>,
}

/// A label, and its place among all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Said {
    review: u64,
    place: usize,
    known: i64,
    created_at: i64,
    label: Label,
}

/// A review that a label may be about.
#[derive(Debug, Clone)]
struct About {
    known: i64,
    product_id: Option<String>,
    user_id: Option<String>,
}

impl LabelEvents {
    /// Reads the feedback of a store, within so much memory.
    pub(super) async fn read(store: &Store, memory_limit_bytes: u64) -> Result<Self, RetrainError> {
        let most = usize::try_from(memory_limit_bytes / BYTES_PER_LABEL).unwrap_or(usize::MAX);
        let mut labels = Vec::new();
        for part in store.list(Dataset::Feedback).await?.parts {
            let mut reader = store.open_part(&part).await?;
            while let Some(batch) = reader.next_batch_as(&Dataset::Feedback.schema())? {
                take(&batch, &mut labels);
                if labels.len() > most {
                    return Err(RetrainError::TooMuchFeedback { store: store.address().to_owned(), labels: most });
                }
            }
        }
        labels.sort_unstable();
        Ok(Self { labels })
    }

    /// Writes each label beside the product and the user of its review, in the order in which they came.
    pub(super) fn write(&self, reviews: &Path, output: &Path, progress: &ScanProgress) -> Result<(), RetrainError> {
        let mut about = self.find(reviews, progress)?;
        let mut places: Vec<usize> = (0..self.labels.len()).collect();
        places.sort_unstable_by_key(|&place| self.labels[place].place);
        let (mut products, mut users, mut labels) = (StringBuilder::new(), StringBuilder::new(), StringBuilder::new());
        let (mut created, mut known) = (TimestampMillisecondBuilder::new(), TimestampMillisecondBuilder::new());
        for place in places {
            let Some(About { product_id, user_id, .. }) = about[place].take() else { continue };
            let Said { known: came, created_at, label, .. } = self.labels[place];
            products.append_option(product_id);
            users.append_option(user_id);
            labels.append_value(if label.is_positive() { "positive" } else { "negative" });
            created.append_value(created_at);
            known.append_value(came);
        }
        let columns: [(&str, ArrayRef); 5] = [
            ("product_id", Arc::new(products.finish())),
            ("user_id", Arc::new(users.finish())),
            ("label", Arc::new(labels.finish())),
            ("created_at", Arc::new(created.finish().with_timezone("UTC"))),
            (KNOWN_FROM, Arc::new(known.finish().with_timezone("UTC"))),
        ];
        let batch = RecordBatch::try_from_iter(columns).expect("the columns have one length");
        let written = (|| {
            let mut writer = ArrowWriter::try_new(File::create(output)?, batch.schema(), None)?;
            writer.write(&batch)?;
            writer.close().map(|_| ())
        })();
        written.map_err(|error: parquet::errors::ParquetError| {
            let (folder, source) = (output.parent().unwrap_or(output).to_owned(), io::Error::other(error));
            RetrainError::Temporary { folder, source }
        })
    }

    /// For each label the review that it is about: the latest record of it that was remembered when the label came.
    fn find(&self, reviews: &Path, progress: &ScanProgress) -> Result<Vec<Option<About>>, RetrainError> {
        let read = ReadOptions { extras: vec![KNOWN_FROM.to_owned()], ..ReadOptions::default() };
        let scan = Scan::open(&[reviews.to_owned()], &read)?;
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let passage = Passage { threads, selection: None, progress };
        let found = scan.run(passage, Vec::new, |found: &mut Vec<(usize, About)>, _, row| {
            self.look_at(&row, found);
            Ok::<_, RetrainError>(())
        })?;
        let mut about: Vec<Option<About>> = vec![None; self.labels.len()];
        for (place, review) in found.into_iter().flatten() {
            if about[place].as_ref().is_none_or(|other| other.known < review.known) {
                about[place] = Some(review);
            }
        }
        Ok(about)
    }

    fn look_at(&self, row: &RowRef<'_>, found: &mut Vec<(usize, About)>) {
        let Some(review_id) = &row.review_id else { return };
        let Some(known) = row.extras[0].as_deref().and_then(Timestamp::parse) else { return };
        let (review, known) = (hash(review_id), known.epoch_millis());
        let first = self.labels.partition_point(|said| said.review < review);
        let of_review = self.labels[first..].iter().take_while(|said| said.review == review).enumerate();
        for (place, said) in of_review {
            if (0..=REMEMBERED_MILLIS).contains(&(said.known - known)) {
                let id = |id: &Option<Cow<'_, str>>| id.as_deref().map(str::to_owned);
                let about = About { known, product_id: id(&row.product_id), user_id: id(&row.user_id) };
                found.push((first + place, about));
            }
        }
    }
}

/// Adds the labels of a batch with the columns of the dataset; one that no record says the time of is nobody's event.
fn take(batch: &RecordBatch, labels: &mut Vec<Said>) {
    let column = |name| batch.column_by_name(name);
    let (Some(ids), Some(said), Some(times), Some(known)) =
        (column("review_id"), column("label"), column("created_at"), column(KNOWN_FROM))
    else {
        return;
    };
    let (ids, said) = (ids.as_string::<i32>(), said.as_string::<i32>());
    let (times, known) =
        (times.as_primitive::<TimestampMillisecondType>(), known.as_primitive::<TimestampMillisecondType>());
    for row in 0..batch.num_rows() {
        // A record that could not be decoded has none of these.
        let is_whole = ids.is_valid(row) && said.is_valid(row) && times.is_valid(row) && known.is_valid(row);
        if is_whole && let Some(label) = Label::parse(said.value(row)) {
            labels.push(Said {
                review: hash(ids.value(row)),
                place: labels.len(),
                known: known.value(row),
                created_at: times.value(row),
                label,
            });
        }
    }
}

fn hash(review_id: &str) -> u64 {
    XxHash64::oneshot(0, review_id.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use feature_store::offline::store::{Columns, OfflineConfig, Origin, PartWriter, SourcePartition};
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use serde_json::{Value, json};

    const DAY: i64 = 86_400_000;

    /// Writes records, each with the time at which it came.
    async fn store(store: &Store, dataset: Dataset, records: &[(i64, Value)]) {
        let partition = SourcePartition::new(dataset.name(), 0);
        let mut columns = Columns::with_capacity(dataset, &partition, 0, 0);
        for (offset, (came, record)) in (0..).zip(records) {
            let value = record.to_string().into_bytes();
            let origin = Origin { offset, timestamp: Some(*came), key: None, value: Some(&value) };
            columns.push(origin, dataset.decode(&value).as_ref());
        }
        let mut writer = PartWriter::new(dataset, partition, 0).unwrap();
        writer.write(&columns.finish(Timestamp::now())).unwrap();
        store.create(&writer.finish(records.len() as i64).unwrap()).await.unwrap();
    }

    #[tokio::test]
    async fn a_label_stands_beside_the_product_and_the_user_that_were_remembered_when_it_came() {
        let folder = tempfile::tempdir().unwrap();
        let url = folder.path().join("offline").display().to_string();
        let offline = Store::open_or_create(&OfflineConfig { url: url.clone() }).unwrap();
        let review = |came: i64, id: &str, product: &str| {
            (came, json!({"review_id": id, "product_id": product, "user_id": "u", "text": "t", "created_at": came}))
        };
        let label = |came: i64, id: &str, label: &str| {
            (came, json!({"review_id": id, "label": label, "origin": "user", "created_at": came - 1}))
        };
        // `a` came twice, the second time with another product; `late` came behind its label.
        let reviews = [review(10, "a", "p"), review(50, "a", "q"), review(20, "b", "p"), review(90, "late", "p")];
        store(&offline, Dataset::Reviews, &reviews).await;
        let labels = [
            label(60, "a", "negative"),
            label(30, "a", "positive"),
            label(40, "nobody", "positive"),
            label(80, "late", "positive"),
            label(20 + 91 * DAY, "b", "positive"),
            label(25, "b", "positive"),
            (70, json!({"no": "label"})),
        ];
        store(&offline, Dataset::Feedback, &labels).await;

        let events = LabelEvents::read(&offline, 1 << 20).await.unwrap();
        let output = folder.path().join("labels.parquet");
        events.write(&Path::new(&url).join("reviews"), &output, &ScanProgress::default()).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(output).unwrap()).unwrap().build().unwrap();
        let batch = reader.map(Result::unwrap).next().unwrap();
        let words = |name: &str| batch.column_by_name(name).unwrap().as_string::<i32>().iter().flatten();
        let times = |name: &str| {
            batch.column_by_name(name).unwrap().as_primitive::<TimestampMillisecondType>().values().to_vec()
        };
        assert!(words("product_id").eq(["q", "p", "p"]) && words("user_id").eq(["u"; 3]));
        assert!(words("label").eq(["negative", "positive", "positive"]));
        assert_eq!((times("created_at"), times(KNOWN_FROM)), (vec![59, 29, 24], vec![60, 30, 25]));

        let error = LabelEvents::read(&offline, 192).await.unwrap_err();
        assert!(error.to_string().contains("raise sample.memory_limit_bytes"), "{error}");
    }
}
