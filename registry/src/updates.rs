//! What an online learner makes of a version: its updates, and now and then the whole model. They are created and never
//! changed, so that a prediction can be made again for as long as they are kept.

use crate::registry::sha256_of;
use crate::{Error, Registry};
use bytes::Bytes;
use object_store::path::Path;
use schemas::{ModelName, ModelState, ModelVersion};

impl Registry {
    /// Stores an update's bytes under its number. False where other bytes have that number: it is taken, for good.
    pub async fn create_update(
        &self,
        name: &ModelName,
        version: ModelVersion,
        number: u64,
        bytes: Bytes,
    ) -> Result<bool, Error> {
        self.create_once(&update_path(name, version, number), bytes).await
    }

    /// An update's bytes, as they were stored; none where there are none.
    pub async fn update(&self, name: &ModelName, version: ModelVersion, number: u64) -> Result<Option<Bytes>, Error> {
        self.store.read(&update_path(name, version, number)).await
    }

    /// Stores the bytes of a version's model at an update. Answers what to say of it in the topic `models`; none where other
    /// bytes have that number.
    pub async fn create_snapshot(
        &self,
        name: &ModelName,
        version: ModelVersion,
        update: u64,
        bytes: Bytes,
    ) -> Result<Option<ModelState>, Error> {
        let sha256 = self.manifest(name, version).await?.sha256;
        let path = snapshot_path(name, version, update);
        let content_sha256 = sha256_of(bytes.clone()).await;
        let is_created = self.create_once(&path, bytes).await?;
        let location = path.to_string();
        let name = name.clone();
        Ok(is_created.then_some(ModelState { name, version, sha256, update, location, content_sha256, offsets: None }))
    }

    /// The bytes of a snapshot, checked against its record.
    pub async fn snapshot(&self, state: &ModelState) -> Result<Bytes, Error> {
        let path = snapshot_path(&state.name, state.version, state.update);
        let damaged = |problem: &str| Error::Damaged { path: self.store.display(&path), problem: problem.to_owned() };
        let bytes = self.store.read(&path).await?.ok_or_else(|| damaged("is missing"))?;
        if sha256_of(bytes.clone()).await != state.content_sha256 {
            return Err(damaged("does not have the sha256 of its record"));
        }
        Ok(bytes)
    }

    /// The updates of a version that have snapshots, ascending.
    pub async fn snapshots(&self, name: &ModelName, version: ModelVersion) -> Result<Vec<u64>, Error> {
        let mut numbers = Vec::new();
        for path in self.store.list(&snapshots_folder(name, version)).await? {
            let number = path.filename().and_then(|file| file.strip_suffix(".safetensors")?.parse().ok());
            numbers.extend(number.filter(|number| path == snapshot_path(name, version, *number)));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// The bytes of a version's model at an update, which say themselves whether they are whole; none where there are none.
    pub async fn snapshot_at(
        &self,
        name: &ModelName,
        version: ModelVersion,
        update: u64,
    ) -> Result<Option<Bytes>, Error> {
        self.store.read(&snapshot_path(name, version, update)).await
    }

    /// Removes a snapshot that nobody begins with any more; one that is gone is no error.
    pub async fn remove_snapshot(&self, name: &ModelName, version: ModelVersion, update: u64) -> Result<(), Error> {
        self.store.remove(&snapshot_path(name, version, update)).await
    }

    /// True also where the same bytes are there already.
    async fn create_once(&self, path: &Path, bytes: Bytes) -> Result<bool, Error> {
        if self.store.create(path, bytes.clone()).await? {
            return Ok(true);
        }
        Ok(self.store.read(path).await?.is_some_and(|there| there == bytes))
    }
}

fn update_path(name: &ModelName, version: ModelVersion, number: u64) -> Path {
    Path::from_iter([name.as_str(), "updates", &version.to_string(), &format!("{number:020}.update")])
}

fn snapshot_path(name: &ModelName, version: ModelVersion, update: u64) -> Path {
    snapshots_folder(name, version).join(format!("{update:020}.safetensors"))
}

fn snapshots_folder(name: &ModelName, version: ModelVersion) -> Path {
    Path::from_iter([name.as_str(), "snapshots", &version.to_string()])
}
