//! Whether the rows of a run are fit to learn from, by the limits of `[validation]`. These are about what the store holds: the
//! sample that is learned from has a text and a label in every row, and each text once.

use super::RetrainError;
use super::rows::Rows;
use crate::sample::ByClass;
use crate::train::Test;
use crate::validate::{Profile, ValidateRequest, ValidationConfig, ValidationReport, validate};
use feature_store::offline::ScanProgress;

/// Refuses rows that do not hold the limits; `there` are those with a text and a label that the sample was drawn from, and
/// `reference` the words that production learned from.
pub(super) fn check(
    rows: &Rows,
    there: ByClass,
    limits: &ValidationConfig,
    reference: Option<(String, Profile)>,
    progress: &ScanProgress,
) -> Result<(), RetrainError> {
    if !limits.before_training {
        return Ok(());
    }
    let request = ValidateRequest { data: rows.train.clone(), test: Test::None, limits: limits.clone(), reference };
    let mut figures = validate(&request, progress)?.figures;
    let sampled = &rows.sampled;
    figures.rows = sampled.rows_seen;
    figures.usable = there.total();
    (figures.negatives, figures.positives) = (there.negative, there.positive);
    figures.dropped = sampled.dropped_reasons.clone();
    figures.compared = there.total();
    figures.different = sampled.texts.total();
    figures.copies = sampled.copies;
    figures.contradictions = sampled.contradictions.min(figures.different);
    let report = ValidationReport::new(figures, limits);
    if report.passed { Ok(()) } else { Err(RetrainError::Unfit(report.failures())) }
}
