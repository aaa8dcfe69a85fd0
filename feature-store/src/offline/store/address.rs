//! What `offline.url` may be: a folder, or a bucket of S3 and a prefix in it.

use super::Error;
use super::files::Store;
use object_store::local::LocalFileSystem;
use std::path::Path;
use std::sync::Arc;

pub(super) fn open(url: &str, create: bool) -> Result<Store, Error> {
    let unusable = |problem: &str| Error::Address { url: url.to_owned(), problem: problem.to_owned() };
    if url.trim().is_empty() {
        return Err(unusable("set offline.url to a folder or to s3://bucket/prefix"));
    }
    match url.split_once("://") {
        None => folder(url, create, unusable),
        Some(("s3", place)) => bucket(url, place, unusable),
        Some((scheme, _)) => Err(unusable(&format!("{scheme}:// is none of a folder's path and s3://bucket/prefix"))),
    }
}

fn folder(url: &str, create: bool, unusable: impl Fn(&str) -> Error) -> Result<Store, Error> {
    let path = Path::new(url);
    if create {
        std::fs::create_dir_all(path).map_err(|error| {
            let cause = object_store::Error::Generic { store: "folder", source: Box::new(error) };
            Error::access("create", url.to_owned(), &cause)
        })?;
    }
    let folder = path.canonicalize().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => unusable("there is no such folder; plaudit ingest makes it"),
        _ => unusable(&error.to_string()),
    })?;
    if !folder.is_dir() {
        return Err(unusable("it is a file; give a folder's path"));
    }
    let files = LocalFileSystem::new_with_prefix(&folder).map_err(|error| unusable(&error.to_string()))?;
    let address = folder.display().to_string();
    Ok(Store::new(Arc::new(files.with_fsync(true)), &address, Some(folder)))
}

fn bucket(url: &str, place: &str, unusable: impl Fn(&str) -> Error) -> Result<Store, Error> {
    Ok(Store::new(Arc::new(bucket::open(place).map_err(|problem| unusable(&problem))?), url, None))
}
