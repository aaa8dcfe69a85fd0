//! Checkpoints of whoever learns on from a version: what it needs to go on as if nothing had been. Which one counts is said
//! elsewhere, together with the offsets that it belongs to; here they are bytes that are there or not.
//!
//! A name holds a number and the bytes' own checksum: no two different ones ever have the same name, so that a writer whose time
//! is over changes nothing that another one has written.

use crate::registry::sha256_of;
use crate::{Error, Registry};
use bytes::Bytes;
use object_store::path::Path;
use schemas::ModelName;

impl Registry {
    /// Stores a checkpoint for good; answers its name.
    pub async fn create_checkpoint(&self, name: &ModelName, number: u64, bytes: Bytes) -> Result<String, Error> {
        let file = format!("{number:020}-{}.checkpoint", sha256_of(bytes.clone()).await);
        // Where there is one of this name, it has these bytes.
        self.store.create(&folder(name).join(file.as_str()), bytes).await?;
        Ok(file)
    }

    /// The bytes of a checkpoint, as they were stored.
    pub async fn checkpoint(&self, name: &ModelName, file: &str) -> Result<Bytes, Error> {
        let path = folder(name).join(file);
        let damaged = |problem: &str| Error::Damaged { path: self.store.display(&path), problem: problem.to_owned() };
        let bytes = self.store.read(&path).await?.ok_or_else(|| damaged("is missing"))?;
        match file.ends_with(&format!("-{}.checkpoint", sha256_of(bytes.clone()).await)) {
            true => Ok(bytes),
            false => Err(damaged("does not have the sha256 of its name")),
        }
    }

    /// Removes the checkpoints with smaller numbers.
    pub async fn remove_checkpoints_before(&self, name: &ModelName, number: u64) -> Result<(), Error> {
        for path in self.store.list(&folder(name)).await? {
            let found = path.filename().and_then(|file| file.split_once('-')?.0.parse::<u64>().ok());
            if found.is_some_and(|found| found < number) {
                self.store.remove(&path).await?;
            }
        }
        Ok(())
    }
}

fn folder(name: &ModelName) -> Path {
    Path::from_iter([name.as_str(), "checkpoints"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_checkpoint_is_what_was_stored_and_older_ones_go() {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::open(folder.path().to_str().unwrap()).unwrap();
        let name: ModelName = "sentiment".parse().unwrap();
        let create = async |number, bytes: &'static str| {
            registry.create_checkpoint(&name, number, Bytes::from_static(bytes.as_bytes())).await.unwrap()
        };
        let (one, two) = (create(1, "a").await, create(2, "b").await);
        let other = create(2, "c").await;
        assert_ne!(two, other, "of another writer");
        assert_eq!(create(2, "b").await, two, "once more");
        registry.remove_checkpoints_before(&name, 2).await.unwrap();
        let gone = registry.checkpoint(&name, &one).await.unwrap_err().to_string();
        assert!(gone.contains(&one) && gone.contains("is missing"), "{gone}");
        assert_eq!(registry.checkpoint(&name, &two).await.unwrap(), "b");
        std::fs::write(folder.path().join("sentiment/checkpoints").join(&two), "d").unwrap();
        let damaged = registry.checkpoint(&name, &two).await.unwrap_err().to_string();
        assert!(damaged.contains("does not have the sha256"), "{damaged}");
        assert!(registry.names().await.unwrap().is_empty(), "they are no versions");
    }
}
