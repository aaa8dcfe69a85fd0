//! A registry, and what stands in its folder.

use registry::{Alias, Author, Registry, Run};
use schemas::{ModelName, ModelVersion};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub fn sentiment() -> ModelName {
    "sentiment".parse().unwrap()
}

pub fn production() -> Alias {
    "production".parse().unwrap()
}

pub fn empty() -> (TempDir, Registry) {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::open(folder.path().to_str().unwrap()).unwrap();
    (folder, registry)
}

/// A registry with as many versions, whose bytes are their numbers.
pub async fn with_versions(count: u64) -> (TempDir, Registry) {
    let (folder, registry) = empty();
    for number in 1..=count {
        let manifest = registry.register(&sentiment(), format!("model {number}").into(), Run::default()).await.unwrap();
        assert_eq!(manifest.version, ModelVersion(number));
    }
    (folder, registry)
}

pub fn version_file(folder: &TempDir, number: u64) -> PathBuf {
    folder.path().join(format!("sentiment/versions/{number:020}.json"))
}

pub fn log_file(folder: &TempDir, number: u64) -> PathBuf {
    folder.path().join(format!("sentiment/log/{number:020}.json"))
}

pub fn only_file_in(folder: &Path) -> PathBuf {
    let files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files[0].clone()
}

pub fn ann() -> Author {
    Author::new("ann", "a reason")
}
