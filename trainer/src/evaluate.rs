//! Evaluation: a registered model on labelled rows.

use crate::dataset::Dataset;
use crate::error::Error;
use crate::evaluation::Inquiry;
use crate::progress::Progress;
use crate::report::{ModelSummary, Report, RowCounts};
use crate::rss::peak_rss_bytes;
use crate::test_pass::{Exam, Tested, test};
use model::Model;
use registry::{Reference, Registry};
use schemas::ModelName;
use std::collections::BTreeMap;
use std::time::Instant;

/// What to evaluate.
#[derive(Debug, Clone)]
pub struct EvaluateRequest {
    /// The model.
    pub name: ModelName,
    /// Which of its versions.
    pub reference: Reference,
    /// What to test it on.
    pub data: Dataset,
    /// What to find out.
    pub inquiry: Inquiry,
}

/// Scores labelled rows on all cores and compares.
pub async fn evaluate(
    registry: &Registry,
    request: EvaluateRequest,
    mut progress: impl FnMut(Progress) + Send + 'static,
) -> Result<Report, Error> {
    let start = Instant::now();
    let EvaluateRequest { name, reference, data, inquiry } = request;
    let version = registry.resolve(&name, &reference).await?;
    let manifest = registry.manifest(&name, version).await?;
    let artifact = registry.artifact(&name, version).await?;
    let load = start.elapsed();
    let testing = tokio::task::spawn_blocking(move || {
        let model = Model::from_bytes(&artifact).map_err(|error| Error::Artifact { name, version, error })?;
        let data = data.with_features(model.features()).with_extras(inquiry.extra_columns());
        test(&model, Exam::open(&data, &inquiry)?, &mut progress)
    });
    let Tested { metrics, findings, reference: _, rows, dropped, repaired, read, total } =
        testing.await.expect("testing doesn't panic, and isn't cancelled")?;
    let stages = [("load", load), ("read", read), ("test", total), ("total", start.elapsed())];
    Ok(Report {
        model: ModelSummary { name: manifest.name, version, sha256: manifest.sha256 },
        promoted: None,
        verdict: None,
        rows: RowCounts { train: 0, test: rows, dropped: dropped.total() },
        dropped_reasons: dropped.by_name(),
        repaired_rows: repaired,
        metrics: Some(metrics),
        findings: Some(findings),
        tuned: None,
        seconds: BTreeMap::from(stages.map(|(stage, time)| (stage.to_owned(), time.as_secs_f64()))),
        peak_rss_bytes: peak_rss_bytes(),
    })
}
