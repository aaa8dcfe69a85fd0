//! A collector that is away costs neither time nor a flood of log lines. The subscriber is the process's, so this is
//! the only test here.

use std::time::{Duration, Instant};

use service::telemetry::{self, Error, TelemetryConfig};

#[test]
fn an_absent_collector_does_not_hold_up_the_end() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = TelemetryConfig { otlp_endpoint: format!("http://127.0.0.1:{port}"), ..TelemetryConfig::default() };
    let start = Instant::now();
    // No tokio runtime anywhere: the exporter brings its own.
    let guard = telemetry::init(&config, "test-service").unwrap();
    for _ in 0..10_000 {
        let _entered = tracing::info_span!("work").entered();
    }
    drop(guard);
    assert!(start.elapsed() < Duration::from_secs(10), "took {:?}", start.elapsed());

    assert!(matches!(telemetry::init(&TelemetryConfig::default(), "again"), Err(Error::AlreadyStarted)));
    let tls = TelemetryConfig { otlp_endpoint: "https://collector:4317".into(), ..TelemetryConfig::default() };
    let message = telemetry::init(&tls, "tls").err().unwrap().to_string();
    assert!(message.starts_with("cannot export spans to https://collector:4317: this build speaks"), "{message}");
}
