//! What the files of a dataset say of how they were sampled. A model that learns from a sample must know which share of each
//! class it saw, so files that differ in that cannot be learned from together.

use crate::error::Error;
use crate::sample::SampleNote;
use model::KeepRates;
use std::path::{Path, PathBuf};

/// The keep rates of files, each given with what its footer says; of files that are no samples, everything was kept.
pub(crate) fn keep_rates(files: &[(PathBuf, Option<String>)]) -> Result<KeepRates, Error> {
    let mut first: Option<(&Path, KeepRates)> = None;
    for (path, note) in files {
        let rates = note.as_deref().map_or(Ok(KeepRates::ALL), |note| rates_of(path, note))?;
        match first {
            Some((other, of_other)) if of_other != rates => {
                return Err(Error::DifferentKeepRates {
                    first: other.display().to_string(),
                    of_first: in_words(of_other),
                    other: path.display().to_string(),
                    of_other: in_words(rates),
                });
            }
            _ => first = first.or(Some((path, rates))),
        }
    }
    Ok(first.map_or(KeepRates::ALL, |(_, rates)| rates))
}

/// What a model that learned from rows kept at these rates has to undo on rows that were themselves kept at others: the same
/// rows in the same proportion need nothing undone.
pub(crate) fn beside(learned: KeepRates, tested: KeepRates) -> KeepRates {
    let (negative, positive) = (learned.negative / tested.negative, learned.positive / tested.positive);
    let larger = negative.max(positive);
    KeepRates { negative: negative / larger, positive: positive / larger }
}

fn rates_of(path: &Path, note: &str) -> Result<KeepRates, Error> {
    let damaged = |reason: String| Error::SampleNote { path: path.display().to_string(), reason };
    let note: SampleNote = serde_json::from_str(note).map_err(|error| damaged(error.to_string()))?;
    note.keep_rates.check().map_err(|error| damaged(error.to_string()))?;
    Ok(note.keep_rates)
}

fn in_words(rates: KeepRates) -> String {
    if rates == KeepRates::ALL {
        return "is no sample".to_owned();
    }
    format!("kept {:.4} of the negative and {:.4} of the positive texts", rates.negative, rates.positive)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_the_same_sample_need_nothing_undone() {
        let rates = KeepRates { negative: 0.9, positive: 0.1 };
        assert_eq!(beside(rates, rates), KeepRates::ALL);
        assert_eq!(beside(rates, KeepRates::ALL), KeepRates { negative: 1.0, positive: 0.1 / 0.9 });
        assert_eq!(beside(KeepRates::ALL, rates), KeepRates { negative: 0.1 / 0.9, positive: 1.0 });
    }

    #[test]
    fn a_note_that_cannot_be_read_is_an_error_of_its_file() {
        let file = |note: &str| [(PathBuf::from("a.parquet"), Some(note.to_owned()))];
        assert_eq!(keep_rates(&[(PathBuf::from("a.csv"), None)]).unwrap(), KeepRates::ALL);
        let error = keep_rates(&file("{}")).unwrap_err().to_string();
        assert!(error.contains("a.parquet") && error.contains("keep_rates"), "{error}");
    }
}
