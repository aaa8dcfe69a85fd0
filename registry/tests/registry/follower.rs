//! Those who follow an alias.

use crate::world::{production, sentiment, with_versions};
use registry::{Error, Run};
use schemas::ModelVersion;
use std::fs;

#[tokio::test]
async fn a_follower_sees_every_change_and_a_registry_made_anew() {
    let (folder, registry) = with_versions(2).await;
    let mut follower = registry.follow(&sentiment(), &"production".parse().unwrap());
    assert!(matches!(follower.version().await, Err(Error::Unknown { .. })));
    registry.set_alias(&sentiment(), &production(), ModelVersion(1), "ann", "").await.unwrap();
    for _ in 0..2 {
        assert_eq!(follower.version().await.unwrap(), ModelVersion(1));
    }
    registry.set_alias(&sentiment(), &"canary".parse().unwrap(), ModelVersion(2), "ann", "").await.unwrap();
    assert_eq!(follower.version().await.unwrap(), ModelVersion(1));
    registry.set_alias(&sentiment(), &production(), ModelVersion(2), "ann", "").await.unwrap();
    assert_eq!(follower.version().await.unwrap(), ModelVersion(2));

    fs::remove_dir_all(folder.path().join("sentiment")).unwrap();
    assert!(matches!(follower.version().await, Err(Error::Unknown { .. })));
    for _ in 0..3 {
        registry.register(&sentiment(), "anew".into(), Run::default()).await.unwrap();
    }
    for number in [1, 2, 3] {
        registry.set_alias(&sentiment(), &production(), ModelVersion(number), "ann", "").await.unwrap();
    }
    assert_eq!(follower.version().await.unwrap(), ModelVersion(3));
}

#[tokio::test]
async fn a_follower_of_a_version_stays_with_it() {
    let (_folder, registry) = with_versions(1).await;
    let mut follower = registry.follow(&sentiment(), &"v1".parse().unwrap());
    registry.set_alias(&sentiment(), &production(), ModelVersion(1), "ann", "").await.unwrap();
    for _ in 0..2 {
        assert_eq!(follower.version().await.unwrap(), ModelVersion(1));
    }
    assert!(registry.follow(&sentiment(), &"v2".parse().unwrap()).version().await.is_err());
}
