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
#[derive(Debug, Default)]
pub(super) struct Circuit {
    state: State,
    /// How often it has opened, closed, or let a trial through.
    generation: u64,
}

/// A read that may go out. Many may be under way at a time: one that went out before the circuit opened says nothing of a
/// trial, and one that nobody heard of for long nothing of the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket(u64);

#[derive(Debug)]
enum State {
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

impl Default for State {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

impl Circuit {
    /// Of a store that is known to be away.
    pub(super) fn open(now: Instant) -> Self {
        Self { state: State::open(now, FIRST_PAUSE), generation: 0 }
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }

    /// Whether a read may go out now. While the circuit is open, one may after each pause: should nobody ever hear how it
    /// ended, such as when its request was given up, the next one may after another pause.
    pub(super) fn allows(&mut self, now: Instant) -> Option<Ticket> {
        match &mut self.state {
            State::Closed { .. } => {}
            State::Open { until, .. } if now < *until => return None,
            State::Open { until, pause } => {
                *until = now + *pause;
                self.generation += 1;
            }
        }
        Some(Ticket(self.generation))
    }

    /// Takes note of how a read ended.
    pub(super) fn record(&mut self, ticket: Ticket, is_success: bool, now: Instant) {
        if ticket != Ticket(self.generation) {
            return;
        }
        match &mut self.state {
            State::Closed { failures } if is_success => *failures = 0,
            State::Closed { failures } if *failures + 1 < FAILURES => *failures += 1,
            State::Closed { .. } => self.turn(State::open(now, FIRST_PAUSE)),
            State::Open { .. } if is_success => self.turn(State::default()),
            State::Open { pause, .. } => {
                let pause = (*pause * 2).min(LONGEST_PAUSE);
                self.turn(State::open(now, pause));
            }
        }
    }

    fn turn(&mut self, state: State) {
        self.state = state;
        self.generation += 1;
    }
}

impl State {
    fn open(now: Instant, pause: Duration) -> Self {
        Self::Open { until: now + pause, pause }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A read that goes out and ends.
    fn read(circuit: &mut Circuit, is_success: bool, now: Instant) {
        let ticket = circuit.allows(now).expect("a read may go out");
        circuit.record(ticket, is_success, now);
    }

    fn failed(now: Instant) -> Circuit {
        let mut circuit = Circuit::default();
        (0..FAILURES).for_each(|_| read(&mut circuit, false, now));
        circuit
    }

    /// How long nothing goes out from `now` on.
    fn pause(circuit: &mut Circuit, now: &mut Instant) -> (Ticket, u128) {
        let began = *now;
        loop {
            if let Some(ticket) = circuit.allows(*now) {
                return (ticket, now.duration_since(began).as_millis());
            }
            *now += Duration::from_millis(1);
        }
    }

    #[test]
    fn it_opens_after_several_failures_in_a_row_only() {
        let now = Instant::now();
        let mut circuit = Circuit::default();
        for _ in 0..10 {
            (1..FAILURES).for_each(|_| read(&mut circuit, false, now));
            assert!(!circuit.is_open() && circuit.allows(now).is_some());
            read(&mut circuit, true, now);
        }
        assert!(failed(now).is_open());
    }

    #[test]
    fn an_open_one_lets_one_read_through_after_each_pause_and_an_answer_closes_it() {
        let now = Instant::now();
        let mut circuit = failed(now);
        assert_eq!(circuit.allows(now + FIRST_PAUSE - Duration::from_millis(1)), None);
        let trial = circuit.allows(now + FIRST_PAUSE).unwrap();
        assert_eq!(circuit.allows(now + FIRST_PAUSE), None);
        assert!(circuit.is_open());
        circuit.record(trial, true, now + FIRST_PAUSE);
        assert!(!circuit.is_open() && circuit.allows(now + FIRST_PAUSE).is_some());
    }

    #[test]
    fn pauses_grow_up_to_a_limit() {
        let mut now = Instant::now();
        let mut circuit = failed(now);
        let mut pauses = Vec::new();
        for _ in 0..8 {
            let (trial, millis) = pause(&mut circuit, &mut now);
            pauses.push(millis);
            circuit.record(trial, false, now);
        }
        assert_eq!(pauses, [250, 500, 1000, 2000, 4000, 4000, 4000, 4000]);
    }

    #[test]
    fn reads_that_were_under_way_when_it_opened_neither_lengthen_the_pause_nor_close_it() {
        let mut now = Instant::now();
        let mut circuit = Circuit::default();
        let mut under_way: Vec<Ticket> = (0..12).map(|_| circuit.allows(now).unwrap()).collect();
        let late = under_way.split_off(10);
        under_way.into_iter().for_each(|ticket| circuit.record(ticket, false, now));
        circuit.record(late[0], true, now);
        assert!(circuit.is_open());
        let (trial, millis) = pause(&mut circuit, &mut now);
        assert_eq!(millis, FIRST_PAUSE.as_millis());
        circuit.record(late[1], true, now);
        assert!(circuit.is_open());
        circuit.record(trial, true, now);
        assert!(!circuit.is_open());
    }

    #[test]
    fn a_trial_that_nobody_heard_of_is_followed_by_another() {
        let now = Instant::now();
        let mut circuit = failed(now);
        let first = circuit.allows(now + FIRST_PAUSE).unwrap();
        let second = circuit.allows(now + 2 * FIRST_PAUSE).unwrap();
        circuit.record(first, true, now + 2 * FIRST_PAUSE);
        assert!(circuit.is_open());
        circuit.record(second, true, now + 2 * FIRST_PAUSE);
        assert!(!circuit.is_open());
    }
}
