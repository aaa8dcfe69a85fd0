//! The folder or bucket under a registry, as the few operations that a registry needs: read, write, create where nothing is,
//! and list numbered files. Everything else in this crate names files by their path in the registry and knows no other
//! storage.

use crate::Error;
use bytes::Bytes;
use futures::StreamExt;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions};
use std::path::{Component, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// So much is tried to be written: file systems keep smaller files beside their names, where a full disk has still room.
const CHECK_BYTES: usize = 4096;

#[derive(Debug, Clone)]
pub(crate) struct Store {
    objects: Arc<dyn ObjectStore>,
    /// For messages.
    address: Arc<str>,
    /// Where it is on a disk; `None` for a bucket.
    folder: Option<Arc<PathBuf>>,
}

impl Store {
    pub(crate) fn open(url: &str) -> Result<Self, Error> {
        let unusable = |problem: &str| Error::Address { url: url.to_owned(), problem: problem.to_owned() };
        if url.trim().is_empty() {
            return Err(unusable("give a folder that holds the models, or s3://bucket/prefix"));
        }
        match url.split_once("://") {
            None => Self::folder(url, unusable),
            Some(("s3", place)) => {
                let objects = Arc::new(bucket::open(place).map_err(|problem| unusable(&problem))?);
                Ok(Self { objects, address: url.trim_end_matches('/').into(), folder: None })
            }
            Some((scheme, _)) => {
                Err(unusable(&format!("{scheme}:// is none of a folder's path and s3://bucket/prefix")))
            }
        }
    }

    fn folder(url: &str, unusable: impl Fn(&str) -> Error) -> Result<Self, Error> {
        let root = resolved(url).map_err(|error| unusable(&error.to_string()))?;
        match std::fs::metadata(&root) {
            Ok(metadata) if !metadata.is_dir() => return Err(unusable("it is a file; give a folder's path")),
            // A folder that isn't there is created by the first write.
            _ => {}
        }
        let prefix = Path::from_absolute_path(&root).map_err(|error| unusable(&error.to_string()))?;
        let files = LocalFileSystem::new().with_fsync(true);
        Ok(Self {
            objects: Arc::new(PrefixStore::new(files, prefix)),
            address: root.display().to_string().into(),
            folder: Some(Arc::new(root)),
        })
    }

    /// The folder or bucket, for messages.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// A file's path, for messages.
    pub(crate) fn display(&self, path: &Path) -> String {
        format!("{}/{path}", self.address)
    }

    /// The file's bytes, or `None` where there is none.
    pub(crate) async fn read(&self, path: &Path) -> Result<Option<Bytes>, Error> {
        let failed = |error| Error::store("read", self.display(path), &error);
        match self.objects.get(path).await {
            Ok(found) => Ok(Some(found.bytes().await.map_err(failed)?)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    /// Size and times of the file, or `None` where there is none.
    pub(crate) async fn stat(&self, path: &Path) -> Result<Option<ObjectMeta>, Error> {
        match self.objects.head(path).await {
            Ok(found) => Ok(Some(found)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(Error::store("read", self.display(path), &error)),
        }
    }

    /// Writes the file, whole or not at all, in place of any that is there.
    pub(crate) async fn write(&self, path: &Path, bytes: Bytes) -> Result<(), Error> {
        self.objects.put(path, bytes.into()).await.map_err(|e| Error::store("write", self.display(path), &e))?;
        Ok(())
    }

    /// Writes the file, whole or not at all, if there is none; answers whether it did.
    pub(crate) async fn create(&self, path: &Path, bytes: Bytes) -> Result<bool, Error> {
        match self.objects.put_opts(path, bytes.clone().into(), PutOptions::from(PutMode::Create)).await {
            Ok(_) => Ok(true),
            // The client of a bucket asks again when an answer was lost, and may then find what it wrote itself.
            Err(object_store::Error::AlreadyExists { .. }) if self.folder.is_none() => {
                Ok(self.read(path).await?.is_some_and(|there| there == bytes))
            }
            Err(object_store::Error::AlreadyExists { .. }) => Ok(false),
            Err(error) => Err(Error::store("write", self.display(path), &error)),
        }
    }

    /// Removes the file; one that is gone is no error.
    pub(crate) async fn remove(&self, path: &Path) -> Result<(), Error> {
        match self.objects.delete(path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(Error::store("remove", self.display(path), &error)),
        }
    }

    /// Creates and removes a file in the root.
    pub(crate) async fn check_writable(&self) -> Result<(), Error> {
        let created = self.missing_folders();
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_nanos());
        let path = Path::from(format!(".writable-{}-{nanos}", std::process::id()));
        let content = Bytes::from_static(&[0; CHECK_BYTES]);
        let written = self.objects.put(&path, content.into()).await;
        let checked = match written {
            Ok(_) => self.remove(&path).await,
            Err(error) => Err(Error::store("create files in", self.address().to_owned(), &error)),
        };
        for folder in created {
            // Removes no folder that somebody has put something into meanwhile, nor any that wasn't created.
            let _ = std::fs::remove_dir(folder);
        }
        checked
    }

    /// The root and the folders that lead to it, as far as they don't exist, the innermost first.
    fn missing_folders(&self) -> Vec<PathBuf> {
        let Some(root) = &self.folder else { return Vec::new() };
        root.ancestors().take_while(|folder| !folder.exists()).map(PathBuf::from).collect()
    }

    /// The numbers of the files that [`numbered`] names in `folder`, ascending. Other files are none of ours: half-written
    /// ones that a crash left behind, and those of other programs.
    pub(crate) async fn numbers(&self, folder: &Path) -> Result<Vec<u64>, Error> {
        let mut numbers = Vec::new();
        for path in self.list(folder).await? {
            numbers.extend(number_of(folder, &path));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Every file below `folder`, in no order.
    pub(crate) async fn list(&self, folder: &Path) -> Result<Vec<Path>, Error> {
        let mut paths = Vec::new();
        let mut entries = self.objects.list(Some(folder));
        while let Some(entry) = entries.next().await {
            match entry {
                Ok(entry) => paths.push(entry.location),
                // A name that no object can have, so not one of ours.
                Err(object_store::Error::InvalidPath { .. }) => {}
                Err(error) => return Err(Error::store("list", self.display(folder), &error)),
            }
        }
        Ok(paths)
    }
}

/// The file for a number in a folder: as many digits as the largest number has, so that names sort as numbers do.
pub(crate) fn numbered(folder: &Path, number: u64) -> Path {
    folder.clone().join(format!("{number:020}.json"))
}

/// The inverse of [`numbered`].
pub(crate) fn number_of(folder: &Path, path: &Path) -> Option<u64> {
    let number = path.filename()?.strip_suffix(".json")?.parse().ok()?;
    (number > 0 && *path == numbered(folder, number)).then_some(number)
}

/// The folder's absolute path without links and `..`, which object paths can't hold. What doesn't exist yet is taken as it
/// is written, behind the last folder that does.
fn resolved(path: &str) -> std::io::Result<PathBuf> {
    let absolute = std::path::absolute(path)?;
    let mut resolved = PathBuf::new();
    for component in absolute.components() {
        match component {
            Component::ParentDir => {
                resolved.pop();
            }
            other => resolved.push(other),
        }
        if let Ok(real) = resolved.canonicalize() {
            resolved = real;
        }
    }
    Ok(resolved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_dots_and_links_is_the_folder_that_it_leads_to() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().canonicalize().unwrap();
        std::fs::create_dir(real.join("a")).unwrap();
        std::os::unix::fs::symlink(real.join("a"), real.join("link")).unwrap();
        let path = |tail: &str| format!("{}/{tail}", real.display());
        assert_eq!(resolved(&path("a/../b/./new")).unwrap(), real.join("b/new"));
        assert_eq!(resolved(&path("link/new")).unwrap(), real.join("a/new"));
    }

    #[test]
    fn only_names_of_our_making_have_a_number() {
        let folder = Path::from("sentiment/versions");
        assert_eq!(number_of(&folder, &numbered(&folder, 7)), Some(7));
        assert_eq!(number_of(&folder, &numbered(&folder, u64::MAX)), Some(u64::MAX));
        for foreign in [
            "7.json",
            "00000000000000000000.json",
            "+0000000000000000007.json",
            "notes.txt",
            "x/00000000000000000007.json",
        ] {
            assert_eq!(number_of(&folder, &Path::from(format!("{folder}/{foreign}"))), None, "{foreign}");
        }
    }
}
