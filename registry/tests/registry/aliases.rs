//! Aliases and their log.

use crate::world::{ann, production, sentiment, with_versions};
use registry::{Action, Error, Move};
use schemas::ModelVersion;

#[tokio::test]
async fn the_log_tells_who_moved_which_alias_when_and_why() {
    let (_folder, registry) = with_versions(2).await;
    registry.set_alias(&sentiment(), &production(), ModelVersion(1), "ann", "the first").await.unwrap();
    let second = registry.set_alias(&sentiment(), &production(), ModelVersion(2), "ben", "+0.4 % F1").await.unwrap();
    let second = second.entry;
    let back = registry.rollback(&sentiment(), &production(), "ann", "slow").await.unwrap();
    let set = Action::Set { alias: production(), previous: Some(ModelVersion(1)), verdict: None };
    assert_eq!((second.sequence, second.previous(), &second.action), (2, Some(ModelVersion(1)), &set));
    assert_eq!((back.sequence, back.previous(), back.version), (3, Some(ModelVersion(2)), ModelVersion(1)));
    let log = registry.log(&sentiment()).await.unwrap();
    assert_eq!(log[1..], [second, back]);
    assert_eq!((log[0].who.as_str(), log[0].why.as_str(), log[0].previous()), ("ann", "the first", None));
    assert_eq!(registry.aliases(&sentiment()).await.unwrap(), [(production(), ModelVersion(1))].into());
    assert_eq!(registry.resolve(&sentiment(), &"production".parse().unwrap()).await.unwrap(), ModelVersion(1));
}

#[tokio::test]
async fn an_alias_that_stands_for_a_version_already_gets_no_second_line() {
    let (_folder, registry) = with_versions(2).await;
    let set = async |version, why| {
        registry.set_alias(&sentiment(), &production(), ModelVersion(version), "ann", why).await.unwrap()
    };
    let (first, again) = (set(1, "the first").await, set(1, "once more").await);
    assert!(first.is_new && !again.is_new);
    assert_eq!(again.entry, first.entry);
    assert!(set(2, "").await.is_new);
    let back = registry.rollback(&sentiment(), &production(), "ann", "").await.unwrap();
    assert_eq!(set(1, "").await.entry, back, "the line that says so is that of the rollback");
    registry.set_alias(&sentiment(), &"canary".parse().unwrap(), ModelVersion(1), "ann", "").await.unwrap();
    assert!(set(2, "").await.is_new);
    assert_eq!(registry.log(&sentiment()).await.unwrap().len(), 5);
}

#[tokio::test]
async fn rolling_back_without_an_earlier_version_is_refused_and_not_logged() {
    let (_folder, registry) = with_versions(1).await;
    let never_set = registry.rollback(&sentiment(), &production(), "ann", "").await.unwrap_err();
    assert!(matches!(never_set, Error::Unknown { .. }), "{never_set}");
    registry.set_alias(&sentiment(), &production(), ModelVersion(1), "ann", "").await.unwrap();
    let first = registry.rollback(&sentiment(), &production(), "ann", "").await.unwrap_err();
    assert_eq!(
        first.to_string(),
        "\"production\" of \"sentiment\" has no version before v1 to go back to: promote another version instead"
    );
    assert_eq!(registry.log(&sentiment()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_move_that_comes_after_somebody_elses_is_not_made() {
    let (_folder, registry) = with_versions(3).await;
    let to = |version, only_after| Move {
        alias: production(),
        version: ModelVersion(version),
        verdict: None,
        only_after: Some(only_after),
    };
    assert!(registry.move_alias(&sentiment(), to(1, 0), &ann()).await.unwrap().is_new);
    registry.set_alias(&sentiment(), &production(), ModelVersion(2), "ben", "").await.unwrap();
    let late = registry.move_alias(&sentiment(), to(3, 1), &ann()).await.unwrap();
    assert_eq!((late.is_new, late.entry.version, late.entry.who.as_str()), (false, ModelVersion(2), "ben"));
    assert!(registry.move_alias(&sentiment(), to(3, 2), &ann()).await.unwrap().is_new);
}
