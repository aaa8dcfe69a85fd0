//! Whether a run may begin, from the runs that there were. Decided where the run's number is taken, so that processes that
//! decide at the same moment come to one answer.

use super::RetrainConfig;
use super::agenda::after;
use registry::{Refusal, RetrainOutcome, Retraining, Trigger};
use schemas::Timestamp;

const DAY_MILLIS: i64 = 86_400_000;

/// Says no with a reason.
pub(super) fn may_begin(
    trigger: &Trigger,
    runs: &[Retraining],
    config: &RetrainConfig,
    now: Timestamp,
) -> Result<(), Refusal> {
    match trigger {
        Trigger::Manual => return Ok(()),
        Trigger::Schedule { .. } => not_dealt_with(trigger, runs, config).map_err(Refusal::Never)?,
        Trigger::Drift { raised_at, .. } => {
            not_dealt_with(trigger, runs, config)
                .and_then(|()| answered(*raised_at, trigger, runs, config, now))
                .and_then(|()| within_budget(trigger, runs, config, now))
                .map_err(Refusal::Never)?;
        }
    }
    rested(trigger, runs, config, now).map_err(Refusal::Until)
}

/// The pause after a run that failed in passing holds for every process, not only for the one whose run it was.
fn rested(trigger: &Trigger, runs: &[Retraining], config: &RetrainConfig, now: Timestamp) -> Result<(), Timestamp> {
    let last = runs.iter().rfind(|run| run.trigger == *trigger);
    let failed = last.filter(|run| run.outcome == Some(RetrainOutcome::Failed) && run.will_retry);
    let Some((run, ended_at)) = failed.and_then(|run| Some((run, run.ended_at?))) else { return Ok(()) };
    // The process that failed adds what chance says.
    let rested_at = after(ended_at, config.backoff(run.attempt, 0.0));
    if rested_at <= now { Ok(()) } else { Err(rested_at) }
}

/// The same slot or alert is dealt with once, whichever process does it, and tried so often in all.
fn not_dealt_with(trigger: &Trigger, runs: &[Retraining], config: &RetrainConfig) -> Result<(), String> {
    let mut attempts = runs.iter().filter(|run| run.trigger == *trigger && !run.is_stopped());
    if let Some(run) = attempts.clone().find(|run| run.is_done()) {
        return Err(format!("run {} has dealt with it", run.number));
    }
    let given_up = attempts.clone().find(|run| run.outcome == Some(RetrainOutcome::Failed) && !run.will_retry);
    if let Some(run) = given_up {
        return Err(format!("run {} failed, and would fail again: {}", run.number, run.reason));
    }
    let most = config.retries as usize + 1;
    match attempts.nth(most - 1) {
        Some(_) => Err(format!("it was tried {most} times (retrain.retries)")),
        None => Ok(()),
    }
}

/// An alert is answered by any version that was made since, or shortly before.
fn answered(
    raised_at: Timestamp,
    trigger: &Trigger,
    runs: &[Retraining],
    config: &RetrainConfig,
    now: Timestamp,
) -> Result<(), String> {
    let cooldown = config.cooldown_millis();
    let age = |time: Timestamp| now.epoch_millis() - time.epoch_millis();
    let hours = config.drift_cooldown_hours;
    if cooldown > 0 && age(raised_at) > cooldown && !runs.iter().any(|run| run.trigger == *trigger) {
        return Err(format!("it is of {raised_at}, more than {hours} hours ago (retrain.drift_cooldown_hours)"));
    }
    let Some(last) = runs.iter().rfind(|run| run.is_done()) else { return Ok(()) };
    if last.started_at >= raised_at {
        return Err(format!("run {} has begun since", last.number));
    }
    if age(last.ended_at.unwrap_or(last.started_at)) < cooldown {
        return Err(format!("run {} ended less than {hours} hours ago (retrain.drift_cooldown_hours)", last.number));
    }
    Ok(())
}

/// Alerts begin so many runs a day; trying one again is no new run.
fn within_budget(trigger: &Trigger, runs: &[Retraining], config: &RetrainConfig, now: Timestamp) -> Result<(), String> {
    let day = |time: Timestamp| time.epoch_millis().div_euclid(DAY_MILLIS);
    let mut alerts: Vec<&Trigger> = Vec::new();
    for run in runs.iter().filter(|run| day(run.started_at) == day(now)) {
        if matches!(run.trigger, Trigger::Drift { .. }) && run.trigger != *trigger && !alerts.contains(&&run.trigger) {
            alerts.push(&run.trigger);
        }
    }
    let budget = config.drift_runs_per_day;
    if alerts.len() < budget as usize {
        return Ok(());
    }
    Err(format!("alerts have begun {} runs today, and {budget} is the most (retrain.drift_runs_per_day)", alerts.len()))
}

#[cfg(test)]
mod tests {
    use super::super::config::sample;
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn slot() -> Trigger {
        Trigger::Schedule { slot: at("2026-11-21T03:00:00Z") }
    }

    fn alert(offset: u64, raised_at: &str) -> Trigger {
        Trigger::Drift {
            monitor: "labels".to_owned(),
            alert: format!("drift/0@{offset}"),
            message: String::new(),
            raised_at: at(raised_at),
        }
    }

    fn run(trigger: Trigger, started_at: &str, outcome: Option<RetrainOutcome>, will_retry: bool) -> Retraining {
        Retraining {
            number: 7,
            trigger,
            attempt: 1,
            who: String::new(),
            holder: String::new(),
            started_at: at(started_at),
            lease_until: at(started_at),
            ended_at: outcome.map(|_| at(started_at)),
            outcome,
            will_retry,
            version: None,
            rows_trained: None,
            rows_tested: None,
            reason: "no store".to_owned(),
        }
    }

    fn no(trigger: Trigger, runs: &[Retraining], now: &str) -> String {
        match may_begin(&trigger, runs, &sample(), at(now)) {
            Ok(()) => String::new(),
            Err(Refusal::Never(reason)) => reason,
            Err(Refusal::Until(time)) => format!("until {time}"),
        }
    }

    #[test]
    fn a_slot_is_dealt_with_once_and_tried_so_often() {
        let (done, failed) = (Some(RetrainOutcome::Kept), Some(RetrainOutcome::Failed));
        let now = "2026-11-21T03:05:00Z";
        let began = "2026-11-21T03:00:01Z";
        assert_eq!(no(slot(), &[], now), "");
        assert_eq!(no(slot(), &[run(slot(), began, done, false)], now), "run 7 has dealt with it");
        assert!(no(slot(), &[run(slot(), began, failed, false)], now).contains("no store"));
        let tried = |times| vec![run(slot(), began, failed, true); times];
        assert_eq!(no(slot(), &tried(3), now), "");
        assert!(no(slot(), &tried(4), now).contains("4 times"));
        // Nobody tries again before the pause is over, and what was stopped is no attempt.
        assert_eq!(no(slot(), &tried(1), "2026-11-21T03:00:20Z"), "until 2026-11-21T03:00:31.000Z");
        assert_eq!(no(slot(), &vec![run(slot(), began, Some(RetrainOutcome::Stopped), true); 9], now), "");
        // One that died is tried again.
        assert_eq!(no(slot(), &[run(slot(), began, None, false)], now), "");
        // What somebody asked for is none of its business, and it is none of theirs.
        assert_eq!(no(slot(), &[run(Trigger::Manual, began, done, false)], now), "");
        assert_eq!(no(Trigger::Manual, &tried(9), now), "");
    }

    #[test]
    fn an_alert_is_answered_by_a_version_made_since_or_shortly_before() {
        let made = |started_at| [run(Trigger::Manual, started_at, Some(RetrainOutcome::Promoted), false)];
        let raised = "2026-11-21T12:00:00Z";
        let now = "2026-11-21T12:01:00Z";
        assert_eq!(no(alert(1, raised), &[], now), "");
        assert_eq!(no(alert(1, raised), &made("2026-11-20T11:00:00Z"), now), "");
        assert!(no(alert(1, raised), &made("2026-11-21T03:00:00Z"), now).contains("drift_cooldown_hours"));
        assert_eq!(no(alert(1, raised), &made("2026-11-21T12:00:30Z"), now), "run 7 has begun since");
        assert!(no(alert(1, raised), &[], "2026-11-23T12:00:00Z").contains("more than 24 hours ago"));
        // A run that failed answers nothing.
        let failed = [run(Trigger::Manual, "2026-11-21T12:00:30Z", Some(RetrainOutcome::Failed), false)];
        assert_eq!(no(alert(1, raised), &failed, now), "");
    }

    #[test]
    fn alerts_begin_no_more_runs_a_day_than_the_budget_has() {
        let failed = |offset, at| run(alert(offset, at), at, Some(RetrainOutcome::Failed), true);
        let raised = "2026-11-21T12:00:00Z";
        let now = "2026-11-21T12:01:00Z";
        let one = [failed(1, "2026-11-21T01:00:00Z"), failed(1, "2026-11-21T01:00:00Z")];
        assert_eq!(no(alert(3, raised), &one, now), "");
        let two = [failed(1, "2026-11-21T01:00:00Z"), failed(2, "2026-11-21T02:00:00Z")];
        assert!(no(alert(3, raised), &two, now).contains("2 runs today"));
        assert_eq!(no(alert(2, "2026-11-21T02:00:00Z"), &two, now), "", "it is one of the two");
        let yesterday = [failed(1, "2026-11-20T23:00:00Z"), failed(2, "2026-11-20T23:30:00Z")];
        assert_eq!(no(alert(3, raised), &yesterday, now), "");
    }
}
