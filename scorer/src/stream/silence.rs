//! Finds partitions that hold records and bring none: a consumer can be alive and yet not consume. A partition that works gives
//! signs: records, and after the last one the news that its end is reached. Signs, and not positions, by which
//! `service::kafka::Silence` goes: this worker leaves it to the client where a partition begins whose offsets an open transaction
//! hides, and one that never begins is to be found too.

use super::ownership::{Epoch, Owned};
use std::collections::HashMap;
use std::time::{Duration, Instant};

pub(super) struct Silence {
    seen: HashMap<i32, Seen>,
    looked: Instant,
    interval: Duration,
}

struct Seen {
    epoch: Epoch,
    /// A sign came since the last look.
    is_fresh: bool,
    /// The last sign said that the end is reached.
    at_end: bool,
    /// Where the partition ended at the first look after that.
    end: Option<i64>,
}

impl Silence {
    /// With an interval in which any fetch is over.
    pub(super) fn new(interval: Duration) -> Self {
        Self { seen: HashMap::new(), looked: Instant::now(), interval }
    }

    /// A record came.
    pub(super) fn record(&mut self, partition: i32, epoch: Epoch) {
        self.seen.insert(partition, Seen { epoch, is_fresh: true, at_end: false, end: None });
    }

    /// The client has reached the end.
    pub(super) fn end(&mut self, partition: i32, epoch: Epoch) {
        self.seen.insert(partition, Seen { epoch, is_fresh: true, at_end: true, end: None });
    }

    /// Nothing was asked for meanwhile: the time does not count.
    pub(super) fn paused(&mut self, time: Duration) {
        self.looked += time;
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.looked) >= self.interval
    }

    /// The partitions that had something to say since the last look and did not. `end` answers where a partition ends now, if
    /// the broker says so.
    pub(super) fn look(&mut self, now: Instant, owned: &Owned, end: impl Fn(i32) -> Option<i64>) -> Vec<i32> {
        self.looked = now;
        let mut silent = Vec::new();
        for partition in owned.partitions() {
            let epoch = owned.epoch(partition).unwrap_or_default();
            let new = Seen { epoch, is_fresh: true, at_end: false, end: None };
            let seen = self.seen.entry(partition).or_insert(new);
            if seen.epoch != epoch {
                *seen = Seen { epoch, is_fresh: true, at_end: false, end: None };
            }
            if std::mem::take(&mut seen.is_fresh) {
                seen.end = seen.at_end.then(|| end(partition)).flatten();
                continue;
            }
            let Some(now) = end(partition) else { continue };
            match seen.end {
                _ if !seen.at_end => silent.push(partition),
                Some(before) if now > before => silent.push(partition),
                Some(_) => {}
                None => seen.end = Some(now),
            }
        }
        self.seen.retain(|&partition, _| owned.epoch(partition).is_some());
        silent.sort_unstable();
        silent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn silence() -> Silence {
        Silence::new(Duration::ZERO)
    }

    #[test]
    fn a_partition_that_says_nothing_at_all_is_silent_at_the_second_look() {
        let (mut silence, owned) = (silence(), Owned::of(&[(7, 1)]));
        assert!(silence.look(Instant::now(), &owned, |_| Some(0)).is_empty());
        assert_eq!(silence.look(Instant::now(), &owned, |_| Some(0)), [7]);
        silence.end(7, 1);
        assert!(silence.look(Instant::now(), &owned, |_| Some(0)).is_empty());
    }

    #[test]
    fn records_without_an_end_after_them_are_followed_by_silence() {
        let (mut silence, owned) = (silence(), Owned::of(&[(0, 1), (1, 1)]));
        silence.record(0, 1);
        silence.end(1, 1);
        assert!(silence.look(Instant::now(), &owned, |_| Some(10)).is_empty());
        assert_eq!(silence.look(Instant::now(), &owned, |_| Some(10)), [0]);
    }

    #[test]
    fn a_record_and_its_end_in_one_batch_are_followed_by_rightful_silence() {
        let (mut silence, owned) = (silence(), Owned::of(&[(0, 1)]));
        silence.record(0, 1);
        silence.end(0, 1);
        for _ in 0..3 {
            assert!(silence.look(Instant::now(), &owned, |_| Some(10)).is_empty());
        }
    }

    #[test]
    fn a_partition_at_its_end_may_be_quiet_until_it_grows() {
        let (mut silence, owned) = (silence(), Owned::of(&[(0, 1)]));
        silence.end(0, 1);
        for _ in 0..3 {
            assert!(silence.look(Instant::now(), &owned, |_| Some(10)).is_empty());
        }
        assert_eq!(silence.look(Instant::now(), &owned, |_| Some(11)), [0]);
    }

    #[test]
    fn a_partition_that_is_stuck_beside_a_backlog_shows_though_the_backlog_pauses_the_client_all_the_time() {
        let owned = Owned::of(&[(0, 1), (1, 1)]);
        let interval = Duration::from_secs(30);
        let mut silence = Silence::new(interval);
        let (mut found, began) = (Vec::new(), Instant::now());
        // Of each second the client is paused for nine tenths, and partition 0 brings a batch.
        for second in 1..=700 {
            silence.record(0, 1);
            let now = began + Duration::from_secs(second);
            silence.paused(Duration::from_millis(900));
            if silence.is_due(now) {
                found = silence.look(now, &owned, |_| Some(10));
            }
        }
        assert_eq!(found, [1]);
    }

    #[test]
    fn a_time_in_which_nothing_was_asked_for_says_nothing() {
        let mut silence = Silence::new(Duration::from_secs(30));
        silence.paused(Duration::from_secs(3600));
        assert!(!silence.is_due(Instant::now() + Duration::from_secs(3600)));
        assert!(silence.is_due(Instant::now() + Duration::from_secs(3631)));
    }

    #[test]
    fn nothing_is_said_where_the_broker_does_not_answer_or_the_assignment_is_another() {
        let (mut silence, owned) = (silence(), Owned::of(&[(0, 1)]));
        for _ in 0..3 {
            assert!(silence.look(Instant::now(), &owned, |_| None).is_empty());
        }
        assert!(silence.look(Instant::now(), &Owned::of(&[(0, 2)]), |_| Some(5)).is_empty());
        assert!(silence.look(Instant::now(), &Owned::of(&[]), |_| Some(5)).is_empty());
    }
}
