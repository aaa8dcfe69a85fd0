//! Whether this process lives and is ready for work, said over HTTP together with its metrics. Each component states
//! its own condition; the process is as well as its worst component.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::metrics;

/// The section `[health]` of the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HealthConfig {
    /// Address for `/metrics` and `/health*`; empty: none.
    pub listen: String,
}

/// How well a component is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Condition {
    /// It does not work yet, for this reason.
    Starting(String),
    Ready,
    NotReady(String),
    Dead(String),
}

/// The condition of all components. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Health {
    components: Arc<Mutex<BTreeMap<&'static str, Condition>>>,
}

impl Health {
    /// No components: alive and ready.
    pub fn new() -> Self {
        Self::default()
    }

    /// The handle through which a component states its condition; it is not ready until it says so.
    pub fn component(&self, name: &'static str) -> Component {
        let component = Component { health: self.clone(), name };
        component.starting("starting");
        component
    }

    /// True while a component has not begun to work.
    pub fn is_starting(&self) -> bool {
        self.components().values().any(|condition| matches!(condition, Condition::Starting(_)))
    }

    /// True when no component needs a restart.
    pub fn is_live(&self) -> bool {
        self.not_live_reasons().is_empty()
    }

    /// True when every component works.
    pub fn is_ready(&self) -> bool {
        self.not_ready_reasons().is_empty()
    }

    fn set(&self, component: &'static str, condition: Condition) {
        self.components().insert(component, condition);
    }

    fn not_live_reasons(&self) -> BTreeMap<&'static str, String> {
        self.reasons(|condition| match condition {
            Condition::Dead(reason) => Some(reason),
            Condition::Starting(_) | Condition::Ready | Condition::NotReady(_) => None,
        })
    }

    fn not_ready_reasons(&self) -> BTreeMap<&'static str, String> {
        self.reasons(|condition| match condition {
            Condition::Starting(reason) | Condition::Dead(reason) | Condition::NotReady(reason) => Some(reason),
            Condition::Ready => None,
        })
    }

    fn reasons(&self, reason: impl Fn(&Condition) -> Option<&str>) -> BTreeMap<&'static str, String> {
        self.components().iter().filter_map(|(name, condition)| Some((*name, reason(condition)?.to_owned()))).collect()
    }

    fn components(&self) -> MutexGuard<'_, BTreeMap<&'static str, Condition>> {
        self.components.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Routes `/metrics`, `/health/live`, `/health/ready` and, which is the same as the latter, `/health`.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/metrics", get(render_metrics))
            .route("/health", get(readiness))
            .route("/health/live", get(liveness))
            .route("/health/ready", get(readiness))
            .with_state(self.clone())
    }
}

/// The voice of one component.
#[derive(Debug, Clone)]
pub struct Component {
    health: Health,
    name: &'static str,
}

impl Component {
    /// Another component of the same process.
    pub fn beside(&self, name: &'static str) -> Component {
        self.health.component(name)
    }

    /// It has not begun to work, because it waits for this.
    pub fn starting(&self, reason: impl Into<String>) {
        self.health.set(self.name, Condition::Starting(reason.into()));
    }

    /// It works.
    pub fn ready(&self) {
        self.health.set(self.name, Condition::Ready);
    }

    /// It is well but cannot work yet, or cannot work now.
    pub fn not_ready(&self, reason: impl Into<String>) {
        self.health.set(self.name, Condition::NotReady(reason.into()));
    }

    /// It does not work, and a new start may help.
    pub fn dead(&self, reason: impl Into<String>) {
        self.health.set(self.name, Condition::Dead(reason.into()));
    }
}

#[derive(Serialize)]
struct Answer {
    status: &'static str,
    /// Component -> why it is not well.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    reasons: BTreeMap<&'static str, String>,
}

async fn liveness(State(health): State<Health>) -> Response {
    answer(health.not_live_reasons())
}

async fn readiness(State(health): State<Health>) -> Response {
    answer(health.not_ready_reasons())
}

fn answer(reasons: BTreeMap<&'static str, String>) -> Response {
    let (code, status) =
        if reasons.is_empty() { (StatusCode::OK, "ok") } else { (StatusCode::SERVICE_UNAVAILABLE, "unavailable") };
    (code, Json(Answer { status, reasons })).into_response()
}

async fn render_metrics() -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics::render()).into_response()
}

/// Why an HTTP server cannot run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {reason}; {advice} `{key}`")]
    Bind {
        /// The address.
        address: String,
        /// Why.
        reason: String,
        /// What to do about the key.
        advice: &'static str,
        /// The configuration key that holds the address.
        key: &'static str,
    },
    /// The server failed.
    #[error("the HTTP server failed: {0}")]
    Serve(#[source] io::Error),
}

/// Listens on an address such as `127.0.0.1:8080`; `key` is the configuration key that it comes from.
pub async fn bind(address: &str, key: &'static str) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).await.map_err(|error| {
        let (reason, advice) = match error.kind() {
            io::ErrorKind::AddrInUse => ("another process listens there".to_owned(), "stop it or change"),
            io::ErrorKind::InvalidInput => ("it is not host:port".to_owned(), "correct"),
            _ => (error.to_string(), "change"),
        };
        ServeError::Bind { address: address.to_owned(), reason, advice, key }
    })
}

/// Serves until the token is cancelled, then finishes the requests that have begun.
pub async fn serve(listener: TcpListener, router: Router, token: CancellationToken) -> Result<(), ServeError> {
    axum::serve(listener, router)
        .with_graceful_shutdown(async move { token.cancelled().await })
        .await
        .map_err(ServeError::Serve)
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt;

    use super::*;

    async fn get(health: &Health, path: &str) -> (StatusCode, serde_json::Value) {
        let response = health.router().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn a_component_that_is_not_ready_is_named_with_its_reason() {
        let health = Health::new();
        health.component("model").ready();
        let kafka = health.component("kafka");
        kafka.not_ready("no partitions assigned");
        let (status, body) = get(&health, "/health/ready").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        let expected = serde_json::json!({"status": "unavailable", "reasons": {"kafka": "no partitions assigned"}});
        assert_eq!(body, expected);
        assert_eq!(get(&health, "/health/live").await.0, StatusCode::OK);

        kafka.ready();
        let (status, body) = get(&health, "/health/ready").await;
        assert_eq!((status, body), (StatusCode::OK, serde_json::json!({"status": "ok"})));
    }

    #[tokio::test]
    async fn a_component_is_starting_until_it_begins_to_work() {
        let health = Health::new();
        let kafka = health.component("kafka");
        assert!(health.is_starting() && health.is_live() && !health.is_ready());
        assert_eq!(get(&health, "/health/ready").await.1["reasons"], serde_json::json!({"kafka": "starting"}));
        kafka.starting("no broker yet");
        assert!(health.is_starting() && health.is_live());
        assert_eq!(get(&health, "/health/ready").await.1["reasons"], serde_json::json!({"kafka": "no broker yet"}));
        kafka.not_ready("no partitions assigned");
        assert!(!health.is_starting() && !health.is_ready());
    }

    #[tokio::test]
    async fn health_alone_is_readiness() {
        let health = Health::new();
        let kafka = health.component("kafka");
        assert_eq!(get(&health, "/health").await, get(&health, "/health/ready").await);
        assert_eq!(get(&health, "/health").await.0, StatusCode::SERVICE_UNAVAILABLE);
        kafka.ready();
        assert_eq!(get(&health, "/health").await, (StatusCode::OK, serde_json::json!({"status": "ok"})));
    }

    #[tokio::test]
    async fn a_dead_component_is_neither_live_nor_ready() {
        let health = Health::new();
        health.component("worker").dead("fenced");
        assert_eq!(get(&health, "/health/live").await.0, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(get(&health, "/health/ready").await.0, StatusCode::SERVICE_UNAVAILABLE);
        assert!(!health.is_live() && !health.is_ready());
    }

    #[tokio::test]
    async fn metrics_are_served_as_prometheus_text() {
        metrics::install();
        ::metrics::counter!("service_test_scrapes_total").increment(1);
        let request = Request::get("/metrics").body(Body::empty()).unwrap();
        let response = Health::new().router().oneshot(request).await.unwrap();
        assert!(response.headers()[header::CONTENT_TYPE].to_str().unwrap().starts_with("text/plain; version=0.0.4"));
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        assert!(String::from_utf8_lossy(&body).contains("service_test_scrapes_total 1"));
    }

    #[tokio::test]
    async fn an_address_in_use_is_one_sentence_with_the_key() {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = taken.local_addr().unwrap().to_string();
        let message = bind(&address, "gateway.listen").await.unwrap_err().to_string();
        let expected =
            format!("cannot listen on {address}: another process listens there; stop it or change `gateway.listen`");
        assert_eq!(message, expected);
        assert!(bind("nonsense", "gateway.listen").await.is_err());
    }

    #[tokio::test]
    async fn a_server_ends_when_its_token_is_cancelled() {
        let token = CancellationToken::new();
        let listener = bind("127.0.0.1:0", "health.listen").await.unwrap();
        token.cancel();
        let served = serve(listener, Health::new().router(), token);
        tokio::time::timeout(std::time::Duration::from_secs(10), served).await.unwrap().unwrap();
    }
}
