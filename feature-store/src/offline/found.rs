//! The files that a path stands for.

use super::{FileError, format, remote, stored};
use std::io;
use std::path::{Path, PathBuf};

/// The files that a path stands for: of a folder the Parquet files below it, of a bucket's address the files below that, of
/// anything else the path itself. They come in the order of their names, which in the written store is that of offsets. What
/// is hidden is somebody's unfinished work.
pub fn files_below(path: &Path) -> Result<Vec<PathBuf>, FileError> {
    if remote::is_address(path) {
        return remote::files_of(path);
    }
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    let failed = |source: io::Error| FileError::Io { path: path.to_owned(), source };
    collect(path, &mut files).map_err(failed)?;
    if files.is_empty() { Err(FileError::EmptyFolder { path: path.to_owned() }) } else { Ok(files) }
}

/// Whether a path is a folder, or a dataset of the written store in a bucket: what only the reader of the store knows.
pub(crate) fn is_read_as_store(path: &Path) -> Result<bool, FileError> {
    Ok(path.is_dir() || (remote::is_address(path) && stored::files_of(path)?.is_some()))
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let entries: Result<Vec<_>, _> = std::fs::read_dir(folder)?.collect();
    let mut paths: Vec<PathBuf> = entries?.into_iter().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let is_hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(['.', '_']));
        if is_hidden {
            continue;
        }
        if path.is_dir() {
            collect(&path, files)?;
        } else if format::of_name(&path).0 == Some(format::Format::Parquet) {
            files.push(path);
        }
    }
    Ok(())
}
