//! What a file says of how it was sampled: JSON in the footer of Parquet, which whoever writes the rows anew hands on.

use parquet::file::metadata::ParquetMetaData;
use serde_json::Value;

/// The key of a Parquet footer under which a sample says how it was drawn.
pub const SAMPLE_KEY: &str = "plaudit.sample";

/// What a footer says.
pub(crate) fn note_of(metadata: &ParquetMetaData) -> Option<&str> {
    let pairs = metadata.file_metadata().key_value_metadata()?;
    pairs.iter().find(|pair| pair.key == SAMPLE_KEY)?.value.as_deref()
}

/// Whether files that say this and that were kept at the same rates, and may stand in one file.
pub(crate) fn are_alike(one: Option<&str>, other: Option<&str>) -> bool {
    let rates = |note: &str| serde_json::from_str::<Value>(note).ok()?.get("keep_rates").cloned();
    let (of_one, of_other) = (one.and_then(rates), other.and_then(rates));
    one == other || (of_one.is_some() && of_one == of_other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_alike_by_their_rates() {
        let note = |rate: f64, rows: u32| format!(r#"{{"keep_rates": {{"positive": {rate}}}, "rows": {rows}}}"#);
        assert!(are_alike(None, None));
        assert!(are_alike(Some(&note(0.5, 1)), Some(&note(0.5, 2))));
        assert!(!are_alike(Some(&note(0.5, 1)), Some(&note(0.25, 1))));
        assert!(!are_alike(Some(&note(0.5, 1)), None));
        assert!(!are_alike(Some("{}"), Some("none")));
    }
}
