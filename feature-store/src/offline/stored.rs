//! A dataset's folder in the written store as an input like a file: its parts, each offset once, though a compaction may put
//! other files in their places meanwhile.

use super::FileError;
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
    let Some(dataset) = name.and_then(Dataset::of_name).filter(|_| folder.is_dir()) else { return Ok(None) };
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
    // `.` and the like have no parent of their own.
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let url = folder.parent().unwrap_or(&folder).to_string_lossy().into_owned();
    let store = Store::open(&OfflineConfig { url })?;
    // Files on a disk need no runtime.
    let listing = futures::executor::block_on(store.list(dataset))?;
    let file = |part: super::store::Part| {
        let path = store.path_of(&part)?;
        Some(StoredFile { path, offsets: part.offsets, folder: folder.clone(), partition: part.partition })
    };
    Ok(listing.parts.into_iter().filter_map(file).collect())
}
