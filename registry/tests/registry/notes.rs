//! Tags, descriptions and deletions.

use crate::world::{ann, empty, production, sentiment, version_file, with_versions};
use registry::{Error, Run};
use schemas::ModelVersion;
use std::fs;

#[tokio::test]
async fn tags_and_descriptions_are_lines_of_the_log_and_no_change_of_the_manifest() {
    let (folder, registry) = with_versions(2).await;
    let before = fs::read(version_file(&folder, 1)).unwrap();
    let tag = async |text: &str| {
        registry.tag(&sentiment(), ModelVersion(1), text.parse().unwrap(), &ann()).await.unwrap().is_new
    };
    assert!(tag("team=search").await && !tag("team=search").await && tag("team=ads").await);
    assert!(tag("old=1").await && tag("old-").await && !tag("old-").await);
    for (text, is_new) in [("first", true), ("first", false), ("second", true)] {
        let standing = registry.describe(&sentiment(), ModelVersion(1), text, &ann()).await.unwrap();
        assert_eq!(standing.is_new, is_new, "{text}");
    }
    let notes = registry.notes(&sentiment()).await.unwrap();
    assert_eq!(notes[&ModelVersion(1)].tags, [("team".to_owned(), "ads".to_owned())].into());
    assert_eq!(notes[&ModelVersion(1)].description.as_deref(), Some("second"));
    assert_eq!(notes.len(), 1);
    assert_eq!(fs::read(version_file(&folder, 1)).unwrap(), before);
    assert_eq!(registry.log(&sentiment()).await.unwrap().len(), 6);
    assert_eq!(registry.aliases(&sentiment()).await.unwrap(), [].into());
    let unknown = registry.describe(&sentiment(), ModelVersion(9), "x", &ann()).await.unwrap_err();
    assert!(matches!(unknown, Error::Unknown { .. }), "{unknown}");
}

#[tokio::test]
async fn a_version_in_use_is_not_deleted_and_a_deleted_one_is_gone_for_good() {
    let (folder, registry) = with_versions(3).await;
    registry.set_alias(&sentiment(), &production(), ModelVersion(1), "ann", "").await.unwrap();
    registry.set_alias(&sentiment(), &production(), ModelVersion(3), "ann", "").await.unwrap();
    let used = registry.delete(&sentiment(), ModelVersion(3), &ann()).await.unwrap_err();
    assert!(used.to_string().starts_with("production of \"sentiment\" is v3, which is therefore kept"), "{used}");
    let deleted = registry.delete(&sentiment(), ModelVersion(1), &ann()).await.unwrap();
    assert!(deleted.is_new && !registry.delete(&sentiment(), ModelVersion(1), &ann()).await.unwrap().is_new);
    for error in [
        registry.resolve(&sentiment(), &"v1".parse().unwrap()).await.unwrap_err(),
        registry.artifact(&sentiment(), ModelVersion(1)).await.unwrap_err(),
        registry.set_alias(&sentiment(), &production(), ModelVersion(1), "ann", "").await.unwrap_err(),
        registry.describe(&sentiment(), ModelVersion(1), "x", &ann()).await.unwrap_err(),
    ] {
        assert!(matches!(&error, Error::Deleted { who, .. } if who == "ann"), "{error}");
    }
    let versions = registry.versions(&sentiment()).await.unwrap();
    assert_eq!(versions.iter().map(|manifest| manifest.version.0).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(fs::read_dir(folder.path().join("sentiment/artifacts")).unwrap().count(), 2);
    let back = registry.rollback(&sentiment(), &production(), "ann", "").await.unwrap_err();
    assert!(matches!(back, Error::NothingBefore { .. }), "{back}");
    let next = registry.register(&sentiment(), "model 4".into(), Run::default()).await.unwrap();
    assert_eq!(next.version, ModelVersion(4));
}

#[tokio::test]
async fn bytes_that_another_version_has_are_not_deleted() {
    let (_folder, registry) = empty();
    for _ in 0..2 {
        registry.register(&sentiment(), "same".into(), Run::default()).await.unwrap();
    }
    registry.delete(&sentiment(), ModelVersion(1), &ann()).await.unwrap();
    assert_eq!(registry.artifact(&sentiment(), ModelVersion(2)).await.unwrap(), "same");
    registry.delete(&sentiment(), ModelVersion(2), &ann()).await.unwrap();
    registry.register(&sentiment(), "same".into(), Run::default()).await.unwrap();
    assert_eq!(registry.artifact(&sentiment(), ModelVersion(3)).await.unwrap(), "same");
}
