//! Spans on their way to a collector. The exporter has a small runtime of its own, so that it works before, beside and
//! after the runtime of the service; it reports its troubles itself, once and then once a minute.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use opentelemetry::KeyValue;
use opentelemetry_otlp::{SpanExporter as OtlpExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, SpanData, SpanExporter};
use tokio::runtime::Runtime;

use super::config::{Error, TelemetryConfig};

/// A batch that takes longer is lost; the next one waits for it meanwhile.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the end of the process waits for the last spans.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// A collector that stays away is mentioned again after this time.
const REMINDER: Duration = Duration::from_secs(60);

/// Exports spans until it is shut down.
pub(super) struct Export {
    pub(super) provider: SdkTracerProvider,
    runtime: Option<Runtime>,
}

/// The collector that the configuration or the environment names.
pub(super) fn endpoint(config: &TelemetryConfig) -> Option<String> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    if set("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return None;
    }
    let configured = Some(config.otlp_endpoint.clone()).filter(|endpoint| !endpoint.is_empty());
    configured.or_else(|| set("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")).or_else(|| set("OTEL_EXPORTER_OTLP_ENDPOINT"))
}

impl Export {
    /// Starts exporting to `endpoint`. It need not be there yet.
    pub(super) fn start(endpoint: &str, config: &TelemetryConfig, service_name: &str) -> Result<Self, Error> {
        let refused = |reason: String| Error::Endpoint { endpoint: endpoint.to_owned(), reason };
        if endpoint.starts_with("https://") {
            return Err(refused("this build speaks to collectors without TLS only".to_owned()));
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("otlp")
            .enable_all()
            .build()
            .map_err(|error| refused(error.to_string()))?;
        let exporter = {
            // The channel belongs to the runtime that it is made in.
            let _inside = runtime.enter();
            OtlpExporter::builder()
                .with_tonic()
                .with_endpoint(endpoint)
                .with_timeout(EXPORT_TIMEOUT)
                .build()
                .map_err(|error| refused(error.to_string()))?
        };
        let mut provider = SdkTracerProvider::builder()
            .with_batch_exporter(Reporting::new(exporter, endpoint))
            .with_resource(resource(service_name));
        // The SDK reads the standard variable itself, unless it is told otherwise.
        if std::env::var_os("OTEL_TRACES_SAMPLER").is_none() {
            let root = Sampler::TraceIdRatioBased(config.sample_ratio);
            provider = provider.with_sampler(Sampler::ParentBased(Box::new(root)));
        }
        Ok(Self { provider: provider.build(), runtime: Some(runtime) })
    }
}

impl Drop for Export {
    fn drop(&mut self) {
        if let Err(error) = self.provider.shutdown_with_timeout(SHUTDOWN_TIMEOUT) {
            tracing::debug!("the last spans are lost: {error}");
        }
        if let Some(runtime) = self.runtime.take() {
            // Waiting for it is not allowed inside another runtime, and there is nothing left to wait for.
            runtime.shutdown_background();
        }
    }
}

fn resource(service_name: &str) -> Resource {
    let resource = Resource::builder().with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
    // OTEL_SERVICE_NAME wins, as everywhere.
    match std::env::var_os("OTEL_SERVICE_NAME") {
        Some(_) => resource.build(),
        None => resource.with_service_name(service_name.to_owned()).build(),
    }
}

/// An exporter that says when the collector goes away and comes back, and does not repeat itself.
#[derive(Debug)]
struct Reporting<E> {
    exporter: E,
    endpoint: String,
    trouble: Mutex<Option<Trouble>>,
}

#[derive(Debug)]
struct Trouble {
    reported_at: Instant,
    lost_spans: usize,
}

impl<E> Reporting<E> {
    fn new(exporter: E, endpoint: &str) -> Self {
        Self { exporter, endpoint: endpoint.to_owned(), trouble: Mutex::new(None) }
    }

    fn report(&self, spans: usize, outcome: &OTelSdkResult) {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        match (outcome, trouble.as_mut()) {
            (Ok(()), None) => {}
            (Ok(()), Some(Trouble { lost_spans, .. })) => {
                tracing::info!("spans reach {} again; {lost_spans} were lost", self.endpoint);
                *trouble = None;
            }
            (Err(error), None) => {
                tracing::warn!("cannot export spans to {}; they are lost until it answers: {error}", self.endpoint);
                *trouble = Some(Trouble { reported_at: Instant::now(), lost_spans: spans });
            }
            (Err(error), Some(known)) => {
                known.lost_spans += spans;
                if known.reported_at.elapsed() >= REMINDER {
                    known.reported_at = Instant::now();
                    tracing::warn!("still no spans to {}; {} are lost: {error}", self.endpoint, known.lost_spans);
                }
            }
        }
    }
}

impl<E: SpanExporter> SpanExporter for Reporting<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let outcome = self.exporter.export(batch).await;
        self.report(spans, &outcome);
        outcome
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        match self.exporter.shutdown_with_timeout(timeout) {
            Err(OTelSdkError::AlreadyShutdown) => Ok(()),
            outcome => outcome,
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
