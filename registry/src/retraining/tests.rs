//! Runs of retraining exclude each other, whoever dies meanwhile.

use super::*;

const LONG: Duration = Duration::from_secs(600);

fn registry(folder: &tempfile::TempDir) -> (Registry, ModelName) {
    (Registry::open(folder.path().to_str().unwrap()).unwrap(), "sentiment".parse().unwrap())
}

fn beginning(trigger: Trigger, lease: Duration) -> RetrainBeginning {
    RetrainBeginning { trigger, who: "somebody".to_owned(), lease }
}

async fn begin(registry: &Registry, name: &ModelName, lease: Duration) -> Begun {
    registry.begin_retraining(name, &beginning(Trigger::Manual, lease), |_| Ok(())).await.unwrap()
}

fn ours(begun: Begun) -> RetrainLease {
    match begun {
        Begun::Ours(lease) => *lease,
        other => panic!("{other:?}"),
    }
}

fn end(outcome: RetrainOutcome) -> RetrainEnd {
    RetrainEnd { outcome, will_retry: false, version: None, rows: Some((10, 3)), reason: "so it was".to_owned() }
}

#[tokio::test]
async fn of_many_that_begin_at_once_one_does() {
    let folder = tempfile::tempdir().unwrap();
    let (registry, name) = registry(&folder);
    let begun = futures::future::join_all((0..8).map(|_| begin(&registry, &name, LONG))).await;
    assert_eq!(begun.iter().filter(|begun| matches!(begun, Begun::Ours(_))).count(), 1);
    assert!(begun.iter().all(|begun| !matches!(begun, Begun::Refused(_))));
}

#[tokio::test]
async fn a_run_that_ended_is_history_and_the_next_may_begin() {
    let folder = tempfile::tempdir().unwrap();
    let (registry, name) = registry(&folder);
    let first = ours(begin(&registry, &name, LONG).await);
    assert!(matches!(begin(&registry, &name, LONG).await, Begun::Busy(run) if run.number == 1));
    let ended = first.end(end(RetrainOutcome::Kept)).await.unwrap();
    let second = ours(begin(&registry, &name, LONG).await);
    assert_eq!(second.run().number, 2);
    let runs = registry.retrainings(&name, None).await.unwrap();
    assert_eq!(runs, [ended, second.run().clone()]);
    assert_eq!(runs[0].state(Timestamp::now()), RetrainState::Ended(RetrainOutcome::Kept));
    assert_eq!((runs[0].rows_trained, runs[0].reason.as_str()), (Some(10), "so it was"));
    assert_eq!(registry.retrainings(&name, Some(1)).await.unwrap().len(), 1);
}

#[tokio::test]
async fn one_that_died_is_succeeded_when_its_lease_is_over_and_finds_out_when_it_wakes() {
    let folder = tempfile::tempdir().unwrap();
    let (registry, name) = registry(&folder);
    // A lease of no time is over at once: nobody has to wait for it here.
    let mut zombie = ours(begin(&registry, &name, Duration::ZERO).await);
    assert!(zombie.fence().is_held().await.unwrap() && zombie.renew().await.unwrap(), "nobody has taken it");
    let heir = ours(begin(&registry, &name, LONG).await);
    assert!(!zombie.fence().is_held().await.unwrap() && !zombie.renew().await.unwrap());
    let runs = registry.retrainings(&name, None).await.unwrap();
    assert_eq!(runs[0].state(Timestamp::now()), RetrainState::Died);
    // What it writes of itself changes nothing for the heir.
    zombie.end(end(RetrainOutcome::Stopped)).await.unwrap();
    assert!(heir.fence().is_held().await.unwrap());
    assert!(matches!(begin(&registry, &name, LONG).await, Begun::Busy(run) if run.number == 2));
}

#[tokio::test]
async fn a_rule_decides_on_the_runs_that_there_were_and_attempts_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let (registry, name) = registry(&folder);
    let slot = Trigger::Schedule { slot: Timestamp::parse("2026-11-21T03:00:00Z").unwrap() };
    for attempt in 1..=2 {
        let beginning = beginning(slot.clone(), LONG);
        let begun = registry.begin_retraining(&name, &beginning, |runs| {
            assert_eq!(runs.len(), attempt as usize - 1);
            Ok(())
        });
        let lease = ours(begun.await.unwrap());
        assert_eq!(lease.run().attempt, attempt);
        lease.end(end(RetrainOutcome::Failed)).await.unwrap();
    }
    let stopped = ours(registry.begin_retraining(&name, &beginning(slot.clone(), LONG), |_| Ok(())).await.unwrap());
    assert_eq!(stopped.run().attempt, 3);
    stopped.end(end(RetrainOutcome::Stopped)).await.unwrap();
    let again = ours(registry.begin_retraining(&name, &beginning(slot.clone(), LONG), |_| Ok(())).await.unwrap());
    assert_eq!(again.run().attempt, 3, "what was stopped had not failed");
    again.end(end(RetrainOutcome::Failed)).await.unwrap();
    let never = || Refusal::Never("enough".to_owned());
    let begun = registry.begin_retraining(&name, &beginning(slot, LONG), |_| Err(never())).await.unwrap();
    assert!(matches!(begun, Begun::Refused(refusal) if refusal == never()));
}
