//! The columns of a label.

use super::{array, column, time_type};
use arrow_array::ArrayRef;
use arrow_array::builder::{StringBuilder, TimestampMillisecondBuilder};
use arrow_schema::{DataType, FieldRef};
use schemas::{Feedback, Label, Origin};

#[derive(Default)]
pub(super) struct FeedbackColumns {
    review_id: StringBuilder,
    label: StringBuilder,
    origin: StringBuilder,
    created_at: TimestampMillisecondBuilder,
}

pub(super) fn fields() -> Vec<FieldRef> {
    vec![
        column("review_id", DataType::Utf8),
        column("label", DataType::Utf8),
        column("origin", DataType::Utf8),
        column("created_at", time_type()),
    ]
}

impl FeedbackColumns {
    pub(super) fn push(&mut self, feedback: Option<&Feedback>) {
        self.review_id.append_option(feedback.map(|feedback| feedback.review_id.0.as_str()));
        self.label.append_option(feedback.map(|feedback| label_name(feedback.label)));
        self.origin.append_option(feedback.map(|feedback| origin_name(feedback.origin)));
        self.created_at.append_option(feedback.map(|feedback| feedback.created_at.epoch_millis()));
    }

    pub(super) fn finish(mut self) -> Vec<ArrayRef> {
        vec![
            array(self.review_id.finish()),
            array(self.label.finish()),
            array(self.origin.finish()),
            array(self.created_at.finish().with_timezone("UTC")),
        ]
    }
}

/// As it stands in the record.
fn label_name(label: Label) -> &'static str {
    if label.is_positive() { "positive" } else { "negative" }
}

fn origin_name(origin: Origin) -> &'static str {
    match origin {
        Origin::User => "user",
        Origin::Rating => "rating",
        Origin::Annotator => "annotator",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_record() {
        for label in [Label::Negative, Label::Positive] {
            assert_eq!(serde_json::to_value(label).unwrap(), label_name(label));
        }
        for origin in [Origin::User, Origin::Rating, Origin::Annotator] {
            assert_eq!(serde_json::to_value(origin).unwrap(), origin_name(origin));
        }
    }
}
