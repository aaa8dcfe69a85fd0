//! Whether the online store is asked at all. A store that failed several times in a row is left alone for a while, so that
//! batches don't wait for a deadline each; then one read tries it, and an answer closes the circuit again.

use std::time::{Duration, Instant};

/// One late answer is a hiccup; so many in a row are an outage.
const FAILURES: u32 = 3;
/// How long the store is left alone at first: a blink for an operator, hundreds of batches for the stream.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The pause doubles with each trial that fails, up to this: features are back that soon after the store is.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// Takes the time as an argument, as everything that is to be tested.
#[derive(Debug)]
pub(super) enum Circuit {
    /// The store is asked.
    Closed {
        /// Failed reads in a row.
        failures: u32,
    },
    /// The store is left alone.
    Open {
        /// The next trial.
        until: Instant,
        pause: Duration,
    },
}

impl Default for Circuit {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

impl Circuit {
    /// Of a store that is known to be away.
    pub(super) fn open(now: Instant) -> Self {
        Self::Open { until: now + FIRST_PAUSE, pause: FIRST_PAUSE }
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self, Self::Open { .. })
    }

    /// Whether a read may go out now. While the circuit is open, one may after each pause: should nobody ever hear how it
    /// ended, such as when its request was given up, the next one may after another pause.
    pub(super) fn allows(&mut self, now: Instant) -> bool {
        match self {
            Self::Closed { .. } => true,
            Self::Open { until, .. } if now < *until => false,
            Self::Open { until, pause } => {
                *until = now + *pause;
                true
            }
        }
    }

    /// Takes note of how a read ended.
    pub(super) fn record(&mut self, is_success: bool, now: Instant) {
        *self = match self {
            _ if is_success => Self::default(),
            Self::Closed { failures } if *failures + 1 < FAILURES => Self::Closed { failures: *failures + 1 },
            Self::Closed { .. } => Self::open(now),
            Self::Open { pause, .. } => {
                let pause = (*pause * 2).min(LONGEST_PAUSE);
                Self::Open { until: now + pause, pause }
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(now: Instant) -> Circuit {
        let mut circuit = Circuit::default();
        (0..FAILURES).for_each(|_| circuit.record(false, now));
        circuit
    }

    #[test]
    fn it_opens_after_several_failures_in_a_row_only() {
        let now = Instant::now();
        let mut circuit = Circuit::default();
        for _ in 0..10 {
            (1..FAILURES).for_each(|_| circuit.record(false, now));
            assert!(!circuit.is_open() && circuit.allows(now));
            circuit.record(true, now);
        }
        assert!(failed(now).is_open());
    }

    #[test]
    fn an_open_one_lets_one_read_through_after_each_pause_and_an_answer_closes_it() {
        let now = Instant::now();
        let mut circuit = failed(now);
        assert!(!circuit.allows(now + FIRST_PAUSE - Duration::from_millis(1)));
        assert!(circuit.allows(now + FIRST_PAUSE));
        assert!(!circuit.allows(now + FIRST_PAUSE));
        assert!(circuit.is_open());
        circuit.record(true, now + FIRST_PAUSE);
        assert!(!circuit.is_open() && circuit.allows(now + FIRST_PAUSE));
    }

    #[test]
    fn pauses_grow_up_to_a_limit() {
        let mut now = Instant::now();
        let mut circuit = failed(now);
        let mut pauses = Vec::new();
        for _ in 0..8 {
            let began = now;
            while !circuit.allows(now) {
                now += Duration::from_millis(1);
            }
            pauses.push(now - began);
            circuit.record(false, now);
        }
        let millis: Vec<_> = pauses.iter().map(Duration::as_millis).collect();
        assert_eq!(millis, [250, 500, 1000, 2000, 4000, 4000, 4000, 4000]);
    }

    #[test]
    fn a_trial_that_nobody_heard_of_is_followed_by_another() {
        let now = Instant::now();
        let mut circuit = failed(now);
        assert!(circuit.allows(now + FIRST_PAUSE));
        assert!(circuit.allows(now + 2 * FIRST_PAUSE));
    }
}
