//! The count: what is in `reviews` against what a read_committed reader finds in `predictions` and the dead letters, by source
//! offset. How often a producer sent something plays no part in it: what is in `reviews` is the truth.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

/// Partition and offset in `reviews`.
pub type Place = (i32, i64);

/// What has to come of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    Prediction,
    DeadLetter,
}

/// What came of a record, in the order of its topic's partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Came {
    pub key: Option<Vec<u8>>,
    pub source: Place,
    /// Where it stands itself.
    pub at: Place,
}

/// How many offending places are printed.
const SHOWN: usize = 10;

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Count {
    records: usize,
    predictions: usize,
    dead_letters: usize,
    lost: Vec<Place>,
    repeated: Vec<Place>,
    /// Where everything stands that came of the repeated ones.
    outcomes: Vec<(Place, Expected, Place)>,
    out_of_order: Vec<Place>,
    /// A good record among the dead letters, or a bad one among the predictions.
    mistaken: Vec<Place>,
    /// What came of records that are not in `reviews`.
    invented: Vec<Place>,
}

impl Count {
    pub fn of(reviews: &BTreeMap<Place, Expected>, predictions: &[Came], dead_letters: &[Came]) -> Self {
        let mut count = Self {
            records: reviews.len(),
            predictions: predictions.len(),
            dead_letters: dead_letters.len(),
            ..Self::default()
        };
        let mut times: BTreeMap<Place, usize> = BTreeMap::new();
        for (came, kind) in [(predictions, Expected::Prediction), (dead_letters, Expected::DeadLetter)] {
            count.out_of_order.extend(out_of_order(came));
            for came in came {
                *times.entry(came.source).or_default() += 1;
                match reviews.get(&came.source) {
                    None => count.invented.push(came.source),
                    Some(&expected) if expected != kind => count.mistaken.push(came.source),
                    Some(_) => {}
                }
            }
        }
        count.lost = reviews.keys().filter(|place| !times.contains_key(place)).copied().collect();
        for (came, kind) in [(predictions, Expected::Prediction), (dead_letters, Expected::DeadLetter)] {
            let again = came.iter().filter(|came| times[&came.source] > 1);
            count.outcomes.extend(again.map(|came| (came.source, kind, came.at)));
        }
        count.repeated = times.into_iter().filter(|&(_, times)| times > 1).map(|(place, _)| place).collect();
        count
    }

    /// Each record has what it has to have, once and in order; and there were some of both kinds.
    pub fn is_right(&self) -> bool {
        self.wrongs().iter().all(|(_, places)| places.is_empty()) && self.predictions > 0
    }

    fn wrongs(&self) -> [(&'static str, &Vec<Place>); 5] {
        [
            ("lost", &self.lost),
            ("repeated", &self.repeated),
            ("out of order", &self.out_of_order),
            ("mistaken", &self.mistaken),
            ("invented", &self.invented),
        ]
    }
}

/// The records of a key that come behind later ones of it. The same one again is a repetition, and the order is right.
fn out_of_order(came: &[Came]) -> Vec<Place> {
    let mut last: HashMap<(&[u8], i32), i64> = HashMap::new();
    let mut late = Vec::new();
    for Came { key, source: (partition, offset), .. } in came {
        let Some(key) = key else { continue };
        let last = last.entry((key, *partition)).or_insert(*offset);
        if offset < last {
            late.push((*partition, *offset));
        }
        *last = (*last).max(*offset);
    }
    late
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { records, predictions, dead_letters, .. } = self;
        writeln!(f, "records {records}; predictions {predictions}, dead letters {dead_letters}")?;
        let figures: Vec<String> =
            self.wrongs().iter().map(|(what, places)| format!("{what} {}", places.len())).collect();
        write!(f, "{}", figures.join(", "))?;
        for (what, places) in self.wrongs() {
            for (partition, offset) in places.iter().take(SHOWN) {
                write!(f, "\n  {what}: reviews/{partition}@{offset}")?;
            }
        }
        for (source, kind, (partition, offset)) in self.outcomes.iter().take(2 * SHOWN) {
            write!(f, "\n  of reviews/{}@{}: {kind:?} {partition}@{offset}", source.0, source.1)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn came(key: &str, offset: i64) -> Came {
        Came { key: Some(key.into()), source: (0, offset), at: (0, offset) }
    }

    /// Two keys in turns, and a bad record at the end.
    fn reviews() -> BTreeMap<Place, Expected> {
        let expected = |offset| if offset == 4 { Expected::DeadLetter } else { Expected::Prediction };
        (0..5).map(|offset| ((0, offset), expected(offset))).collect()
    }

    fn predictions() -> Vec<Came> {
        vec![came("a", 0), came("b", 1), came("a", 2), came("b", 3)]
    }

    #[test]
    fn one_of_each_is_right() {
        let count = Count::of(&reviews(), &predictions(), &[came("a", 4)]);
        assert!(count.is_right(), "{count}");
        assert_eq!(
            count.to_string(),
            "records 5; predictions 4, dead letters 1\nlost 0, repeated 0, out of order 0, mistaken 0, invented 0"
        );
    }

    #[test]
    fn a_loss_is_named() {
        let count = Count::of(&reviews(), &predictions()[1..], &[]);
        assert_eq!(count.lost, [(0, 0), (0, 4)]);
        assert!(!count.is_right());
        assert!(count.to_string().ends_with("\n  lost: reviews/0@0\n  lost: reviews/0@4"), "{count}");
    }

    #[test]
    fn a_repetition_is_named_be_it_in_one_topic_or_in_both() {
        let mut twice = predictions();
        twice.push(came("b", 3));
        let count = Count::of(&reviews(), &twice, &[came("a", 4), came("a", 2)]);
        assert_eq!(count.repeated, [(0, 2), (0, 3)]);
        assert_eq!(count.mistaken, [(0, 2)]);
        assert_eq!(count.out_of_order, [(0, 2)]);
        assert!(!count.is_right());
    }

    #[test]
    fn an_order_that_is_wrong_within_a_key_is_named_and_among_keys_there_is_none() {
        let letters = [came("a", 4)];
        let among_keys = [came("b", 1), came("b", 3), came("a", 0), came("a", 2)];
        assert!(Count::of(&reviews(), &among_keys, &letters).is_right());
        let within_a_key = [came("a", 2), came("b", 1), came("a", 0), came("b", 3)];
        let count = Count::of(&reviews(), &within_a_key, &letters);
        assert_eq!(count.out_of_order, [(0, 0)]);
        assert!(!count.is_right());
    }

    #[test]
    fn what_came_of_nothing_is_named() {
        let mut more = predictions();
        more.push(came("c", 9));
        let count = Count::of(&reviews(), &more, &[came("a", 4)]);
        assert_eq!(count.invented, [(0, 9)]);
        assert!(!count.is_right());
    }
}
