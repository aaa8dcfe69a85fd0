//! When the next record is due: as fast as possible, so many a second, or in the rhythm in which the reviews were written.

use schemas::Timestamp;
use std::time::Duration;
use tokio::time::Instant;

/// How fast records are sent.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Speed {
    /// As fast as the broker takes them.
    #[default]
    Full,
    /// So many reviews a second.
    Rate(f64),
    /// So many times as fast as they were written.
    Recorded(f64),
}

/// Keeps the time of one replay. A record is never sent early; when the broker was slow, the lost time is made up.
#[derive(Debug)]
pub struct Pace {
    speed: Speed,
    start: Instant,
    first_time: Option<Timestamp>,
    records: u64,
}

impl Pace {
    /// Starts the clock.
    pub fn start(speed: Speed) -> Self {
        Self { speed, start: Instant::now(), first_time: None, records: 0 }
    }

    /// Waits until the next record, written at `created_at`, is due. A record older than the first is due at once.
    pub async fn wait(&mut self, created_at: Option<Timestamp>) {
        let Some(offset) = self.offset(created_at) else { return };
        // Beyond what a clock can count, the record never comes; a wrong date must not panic.
        let due = self.start.checked_add(offset).unwrap_or_else(|| self.start + Duration::from_secs(86_400 * 365));
        if due > Instant::now() {
            tokio::time::sleep_until(due).await;
        }
    }

    /// How long after the start the next record is due; none when it need not wait.
    fn offset(&mut self, created_at: Option<Timestamp>) -> Option<Duration> {
        let number = self.records;
        self.records += 1;
        let seconds = match self.speed {
            Speed::Full => return None,
            Speed::Rate(per_second) => number as f64 / per_second,
            Speed::Recorded(factor) => {
                let time = created_at?;
                let first = *self.first_time.get_or_insert(time);
                (time.epoch_millis() - first.epoch_millis()) as f64 / 1000.0 / factor
            }
        };
        Some(Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    fn at(millis: i64) -> Option<Timestamp> {
        Timestamp::from_epoch_millis(millis)
    }

    #[test]
    fn a_rate_spreads_records_evenly() {
        let mut pace = Pace::start(Speed::Rate(10.0));
        let offsets: Vec<_> = (0..4).filter_map(|_| pace.offset(None)).map(|offset| offset.as_millis()).collect();
        assert_eq!(offsets, [0, 100, 200, 300]);
    }

    #[test]
    fn recorded_gaps_are_divided_by_the_speed() {
        let mut pace = Pace::start(Speed::Recorded(60.0));
        assert_eq!(pace.offset(at(1_000)), Some(Duration::ZERO));
        assert_eq!(pace.offset(at(61_000)), Some(Duration::from_secs(1)));
    }

    #[test]
    fn a_record_from_before_the_first_is_due_at_once() {
        let mut pace = Pace::start(Speed::Recorded(1.0));
        pace.offset(at(5_000));
        assert_eq!(pace.offset(at(-62_000_000_000_000)), Some(Duration::ZERO));
        assert_eq!(pace.offset(None), None);
    }

    #[tokio::test]
    async fn a_time_far_in_the_future_waits_and_does_not_panic() {
        let mut pace = Pace::start(Speed::Recorded(1e-300));
        pace.wait(at(0)).await;
        let waiting = pin!(pace.wait(at(253_402_300_799_999)));
        assert_eq!(waiting.poll(&mut Context::from_waker(Waker::noop())), Poll::Pending);
    }
}
