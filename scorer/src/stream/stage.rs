//! What the worker is at.
//!
//! ```text
//!            assigned                     told to stop, or at the end
//! joining ------------> running --------------------------------------> draining
//!    ^                   |   ^  |                                           ^
//!    +-------------------+   |  | its producer can't go on                  |
//!      the group lost it     |  v                                           |
//!                           fenced -----------------------------------------+
//!          another producer took over       told to stop
//! ```
//!
//! Nothing is published while joining: no partition is owned. Draining is the end: nothing more is taken. At the topic's end
//! what was taken is published; told to stop, the worker ends the transaction in hand and leaves the rest to the next owner.

use crate::metrics;
use service::health::Component;
use std::sync::{Mutex, MutexGuard, PoisonError};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Joining,
    Running,
    Fenced,
    Draining,
}

impl Stage {
    const ALL: [Stage; 4] = [Stage::Joining, Stage::Running, Stage::Fenced, Stage::Draining];

    fn as_str(self) -> &'static str {
        match self {
            Stage::Joining => "joining",
            Stage::Running => "running",
            Stage::Fenced => "fenced",
            Stage::Draining => "draining",
        }
    }

    /// Why it is not ready for work, if it isn't.
    fn reason(self) -> Option<&'static str> {
        match self {
            Stage::Joining => Some("joins the consumer group"),
            Stage::Running => None,
            Stage::Fenced => Some("its producer can't go on; another takes over"),
            Stage::Draining => Some("stops"),
        }
    }
}

/// The stage that a worker is in, told to health, metrics and the log.
pub(super) struct Stages {
    state: Mutex<State>,
    health: Component,
}

struct State {
    stage: Stage,
    /// Why transactions fail, from the first that did until one succeeds, whatever the stage is meanwhile.
    stalled: Option<String>,
}

impl State {
    /// Why the worker is not ready, if it isn't.
    fn reason(&self) -> Option<&str> {
        self.stage.reason().or(self.stalled.as_deref())
    }
}

impl Stages {
    /// Joining.
    pub(super) fn new(health: Component) -> Self {
        let state = State { stage: Stage::Joining, stalled: None };
        let stages = Self { state: Mutex::new(state), health };
        stages.tell(&stages.state());
        stages
    }

    /// Goes on to another stage; a worker that drains does nothing else.
    pub(super) fn enter(&self, next: Stage) {
        self.go(next, |stage| stage != Stage::Draining);
    }

    /// The producer can't go on, or another goes on in its place. A worker without partitions goes on joining.
    pub(super) fn set_fenced(&self, is_fenced: bool) {
        let (from, to) = if is_fenced { (Stage::Running, Stage::Fenced) } else { (Stage::Fenced, Stage::Running) };
        self.go(to, |stage| stage == from);
    }

    fn go(&self, next: Stage, may: impl Fn(Stage) -> bool) {
        let mut state = self.state();
        if state.stage != next && may(state.stage) {
            tracing::debug!("{} -> {}", state.stage.as_str(), next.as_str());
            state.stage = next;
            self.tell(&state);
        }
    }

    /// Transactions fail, for this reason, and will be tried again: whoever watches the process should know before the log is
    /// read.
    pub(super) fn stalled(&self, reason: String) {
        let mut state = self.state();
        state.stalled = Some(reason);
        self.tell(&state);
    }

    /// One has succeeded.
    pub(super) fn progressed(&self) {
        let mut state = self.state();
        if state.stalled.take().is_some() {
            self.tell(&state);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, state: &State) {
        match state.reason() {
            Some(reason) => self.health.not_ready(reason),
            None => self.health.ready(),
        }
        for stage in Stage::ALL {
            metrics::set_stage(stage.as_str(), stage == state.stage);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use service::health::Health;

    #[test]
    fn only_a_running_worker_is_ready_and_draining_is_the_end() {
        let health = Health::new();
        let stages = Stages::new(health.component("stream"));
        assert!(!health.is_ready() && !health.is_starting());
        stages.set_fenced(false);
        assert!(!health.is_ready(), "it joins still");
        stages.enter(Stage::Running);
        assert!(health.is_ready());
        stages.set_fenced(true);
        assert!(!health.is_ready());
        stages.set_fenced(false);
        assert!(health.is_ready());
        stages.enter(Stage::Joining);
        assert!(!health.is_ready());
        for stage in [Stage::Draining, Stage::Running] {
            stages.enter(stage);
            assert!(!health.is_ready());
        }
    }

    #[test]
    fn failing_transactions_are_told_until_they_succeed() {
        let health = Health::new();
        let stages = Stages::new(health.component("stream"));
        stages.enter(Stage::Running);
        stages.stalled("transactions fail".to_owned());
        assert!(!health.is_ready());
        // Neither another producer nor another assignment says that the next one will do.
        for is_fenced in [true, false] {
            stages.set_fenced(is_fenced);
            assert!(!health.is_ready());
        }
        for stage in [Stage::Joining, Stage::Running] {
            stages.enter(stage);
            assert!(!health.is_ready());
        }
        stages.progressed();
        assert!(health.is_ready());
    }
}
