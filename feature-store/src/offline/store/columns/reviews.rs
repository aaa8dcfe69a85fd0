//! The columns of a review.

use super::{array, column, time_type};
use arrow_array::ArrayRef;
use arrow_array::builder::{Float64Builder, StringBuilder, TimestampMillisecondBuilder};
use arrow_schema::{DataType, FieldRef};
use schemas::{Rating, Review};

pub(super) struct ReviewColumns {
    review_id: StringBuilder,
    product_id: StringBuilder,
    user_id: StringBuilder,
    title: StringBuilder,
    text: StringBuilder,
    rating: Float64Builder,
    created_at: TimestampMillisecondBuilder,
}

pub(super) fn fields() -> Vec<FieldRef> {
    vec![
        column("review_id", DataType::Utf8),
        column("product_id", DataType::Utf8),
        column("user_id", DataType::Utf8),
        column("title", DataType::Utf8),
        column("text", DataType::Utf8),
        column("rating", DataType::Float64),
        column("created_at", time_type()),
    ]
}

/// Most ids and titles are no longer.
const SHORT_BYTES: usize = 32;

impl ReviewColumns {
    pub(super) fn with_capacity(rows: usize, value_bytes: usize) -> Self {
        let short = || StringBuilder::with_capacity(rows, SHORT_BYTES * rows);
        Self {
            review_id: short(),
            product_id: short(),
            user_id: short(),
            title: short(),
            text: StringBuilder::with_capacity(rows, value_bytes),
            rating: Float64Builder::with_capacity(rows),
            created_at: TimestampMillisecondBuilder::with_capacity(rows),
        }
    }

    pub(super) fn push(&mut self, review: Option<&Review>) {
        self.review_id.append_option(review.map(|review| review.review_id.0.as_str()));
        self.product_id.append_option(review.and_then(|review| review.product_id.as_deref()));
        self.user_id.append_option(review.and_then(|review| review.user_id.as_deref()));
        self.title.append_option(review.and_then(|review| review.title.as_deref()));
        self.text.append_option(review.map(|review| review.text.as_str()));
        self.rating.append_option(review.and_then(|review| review.rating).map(Rating::stars));
        self.created_at.append_option(review.map(|review| review.created_at.epoch_millis()));
    }

    pub(super) fn finish(mut self) -> Vec<ArrayRef> {
        vec![
            array(self.review_id.finish()),
            array(self.product_id.finish()),
            array(self.user_id.finish()),
            array(self.title.finish()),
            array(self.text.finish()),
            array(self.rating.finish()),
            array(self.created_at.finish().with_timezone("UTC")),
        ]
    }
}
