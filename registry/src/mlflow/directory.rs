//! A version as a folder that `mlflow.pyfunc` loads: the model's bytes as they are, and a loader in Python that needs numpy.

use crate::Manifest;
use bytes::Bytes;
use serde_json::{Value, json};

/// Reads the model's bytes and answers as `plaudit predict` does.
const LOADER: &str = include_str!("../../python/plaudit_model.py");

/// The release whose model folders these are.
const MLFLOW_VERSION: &str = "3.17.2";

const REQUIREMENTS: &str = "mlflow\nnumpy\n";

const PYTHON_ENV: &str = "python: '3.11'\nbuild_dependencies:\n- pip\ndependencies:\n- -r requirements.txt\n";

/// What MLflow knows the folder by.
pub(super) struct Place<'a> {
    pub(super) artifact_uri: &'a str,
    pub(super) model_id: &'a str,
    pub(super) run_id: &'a str,
}

/// The folder's files by their paths in it; the one that makes a model of it is the last.
pub(super) fn files(manifest: &Manifest, artifact: Bytes, place: &Place<'_>) -> Vec<(&'static str, Bytes)> {
    vec![
        ("data/model.safetensors", artifact),
        ("code/plaudit_model.py", Bytes::from_static(LOADER.as_bytes())),
        ("requirements.txt", Bytes::from_static(REQUIREMENTS.as_bytes())),
        ("python_env.yaml", Bytes::from_static(PYTHON_ENV.as_bytes())),
        ("MLmodel", mlmodel(manifest, place).into()),
    ]
}

/// JSON is YAML, and quotes what must be quoted.
fn mlmodel(manifest: &Manifest, place: &Place<'_>) -> String {
    let mut inputs = vec![
        json!({"type": "string", "name": "text", "required": true}),
        json!({"type": "string", "name": "title", "required": false}),
    ];
    let feature = |name: &String| json!({"type": "double", "name": name, "required": false});
    inputs.extend(manifest.run.features.iter().map(feature));
    let outputs = ["sentiment", "confidence", "probability"].map(|name| {
        let kind = if name == "sentiment" { "string" } else { "double" };
        json!({"type": kind, "name": name, "required": true})
    });
    let created = manifest.created_at.to_string().replace('T', " ").replace('Z', "");
    let model = json!({
        "artifact_path": place.artifact_uri,
        "flavors": {
            "python_function": {
                "loader_module": "plaudit_model",
                "code": "code",
                "data": "data/model.safetensors",
                "python_version": "3.11.7",
                "env": {"virtualenv": "python_env.yaml"},
            },
            "plaudit": {"name": manifest.name, "version": manifest.version, "sha256": manifest.sha256},
        },
        "mlflow_version": MLFLOW_VERSION,
        "model_id": place.model_id,
        "model_uuid": place.model_id,
        "model_size_bytes": manifest.size_bytes,
        "run_id": place.run_id,
        "signature": {
            "inputs": Value::Array(inputs).to_string(),
            "outputs": Value::Array(outputs.to_vec()).to_string(),
            "params": null,
        },
        "utc_time_created": created,
    });
    format!("{model:#}\n")
}
