//! The monitor against River and SciPy, against streams of known drift, and against itself after a restart.

mod chance;
mod contract;
mod docs;
mod golden;
mod streams;

use serde::de::DeserializeOwned;

/// A file that `golden/make.py` made.
fn golden<T: DeserializeOwned>(name: &str) -> T {
    let file = format!("{}/tests/golden/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
    serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{file}: {error}"))
}
