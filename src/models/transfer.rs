//! `plaudit models export` and `import`: a version in a file.

use super::report::mebibytes;
use feature_store::offline::Partial;
use registry::{Author, Manifest, Package, Registry};
use schemas::{ModelName, ModelVersion};
use serde::Serialize;
use std::fmt;
use std::path::{Path, PathBuf};

/// A version that was written to a file.
#[derive(Serialize)]
pub struct Exported {
    name: ModelName,
    version: ModelVersion,
    sha256: String,
    size_bytes: u64,
    file: PathBuf,
}

pub async fn export(
    registry: &Registry,
    name: &ModelName,
    version: ModelVersion,
    file: &Path,
) -> anyhow::Result<Exported> {
    let package = registry.package(name, version).await?;
    let mut partial = Partial::create(file)?;
    package.write(&mut partial).map_err(|error| partial.error(error))?;
    partial.finish()?;
    let Manifest { name, version, sha256, size_bytes, .. } = package.manifest;
    Ok(Exported { name, version, sha256, size_bytes, file: file.to_owned() })
}

impl fmt::Display for Exported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, version, size_bytes, file, .. } = self;
        write!(f, "{version} of \"{name}\" is in {}, with {}", file.display(), mebibytes(*size_bytes))
    }
}

/// A version that was read from a file.
#[derive(Serialize)]
pub struct Imported {
    name: ModelName,
    version: ModelVersion,
    sha256: String,
    /// What it was where it comes from.
    from: Origin,
}

#[derive(Serialize)]
struct Origin {
    name: ModelName,
    version: ModelVersion,
}

pub async fn import(
    registry: &Registry,
    name: Option<ModelName>,
    file: &Path,
    author: &Author,
) -> anyhow::Result<Imported> {
    let package = Package::read(file).await?;
    // What is registered can be loaded.
    model::Model::from_bytes(&package.artifact).map_err(|error| {
        anyhow::anyhow!("cannot import {}: the model in it cannot be used: {error}", file.display())
    })?;
    let from = Origin { name: package.manifest.name.clone(), version: package.manifest.version };
    let name = name.unwrap_or_else(|| from.name.clone());
    registry.check_writable().await?;
    let Manifest { name, version, sha256, .. } = registry.import(&name, package, author).await?;
    Ok(Imported { name, version, sha256, from })
}

impl fmt::Display for Imported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, version, from, .. } = self;
        write!(
            f,
            "{version} of \"{name}\" is here, which was {} of \"{}\" where it comes from; no alias stands for it yet",
            from.version, from.name
        )
    }
}
