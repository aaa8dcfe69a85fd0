//! How often the publisher tries to publish, and how long it waits in between.

use service::kafka::NextOffsets;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// A batch is tried this often: with the pauses between, longer than a broker takes to be replaced.
pub(super) const MAX_ATTEMPTS: u32 = 12;

/// A producer is replaced this often for one batch: the first may have outlived its transaction's time-out.
const MAX_PRODUCERS: u32 = 3;

/// The first pause between attempts; each next one is twice as long, up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// The attempts at one part of a batch so far.
pub(super) struct Attempts {
    pub(super) made: u32,
    /// How many producers have tried.
    pub(super) producers: u32,
    /// The producer can't go on.
    pub(super) has_lost_producer: bool,
    /// What an earlier producer had committed of the batch.
    pub(super) done: NextOffsets,
    pub(super) pauses: Pauses,
}

impl Attempts {
    pub(super) fn new() -> Self {
        Self { made: 0, producers: 1, has_lost_producer: false, done: NextOffsets::new(), pauses: Pauses(FIRST_PAUSE) }
    }

    /// Whether the last one was the last. Nobody takes the place of a producer that may have a successor.
    pub(super) fn is_last(&self, may_have_a_successor: bool) -> bool {
        let is_out_of_producers = self.producers == MAX_PRODUCERS || may_have_a_successor;
        self.made == MAX_ATTEMPTS || self.has_lost_producer && is_out_of_producers
    }
}

pub(super) struct Pauses(Duration);

impl Pauses {
    /// Between half of the pause and all of it, so that scorers that failed together don't come back together.
    pub(super) fn next(&mut self) -> Duration {
        let pause = self.0;
        self.0 = (pause * 2).min(MAX_PAUSE);
        // The standard library's only source of chance.
        let chance = RandomState::new().hash_one(()) as f64 / u64::MAX as f64;
        pause.mul_f64(0.5 + chance / 2.0)
    }
}
