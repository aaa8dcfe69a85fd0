//! What `offline.url` may be: a folder, or a bucket of S3 and a prefix in it.

use super::Error;
use super::files::Store;
use super::sha256::Sha256Provider;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::prefix::PrefixStore;
use object_store::{ClientOptions, RetryConfig};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A file goes in one request, over a slow line too.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(300);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Whoever calls tries again for longer, and says so.
const RETRIES: usize = 2;
const RETRY_TIMEOUT: Duration = Duration::from_secs(20);

/// Where S3 is, where it is not Amazon's.
const ENDPOINTS: [&str; 3] = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"];

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

/// Address, region and credentials come from the environment, as every client of S3 has them (`AWS_ACCESS_KEY_ID`, ..), or
/// from the machine's role.
fn bucket(url: &str, place: &str, unusable: impl Fn(&str) -> Error) -> Result<Store, Error> {
    let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
    let is_name = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, b'.' | b'-' | b'_');
    if bucket.is_empty() || !bucket.bytes().all(is_name) {
        return Err(unusable(
            "write s3://bucket/prefix; credentials come from AWS_ACCESS_KEY_ID and so on, not from the url",
        ));
    }
    let endpoint = ENDPOINTS.iter().find_map(|name| std::env::var(name).ok());
    let options = ClientOptions::new()
        .with_timeout(REQUEST_TIMEOUT)
        .with_connect_timeout(CONNECT_TIMEOUT)
        // Who names such an endpoint means it.
        .with_allow_http(endpoint.is_some_and(|endpoint| endpoint.starts_with("http://")));
    let retry = RetryConfig { max_retries: RETRIES, retry_timeout: RETRY_TIMEOUT, ..RetryConfig::default() };
    let bucket = AmazonS3Builder::from_env()
        .with_bucket_name(bucket)
        .with_client_options(options)
        .with_retry(retry)
        .with_crypto_provider(Arc::new(Sha256Provider))
        .build()
        .map_err(|error| unusable(&error.to_string()))?;
    let prefix =
        object_store::path::Path::parse(prefix.trim_matches('/')).map_err(|error| unusable(&error.to_string()))?;
    Ok(Store::new(Arc::new(PrefixStore::new(bucket, prefix)), url, None))
}
