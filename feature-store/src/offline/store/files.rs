//! The store's folder or bucket, as the few operations that it needs: list, read, create where nothing is, remove. A file is
//! there whole or not at all: on disk it is written under another name, synced and then linked to its own, which fails where
//! that name is taken; to a bucket it goes in one conditional request.

use super::chain::{self, Chain};
use super::partition::{PartName, place_of};
use super::{Dataset, Error, FinishedPart, OfflineConfig, SourcePartition, address, footer};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// The offline store. Clones share it.
#[derive(Debug, Clone)]
pub struct Store {
    pub(super) objects: Arc<dyn ObjectStore>,
    /// For messages.
    address: Arc<str>,
    /// Where the files are for programs that open them, where they are on a disk.
    folder: Option<Arc<PathBuf>>,
}

/// What became of a part that was to be created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// The file is new.
    New,
    /// Another writer was first.
    Existed,
}

/// A file of a partition, as it is listed.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    pub(super) name: PartName,
    pub(super) meta: ObjectMeta,
}

/// The files of a partition, and the ranges that they cover.
#[derive(Debug, Clone)]
pub(super) struct PartitionFiles {
    pub(super) partition: SourcePartition,
    pub(super) files: Vec<Listed>,
    /// As far as the names tell; only the last part's end is read from the file.
    pub(super) offsets: Vec<Range<i64>>,
}

impl PartitionFiles {
    pub(super) fn chain(&self) -> Chain {
        chain::chain(&self.offsets)
    }
}

impl Store {
    /// A store that is there.
    pub fn open(config: &OfflineConfig) -> Result<Self, Error> {
        address::open(&config.url, false)
    }

    /// A store to write to: a folder that is not there is made.
    pub fn open_or_create(config: &OfflineConfig) -> Result<Self, Error> {
        address::open(&config.url, true)
    }

    pub(super) fn new(objects: Arc<dyn ObjectStore>, address: &str, folder: Option<PathBuf>) -> Self {
        Self { objects, address: address.trim_end_matches('/').into(), folder: folder.map(Arc::new) }
    }

    /// Where it is, for messages.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Creates and removes a file, so that whoever may not write hears so before the work begins.
    pub async fn check_writable(&self) -> Result<(), Error> {
        let nanos =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |time| time.as_nanos());
        let path = Path::from(format!(".writable-{}-{nanos}", std::process::id()));
        // File systems keep smaller files beside their names, where a full disk has still room.
        self.put(&path, PutPayload::from_static(&[0; 4096])).await?;
        self.remove(&path).await
    }

    /// Where the next part of a partition begins: none when it has none yet.
    pub async fn chain_end(&self, dataset: Dataset, partition: &SourcePartition) -> Result<Option<i64>, Error> {
        let files = self.partition_files(dataset, &partition.folder(dataset)).await?;
        let Some(files) = files.into_iter().find(|files| files.partition == *partition) else { return Ok(None) };
        let chain = files.chain();
        chain.gaps.into_iter().for_each(|gap| self.tell_gap(partition, gap));
        Ok(chain.end)
    }

    /// Creates a part, if no other has its name.
    pub async fn create(&self, part: &FinishedPart) -> Result<Created, Error> {
        self.put(&part.name.within(&part.partition.folder(part.dataset)), part.payload.clone()).await
    }

    /// Whether the file that has a part's name covers what the part does: its rows are the same then, be it that the part
    /// was created and the answer did not arrive.
    pub async fn holds(&self, part: &FinishedPart) -> Result<bool, Error> {
        let path = part.name.within(&part.partition.folder(part.dataset));
        let meta = match self.objects.head(&path).await {
            Ok(meta) => meta,
            // A compaction has taken it.
            Err(object_store::Error::NotFound { .. }) => return Ok(false),
            Err(error) => return Err(Error::access("read", self.display(&path), &error)),
        };
        match footer::read(self, &meta).await {
            Ok((_, offsets)) => Ok(offsets == part.offsets),
            Err(Error::Gone { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn put(&self, path: &Path, payload: PutPayload) -> Result<Created, Error> {
        match self.objects.put_opts(path, payload, PutOptions::from(PutMode::Create)).await {
            Ok(_) => Ok(Created::New),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(Created::Existed),
            Err(error) => Err(Error::access("write", self.display(path), &error)),
        }
    }

    /// Removes a file; one that is gone is no error.
    pub(super) async fn remove(&self, path: &Path) -> Result<(), Error> {
        match self.objects.delete(path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(Error::access("remove", self.display(path), &error)),
        }
    }

    /// A file's bytes.
    pub(super) async fn read(&self, path: &Path) -> Result<Bytes, Error> {
        let failed = |error| Error::access("read", self.display(path), &error);
        self.objects.get(path).await.map_err(failed)?.bytes().await.map_err(failed)
    }

    pub(super) async fn read_range(&self, path: &Path, range: Range<u64>) -> Result<Bytes, Error> {
        self.objects.get_range(path, range).await.map_err(|error| Error::access("read", self.display(path), &error))
    }

    /// Somebody has removed files. What was in them is missing for good, and nobody would notice.
    pub(super) fn tell_gap(&self, partition: &SourcePartition, gap: Range<i64>) {
        tracing::warn!(
            "{} holds no file with offsets {} to {} of {partition}, and files before and behind them: restore it from a backup",
            self.address,
            gap.start,
            gap.end - 1
        );
    }

    /// A file's path, for messages.
    pub(super) fn display(&self, path: &Path) -> String {
        format!("{}/{path}", self.address)
    }

    /// A file's path, where it is on a disk.
    pub(super) fn path_on_disk(&self, path: &Path) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join(path.as_ref()))
    }

    /// Every file of a dataset by partition, at or below a folder.
    pub(super) async fn partition_files(&self, dataset: Dataset, below: &Path) -> Result<Vec<PartitionFiles>, Error> {
        let mut entries = self.objects.list(Some(below));
        let mut partitions: BTreeMap<SourcePartition, Vec<Listed>> = BTreeMap::new();
        while let Some(entry) = entries.next().await {
            let meta = match entry {
                Ok(meta) => meta,
                // A name that no object can have, so not one of ours.
                Err(object_store::Error::InvalidPath { .. }) => continue,
                Err(error) => return Err(Error::access("list", self.display(below), &error)),
            };
            if let Some((partition, name)) = place_of(dataset, &meta.location) {
                partitions.entry(partition).or_default().push(Listed { name, meta });
            }
        }
        drop(entries);
        // So many footers are read at a time: a bucket answers each within tens of milliseconds.
        futures::stream::iter(partitions)
            .map(|(partition, files)| self.with_offsets(partition, files))
            .buffered(16)
            .try_collect()
            .await
    }

    async fn with_offsets(&self, partition: SourcePartition, mut files: Vec<Listed>) -> Result<PartitionFiles, Error> {
        // Of those with one start, what was compacted comes before what a late writer put beside it.
        files.sort_by_key(|file| (file.name.first, std::cmp::Reverse(file.name.next)));
        let mut offsets = Vec::with_capacity(files.len());
        // The next greater first offset, which is where a part ends whose name does not say it: they are written one behind
        // the other.
        let mut behind: Option<i64> = None;
        for (i, file) in files.iter().enumerate().rev() {
            let first = file.name.first;
            if let Some(later) = files.get(i + 1).filter(|later| later.name.first > first) {
                behind = Some(later.name.first);
            }
            let next = match file.name.next.or(behind) {
                Some(next) => next,
                None => footer::read(self, &file.meta).await?.1.end,
            };
            offsets.push(first..next);
        }
        offsets.reverse();
        Ok(PartitionFiles { partition, files, offsets })
    }
}
