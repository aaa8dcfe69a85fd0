//! Labels that came before what they are about: they wait, in the order in which they came, for so long and so many.

use super::record::Label;
use std::collections::{BTreeMap, HashMap};

#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// By their numbers.
    labels: BTreeMap<u64, Waits>,
    by_review: HashMap<String, Vec<u64>>,
    next: u64,
}

#[derive(Debug)]
struct Waits {
    until_millis: i64,
    review_id: String,
    label: Label,
}

impl Waiting {
    pub(super) fn len(&self) -> usize {
        self.labels.len()
    }

    pub(super) fn push(&mut self, review_id: &str, label: Label, until_millis: i64) {
        self.by_review.entry(review_id.to_owned()).or_default().push(self.next);
        self.labels.insert(self.next, Waits { until_millis, review_id: review_id.to_owned(), label });
        self.next += 1;
    }

    /// The labels of a review, which need not wait any longer.
    pub(super) fn take(&mut self, review_id: &str) -> Vec<(Label, i64)> {
        let numbers = self.by_review.remove(review_id).unwrap_or_default();
        let taken = numbers.into_iter().filter_map(|number| self.labels.remove(&number));
        taken.map(|waits| (waits.label, waits.until_millis)).collect()
    }

    /// The label that has waited longest, where there are more than `limit` or its time is over.
    pub(super) fn give_up(&mut self, now_millis: i64, limit: usize) -> Option<Label> {
        let first = self.labels.first_entry()?;
        if first.get().until_millis > now_millis && self.labels.len() <= limit {
            return None;
        }
        let (number, waits) = self.labels.pop_first()?;
        if let Some(numbers) = self.by_review.get_mut(&waits.review_id) {
            numbers.retain(|other| *other != number);
            if numbers.is_empty() {
                self.by_review.remove(&waits.review_id);
            }
        }
        Some(waits.label)
    }

    /// All of them with the ends of their time, in their order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Label, i64)> {
        self.labels.values().map(|waits| (&waits.label, waits.until_millis))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(offset: i64) -> Label {
        Label::again([0, offset, 0], None, None, Vec::new())
    }

    #[test]
    fn labels_wait_in_their_order_until_their_review_comes_or_their_time_is_over() {
        let mut waiting = Waiting::default();
        for (offset, id) in [(0, "a"), (1, "b"), (2, "a"), (3, "c")] {
            waiting.push(id, label(offset), 100 + offset);
        }
        assert_eq!(waiting.take("a"), [(label(0), 100), (label(2), 102)]);
        assert_eq!(waiting.take("a"), []);
        assert_eq!(waiting.give_up(100, 2), None);
        assert_eq!(waiting.give_up(101, 2), Some(label(1)));
        assert_eq!(waiting.give_up(101, 2), None);
        assert_eq!(waiting.give_up(101, 0), Some(label(3)), "too many");
        assert_eq!((waiting.len(), waiting.take("b"), waiting.take("c")), (0, Vec::new(), Vec::new()));
    }
}
