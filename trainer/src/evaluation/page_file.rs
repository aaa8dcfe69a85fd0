//! The file of a page. It is made before the work, so that a path that can't be written costs no time, and takes its name
//! when it is whole: a run that fails leaves what stood there before.

use feature_store::offline::{OutputError, Partial};
use std::io::Write;
use std::path::{Path, PathBuf};

/// A file that waits for its page.
pub struct PageFile {
    path: PathBuf,
    partial: Partial,
}

impl PageFile {
    /// Makes the file under a name of its own beside the one that it will have.
    pub fn create(path: impl Into<PathBuf>) -> Result<Self, OutputError> {
        let path = path.into();
        Ok(Self { partial: Partial::create(&path)?, path })
    }

    /// Writes the page and gives the file its name.
    pub fn finish(mut self, page: &str) -> Result<(), OutputError> {
        let written = (&mut self.partial).write_all(page.as_bytes());
        written.map_err(|error| self.partial.error(error))?;
        self.partial.finish()
    }

    /// Where the page will stand.
    pub fn path(&self) -> &Path {
        &self.path
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
            let message = PageFile::create(&path).err().unwrap().to_string();
            assert!(message.contains(&path.display().to_string()), "{message}");
        }
    }
}
