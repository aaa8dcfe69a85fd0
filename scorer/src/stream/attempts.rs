//! How long the publisher tries to publish, and how long it waits in between.

use service::kafka::NextOffsets;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// The first pause between attempts; each next one is twice as long, up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// How long a pause goes on at most after the worker was told to stop.
const LOOK: Duration = Duration::from_millis(50);

/// The attempts at one part of a batch so far.
pub(super) struct Attempts {
    pub(super) made: u32,
    /// When the first one had failed.
    failing_since: Option<Instant>,
    /// The producer can't go on.
    pub(super) has_lost_producer: bool,
    /// What an earlier producer had committed of the batch.
    pub(super) done: NextOffsets,
    pauses: Pauses,
}

impl Attempts {
    pub(super) fn new() -> Self {
        let (done, pauses) = (NextOffsets::new(), Pauses(FIRST_PAUSE));
        Self { made: 0, failing_since: None, has_lost_producer: false, done, pauses }
    }

    /// Takes note that the last one has failed. Answers for how long they fail now.
    pub(super) fn fail(&mut self, now: Instant) -> Duration {
        now.duration_since(*self.failing_since.get_or_insert(now))
    }

    /// Waits before the next one, unless the worker is told to stop.
    pub(super) fn pause(&mut self, stop: &CancellationToken) {
        let until = Instant::now() + self.pauses.next();
        while !stop.is_cancelled() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            std::thread::park_timeout(left.min(LOOK));
        }
    }
}

struct Pauses(Duration);

impl Pauses {
    /// Between half of the pause and all of it, so that scorers that failed together don't come back together.
    fn next(&mut self) -> Duration {
        let pause = self.0;
        self.0 = (pause * 2).min(MAX_PAUSE);
        // The standard library's only source of chance.
        let chance = RandomState::new().hash_one(()) as f64 / u64::MAX as f64;
        pause.mul_f64(0.5 + chance / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_failing_counts_from_the_first_failure() {
        let (mut attempts, first) = (Attempts::new(), Instant::now());
        assert_eq!(attempts.fail(first), Duration::ZERO, "however long the attempt itself took");
        assert_eq!(attempts.fail(first + Duration::from_secs(7)), Duration::from_secs(7));
    }

    #[test]
    fn pauses_grow_and_a_stop_ends_them() {
        let mut pauses = Pauses(FIRST_PAUSE);
        let all: Vec<Duration> = (0..20).map(|_| pauses.next()).collect();
        assert!(all[0] <= FIRST_PAUSE && all[19] >= MAX_PAUSE / 2 && all[19] <= MAX_PAUSE, "{all:?}");

        let mut attempts = Attempts { pauses: Pauses(Duration::from_secs(60)), ..Attempts::new() };
        let stop = CancellationToken::new();
        stop.cancel();
        let started = Instant::now();
        attempts.pause(&stop);
        assert!(started.elapsed() < Duration::from_secs(1));
    }
}
