//! Finds partitions that hold records and bring none: a consumer can be alive and yet not consume. A partition that works
//! moves, or has nothing to bring.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

/// What was seen of partitions, each under a key that is another one for each assignment.
pub struct Silence<K> {
    seen: HashMap<K, Seen>,
    looked: Instant,
    interval: Duration,
}

struct Seen {
    /// Up to where it was read at the last look.
    next: i64,
    /// Where it ended then, if it had not moved since the look before.
    end: Option<i64>,
}

impl<K: Copy + Eq + Hash + Ord> Silence<K> {
    /// With an interval in which any fetch is over.
    pub fn new(interval: Duration) -> Self {
        Self { seen: HashMap::new(), looked: Instant::now(), interval }
    }

    /// Nothing was asked for, so that nothing can be said of the time before.
    pub fn begin_anew(&mut self) {
        self.seen.clear();
        self.looked = Instant::now();
    }

    /// Whether the interval is over.
    pub fn is_due(&self) -> bool {
        self.looked.elapsed() >= self.interval
    }

    /// The partitions that held records at the last look and have not moved since. `read` says up to where each is read, `end`
    /// where a partition ends now, if the broker tells; it is asked for quiet ones only.
    pub fn look(&mut self, read: impl IntoIterator<Item = (K, i64)>, end: impl Fn(K) -> Option<i64>) -> Vec<K> {
        self.looked = Instant::now();
        let before = std::mem::take(&mut self.seen);
        let mut silent = Vec::new();
        for (key, next) in read {
            let end = match before.get(&key).filter(|seen| seen.next == next) {
                Some(Seen { end: Some(end), .. }) if *end > next => {
                    silent.push(key);
                    Some(*end)
                }
                Some(_) => end(key),
                None => None,
            };
            self.seen.insert(key, Seen { next, end });
        }
        silent.sort_unstable();
        silent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn silence() -> Silence<i32> {
        Silence::new(Duration::ZERO)
    }

    #[test]
    fn a_partition_that_holds_records_and_does_not_move_is_silent_until_it_does() {
        let mut silence = silence();
        assert!(silence.look([(7, 3)], |_| Some(10)).is_empty());
        assert!(silence.look([(7, 3)], |_| Some(10)).is_empty(), "it may have got them a moment ago");
        assert_eq!(silence.look([(7, 3)], |_| Some(10)), [7]);
        assert_eq!(silence.look([(7, 3)], |_| None), [7]);
        assert!(silence.look([(7, 4)], |_| Some(10)).is_empty());
    }

    #[test]
    fn a_partition_at_its_end_may_be_quiet_until_it_grows() {
        let mut silence = silence();
        for _ in 0..4 {
            assert!(silence.look([(0, 10)], |_| Some(10)).is_empty());
        }
        assert!(silence.look([(0, 10)], |_| Some(11)).is_empty());
        assert_eq!(silence.look([(0, 10)], |_| Some(11)), [0]);
    }

    #[test]
    fn nothing_is_said_where_the_broker_does_not_answer_or_nothing_was_asked_for() {
        let mut silence = silence();
        for _ in 0..4 {
            assert!(silence.look([(0, 1)], |_| None).is_empty());
        }
        assert!(silence.look([(0, 1)], |_| Some(9)).is_empty());
        silence.begin_anew();
        assert!(silence.look([(0, 1)], |_| Some(9)).is_empty());
        assert!(silence.look([], |_| Some(9)).is_empty(), "given up meanwhile");
        assert!(silence.look([(0, 1)], |_| Some(9)).is_empty());
    }
}
