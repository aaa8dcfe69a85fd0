//! What is refused, and that the sentence says why.

use crate::harness::{config, gateway, gateway_with, gateway_without_model, get, post, send};
use axum::body::Body;
use axum::http::{Request, header};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Frame;
use scorer::GatewayConfig;
use scorer::gateway::router;
use serde_json::json;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::task::JoinSet;
use tower::ServiceExt;

#[tokio::test]
async fn bodies_that_cannot_be_read_are_told_why() {
    let gateway = gateway();
    for (body, status, detail) in [
        (&b""[..], 400, "The body is empty: send a JSON object such as {\"text\": \"Great product\"}."),
        (b" \n", 400, "The body is empty: send a JSON object such as {\"text\": \"Great product\"}."),
        (b"text=great", 400, "The body is not valid JSON: expected ident at line 1 column 2."),
        (b"{\"text\": \"gre", 400, "The body is not valid JSON: EOF while parsing a string at line 1 column 13."),
        (b"{\"text\": \"great\"} {}", 400, "The body is not valid JSON: trailing characters at line 1 column 19."),
        (b"{\"text\": \"\xff\"}", 400, "The body is not valid JSON: invalid unicode code point at line 1 column 11."),
        (b"{}", 422, "The body does not fit: missing field `text`."),
        (b"[\"great\"]", 422, "The body does not fit: it is an array, expected an object."),
        (
            b"\"great\"",
            422,
            "The body does not fit: invalid type: string \"great\", expected an object with the field `text`.",
        ),
        (b"{\"text\": null}", 422, "The body does not fit: `text`: invalid type: null, expected a string."),
        (
            b"{\"text\": \"a\", \"title\": 1}",
            422,
            "The body does not fit: `title`: invalid type: integer `1`, expected a string.",
        ),
        (b"{\"text\": \"\"}", 400, "Input text cannot be empty."),
        (b"{\"text\": \"\\n\\u3000\"}", 400, "Input text cannot be empty."),
    ] {
        let answer = post(&gateway, "/predict", body).await;
        assert_eq!(answer.detail(status), detail, "{:?}", String::from_utf8_lossy(body));
    }
}

#[tokio::test]
async fn deep_nesting_in_an_unknown_field_harms_nobody() {
    let body = format!("{{\"text\": \"great\", \"x\": {}{}}}", "[".repeat(400_000), "]".repeat(400_000));
    assert_eq!(post(&gateway(), "/predict", body).await.status, 200);
}

#[tokio::test]
async fn an_error_does_not_send_back_megabytes() {
    let body = json!({"text": {"a": 1}, "title": "x"})
        .to_string()
        .replace("{\"a\":1}", &format!("[\"{}\"]", "y".repeat(100_000)));
    assert!(post(&gateway(), "/predict", body).await.detail(422).len() < 1000);
    let body = format!("\"{}\"", "y".repeat(100_000));
    assert!(post(&gateway(), "/predict", body).await.detail(422).len() < 1000);
}

#[tokio::test]
async fn other_content_types_and_encodings_are_refused_by_name() {
    let request = |name, value| Request::post("/predict").header(name, value).body(Body::from("{\"text\": \"great\"}"));
    let gateway = gateway();
    let answer = send(&gateway, request(header::CONTENT_TYPE, "text/plain; charset=latin1").unwrap()).await;
    assert_eq!(answer.detail(415), "Content type text/plain; charset=latin1 is not supported: send application/json.");
    let answer = send(&gateway, request(header::CONTENT_ENCODING, "gzip").unwrap()).await;
    assert_eq!(answer.detail(415), "Content encoding gzip is not supported: send the body as it is.");
    let answer = send(&gateway, Request::post("/predict").body(Body::from("{\"text\": \"great\"}")).unwrap()).await;
    assert_eq!(answer.status, 200, "no content type means JSON");
}

#[tokio::test]
async fn a_body_too_large_is_refused_whether_or_not_it_says_so() {
    let gateway = gateway_with(GatewayConfig { max_body_bytes: 1000, ..config() });
    let body = json!({ "text": "a".repeat(1000) }).to_string();
    let unannounced = post(&gateway, "/predict", body.clone()).await;
    assert_eq!(unannounced.detail(413), "The body exceeds 1000 bytes.");
    let request = Request::post("/predict").header(header::CONTENT_LENGTH, body.len());
    let announced = send(&gateway, request.body(Body::new(NeverArrives)).unwrap()).await;
    assert_eq!(announced.detail(413), "The body exceeds 1000 bytes.");
}

/// A body of which nothing ever comes.
struct NeverArrives;

impl hyper::body::Body for NeverArrives {
    type Data = Bytes;
    type Error = Infallible;
    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_given_up() {
    let gateway = gateway_with(GatewayConfig { request_timeout_ms: 20, ..config() });
    let answer = send(&gateway, Request::post("/predict").body(Body::new(NeverArrives)).unwrap()).await;
    assert_eq!(answer.detail(408), "The body did not arrive within 20 ms.");
    assert_eq!(answer.headers[header::CONNECTION], "close");
}

#[tokio::test]
async fn bodies_beyond_the_memory_for_them_are_refused() {
    let gateway = gateway_with(GatewayConfig { max_body_bytes: 256 << 20, request_timeout_ms: 500, ..config() });
    let large =
        || Request::post("/predict").header(header::CONTENT_LENGTH, 256 << 20).body(Body::new(NeverArrives)).unwrap();
    let mut first = JoinSet::new();
    first.spawn(router(&gateway).oneshot(large()));
    // The first may not have been polled yet.
    tokio::task::yield_now().await;
    let busy = post(&gateway, "/predict", r#"{"text": "great"}"#).await;
    assert_eq!(busy.detail(503), "Too many requests at once: try again in a moment.");
    assert_eq!(busy.headers[header::RETRY_AFTER], "1");
    assert_eq!(get(&gateway, "/health").await.status, 200, "a busy gateway is healthy");
    let first = first.join_next().await.unwrap().unwrap().unwrap();
    assert_eq!(first.status(), 408);
    first.into_body().collect().await.unwrap();
    assert_eq!(post(&gateway, "/predict", r#"{"text": "great"}"#).await.status, 200, "the memory was given back");
}

#[tokio::test]
async fn without_a_model_predictions_are_refused() {
    let gateway = gateway_without_model();
    for path in ["/predict", "/predict/batch"] {
        let answer = post(&gateway, path, r#"{"text": "great"}"#).await;
        assert_eq!(answer.detail(503), "Model not loaded. The service is starting: try again in a moment.");
    }
    assert!(get(&gateway, "/info").await.detail(503).starts_with("Model not loaded."));
}

#[tokio::test]
async fn unknown_paths_and_methods_are_refused_as_json() {
    let gateway = gateway();
    assert_eq!(get(&gateway, "/nowhere").await.detail(404), "There is no /nowhere here: see /docs.");
    assert_eq!(get(&gateway, "/predict/").await.detail(404), "There is no /predict/ here: see /docs.");
    let answer = get(&gateway, "/predict").await;
    assert_eq!(answer.detail(405), "GET is not possible on /predict: see /docs.");
    assert_eq!(answer.headers[header::ALLOW], "POST");
    assert_eq!(post(&gateway, "/health", "").await.detail(405), "POST is not possible on /health: see /docs.");
}
