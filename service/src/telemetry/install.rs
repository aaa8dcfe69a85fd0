//! Puts the pieces together: filter, log lines to stderr, span export.

use std::io::{self, IsTerminal};

use opentelemetry::trace::TracerProvider;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

use super::config::{Error, Format, TelemetryConfig};
use super::export::{Export, endpoint};

/// Keeps telemetry going. Dropping it sends the last spans, within two seconds.
#[must_use = "spans are lost when it is dropped early"]
pub struct Guard {
    _export: Option<Export>,
}

/// Starts logging, and exporting spans where a collector is named. Once per process, from any thread.
pub fn init(config: &TelemetryConfig, service_name: &str) -> Result<Guard, Error> {
    config.check()?;
    let filter = config.filter()?;
    let export = endpoint(config).map(|endpoint| Export::start(&endpoint, config, service_name)).transpose()?;
    let spans = export.as_ref().map(|export| {
        tracing_opentelemetry::layer()
            .with_tracer(export.provider.tracer(service_name.to_owned()))
            .with_filter(exported())
    });
    tracing_subscriber::registry()
        .with(log_lines(config.format).with_filter(filter))
        .with(spans)
        .try_init()
        .map_err(|_| Error::AlreadyStarted)?;
    Ok(Guard { _export: export })
}

/// Which spans are exported. Those of the exporter's own transport would make new ones with every export.
fn exported() -> Targets {
    ["h2", "hyper", "hyper_util", "tonic", "tower", "opentelemetry", "opentelemetry_sdk", "opentelemetry_otlp"]
        .into_iter()
        .fold(Targets::new().with_default(LevelFilter::INFO), |targets, transport| {
            targets.with_target(transport, LevelFilter::OFF)
        })
}

fn log_lines(format: Format) -> Box<dyn Layer<Registry> + Send + Sync> {
    // Standard output belongs to results.
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    let on_terminal = io::stderr().is_terminal();
    let json = match format {
        Format::Auto => !on_terminal,
        Format::Text => false,
        Format::Json => true,
    };
    if json {
        lines.json().flatten_event(true).with_current_span(true).with_span_list(false).boxed()
    } else {
        let colours = on_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        lines.with_ansi(colours).with_target(false).boxed()
    }
}
