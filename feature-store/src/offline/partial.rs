//! A file that gets its name when it is whole. What a killed process left behind is taken over by the next one that writes the
//! same file, and of two at a time the second is refused.

use std::fs::{File, TryLockError};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A file that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write `{}`: {reason}", path.display())]
pub struct OutputError {
    /// The file.
    pub path: PathBuf,
    /// What the system or the encoder says.
    pub reason: String,
}

/// An output that would replace what is read.
#[derive(Debug, thiserror::Error)]
#[error("the output `{}` is one of the files that are read: name another", path.display())]
pub struct OutputIsInput {
    /// The path.
    pub path: PathBuf,
}

/// Makes sure that an output is none of the files that are read.
pub fn check_output<'p>(output: &Path, inputs: impl IntoIterator<Item = &'p PathBuf>) -> Result<(), OutputIsInput> {
    // What is not there cannot be replaced.
    let Ok(output) = output.canonicalize() else { return Ok(()) };
    let mut inputs = inputs.into_iter();
    match inputs.find(|path| path.canonicalize().is_ok_and(|path| path == output)) {
        Some(path) => Err(OutputIsInput { path: path.clone() }),
        None => Ok(()),
    }
}

/// The folder that an output goes to.
pub fn folder_of(output: &Path) -> &Path {
    output.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The file while it is written, beside its place; removed unless it is finished.
pub struct Partial {
    target: PathBuf,
    path: PathBuf,
    writer: Option<BufWriter<File>>,
}

impl Partial {
    /// Begins a file.
    pub fn create(target: &Path) -> Result<Self, OutputError> {
        let fail = |reason: String| OutputError { path: target.to_owned(), reason };
        if target.is_dir() {
            return Err(fail("it is a folder: name a file in it".to_owned()));
        }
        let name = target.file_name().ok_or_else(|| fail("it has no file name".to_owned()))?.to_string_lossy();
        let path = target.with_file_name(format!(".{name}.partial"));
        let file = open_alone(&path).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => fail("another process is writing it".to_owned()),
            _ => fail(error.to_string()),
        })?;
        Ok(Self { target: target.to_owned(), path, writer: Some(BufWriter::with_capacity(1 << 20, file)) })
    }

    /// Gives the file its name.
    pub fn finish(mut self) -> Result<(), OutputError> {
        let outcome = match self.writer.take().map(BufWriter::into_inner) {
            Some(Ok(file)) => file.sync_all().and_then(|()| std::fs::rename(&self.path, &self.target)),
            Some(Err(error)) => Err(error.into_error()),
            None => Ok(()),
        };
        outcome.map_err(|error| self.error(error))
    }

    /// An error that names the file.
    pub fn error(&self, reason: impl ToString) -> OutputError {
        OutputError { path: self.target.clone(), reason: reason.to_string() }
    }
}

/// The file at a path, empty and locked. One that was given its name meanwhile is no longer there.
fn open_alone(path: &Path) -> io::Result<File> {
    loop {
        let file = File::options().create(true).write(true).truncate(false).open(path)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => io::ErrorKind::WouldBlock.into(),
            TryLockError::Error(error) => error,
        })?;
        let ours = file.metadata()?;
        if std::fs::metadata(path).is_ok_and(|there| (there.dev(), there.ino()) == (ours.dev(), ours.ino())) {
            file.set_len(0)?;
            return Ok(file);
        }
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
        if let Some(writer) = self.writer.take() {
            let _ = std::fs::remove_file(&self.path);
            // What is still buffered is not wanted.
            let _ = writer.into_parts();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("sample.parquet");
        let count = || std::fs::read_dir(folder.path()).unwrap().count();
        // What a killed process left.
        std::fs::write(folder.path().join(".sample.parquet.partial"), "half of something").unwrap();
        let mut partial = Partial::create(&target).unwrap();
        (&mut partial).write_all(b"half").unwrap();
        let second = Partial::create(&target).err().unwrap().to_string();
        assert!(second.contains("another process"), "{second}");
        drop(partial);
        assert_eq!(count(), 0);
        let mut partial = Partial::create(&target).unwrap();
        (&mut partial).write_all(b"all").unwrap();
        assert!(!target.exists());
        partial.finish().unwrap();
        assert_eq!((std::fs::read(&target).unwrap(), count()), (b"all".to_vec(), 1));
    }
}
