//! A manifest as MLflow has it: parameters, metrics with steps, a dataset, tags.

use crate::Manifest;
use serde_json::{Map, Value, json};

/// A run's parameter has at most so many characters.
const MAX_PARAMETER_CHARS: usize = 6_000;
/// A tag's value has at most so many.
const MAX_TAG_CHARS: usize = 5_000;
/// A dataset's digest has at most so many.
const DIGEST_CHARS: usize = 36;

/// Which version of ours a run or a version of MLflow's is.
pub(super) const VERSION_TAG: &str = "plaudit.version";
/// The checksum of its artifact.
pub(super) const SHA256_TAG: &str = "plaudit.sha256";

/// What tells the version from all others, as tags.
pub(super) fn identity(manifest: &Manifest) -> [(&'static str, String); 2] {
    [(VERSION_TAG, manifest.version.to_string()), (SHA256_TAG, manifest.sha256.clone())]
}

/// `[{key, value}, ..]`.
pub(super) fn tags<'a>(tags: impl IntoIterator<Item = (&'a str, String)>) -> Vec<Value> {
    tags.into_iter().map(|(key, value)| json!({"key": key, "value": cut(&value, MAX_TAG_CHARS)})).collect()
}

/// Every setting by its path: `model.vectorizer.ngrams`.
pub(super) fn parameters(manifest: &Manifest) -> Vec<Value> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let parameter =
        |(key, value): (String, &Value)| json!({"key": key, "value": cut(&text(value), MAX_PARAMETER_CHARS)});
    leaves_of(&manifest.run.parameters).into_iter().map(parameter).collect()
}

/// Every figure by its path, and the steps of curves. All have the time of the version, so that sending them again changes
/// nothing.
pub(super) fn metrics(manifest: &Manifest) -> Vec<Value> {
    let timestamp = manifest.created_at.epoch_millis();
    let point =
        |key: &str, value: f64, step: u64| json!({"key": key, "value": value, "timestamp": timestamp, "step": step});
    let mut metrics = Vec::new();
    for (key, value) in leaves_of(&manifest.run.metrics) {
        metrics.extend(value.as_f64().map(|value| point(&key, value, 0)));
    }
    for (stage, seconds) in &manifest.run.seconds {
        metrics.push(point(&format!("seconds.{stage}"), *seconds, 0));
    }
    if let Some(data) = &manifest.run.data {
        for (key, count) in [("rows", data.rows), ("positives", data.positives), ("negatives", data.negatives)] {
            metrics.push(point(&format!("train.{key}"), count as f64, 0));
        }
    }
    for (curve, values) in &manifest.run.curves {
        metrics.extend(values.iter().map(|(step, value)| point(curve, *value, *step)));
    }
    metrics
}

/// What it was trained on, as an input of the run.
pub(super) fn dataset(manifest: &Manifest) -> Option<Value> {
    let data = manifest.run.data.as_ref()?;
    let digest: String = data.schema_sha256.chars().take(DIGEST_CHARS).collect();
    let columns = json!([
        {"name": "text", "type": "string", "required": true},
        {"name": "label", "type": "boolean", "required": true},
    ]);
    let profile = json!({
        "rows": data.rows,
        "positives": data.positives,
        "negatives": data.negatives,
        "first_created_at": data.first_created_at,
        "last_created_at": data.last_created_at,
    });
    let name = match data.paths.as_slice() {
        [] => "reviews".to_owned(),
        [one] => one.clone(),
        [first, others @ ..] => format!("{first} and {} more", others.len()),
    };
    Some(json!({
        "tags": [{"key": "mlflow.data.context", "value": "training"}],
        "dataset": {
            "name": cut(&name, 500),
            "digest": digest,
            "source_type": "local",
            "source": json!({"uri": data.paths.first(), "paths": data.paths}).to_string(),
            "schema": json!({"mlflow_colspec": columns}).to_string(),
            "profile": profile.to_string(),
        },
    }))
}

/// Values that are no objects, by their path.
fn leaves_of(object: &Map<String, Value>) -> Vec<(String, &Value)> {
    let mut leaves = Vec::new();
    for (key, value) in object {
        flatten(key, value, &mut leaves);
    }
    leaves
}

fn flatten<'a>(path: &str, value: &'a Value, leaves: &mut Vec<(String, &'a Value)>) {
    match value.as_object().filter(|object| !object.is_empty()) {
        Some(object) => object.iter().for_each(|(key, value)| flatten(&format!("{path}.{key}"), value, leaves)),
        None => leaves.push((named(path), value)),
    }
}

/// Names of MLflow's parameters and metrics know fewer characters than keys of ours might have.
fn named(path: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ' | '/');
    path.chars().take(250).map(|c| if fits(c) { c } else { '_' }).collect()
}

fn cut(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some(_) => text.chars().take(chars - 1).chain(['\u{2026}']).collect(),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DataFingerprint, Run};
    use schemas::{ModelVersion, Timestamp};

    fn manifest() -> Manifest {
        let object = |value: Value| value.as_object().cloned().unwrap();
        let data = DataFingerprint {
            paths: vec!["a.csv".into(), "b.csv".into()],
            rows: 10,
            schema_sha256: "ab".repeat(32),
            positives: 6,
            negatives: 4,
            first_created_at: None,
            last_created_at: None,
        };
        Manifest {
            name: "sentiment".parse().unwrap(),
            version: ModelVersion(3),
            sha256: "c0ffee".into(),
            size_bytes: 3,
            created_at: Timestamp::from_epoch_millis(1_700_000_000_000).unwrap(),
            run: Run {
                parameters: object(json!({"model": {"ngrams": 2, "labels": ["a", "b"]}, "note": "x".repeat(7000)})),
                metrics: object(json!({"accuracy": 0.9, "confusion": {"tp": 5}, "roc_auc": null})),
                seconds: [("fit".to_owned(), 1.5)].into(),
                curves: [("fit.gap".to_owned(), [(1, 0.5), (3, 0.25)].into())].into(),
                data: Some(data),
                ..Run::default()
            },
        }
    }

    #[test]
    fn settings_and_figures_are_named_by_their_paths() {
        let parameters = parameters(&manifest());
        assert_eq!(parameters[0], json!({"key": "model.labels", "value": "[\"a\",\"b\"]"}));
        assert_eq!(parameters[1], json!({"key": "model.ngrams", "value": "2"}));
        let long = parameters[2]["value"].as_str().unwrap();
        assert!(long.chars().count() == MAX_PARAMETER_CHARS && long.ends_with("x\u{2026}"));
        let metrics = metrics(&manifest());
        let of = |key: &str| {
            let of_key = metrics.iter().filter(|metric| metric["key"] == key);
            of_key
                .map(|metric| (metric["step"].as_u64().unwrap(), metric["value"].as_f64().unwrap()))
                .collect::<Vec<_>>()
        };
        assert_eq!(of("accuracy"), [(0, 0.9)]);
        assert_eq!(of("confusion.tp"), [(0, 5.0)]);
        assert_eq!(of("roc_auc"), []);
        assert_eq!(of("seconds.fit"), [(0, 1.5)]);
        assert_eq!(of("train.positives"), [(0, 6.0)]);
        assert_eq!(of("fit.gap"), [(1, 0.5), (3, 0.25)]);
    }

    #[test]
    fn a_dataset_names_its_files_and_keeps_to_mlflows_lengths() {
        let dataset = &dataset(&manifest()).unwrap()["dataset"];
        assert_eq!(dataset["name"], "a.csv and 1 more");
        assert_eq!(dataset["digest"].as_str().unwrap().len(), DIGEST_CHARS);
        let source: Value = serde_json::from_str(dataset["source"].as_str().unwrap()).unwrap();
        assert_eq!(source["paths"], json!(["a.csv", "b.csv"]));
    }
}
