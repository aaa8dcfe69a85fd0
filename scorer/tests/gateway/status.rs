//! `GET /health`, `/info` and `/metrics`.

use crate::harness::{gateway, gateway_without_model, get, post};
use serde_json::json;

#[tokio::test]
async fn a_gateway_with_a_model_is_healthy() {
    let answer = get(&gateway(), "/health").await;
    assert_eq!(answer.status, 200);
    let expected = json!({"status": "healthy", "model_loaded": true, "model_name": "sentiment", "model_version": "v3"});
    assert_eq!(answer.json(), expected);
}

#[tokio::test]
async fn a_gateway_without_a_model_is_unhealthy() {
    let answer = get(&gateway_without_model(), "/health").await;
    assert_eq!(answer.status, 503);
    let expected = json!({"status": "unhealthy", "model_loaded": false, "model_name": null, "model_version": null});
    assert_eq!(answer.json(), expected);
}

#[tokio::test]
async fn probes_of_the_stream_services_find_the_same_here() {
    let (with, without) = (gateway(), gateway_without_model());
    for (gateway, path, status, body) in [
        (&with, "/health/live", 200, json!({"status": "ok"})),
        (&with, "/health/ready", 200, json!({"status": "ok"})),
        (&without, "/health/live", 200, json!({"status": "ok"})),
        (&without, "/health/ready", 503, json!({"status": "unavailable", "reasons": {"model": "not loaded"}})),
    ] {
        let answer = get(gateway, path).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (status, body), "{path}");
    }
}

#[tokio::test]
async fn info_names_the_model_to_the_byte() {
    let json = get(&gateway(), "/info").await.json();
    let expected = json!({
        "model_name": "sentiment",
        "model_version": "v3",
        "model_update": 0,
        "model_stage": null,
        "status": "ready",
        "labels": ["negative", "positive"],
        "features": [],
        "sha256": "5a1e",
        "created_at": "1970-01-01T00:00:00.000Z",
        "metrics": {"accuracy": 0.9},
        "server_version": env!("CARGO_PKG_VERSION"),
    });
    assert_eq!(json, expected);
}

#[tokio::test]
async fn metrics_count_requests_by_route_and_status_and_predictions_by_label() {
    service::metrics::install();
    let gateway = gateway();
    post(&gateway, "/predict", r#"{"text": "great"}"#).await;
    post(&gateway, "/predict", r#"{"text": ""}"#).await;
    get(&gateway, "/such/as/nobody/has").await;
    let answer = get(&gateway, "/metrics").await;
    let has = |line: &str| assert!(answer.text().lines().any(|l| l.starts_with(line)), "{line} in {}", answer.text());
    has(r#"plaudit_gateway_requests_total{route="/predict",status="200"}"#);
    has(r#"plaudit_gateway_requests_total{route="/predict",status="400"}"#);
    has(r#"plaudit_gateway_requests_total{route="none",status="404"}"#);
    has(r#"plaudit_gateway_request_seconds_bucket{route="/predict",le="0.001"}"#);
    has(r#"plaudit_gateway_predictions_total{label="positive"}"#);
    has("# HELP plaudit_gateway_requests_total Requests answered");
}
