//! From a request to a value: content type, size, time and memory are checked while the body arrives, then the JSON is read.
//! What doesn't fit is refused with the name of the field.

use super::error::ApiError;
use super::{Gateway, compute};
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeSeed;
use tokio::sync::SemaphorePermit;

/// Bodies that are held at one time: beyond this, requests are refused rather than memory filled.
pub(super) const BODIES_BYTES: usize = 256 << 20;

/// What one permit of the semaphore over [`BODIES_BYTES`] stands for. A small request costs one.
pub(super) const BYTES_PER_PERMIT: usize = 16 << 10;

/// A body that has arrived. Its share of the memory is given back when it is dropped.
pub(super) struct Body<'gateway> {
    bytes: Bytes,
    _memory: SemaphorePermit<'gateway>,
}

impl<'gateway> Body<'gateway> {
    /// Reads the body of a request that should hold JSON.
    pub(super) async fn read(gateway: &'gateway Gateway, request: Request) -> Result<Self, ApiError> {
        let limit = gateway.config().max_body_bytes;
        let headers = request.headers();
        check_content(headers)?;
        // Without a length the body may be as large as any.
        let announced = content_length(headers).unwrap_or(limit);
        if announced > limit {
            return Err(ApiError::BodyTooLarge { limit });
        }
        let permits = u32::try_from(1 + announced / BYTES_PER_PERMIT).unwrap_or(u32::MAX);
        let memory = gateway.shared.memory.try_acquire_many(permits).map_err(|_| ApiError::Busy)?;
        let arrived = tokio::time::timeout(
            gateway.config().request_timeout(),
            Limited::new(request.into_body(), limit).collect(),
        )
        .await
        .map_err(|_| ApiError::BodyLate { limit: gateway.config().request_timeout() })?;
        match arrived {
            Ok(body) => Ok(Self { bytes: body.to_bytes(), _memory: memory }),
            Err(error) if error.is::<LengthLimitError>() => Err(ApiError::BodyTooLarge { limit }),
            Err(_) => Err(ApiError::BodyBroken),
        }
    }

    /// How much work the request is, in bytes.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// What `parse` makes of the bytes.
    pub(super) async fn parsed<T: Send + 'static>(
        &self,
        gateway: &Gateway,
        parse: impl FnOnce(&[u8]) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let bytes = self.bytes.clone();
        compute::run(gateway, bytes.len(), move || parse(&bytes)).await?
    }
}

fn check_content(headers: &HeaderMap) -> Result<(), ApiError> {
    let text = |name| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
    if let Some(found) = text(header::CONTENT_ENCODING).filter(|found| !found.eq_ignore_ascii_case("identity")) {
        return Err(ApiError::ContentEncoding { found: shortened(&found) });
    }
    // Many small clients send none: what they mean is JSON, or the parser will say.
    let Some(found) = text(header::CONTENT_TYPE) else { return Ok(()) };
    let essence = found.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json")) {
        return Ok(());
    }
    Err(ApiError::ContentType { found: shortened(&found) })
}

fn content_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// A good body is read once; only a bad one is read again, slowly, to find the path to what is wrong.
pub(super) fn parse<'b, S: DeserializeSeed<'b> + Copy>(bytes: &'b [u8], seed: S) -> Result<S::Value, ApiError> {
    match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => return Err(ApiError::BodyEmpty),
        // serde would take an array for an object whose fields come in order.
        Some(b'[') => return Err(ApiError::BodyUnfit { reason: "it is an array, expected an object".into() }),
        Some(_) => {}
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let parsed = seed.deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
    parsed.map_err(|error| explain(bytes, seed, &error))
}

fn explain<'b>(bytes: &'b [u8], seed: impl DeserializeSeed<'b>, error: &serde_json::Error) -> ApiError {
    if !error.is_data() {
        return ApiError::BodyNotJson { reason: shortened(&error.to_string()) };
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let mut track = serde_path_to_error::Track::new();
    let path = match seed.deserialize(serde_path_to_error::Deserializer::new(&mut deserializer, &mut track)) {
        Err(_) => track.path().to_string(),
        Ok(_) => String::new(),
    };
    let message = error.to_string();
    let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
    let reason = match path.as_str() {
        "" | "." => shortened(message),
        path => format!("`{}`: {}", shortened(path), shortened(message)),
    };
    ApiError::BodyUnfit { reason }
}

/// Error messages repeat what the client sent, which may be megabytes: the two ends of it will do.
fn shortened(text: &str) -> String {
    const HALF: usize = 100;
    if text.chars().count() <= 2 * HALF {
        return text.to_owned();
    }
    let start: String = text.chars().take(HALF).collect();
    let end = text.char_indices().rev().nth(HALF - 1).map_or("", |(at, _)| &text[at..]);
    format!("{start} .. {end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_keeps_its_two_ends() {
        let text = format!("start{}end", "é".repeat(100_000));
        let short = shortened(&text);
        assert!(short.starts_with("start") && short.ends_with("end") && short.chars().count() == 204, "{short}");
        assert_eq!(shortened("short"), "short");
    }

    #[test]
    fn content_types_that_hold_json_pass_with_any_parameters_and_case() {
        let check = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, value.parse().unwrap());
            check_content(&headers).is_ok()
        };
        assert!(check("application/json"));
        assert!(check("Application/JSON; charset=utf-8"));
        assert!(check("application/vnd.api+json"));
        assert!(!check("text/plain"));
        assert!(!check("application/x-www-form-urlencoded"));
        assert!(!check("application/jsonp"));
    }
}
