//! The store in a folder of its own, and what is written to it.

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use feature_store::offline::store::{
    Columns, Created, Dataset, FinishedPart, OfflineConfig, Origin, Part, PartWriter, SourcePartition, Store,
};
use schemas::Timestamp;
use std::ops::Range;

pub struct World {
    pub store: Store,
    pub folder: tempfile::TempDir,
}

impl World {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = folder.path().to_str().unwrap().to_owned();
        Self { store: Store::open_or_create(&OfflineConfig { url }).unwrap(), folder }
    }

    /// Creates a part of partition 0 that covers these offsets.
    pub async fn write(&self, offsets: Range<i64>) -> Created {
        self.store.create(&part(0, offsets)).await.unwrap()
    }

    /// The offsets of partition 0 that a reader gets.
    pub async fn read(&self) -> Vec<i64> {
        offsets_of(&self.store, self.store.list(Dataset::Reviews).await.unwrap().parts).await
    }
}

pub fn partition(partition: i32) -> SourcePartition {
    SourcePartition::new("topic", partition)
}

/// A review written on a day of its own.
pub fn review(offset: i64) -> String {
    let created_at = 1_700_000_000_000 + offset * 86_400_000;
    format!(r#"{{"review_id": "r{offset}", "text": "text {offset}", "created_at": {created_at}}}"#)
}

/// A part that covers these offsets.
pub fn part(number: i32, offsets: Range<i64>) -> FinishedPart {
    let mut columns = Columns::with_capacity(Dataset::Reviews, &partition(number), 0, 0);
    for offset in offsets.clone() {
        let value = review(offset);
        let decoded = Dataset::Reviews.decode(value.as_bytes());
        let origin = Origin { offset, timestamp: Some(offset), key: None, value: Some(value.as_bytes()) };
        columns.push(origin, decoded.as_ref());
    }
    let mut writer = PartWriter::new(Dataset::Reviews, partition(number), offsets.start).unwrap();
    writer.write(&columns.finish(Timestamp::now())).unwrap();
    writer.finish(offsets.end).unwrap()
}

/// The offsets of parts, in the order in which they come.
pub async fn offsets_of(store: &Store, parts: Vec<Part>) -> Vec<i64> {
    let mut offsets = Vec::new();
    for part in parts {
        let mut reader = store.open_part(&part).await.unwrap();
        while let Some(batch) = reader.next_batch().unwrap() {
            offsets.extend(batch.column_by_name("source_offset").unwrap().as_primitive::<Int64Type>().values());
        }
    }
    offsets
}
