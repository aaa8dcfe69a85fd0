//! From an address to a client.

use crate::sha256::Sha256Provider;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::prefix::PrefixStore;
use object_store::{ClientOptions, RetryConfig};
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

/// The part of a bucket that `place` names, `bucket/prefix`, or why there can be none. Nothing is asked of it yet. Address,
/// region and credentials come from the environment, as every client of S3 has them (`AWS_ACCESS_KEY_ID`, ..), or from the
/// machine's role.
pub fn open(place: &str) -> Result<PrefixStore<AmazonS3>, String> {
    let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
    let is_name = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, b'.' | b'-' | b'_');
    if bucket.is_empty() || !bucket.bytes().all(is_name) {
        return Err(
            "write s3://bucket/prefix; credentials come from AWS_ACCESS_KEY_ID and so on, not from the url".to_owned()
        );
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
        .map_err(|error| error.to_string())?;
    let prefix = object_store::path::Path::parse(prefix.trim_matches('/')).map_err(|error| error.to_string())?;
    Ok(PrefixStore::new(bucket, prefix))
}
