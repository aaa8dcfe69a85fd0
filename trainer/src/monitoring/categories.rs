//! The category of a review until its prediction comes, which does not have it.

use serde_json::Value;
use std::collections::{HashMap, VecDeque};
use twox_hash::XxHash64;

/// The last reviews' categories, as many as may wait.
pub(super) struct Categories {
    /// The field of a review that has it; empty for none.
    field: String,
    most: usize,
    of_review: HashMap<u64, String>,
    /// In the order in which they came; some have been taken.
    order: VecDeque<u64>,
}

/// A longer name is none: it would be a text.
const MOST_BYTES: usize = 100;

impl Categories {
    pub(super) fn new(field: &str, most: usize) -> Self {
        Self { field: field.to_owned(), most, of_review: HashMap::new(), order: VecDeque::new() }
    }

    /// Notes the category of a review, where its record has one.
    pub(super) fn note(&mut self, review_id: &str, record: &[u8]) {
        if self.field.is_empty() {
            return;
        }
        let record: Value = serde_json::from_slice(record).unwrap_or_default();
        let Some(category) = record.get(&self.field).and_then(Value::as_str) else { return };
        if category.is_empty() || category.len() > MOST_BYTES {
            return;
        }
        if self.order.len() >= self.most
            && let Some(oldest) = self.order.pop_front()
        {
            self.of_review.remove(&oldest);
        }
        let review = XxHash64::oneshot(0, review_id.as_bytes());
        self.order.push_back(review);
        self.of_review.insert(review, category.to_owned());
    }

    /// Its category, as its prediction is here.
    pub(super) fn take(&mut self, review_id: &str) -> Option<String> {
        if self.field.is_empty() {
            return None;
        }
        self.of_review.remove(&XxHash64::oneshot(0, review_id.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_reviews_have_their_category_and_no_more_than_may_wait() {
        let mut categories = Categories::new("category", 2);
        for id in ["a", "b", "c"] {
            categories.note(id, format!(r#"{{"review_id": "{id}", "category": "of {id}"}}"#).as_bytes());
        }
        categories.note("d", br#"{"category": 7}"#);
        categories.note("d", b"no JSON");
        let taken = ["a", "b", "c", "c", "d"].map(|id| categories.take(id));
        assert_eq!(taken, [None, Some("of b".to_owned()), Some("of c".to_owned()), None, None]);
        let mut none = Categories::new("", 2);
        none.note("a", br#"{"category": "books"}"#);
        assert_eq!(none.take("a"), None);
    }
}
