//! What memory does not hold, on disk for as long as a process needs it.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Temporary data that cannot be kept.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot keep temporary data in the folder `{}`: {source}; free some space there, name another by --temp-dir, or give \
     more memory by --memory-limit",
    folder.display()
)]
pub struct TemporaryError {
    /// The folder.
    pub folder: PathBuf,
    /// What the system says.
    pub source: io::Error,
}

impl TemporaryError {
    /// Of data in a folder.
    pub fn new(folder: &Path, source: io::Error) -> Self {
        Self { folder: folder.to_owned(), source }
    }
}

/// A file that nobody else can open and that is gone with the process, however that ends.
pub fn temporary_file(folder: &Path) -> Result<File, TemporaryError> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let path = folder.join(format!(".plaudit-{}-{count}.tmp", std::process::id()));
    let nameless = || {
        let file = File::options().create_new(true).read(true).write(true).open(&path)?;
        std::fs::remove_file(&path)?;
        Ok(file)
    };
    nameless().map_err(|source| TemporaryError::new(folder, source))
}
