//! What is to be done next, and when: slots of the schedule, alerts, and what is tried again. Time is an argument of every
//! question, so that all of it can be asked about any day.

use super::config::{CatchUp, RetrainConfig};
use super::cron::Schedule;
use registry::{RetrainOutcome, Retraining, Trigger};
use schemas::Timestamp;
use std::time::Duration;

/// A slot that is looked at later than this was missed.
const LATE_MILLIS: i64 = 5 * 60_000;

/// The next step.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// A run, for this.
    Run(Trigger),
    /// Nothing until this time; none for as long as no alert comes.
    Wait(Option<Timestamp>),
}

/// How a run came out, as far as the agenda goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Outcome {
    /// It is dealt with.
    Over,
    /// It could not begin now: again after this pause.
    Later(Duration),
    /// It failed in passing; chance from 0 to 1 is for the pause.
    FailedInPassing(f64),
}

/// What there is to do.
#[derive(Debug, Clone)]
pub(super) struct Agenda {
    schedule: Option<Schedule>,
    config: RetrainConfig,
    /// Slots up to here have been looked at.
    looked_until: Timestamp,
    slot: Option<Pending>,
    alert: Option<Pending>,
}

#[derive(Debug, Clone, PartialEq)]
struct Pending {
    trigger: Trigger,
    not_before: Timestamp,
    failures: u32,
}

impl Agenda {
    /// What there is to do for a process that begins now, after these runs.
    pub(super) fn new(
        schedule: Option<Schedule>,
        config: RetrainConfig,
        history: &[Retraining],
        now: Timestamp,
    ) -> Self {
        let looked_until = match config.catch_up {
            CatchUp::Once => last_dealt_with(history, now).unwrap_or(now),
            CatchUp::None => now,
        };
        Self { schedule, config, looked_until, slot: None, alert: None }
    }

    /// An alert takes the place of one that waits: one run answers both.
    pub(super) fn alert(&mut self, trigger: Trigger, now: Timestamp) {
        let waits_until = self.alert.as_ref().map_or(now, |pending| pending.not_before.max(now));
        self.alert = Some(Pending { trigger, not_before: waits_until, failures: 0 });
    }

    /// Whether an alert waits.
    pub(super) fn has_alert(&self) -> bool {
        self.alert.is_some()
    }

    /// The next step.
    pub(super) fn next(&mut self, now: Timestamp) -> Step {
        self.look_at_slots(now);
        let pending = || [&self.slot, &self.alert].into_iter().flatten();
        if let Some(due) = pending().find(|pending| pending.not_before <= now) {
            return Step::Run(due.trigger.clone());
        }
        let next_slot = self.schedule.as_ref().and_then(|schedule| schedule.next(now));
        Step::Wait(pending().map(|pending| pending.not_before).chain(next_slot).min())
    }

    /// However many slots have passed, the latest is the one that is due.
    fn look_at_slots(&mut self, now: Timestamp) {
        let Some(schedule) = &self.schedule else { return };
        let Some(slot) = schedule.latest(self.looked_until, now) else { return };
        self.looked_until = slot;
        if self.config.catch_up == CatchUp::None && now.epoch_millis() - slot.epoch_millis() > LATE_MILLIS {
            tracing::warn!("the slot of {slot} was missed, and is left out (retrain.catch_up)");
            return;
        }
        self.slot = Some(Pending { trigger: Trigger::Schedule { slot }, not_before: now, failures: 0 });
    }

    /// Takes note of how a run came out; answers when it is tried again.
    pub(super) fn concluded(&mut self, trigger: &Trigger, outcome: Outcome, now: Timestamp) -> Option<Timestamp> {
        let config = &self.config;
        for place in [&mut self.slot, &mut self.alert] {
            let Some(pending) = place.as_mut().filter(|pending| pending.trigger == *trigger) else { continue };
            let pause = match outcome {
                Outcome::Later(pause) => pause,
                Outcome::FailedInPassing(chance) if pending.failures < config.retries => {
                    pending.failures += 1;
                    config.backoff(pending.failures, chance)
                }
                Outcome::Over | Outcome::FailedInPassing(_) => {
                    *place = None;
                    return None;
                }
            };
            pending.not_before = after(now, pause);
            return Some(pending.not_before);
        }
        None
    }
}

/// The latest slot that some run has dealt with, or the moment before it where that run was cut off.
fn last_dealt_with(history: &[Retraining], now: Timestamp) -> Option<Timestamp> {
    let of_slots = history.iter().filter_map(|run| match run.trigger {
        Trigger::Schedule { slot } if slot > now => {
            tracing::warn!(
                "run {} was for the slot of {slot}, by a clock that was ahead: it is not counted",
                run.number
            );
            None
        }
        Trigger::Schedule { slot } => Some((slot, run)),
        _ => None,
    });
    let (slot, run) = of_slots.max_by_key(|(slot, run)| (*slot, run.number))?;
    let is_cut_off = match run.outcome {
        // Died, or goes on elsewhere: then it is waited for, and found to be dealt with.
        None | Some(RetrainOutcome::Stopped) => true,
        Some(RetrainOutcome::Failed) => run.will_retry,
        Some(_) => false,
    };
    if is_cut_off { Timestamp::from_epoch_millis(slot.epoch_millis() - 1) } else { Some(slot) }
}

pub(super) fn after(now: Timestamp, pause: Duration) -> Timestamp {
    let millis = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_epoch_millis(now.epoch_millis().saturating_add(millis)).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::super::config::sample;
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn slot(text: &str) -> Trigger {
        Trigger::Schedule { slot: at(text) }
    }

    fn alert(offset: u64) -> Trigger {
        Trigger::Drift {
            monitor: "labels".to_owned(),
            alert: format!("drift/0@{offset}"),
            message: String::new(),
            raised_at: at("2026-11-21T00:00:00Z"),
        }
    }

    fn history(slot_at: &str, outcome: Option<RetrainOutcome>) -> Vec<Retraining> {
        vec![Retraining {
            number: 1,
            trigger: slot(slot_at),
            attempt: 1,
            who: String::new(),
            holder: String::new(),
            started_at: at(slot_at),
            lease_until: at(slot_at),
            ended_at: None,
            outcome,
            will_retry: false,
            version: None,
            rows_trained: None,
            rows_tested: None,
            reason: String::new(),
        }]
    }

    /// At three each night, begun at some time.
    fn agenda(catch_up: CatchUp, history: &[Retraining], now: &str) -> Agenda {
        let schedule = Schedule::parse("0 3 * * *", "UTC").unwrap();
        Agenda::new(Some(schedule), RetrainConfig { catch_up, ..sample() }, history, at(now))
    }

    #[test]
    fn each_slot_is_run_when_its_time_has_come() {
        let mut agenda = agenda(CatchUp::Once, &[], "2026-11-21T02:00:00Z");
        assert_eq!(agenda.next(at("2026-11-21T02:00:00Z")), Step::Wait(Some(at("2026-11-21T03:00:00Z"))));
        let first = slot("2026-11-21T03:00:00Z");
        assert_eq!(agenda.next(at("2026-11-21T03:00:00.100Z")), Step::Run(first.clone()));
        agenda.concluded(&first, Outcome::Over, at("2026-11-21T03:20:00Z"));
        assert_eq!(agenda.next(at("2026-11-21T03:20:00Z")), Step::Wait(Some(at("2026-11-22T03:00:00Z"))));
    }

    #[test]
    fn what_was_missed_is_made_up_for_once_or_left_out() {
        let history = history("2026-11-17T03:00:00Z", Some(RetrainOutcome::Kept));
        let now = "2026-11-21T15:00:00Z";
        let mut once = agenda(CatchUp::Once, &history, now);
        let latest = slot("2026-11-21T03:00:00Z");
        assert_eq!(once.next(at(now)), Step::Run(latest.clone()));
        once.concluded(&latest, Outcome::Over, at(now));
        assert_eq!(once.next(at(now)), Step::Wait(Some(at("2026-11-22T03:00:00Z"))));
        let mut none = agenda(CatchUp::None, &history, now);
        assert_eq!(none.next(at(now)), Step::Wait(Some(at("2026-11-22T03:00:00Z"))));
        // A machine that slept through the night sees the slot too late.
        assert_eq!(none.next(at("2026-11-22T09:00:00Z")), Step::Wait(Some(at("2026-11-23T03:00:00Z"))));
        // The first start of all has missed nothing.
        let mut first = agenda(CatchUp::Once, &[], now);
        assert_eq!(first.next(at(now)), Step::Wait(Some(at("2026-11-22T03:00:00Z"))));
    }

    #[test]
    fn a_run_by_a_clock_that_was_ahead_does_not_silence_the_schedule() {
        let now = "2026-11-21T15:00:00Z";
        let mut history = history("2026-11-20T03:00:00Z", Some(RetrainOutcome::Kept));
        history.extend(self::history("2027-08-01T03:00:00Z", Some(RetrainOutcome::Kept)));
        let mut agenda = agenda(CatchUp::Once, &history, now);
        assert_eq!(agenda.next(at(now)), Step::Run(slot("2026-11-21T03:00:00Z")));
    }

    #[test]
    fn a_slot_that_was_cut_off_is_begun_again_by_the_next_process() {
        let now = "2026-11-21T03:30:00Z";
        for outcome in [None, Some(RetrainOutcome::Stopped)] {
            let mut agenda = agenda(CatchUp::Once, &history("2026-11-21T03:00:00Z", outcome), now);
            assert_eq!(agenda.next(at(now)), Step::Run(slot("2026-11-21T03:00:00Z")), "{outcome:?}");
        }
        let kept = history("2026-11-21T03:00:00Z", Some(RetrainOutcome::Kept));
        let mut agenda = agenda(CatchUp::Once, &kept, now);
        assert_eq!(agenda.next(at(now)), Step::Wait(Some(at("2026-11-22T03:00:00Z"))));
    }

    #[test]
    fn what_failed_in_passing_is_tried_again_with_growing_pauses_and_then_given_up() {
        let mut agenda = agenda(CatchUp::Once, &[], "2026-11-21T02:00:00Z");
        let now = at("2026-11-21T03:00:00Z");
        let slot = slot("2026-11-21T03:00:00Z");
        for pause in [60, 120, 240] {
            assert_eq!(agenda.next(now), Step::Run(slot.clone()));
            let again = agenda.concluded(&slot, Outcome::FailedInPassing(1.0), now).unwrap();
            assert_eq!(again.epoch_millis() - now.epoch_millis(), pause * 1000);
            assert_eq!(agenda.next(now), Step::Wait(Some(again)));
            // The pause has passed.
            let pending = agenda.slot.as_mut().unwrap();
            pending.not_before = now;
        }
        assert_eq!(agenda.concluded(&slot, Outcome::FailedInPassing(1.0), now), None);
        assert_eq!(agenda.next(now), Step::Wait(Some(at("2026-11-22T03:00:00Z"))));
    }

    #[test]
    fn a_later_slot_takes_the_place_of_one_that_is_tried_again() {
        let mut agenda = agenda(CatchUp::Once, &[], "2026-11-21T02:00:00Z");
        let first = slot("2026-11-21T03:00:00Z");
        let now = at("2026-11-21T03:00:00Z");
        assert_eq!(agenda.next(now), Step::Run(first.clone()));
        agenda.concluded(&first, Outcome::Later(Duration::from_secs(100 * 3600)), now);
        assert_eq!(agenda.next(at("2026-11-22T03:00:00Z")), Step::Run(slot("2026-11-22T03:00:00Z")));
    }

    #[test]
    fn of_alerts_that_wait_the_last_is_answered_for_all() {
        let now = at("2026-11-21T12:00:00Z");
        let mut agenda = Agenda::new(None, sample(), &[], now);
        assert_eq!(agenda.next(now), Step::Wait(None));
        agenda.alert(alert(1), now);
        agenda.alert(alert(2), now);
        assert_eq!(agenda.next(now), Step::Run(alert(2)));
        agenda.concluded(&alert(2), Outcome::FailedInPassing(0.0), now);
        // Another alert does not shorten the pause.
        agenda.alert(alert(3), now);
        assert_eq!(agenda.next(now), Step::Wait(Some(at("2026-11-21T12:00:30Z"))));
        assert_eq!(agenda.next(at("2026-11-21T12:00:30Z")), Step::Run(alert(3)));
        agenda.concluded(&alert(3), Outcome::Over, now);
        assert!(!agenda.has_alert());
    }
}
