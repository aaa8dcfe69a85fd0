//! Rows of files to records: which review a row is, which label goes with it, and why a row is none. Nothing is guessed:
//! a row that cannot be a review is skipped under a reason, a row that is one in spite of a flaw is counted under the field.

use feature_store::offline::{Field, Row};
use schemas::{Feedback, Label, Origin, Review, ReviewId, Timestamp};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A review on its way to Kafka, and its label where the row tells one.
#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing {
    /// What goes to `reviews`.
    pub review: Review,
    /// What goes to `feedback`. It bears the review's time: files don't say when a label was given.
    pub feedback: Option<Feedback>,
    /// Whether the row says when the review was written; where it does not, `created_at` is the time of the replay.
    pub has_time: bool,
}

impl Outgoing {
    /// A review, and its label where somebody has said one.
    pub fn new(review: Review, label: Option<(Label, Origin)>, has_time: bool) -> Self {
        let feedback = label.map(|(label, origin)| Feedback {
            review_id: review.review_id.clone(),
            label,
            origin,
            created_at: review.created_at,
        });
        Self { review, feedback, has_time }
    }
}

/// Rows that were not sent as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Omissions {
    /// Rows that were not sent, by reason: `empty`, `too_large`, `unreadable_row`, or `unreadable_` and the field.
    pub skipped: BTreeMap<String, u64>,
    /// Rows that were sent with a flaw, by field: without it, because it could not be read, or with U+FFFD for bytes that
    /// are not UTF-8.
    pub flawed: BTreeMap<String, u64>,
}

impl Omissions {
    /// Rows that were not sent.
    pub fn skipped_rows(&self) -> u64 {
        self.skipped.values().sum()
    }

    /// Counts records that are larger than the client or the broker admits.
    pub fn skip_too_large(&mut self, records: u64) {
        if records > 0 {
            *self.skipped.entry("too_large".to_owned()).or_default() += records;
        }
    }

    fn skip(&mut self, reason: String) {
        *self.skipped.entry(reason).or_default() += 1;
    }
}

/// Turns rows into records, counting what it leaves out.
#[derive(Debug)]
pub struct RowConverter {
    stems: Vec<String>,
    omissions: Omissions,
}

impl RowConverter {
    /// A converter for rows of these files, in the order in which they are read.
    pub fn new(paths: &[PathBuf]) -> Self {
        Self { stems: stems(paths), omissions: Omissions::default() }
    }

    /// The record of a row. A row without `review_id` is called after its place, `<file name>-<row number>`, so that the same
    /// file gives the same ids again; where several files have one name, the number of the file stands in between.
    pub fn convert(&mut self, row: Row) -> Option<Outgoing> {
        if let Some(reason) = reason_to_skip(&row) {
            self.omissions.skip(reason);
            return None;
        }
        for field in row.problems.iter().filter_map(|problem| problem.field) {
            *self.omissions.flawed.entry(field.name().to_owned()).or_default() += 1;
        }

        let has_time = row.created_at.is_some();
        let created_at = row.created_at.unwrap_or_else(Timestamp::now);
        let origin = if row.label.is_some() { Origin::Annotator } else { Origin::Rating };
        let label = row.label().map(|label| (label, origin));
        let review_id = match row.review_id {
            Some(id) if !id.trim().is_empty() => ReviewId(id),
            _ => ReviewId(format!("{}-{}", self.stems[row.position.file], row.position.row)),
        };
        let review = Review {
            review_id,
            product_id: row.product_id,
            user_id: row.user_id,
            title: row.title,
            text: row.text.unwrap_or_default(),
            rating: row.rating,
            created_at,
        };
        Some(Outgoing::new(review, label, has_time))
    }

    /// What was left out so far.
    pub fn omissions(&self) -> &Omissions {
        &self.omissions
    }

    /// The same, to add to.
    pub fn omissions_mut(&mut self) -> &mut Omissions {
        &mut self.omissions
    }
}

/// Why a row is no review. With another id, text or time it would be another review; any other field may be missing.
fn reason_to_skip(row: &Row) -> Option<String> {
    for problem in &row.problems {
        let is_lost = match problem.field {
            None => return Some("unreadable_row".to_owned()),
            Some(Field::ReviewId) => row.review_id.is_none(),
            Some(Field::Text) => row.text.is_none(),
            Some(Field::CreatedAt) => row.created_at.is_none(),
            Some(Field::ProductId | Field::UserId | Field::Title | Field::Rating | Field::Label) => false,
        };
        if let (true, Some(field)) = (is_lost, problem.field) {
            return Some(format!("unreadable_{field}"));
        }
    }
    let is_blank = |text: &Option<String>| text.as_deref().is_none_or(|text| text.trim().is_empty());
    (is_blank(&row.text) && is_blank(&row.title)).then(|| "empty".to_owned())
}

/// A name for each file: its own without extensions; with its number where that name occurs twice.
fn stems(paths: &[PathBuf]) -> Vec<String> {
    let stem = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.split('.').find(|part| !part.is_empty()).unwrap_or("row").to_owned()
    };
    let stems: Vec<String> = paths.iter().map(|path| stem(path)).collect();
    let numbered = |(number, stem): (usize, &String)| {
        let is_unique = stems.iter().filter(|other| *other == stem).count() == 1;
        if is_unique { stem.clone() } else { format!("{stem}-{}", number + 1) }
    };
    stems.iter().enumerate().map(numbered).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use feature_store::offline::{RowPosition, RowProblem};
    use schemas::Rating;

    fn row(text: &str) -> Row {
        Row {
            review_id: Some("r1".to_owned()),
            product_id: None,
            user_id: None,
            title: None,
            text: Some(text.to_owned()),
            rating: Rating::new(5.0),
            created_at: Timestamp::from_epoch_millis(1_000),
            label: None,
            features: Vec::new(),
            extras: Vec::new(),
            problems: Vec::new(),
            position: RowPosition { file: 0, row: 7 },
        }
    }

    fn problem(field: Option<Field>) -> RowProblem {
        RowProblem { field, message: "cannot be read".to_owned() }
    }

    fn converter() -> RowConverter {
        RowConverter::new(&["data/reviews.csv.gz".into()])
    }

    #[test]
    fn a_label_from_stars_says_so() {
        let feedback = converter().convert(row("fine")).unwrap().feedback.unwrap();
        assert_eq!((feedback.label, feedback.origin), (Label::Positive, Origin::Rating));
        assert_eq!(feedback.created_at.epoch_millis(), 1_000);
    }

    #[test]
    fn a_label_from_the_label_column_is_an_annotators() {
        let feedback =
            converter().convert(Row { label: Some(Label::Negative), ..row("fine") }).unwrap().feedback.unwrap();
        assert_eq!((feedback.label, feedback.origin), (Label::Negative, Origin::Annotator));
    }

    #[test]
    fn three_stars_have_no_feedback() {
        let outgoing = converter().convert(Row { rating: Rating::new(3.0), ..row("so so") }).unwrap();
        assert_eq!(outgoing.feedback, None);
    }

    #[test]
    fn a_row_without_an_id_is_called_after_its_place() {
        let outgoing = converter().convert(Row { review_id: None, ..row("fine") }).unwrap();
        assert_eq!(outgoing.review.review_id.0, "reviews-7");
    }

    #[test]
    fn files_of_one_name_give_different_ids() {
        let paths = ["a/part-0.parquet".into(), "b/part-0.parquet".into(), "c/other.csv".into()];
        assert_eq!(stems(&paths), ["part-0-1", "part-0-2", "other"]);
    }

    #[test]
    fn a_row_without_a_time_has_the_time_of_the_replay() {
        let before = Timestamp::now();
        let outgoing = converter().convert(Row { created_at: None, ..row("fine") }).unwrap();
        assert!(!outgoing.has_time);
        assert!(outgoing.review.created_at >= before);
    }

    #[test]
    fn rows_that_are_no_reviews_are_counted_by_reason() {
        let mut converter = converter();
        assert_eq!(converter.convert(Row { title: Some("\t".to_owned()), ..row(" ") }), None);
        assert_eq!(converter.convert(Row { text: None, problems: vec![problem(None)], ..row("") }), None);
        let time = Row { created_at: None, problems: vec![problem(Some(Field::CreatedAt))], ..row("fine") };
        assert_eq!(converter.convert(time), None);
        let omissions = converter.omissions();
        let reasons: Vec<_> = omissions.skipped.iter().map(|(reason, count)| (reason.as_str(), *count)).collect();
        assert_eq!(reasons, [("empty", 1), ("unreadable_created_at", 1), ("unreadable_row", 1)]);
        assert_eq!((omissions.skipped_rows(), omissions.flawed.len()), (3, 0));
    }

    #[test]
    fn a_title_alone_is_a_review() {
        let outgoing = converter().convert(Row { text: None, title: Some("Great".to_owned()), ..row("") }).unwrap();
        assert_eq!(outgoing.review.text, "");
        outgoing.review.check().unwrap();
    }

    #[test]
    fn a_rating_that_cannot_be_read_costs_only_the_rating() {
        let mut converter = converter();
        let flawed = Row { rating: None, problems: vec![problem(Some(Field::Rating))], ..row("fine") };
        assert_eq!(converter.convert(flawed).unwrap().review.rating, None);
        assert_eq!(converter.omissions().flawed["rating"], 1);
        assert_eq!(converter.omissions().skipped_rows(), 0);
    }

    #[test]
    fn repaired_text_is_sent_and_counted() {
        let mut converter = converter();
        let repaired = Row { problems: vec![problem(Some(Field::Text))], ..row("caf\u{fffd}") };
        assert_eq!(converter.convert(repaired).unwrap().review.text, "caf\u{fffd}");
        assert_eq!(converter.omissions().flawed["text"], 1);
    }
}
