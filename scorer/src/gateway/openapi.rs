//! `GET /openapi.json`: the API in OpenAPI 3.1. Schemas are generated from the types that requests are read into and answers
//! written from, so they can't say anything else; the limits come from the configuration in force, the examples' model is the
//! one in use.

use super::Gateway;
use super::config::GatewayConfig;
use super::error::ErrorResponse;
use super::predict::{BatchRequest, BatchResponse, PredictRequest, PredictResponse};
use super::status::{HealthResponse, InfoResponse, ProbeResponse};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

pub(super) async fn openapi(State(gateway): State<Gateway>) -> impl IntoResponse {
    let mut document = gateway.shared.openapi.clone();
    if let Ok(model) = gateway.model() {
        let schemas = &mut document["components"]["schemas"];
        schemas["ModelName"]["examples"] = json!([model.reference.name]);
        schemas["ModelVersion"]["examples"] = json!([model.reference.version]);
    }
    Json(document)
}

/// What can be wrong with a request that has a body.
const BODY_ERRORS: [u16; 7] = [400, 408, 413, 415, 422, 500, 503];

/// The document.
pub(super) fn document(config: &GatewayConfig) -> Value {
    let mut schemas = Schemas::new();
    let paths = json!({
        "/predict": {
            "post": {
                "operationId": "predict",
                "tags": ["Predictions"],
                "summary": "Predict the sentiment of one review",
                "requestBody": schemas.request::<PredictRequest>(),
                "responses": responses(schemas.answer::<PredictResponse<'_>>("The prediction"), &BODY_ERRORS),
            },
        },
        "/predict/batch": {
            "post": {
                "operationId": "predictBatch",
                "tags": ["Predictions"],
                "summary": "Predict the sentiment of several reviews",
                "description": "All or nothing: when one review cannot be predicted, the error names it and none is.",
                "requestBody": schemas.request::<BatchRequest>(),
                "responses": responses(schemas.answer::<BatchResponse<'_>>("The predictions, in order"), &BODY_ERRORS),
            },
        },
        "/health": {
            "get": {
                "operationId": "health",
                "tags": ["Service"],
                "summary": "Whether predictions can be had",
                "responses": {
                    "200": schemas.answer::<HealthResponse>("Healthy"),
                    "503": schemas.answer::<HealthResponse>("Unhealthy: there is no model yet"),
                },
            },
        },
        "/health/live": {
            "get": {
                "operationId": "live",
                "tags": ["Service"],
                "summary": "Whether the process lives",
                "responses": { "200": schemas.answer::<ProbeResponse>("It lives") },
            },
        },
        "/health/ready": {
            "get": {
                "operationId": "ready",
                "tags": ["Service"],
                "summary": "Whether predictions can be had, in the words of the stream services",
                "responses": {
                    "200": schemas.answer::<ProbeResponse>("Ready"),
                    "503": schemas.answer::<ProbeResponse>("Not ready: there is no model yet"),
                },
            },
        },
        "/info": {
            "get": {
                "operationId": "info",
                "tags": ["Service"],
                "summary": "The model in use",
                "responses": responses(schemas.answer::<InfoResponse>("The model"), &[503]),
            },
        },
        "/metrics": {
            "get": {
                "operationId": "metrics",
                "tags": ["Service"],
                "summary": "Metrics in Prometheus' text format",
                "responses": {
                    "200": {
                        "description": "The metrics",
                        "content": { "text/plain": { "schema": { "type": "string" } } },
                    },
                },
            },
        },
    });
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Plaudit",
            "description": "Sentiment of product reviews, by the model that also scores the stream.",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "servers": [{ "url": "." }],
        "paths": paths,
        "components": { "schemas": schemas.into_components(config) },
    })
}

fn responses(ok: Value, errors: &[u16]) -> Value {
    let mut responses = Map::from_iter([("200".to_owned(), ok)]);
    for &code in errors {
        let reason = StatusCode::from_u16(code).ok().and_then(|code| code.canonical_reason()).unwrap_or_default();
        let schema = json!({ "$ref": "#/components/schemas/ErrorResponse" });
        let error = json!({ "description": reason, "content": { "application/json": { "schema": schema } } });
        responses.insert(code.to_string(), error);
    }
    Value::Object(responses)
}

/// Schemas of what is read and of what is written: a field with a default may be absent in the one and never is in the other.
struct Schemas {
    read: SchemaGenerator,
    written: SchemaGenerator,
}

impl Schemas {
    fn new() -> Self {
        // OpenAPI 3.1 takes its schemas from JSON Schema 2020-12.
        let mut settings = SchemaSettings::draft2020_12();
        settings.definitions_path = "/components/schemas".into();
        let mut written = settings.clone().for_serialize().into_generator();
        written.subschema_for::<ErrorResponse>();
        Self { read: settings.into_generator(), written }
    }

    fn request<T: JsonSchema>(&mut self) -> Value {
        json!({ "required": true, "content": { "application/json": { "schema": self.read.subschema_for::<T>() } } })
    }

    fn answer<T: JsonSchema>(&mut self, description: &str) -> Value {
        let schema = self.written.subschema_for::<T>();
        json!({ "description": description, "content": { "application/json": { "schema": schema } } })
    }

    fn into_components(mut self, config: &GatewayConfig) -> Map<String, Value> {
        let mut components = self.read.take_definitions(true);
        components.extend(self.written.take_definitions(true));
        let mut limit = |pointer: [&str; 2], keyword: &str, value: usize| {
            let [schema, property] = pointer;
            let property = components.get_mut(schema).and_then(|schema| schema["properties"].get_mut(property));
            let property = property.and_then(Value::as_object_mut).expect("the types have the fields that are limited");
            property.insert(keyword.to_owned(), value.into());
        };
        limit(["PredictRequest", "text"], "maxLength", config.max_text_characters);
        limit(["PredictRequest", "title"], "maxLength", config.max_text_characters);
        limit(["BatchRequest", "reviews"], "maxItems", config.max_batch);
        components
    }
}
