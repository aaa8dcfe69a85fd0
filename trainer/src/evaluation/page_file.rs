//! The file of a page. It is made before the work, so that a path that can't be written costs no time, and takes its name
//! when it is whole: a run that fails leaves what stood there before.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// A page that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write `{}`: {source}", path.display())]
pub struct PageFileError {
    path: PathBuf,
    source: std::io::Error,
}

/// A file that waits for its page.
#[derive(Debug)]
pub struct PageFile {
    path: PathBuf,
    partial: PathBuf,
    file: File,
}

impl PageFile {
    /// Makes the file under a name of its own beside the one that it will have.
    pub fn create(path: impl Into<PathBuf>) -> Result<Self, PageFileError> {
        let path = path.into();
        let failed = |source| PageFileError { path: path.clone(), source };
        let Some(name) = path.file_name() else {
            return Err(failed(std::io::Error::other("it names no file")));
        };
        if path.is_dir() {
            return Err(failed(std::io::Error::other("it is a folder")));
        }
        let mut partial_name = name.to_owned();
        // Two runs that write one report must not share a file.
        partial_name.push(format!(".{}.partial", std::process::id()));
        let partial = path.with_file_name(partial_name);
        let file = File::create(&partial).map_err(failed)?;
        Ok(Self { path, partial, file })
    }

    /// Writes the page and gives the file its name.
    pub fn finish(mut self, page: &str) -> Result<(), PageFileError> {
        let written = self.file.write_all(page.as_bytes()).and_then(|()| self.file.sync_all());
        let placed = written.and_then(|()| std::fs::rename(&self.partial, &self.path));
        placed.map_err(|source| PageFileError { path: self.path.clone(), source })
    }

    /// Where the page will stand.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for PageFile {
    fn drop(&mut self) {
        // Gone already where the page was finished.
        let _ = std::fs::remove_file(&self.partial);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_stands_there_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("page.html");
        let names = || std::fs::read_dir(folder.path()).unwrap().count();
        PageFile::create(&path).unwrap().finish("one").unwrap();
        assert_eq!((std::fs::read_to_string(&path).unwrap().as_str(), names()), ("one", 1));
        drop(PageFile::create(&path).unwrap());
        assert_eq!((std::fs::read_to_string(&path).unwrap().as_str(), names()), ("one", 1));
    }

    #[test]
    fn a_path_that_cannot_be_written_is_known_at_once() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().to_owned(), folder.path().join("absent/page.html"), PathBuf::from("/")] {
            let message = PageFile::create(&path).unwrap_err().to_string();
            assert!(message.contains(&path.display().to_string()), "{message}");
        }
    }
}
