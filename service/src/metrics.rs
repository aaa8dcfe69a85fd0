//! The Prometheus recorder behind the `metrics` macros. Whoever records names and describes the metrics; here they are
//! collected and rendered.

mod metric;

pub use metric::{Kind, Metric, describe};

use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// From a fraction of a millisecond, which one prediction takes, to a minute, which a transaction may.
const SECONDS: [f64; 18] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// From a short text to the largest batch.
const BYTES: [f64; 10] = [256.0, 1e3, 4e3, 16e3, 64e3, 256e3, 1e6, 4e6, 16e6, 64e6];

/// From one record to the largest batch.
const RECORDS: [f64; 10] = [1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1e3, 3e3, 1e4, 3e4];

/// Histograms keep every sample until somebody drains them; without a scrape, this does.
const UPKEEP: Duration = Duration::from_secs(5);

/// Installs the recorder for this process. Further calls change nothing.
///
/// Where another recorder is installed already, that one stays, and [`render`] is empty.
pub fn install() {
    HANDLE.get_or_init(|| match build() {
        Ok(handle) => {
            spawn_upkeep(handle.clone());
            Some(handle)
        }
        Err(error) => {
            tracing::warn!("metrics are not collected: {error}");
            None
        }
    });
}

/// All metrics in Prometheus' text format; empty before [`install`].
pub fn render() -> String {
    HANDLE.get().and_then(Option::as_ref).map(PrometheusHandle::render).unwrap_or_default()
}

fn build() -> Result<PrometheusHandle, BuildError> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_bytes".to_owned()), &BYTES)?
        .set_buckets_for_metric(Matcher::Suffix("_records".to_owned()), &RECORDS)?
        .install_recorder()
}

fn spawn_upkeep(handle: PrometheusHandle) {
    // It holds nothing that would have to be finished, and ends with the process.
    let spawned = std::thread::Builder::new().name("metrics-upkeep".to_owned()).spawn(move || {
        loop {
            std::thread::park_timeout(UPKEEP);
            handle.run_upkeep();
        }
    });
    if let Err(error) = spawned {
        tracing::warn!("histograms grow until they are scraped: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histograms_of_seconds_have_buckets_and_installing_twice_is_fine() {
        install();
        install();
        metrics::histogram!("service_test_wait_seconds").record(0.003);
        metrics::counter!("service_test_total").increment(2);
        let text = render();
        assert!(text.contains("service_test_total 2"), "{text}");
        assert!(text.contains("service_test_wait_seconds_bucket{le=\"0.0025\"} 0"), "{text}");
        assert!(text.contains("service_test_wait_seconds_bucket{le=\"0.005\"} 1"), "{text}");
    }
}
