//! A dataset's folder in the written store as an input like a file: its parts, each offset once, though a compaction may put
//! other files in their places meanwhile.

use super::FileError;
use super::remote::{self, Waiter};
use super::store::{Dataset, Error, OfflineConfig, SourcePartition, Store};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A file of the store, and which of its rows are wanted.
#[derive(Debug, Clone)]
pub(super) struct StoredFile {
    pub(super) path: PathBuf,
    pub(super) offsets: Range<i64>,
    folder: PathBuf,
    partition: SourcePartition,
}

/// The files of a folder that a dataset lies in; none for any other path.
pub(super) fn files_of(folder: &Path) -> Result<Option<Vec<StoredFile>>, FileError> {
    let name = folder.file_name().and_then(|name| name.to_str());
    let is_there = |_: &Dataset| folder.is_dir() || remote::is_address(folder);
    let Some(dataset) = name.and_then(Dataset::of_name).filter(is_there) else { return Ok(None) };
    let files = list(folder, dataset).map_err(|error| FileError::Store { error: Box::new(error) })?;
    Ok((!files.is_empty()).then_some(files))
}

/// The files that hold now what these were to hold, of which one is gone.
pub(super) fn files_in_place_of(wanted: &[StoredFile]) -> Result<Vec<StoredFile>, FileError> {
    let Some(first) = wanted.first() else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for file in files_of(&first.folder)?.unwrap_or_default() {
        for wanted in wanted.iter().filter(|wanted| wanted.partition == file.partition) {
            let start = file.offsets.start.max(wanted.offsets.start);
            let end = file.offsets.end.min(wanted.offsets.end);
            if start < end {
                found.push(StoredFile { offsets: start..end, ..file.clone() });
            }
        }
    }
    Ok(found)
}

fn list(folder: &Path, dataset: Dataset) -> Result<Vec<StoredFile>, Error> {
    let is_remote = remote::is_address(folder);
    // `.` and the like have no parent of their own.
    let folder = if is_remote { folder.to_owned() } else { std::path::absolute(folder).unwrap_or(folder.to_owned()) };
    let url = parent(&folder);
    let store = Store::open(&OfflineConfig { url: url.clone() })?;
    let listing = if is_remote {
        let asked = store.clone();
        let waiter = Waiter::new().ok();
        let listed = waiter.and_then(|waiter| waiter.wait(async move { asked.list(dataset).await }));
        listed.ok_or_else(|| Error::Address { url, problem: "its client has ended".to_owned() })??
    } else {
        // Files on a disk need no runtime.
        futures::executor::block_on(store.list(dataset))?
    };
    let file = |part: super::store::Part| {
        let path = store.path_of(&part).unwrap_or_else(|| store.url_of(&part).into());
        StoredFile { path, offsets: part.offsets, folder: folder.clone(), partition: part.partition }
    };
    Ok(listing.parts.into_iter().map(file).collect())
}

/// The address of the store that a dataset's folder is in.
fn parent(folder: &Path) -> String {
    let folder = folder.to_string_lossy();
    let folder = folder.trim_end_matches('/');
    match folder.rsplit_once('/') {
        Some(("", _)) | None => "/".to_owned(),
        Some((parent, _)) => parent.to_owned(),
    }
}
