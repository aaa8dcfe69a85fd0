//! Which rows may be in a sample at all, and of which class they are.

use super::feedback::FeedbackLabels;
use crate::examples::DropReason;
use feature_store::offline::{Field, RowRef};
use schemas::Label;

/// The class of a row with a text; or why it is left out. Unlike training, a sample has no use for a title without a text: the
/// text decides.
pub(crate) fn label_of(row: &RowRef<'_>, feedback: Option<&FeedbackLabels>) -> Result<Label, DropReason> {
    let has_problem = |field: Option<Field>| row.problems.iter().any(|problem| problem.field == field);
    if has_problem(None) {
        return Err(DropReason::UnreadableRow);
    }
    match &row.text {
        None if has_problem(Some(Field::Text)) => return Err(DropReason::UnreadableText),
        None => return Err(DropReason::NoText),
        Some(text) if text.trim().is_empty() => return Err(DropReason::NoText),
        Some(_) => {}
    }
    let said = || feedback.and_then(|feedback| feedback.of(row.review_id.as_deref()?));
    if let Some(label) = said().or_else(|| row.label()) {
        return Ok(label);
    }
    Err(if has_problem(Some(Field::Label)) {
        DropReason::UnreadableLabel
    } else if has_problem(Some(Field::Rating)) {
        DropReason::UnreadableRating
    } else if row.rating.is_some() {
        DropReason::NeutralRating
    } else {
        DropReason::NoLabel
    })
}
