//! A file that gets its name when it is whole.

use super::super::JoinError;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// The file while it is written, beside its place; removed unless it is finished.
pub(in super::super) struct Partial {
    target: PathBuf,
    path: PathBuf,
    writer: Option<BufWriter<File>>,
}

impl Partial {
    /// Begins a file.
    pub(in super::super) fn create(target: &Path) -> Result<Self, JoinError> {
        let fail = |reason: String| JoinError::Output { path: target.to_owned(), reason };
        if target.is_dir() {
            return Err(fail("it is a folder: name a file in it".to_owned()));
        }
        let name = target.file_name().ok_or_else(|| fail("it has no file name".to_owned()))?.to_string_lossy();
        let path = target.with_file_name(format!(".{name}.{}.partial", std::process::id()));
        let file = File::create(&path).map_err(|error| fail(error.to_string()))?;
        Ok(Self { target: target.to_owned(), path, writer: Some(BufWriter::with_capacity(1 << 20, file)) })
    }

    /// Gives the file its name.
    pub(super) fn finish(mut self) -> Result<(), JoinError> {
        let outcome = match self.writer.take().map(BufWriter::into_inner) {
            Some(Ok(file)) => file.sync_all().and_then(|()| std::fs::rename(&self.path, &self.target)),
            Some(Err(error)) => Err(error.into_error()),
            None => Ok(()),
        };
        outcome.map_err(|error| self.error(error))
    }

    /// An error that names the file.
    pub(super) fn error(&self, reason: impl ToString) -> JoinError {
        JoinError::Output { path: self.target.clone(), reason: reason.to_string() }
    }
}

impl Write for &mut Partial {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.as_mut().map_or(Ok(bytes.len()), |writer| writer.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // Renamed, it is no longer there.
        let _ = std::fs::remove_file(&self.path);
    }
}
