//! Everything the gateway refuses, its HTTP status, and the sentence that says what is wrong. The texts for empty and long
//! texts, a missing model and a failed prediction are those that existing sentiment services answer, word for word: clients
//! compare them.

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use std::time::Duration;

/// Why a request gets no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    #[error("Input text cannot be empty.")]
    TextEmpty,
    #[error("Input text exceeds maximum length of {limit} characters.")]
    TextTooLong { limit: usize },
    #[error("Input title exceeds maximum length of {limit} characters.")]
    TitleTooLong { limit: usize },
    #[error("reviews[{index}]: {error}")]
    Review { index: usize, error: Box<ApiError> },
    #[error("The batch holds more than {limit} reviews: send it in parts.")]
    BatchTooLarge { limit: usize },
    #[error("The body is empty: send a JSON object such as {{\"text\": \"Great product\"}}.")]
    BodyEmpty,
    #[error("The body is not valid JSON: {reason}.")]
    BodyNotJson { reason: String },
    #[error("The body does not fit: {reason}.")]
    BodyUnfit { reason: String },
    #[error("The body exceeds {limit} bytes.")]
    BodyTooLarge { limit: usize },
    #[error("The body broke off.")]
    BodyBroken,
    #[error("The body did not arrive within {} ms.", .limit.as_millis())]
    BodyLate { limit: Duration },
    #[error("Content type {found} is not supported: send application/json.")]
    ContentType { found: String },
    #[error("Content encoding {found} is not supported: send the body as it is.")]
    ContentEncoding { found: String },
    #[error("Model not loaded. The service is starting: try again in a moment.")]
    ModelNotLoaded,
    #[error("Too many requests at once: try again in a moment.")]
    Busy,
    #[error("Prediction failed: no answer within {} ms.", .limit.as_millis())]
    PredictionLate { limit: Duration },
    #[error("Prediction failed: internal error, see the log of the service.")]
    PredictionFailed,
    #[error("There is no {path} here: see /docs.")]
    NotFound { path: String },
    #[error("{method} is not possible on {path}: see /docs.")]
    MethodNotAllowed { method: String, path: String },
}

impl ApiError {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::TextEmpty
            | Self::TextTooLong { .. }
            | Self::TitleTooLong { .. }
            | Self::BatchTooLarge { .. }
            | Self::BodyEmpty
            | Self::BodyNotJson { .. }
            | Self::BodyBroken => StatusCode::BAD_REQUEST,
            Self::Review { error, .. } => error.status(),
            Self::BodyUnfit { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyLate { .. } => StatusCode::REQUEST_TIMEOUT,
            Self::ContentType { .. } | Self::ContentEncoding { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::ModelNotLoaded | Self::Busy | Self::PredictionLate { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::PredictionFailed => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NotFound { .. } => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
        }
    }

    /// What well-behaved clients need to know beyond the sentence.
    fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        match self.status() {
            StatusCode::SERVICE_UNAVAILABLE => Some((header::RETRY_AFTER, HeaderValue::from_static("1"))),
            // The rest of the body is still on its way, so the connection cannot be used again.
            StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT => {
                Some((header::CONNECTION, HeaderValue::from_static("close")))
            }
            _ => None,
        }
    }
}

/// The body of every answer that is an error.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ErrorResponse {
    /// One sentence that says what is wrong.
    detail: String,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status(), Json(ErrorResponse { detail: self.to_string() })).into_response();
        if let Some((name, value)) = self.header() {
            response.headers_mut().insert(name, value);
        }
        response
    }
}
