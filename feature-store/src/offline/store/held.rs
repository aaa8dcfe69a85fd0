//! What the store holds of a record type, told from names and times of files alone.

use super::files::Store;
use super::partition::place_of;
use super::{Dataset, Error};
use futures::StreamExt;
use object_store::path::Path;
use schemas::Timestamp;
use serde::Serialize;

/// The files of a dataset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Held {
    /// How many.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// When the last one was created.
    pub newest: Option<Timestamp>,
}

impl Store {
    /// Counts the files of a dataset: one listing, and no file is opened.
    pub async fn held(&self, dataset: Dataset) -> Result<Held, Error> {
        let folder = Path::from(dataset.name());
        let mut entries = self.objects.list(Some(&folder));
        let mut held = Held::default();
        while let Some(entry) = entries.next().await {
            let meta = match entry {
                Ok(meta) => meta,
                // A name that no object can have, so not one of ours.
                Err(object_store::Error::InvalidPath { .. }) => continue,
                Err(error) => return Err(Error::access("list", self.display(&folder), &error)),
            };
            if place_of(dataset, &meta.location).is_some() {
                held.files += 1;
                held.bytes += meta.size;
                held.newest = held.newest.max(Timestamp::from_epoch_millis(meta.last_modified.timestamp_millis()));
            }
        }
        Ok(held)
    }
}
