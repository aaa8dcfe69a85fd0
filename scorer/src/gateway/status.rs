//! What the gateway says about itself: whether it can answer, with which model, and its metrics.

use super::Gateway;
use super::error::ApiError;
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use registry::Reference;
use schemars::JsonSchema;
use schemas::{Label, ModelName, ModelVersion, Timestamp};
use serde::Serialize;
use std::collections::BTreeMap;

/// Whether predictions can be had.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct HealthResponse {
    /// `healthy`, or `unhealthy` while there is no model.
    status: &'static str,
    /// Whether there is a model.
    model_loaded: bool,
    /// Its name; null while there is none.
    model_name: Option<ModelName>,
    /// Its version; null while there is none.
    model_version: Option<ModelVersion>,
}

/// What a probe learns, in the words of the stream services.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ProbeResponse {
    /// `ok` or `unavailable`.
    status: &'static str,
    /// What is not well, and why.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    reasons: BTreeMap<&'static str, &'static str>,
}

impl IntoResponse for ProbeResponse {
    fn into_response(self) -> Response {
        let code = if self.reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        (code, Json(self)).into_response()
    }
}

/// The model in use.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct InfoResponse {
    /// The registered name.
    model_name: ModelName,
    /// The version in use now.
    model_version: ModelVersion,
    /// The online update that it is at; 0 as trained.
    model_update: u64,
    /// The alias that is followed, such as `production`; null when the version is fixed.
    model_stage: Option<String>,
    /// `ready`; without a model this answer is an error.
    status: &'static str,
    /// The names of the labels, the negative one first.
    labels: [String; 2],
    /// The features that it weighs beside the text, in its order; their values come from the online store.
    features: Vec<String>,
    /// The checksum of the model's artifact.
    sha256: String,
    /// When the version was registered.
    created_at: Timestamp,
    /// What its test measured; empty when there was none.
    metrics: serde_json::Map<String, serde_json::Value>,
    /// The version of this program.
    server_version: &'static str,
}

pub(super) async fn health(State(gateway): State<Gateway>) -> impl IntoResponse {
    let model = gateway.model().ok();
    let code = if model.is_some() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let health = HealthResponse {
        status: if model.is_some() { "healthy" } else { "unhealthy" },
        model_loaded: model.is_some(),
        model_name: model.as_ref().map(|model| model.reference.name.clone()),
        model_version: model.as_ref().map(|model| model.reference.version),
    };
    (code, Json(health))
}

/// Whoever answers lives: nothing here needs a restart that doesn't end the process itself.
pub(super) async fn live() -> ProbeResponse {
    ProbeResponse { status: "ok", reasons: BTreeMap::new() }
}

/// As `/health`, in the words of the stream services.
pub(super) async fn ready(State(gateway): State<Gateway>) -> ProbeResponse {
    match gateway.model() {
        Ok(_) => ProbeResponse { status: "ok", reasons: BTreeMap::new() },
        Err(_) => ProbeResponse { status: "unavailable", reasons: BTreeMap::from([("model", "not loaded")]) },
    }
}

pub(super) async fn info(State(gateway): State<Gateway>) -> Result<Json<InfoResponse>, ApiError> {
    let handle = gateway.handle()?;
    let loaded = handle.current();
    Ok(Json(InfoResponse {
        model_name: loaded.reference.name.clone(),
        model_version: loaded.reference.version,
        model_update: loaded.reference.update,
        model_stage: match handle.reference() {
            Reference::Alias(alias) => Some(alias.to_string()),
            Reference::Version(_) => None,
        },
        status: "ready",
        labels: [Label::Negative, Label::Positive].map(|label| loaded.model.label_name(label).to_owned()),
        features: loaded.inputs.names().map(str::to_owned).collect(),
        sha256: loaded.sha256.clone(),
        created_at: loaded.created_at,
        metrics: loaded.metrics.clone(),
        server_version: env!("CARGO_PKG_VERSION"),
    }))
}

pub(super) async fn metrics() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], service::metrics::render())
}
