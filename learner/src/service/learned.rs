//! Which label was learned from for which review, as far back as there is room: no label is learned from twice, and of labels
//! that contradict each other the rule of `learn.conflicts` chooses.

use crate::config::Conflicts;
use schemas::{Label, Origin};
use std::collections::{HashMap, VecDeque};
use twox_hash::XxHash64;

#[derive(Debug)]
pub(super) struct Learned {
    rule: Conflicts,
    labels: HashMap<u64, (Label, Origin)>,
    /// In the order in which they were first learned from.
    order: VecDeque<u64>,
    max_records: usize,
}

/// What a label is to what was learned before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing was learned of its review.
    New,
    /// Another label was, which it outweighs.
    Correction,
    /// The same was.
    Duplicate,
    /// Another label was, which stays.
    Overruled,
}

impl Learned {
    pub(super) fn new(rule: Conflicts, max_records: usize) -> Self {
        Self { rule, labels: HashMap::new(), order: VecDeque::new(), max_records }
    }

    pub(super) fn standing(&self, review_id: &str, label: Label, origin: Origin) -> Standing {
        let Some(&(learned, by)) = self.labels.get(&hash(review_id)) else { return Standing::New };
        let counts = match self.rule {
            Conflicts::First => false,
            Conflicts::Last => true,
            Conflicts::Origin => rank(origin) >= rank(by),
        };
        match learned == label {
            true => Standing::Duplicate,
            false if counts => Standing::Correction,
            false => Standing::Overruled,
        }
    }

    /// The label was learned from.
    pub(super) fn note(&mut self, review_id: &str, label: Label, origin: Origin) {
        self.restore(hash(review_id), label, origin);
    }

    pub(super) fn restore(&mut self, review: u64, label: Label, origin: Origin) {
        if self.labels.insert(review, (label, origin)).is_none() {
            self.order.push_back(review);
            if self.order.len() > self.max_records
                && let Some(oldest) = self.order.pop_front()
            {
                self.labels.remove(&oldest);
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    /// All that is known, in its order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, Label, Origin)> {
        self.order.iter().filter_map(|review| self.labels.get(review).map(|&(label, by)| (*review, label, by)))
    }
}

fn hash(review_id: &str) -> u64 {
    XxHash64::oneshot(0, review_id.as_bytes())
}

/// Whose work it is to label knows best, then who saw the prediction.
fn rank(origin: Origin) -> u8 {
    match origin {
        Origin::Rating => 0,
        Origin::User => 1,
        Origin::Annotator => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Label::{Negative, Positive};

    #[test]
    fn of_two_labels_the_rule_chooses() {
        for (rule, by_user, by_rating) in [
            (Conflicts::First, Standing::Overruled, Standing::Overruled),
            (Conflicts::Last, Standing::Correction, Standing::Correction),
            (Conflicts::Origin, Standing::Correction, Standing::Overruled),
        ] {
            let mut learned = Learned::new(rule, 10);
            assert_eq!(learned.standing("a", Positive, Origin::User), Standing::New);
            learned.note("a", Positive, Origin::User);
            assert_eq!(learned.standing("a", Positive, Origin::Annotator), Standing::Duplicate);
            assert_eq!(learned.standing("a", Negative, Origin::User), by_user, "{rule:?}");
            assert_eq!(learned.standing("a", Negative, Origin::Rating), by_rating, "{rule:?}");
        }
    }

    #[test]
    fn what_there_is_no_room_for_is_forgotten_the_oldest_first() {
        let mut learned = Learned::new(Conflicts::Last, 2);
        for (id, label) in [("a", Positive), ("b", Positive), ("a", Negative), ("c", Positive)] {
            learned.note(id, label, Origin::User);
        }
        let standing = |id| learned.standing(id, Positive, Origin::User);
        assert_eq!(
            [standing("a"), standing("b"), standing("c")],
            [Standing::New, Standing::Duplicate, Standing::Duplicate]
        );
        assert_eq!(learned.len(), 2);
    }
}
