//! What is seen of each request: a span named after its route, with the caller's trace as its parent, a count and a duration.
//! Nothing is logged per request.

use super::Gateway;
use crate::metrics;
use axum::extract::{MatchedPath, Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;
use service::telemetry::propagation::{self, TRACEPARENT};
use std::time::Instant;
use tracing::{Instrument, Span, field};

/// The routes as labels: a closed set, whatever paths clients ask for.
const ROUTES: [&str; 13] = [
    "/",
    "/predict",
    "/predict/batch",
    "/health",
    "/health/live",
    "/health/ready",
    "/info",
    "/metrics",
    "/openapi.json",
    "/docs",
    "/docs/",
    "/docs/swagger-ui.css",
    "/docs/swagger-ui-bundle.js",
];

/// The label of what is none of them.
const NO_ROUTE: &str = "none";

/// Whether spans leave the process, found out with a span. Where they don't, requests have none: it would cost more than the
/// rest of a request's administration together, and nobody would see it.
pub(super) fn spans_are_exported() -> bool {
    propagation::traceparent_of(&tracing::info_span!("gateway start")).is_some()
}

pub(super) async fn observe(State(gateway): State<Gateway>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let route = route_of(&request);
    let response = if gateway.shared.spans {
        let span = span_of(&request, route);
        let response = next.run(request).instrument(span.clone()).await;
        record_outcome(&span, response.status());
        response
    } else {
        next.run(request).await
    };
    metrics::record_gateway_request(route, response.status().as_u16(), started.elapsed());
    response
}

fn record_outcome(span: &Span, status: StatusCode) {
    span.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
        span.record("error.type", status.as_str());
    }
}

fn route_of(request: &Request) -> &'static str {
    let matched = request.extensions().get::<MatchedPath>();
    let label = matched.and_then(|path| ROUTES.iter().find(|route| **route == path.as_str()));
    label.copied().unwrap_or(NO_ROUTE)
}

fn span_of(request: &Request, route: &'static str) -> Span {
    let span = tracing::info_span!(
        "request",
        otel.name = format_args!("{} {route}", request.method()),
        otel.kind = "server",
        otel.status_code = field::Empty,
        error.type = field::Empty,
        http.request.method = %request.method(),
        http.route = route,
        http.response.status_code = field::Empty,
        url.path = request.uri().path(),
    );
    if let Some(traceparent) = request.headers().get(TRACEPARENT).and_then(|value| value.to_str().ok()) {
        propagation::set_parent(&span, traceparent);
    }
    span
}
