//! Which dead letters are meant.

use super::letter::Letter;
use schemas::Timestamp;
use std::collections::BTreeSet;

/// A filter; the default picks every letter.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Only these causes; empty for all.
    pub causes: BTreeSet<String>,
    /// Only what died at this time or later.
    pub since: Option<Timestamp>,
    /// Only what died before this time.
    pub until: Option<Timestamp>,
    /// At most so many, partition by partition, the oldest of each first.
    pub limit: Option<u64>,
}

impl Selection {
    /// Whether the letter is one of them. The limit is its counter's business.
    pub(super) fn matches(&self, letter: &Letter) -> bool {
        (self.causes.is_empty() || self.causes.contains(&letter.cause))
            && self.since.is_none_or(|since| letter.at.is_some_and(|at| at >= since))
            && self.until.is_none_or(|until| letter.at.is_some_and(|at| at < until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(cause: &str, millis: i64) -> Letter {
        Letter { cause: cause.to_owned(), at: Timestamp::from_epoch_millis(millis), ..Letter::default() }
    }

    #[test]
    fn since_belongs_to_it_and_until_does_not() {
        let at = |millis| Timestamp::from_epoch_millis(millis);
        let selection = Selection { since: at(10), until: at(20), ..Selection::default() };
        let picked: Vec<i64> = [9, 10, 19, 20].into_iter().filter(|at| selection.matches(&letter("x", *at))).collect();
        assert_eq!(picked, [10, 19]);
    }

    #[test]
    fn any_of_the_causes_will_do_and_none_means_all() {
        let selection = Selection { causes: ["empty", "panic"].map(str::to_owned).into(), ..Selection::default() };
        assert!(selection.matches(&letter("panic", 0)) && !selection.matches(&letter("not_json", 0)));
        assert!(Selection::default().matches(&letter("not_json", 0)));
    }
}
