//! Files in a bucket, as far as reading goes: which there are below an address, and their bytes from any place. Readers of files
//! are threads that wait; the client of buckets is not, so it has a runtime of its own, and whoever asks waits for the answer.

use super::FileError;
use super::format;
use bytes::Bytes;
use futures::TryStreamExt;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::{Builder, Runtime};

/// Read at a time, for each request takes tens of milliseconds;
const BLOCK_BYTES: u64 = 2 << 20;
/// and so many of them are kept of a file, one for each column that is being read.
const BLOCKS: usize = 12;

/// Whether a path is the address of a bucket.
pub(super) fn is_address(path: &Path) -> bool {
    path.to_str().is_some_and(|path| path.starts_with("s3://"))
}

/// A runtime for those who wait.
#[derive(Debug)]
pub(super) struct Waiter {
    runtime: Option<Runtime>,
}

impl Waiter {
    pub(super) fn new() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("bucket").enable_all().build()?;
        Ok(Self { runtime: Some(runtime) })
    }

    /// The answer, once it is there.
    pub(super) fn wait<T: Send + 'static>(&self, question: impl Future<Output = T> + Send + 'static) -> Option<T> {
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        self.runtime.as_ref()?.spawn(async move {
            // Nobody waits any more: then nobody wants it.
            let _ = sender.send(question.await);
        });
        receiver.recv().ok()
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        // A runtime that is dropped as such would wait, which must not be done on another's thread.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A file in a bucket.
#[derive(Debug)]
pub(super) struct Object {
    bucket: Arc<dyn ObjectStore>,
    place: ObjectPath,
    pub(super) size_bytes: u64,
    waiter: Arc<Waiter>,
    blocks: Mutex<VecDeque<(u64, Bytes)>>,
}

impl Object {
    /// A file that is there.
    pub(super) fn open(path: &Path) -> Result<Self, FileError> {
        let (bucket, waiter) = connect(path)?;
        let (asked, place) = (bucket.clone(), ObjectPath::default());
        let found = waiter.wait(async move { asked.head(&ObjectPath::default()).await });
        let meta = answer(path, found)?;
        Ok(Self { bucket, place, size_bytes: meta.size, waiter, blocks: Mutex::default() })
    }

    /// Its bytes from a place on: so many, or what is left.
    pub(super) fn read_at(&self, start: u64, length: usize) -> io::Result<Bytes> {
        let end = start.saturating_add(length as u64).min(self.size_bytes);
        if end.saturating_sub(start) > BLOCK_BYTES {
            return self.fetch(start, end);
        }
        let mut bytes = Vec::with_capacity(length);
        let mut next = start;
        while next < end {
            let block = next / BLOCK_BYTES;
            let of_block = self.block(block)?;
            let from = (next - block * BLOCK_BYTES) as usize;
            let until = of_block.len().min((end - block * BLOCK_BYTES) as usize);
            bytes.extend_from_slice(of_block.get(from..until).unwrap_or_default());
            next = (block + 1) * BLOCK_BYTES;
        }
        Ok(bytes.into())
    }

    fn block(&self, block: u64) -> io::Result<Bytes> {
        let blocks = || self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, bytes)) = blocks().iter().find(|(number, _)| *number == block) {
            return Ok(bytes.clone());
        }
        let start = block * BLOCK_BYTES;
        let bytes = self.fetch(start, (start + BLOCK_BYTES).min(self.size_bytes))?;
        let mut blocks = blocks();
        if blocks.len() == BLOCKS {
            blocks.pop_front();
        }
        blocks.push_back((block, bytes.clone()));
        Ok(bytes)
    }

    fn fetch(&self, start: u64, end: u64) -> io::Result<Bytes> {
        let (bucket, place) = (self.bucket.clone(), self.place.clone());
        let fetched = self.waiter.wait(async move { bucket.get_range(&place, start..end).await });
        fetched.ok_or_else(|| io::Error::other("the client of the bucket has ended"))?.map_err(io::Error::other)
    }
}

/// The files below an address that readers know by their names: the one that has it, or those in it.
pub(super) fn files_of(path: &Path) -> Result<Vec<PathBuf>, FileError> {
    if format::of_name(path).0.is_some() {
        return Ok(vec![path.to_owned()]);
    }
    let (bucket, waiter) = connect(path)?;
    let listed = waiter.wait(async move { bucket.list(None).try_collect::<Vec<ObjectMeta>>().await });
    let address = path.to_string_lossy();
    let address = address.trim_end_matches('/');
    let mut files: Vec<PathBuf> = answer(path, listed)?
        .into_iter()
        .filter(|meta| meta.size > 0)
        .map(|meta| PathBuf::from(format!("{address}/{}", meta.location)))
        .filter(|file| format::of_name(file).0.is_some())
        .collect();
    files.sort();
    if files.is_empty() { Err(FileError::NotFound { path: path.to_owned() }) } else { Ok(files) }
}

/// The bucket of an address, whose paths begin behind it.
fn connect(path: &Path) -> Result<(Arc<dyn ObjectStore>, Arc<Waiter>), FileError> {
    let failed = |reason: String| FileError::Io { path: path.to_owned(), source: io::Error::other(reason) };
    let address = path.to_string_lossy();
    let place = address.strip_prefix("s3://").unwrap_or_default();
    let bucket = bucket::open(place).map_err(failed)?;
    let waiter = Waiter::new().map_err(|source| FileError::Io { path: path.to_owned(), source })?;
    Ok((Arc::new(bucket), Arc::new(waiter)))
}

fn answer<T>(path: &Path, answer: Option<object_store::Result<T>>) -> Result<T, FileError> {
    let path = path.to_owned();
    match answer {
        Some(Ok(answer)) => Ok(answer),
        Some(Err(object_store::Error::NotFound { .. })) => Err(FileError::NotFound { path }),
        Some(Err(error)) => Err(FileError::Io { path, source: io::Error::other(error) }),
        None => Err(FileError::Io { path, source: io::Error::other("the client of the bucket has ended") }),
    }
}
