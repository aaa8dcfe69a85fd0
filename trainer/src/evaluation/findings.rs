//! What a test found out.

use super::slices::Slices;
use super::worst::WorstError;
use model::NamedTerms;
use model::metrics::{ChosenThreshold, Curves, Intervals};
use serde::Serialize;

/// What a test found out beside its figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Findings {
    /// How far the figures would move on other rows; none where nothing was resampled.
    pub intervals: Option<Intervals>,
    /// How precision, recall and false alarms go with the threshold, and where probabilities are honest.
    pub curves: Curves,
    /// The threshold that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<ChosenThreshold>,
    /// The figures of parts of the test.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub slices: Vec<Slices>,
    /// The terms with most weight, as far as they occur in the tested rows.
    #[serde(skip_serializing_if = "NamedTerms::is_empty")]
    pub terms: NamedTerms,
    /// The rows that are most wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<WorstError>,
}
