//! What is lost, damaged or of others is named.

use crate::world::{log_file, only_file_in, production, sentiment, version_file, with_versions};
use registry::{Error, Run};
use schemas::ModelVersion;
use std::fs;

#[tokio::test]
async fn files_of_others_are_ignored() {
    let (folder, registry) = with_versions(1).await;
    let versions = folder.path().join("sentiment/versions");
    for name in ["2.json", "README", ".DS_Store", "00000000000000000002.json.bak", "control\u{1}character", "a#b"] {
        fs::write(versions.join(name), "garbage").unwrap();
    }
    fs::create_dir(versions.join("00000000000000000003.json")).unwrap();
    fs::create_dir(folder.path().join("lost+found")).unwrap();
    fs::write(folder.path().join("notes.txt"), "garbage").unwrap();
    assert_eq!(registry.versions(&sentiment()).await.unwrap().len(), 1);
    assert_eq!(registry.names().await.unwrap(), [sentiment()]);
}

#[tokio::test]
async fn a_damaged_manifest_is_named() {
    let (folder, registry) = with_versions(2).await;
    fs::write(version_file(&folder, 2), "{\"name\": \"senti").unwrap();
    let error = registry.versions(&sentiment()).await.unwrap_err();
    assert!(
        error.to_string().starts_with(&format!("{} cannot be read", version_file(&folder, 2).display())),
        "{error}"
    );
    fs::copy(version_file(&folder, 1), version_file(&folder, 2)).unwrap();
    let error = registry.manifest(&sentiment(), ModelVersion(2)).await.unwrap_err();
    assert!(error.to_string().contains("is the manifest of v1 of \"sentiment\""), "{error}");
    // Neither hides the sound version nor stands in the way of the next.
    assert_eq!(registry.artifact(&sentiment(), ModelVersion(1)).await.unwrap(), "model 1");
    assert_eq!(registry.register(&sentiment(), "3".into(), Run::default()).await.unwrap().version, ModelVersion(3));
}

#[tokio::test]
async fn a_lost_or_damaged_log_line_is_named() {
    let (folder, registry) = with_versions(3).await;
    for version in 1..=3 {
        registry.set_alias(&sentiment(), &production(), ModelVersion(version), "ann", "").await.unwrap();
    }
    fs::copy(log_file(&folder, 1), log_file(&folder, 2)).unwrap();
    let error = registry.aliases(&sentiment()).await.unwrap_err();
    assert!(error.to_string().contains("0002.json is line 1 of the log"), "{error}");
    fs::remove_file(log_file(&folder, 2)).unwrap();
    let error = registry.log(&sentiment()).await.unwrap_err();
    assert!(error.to_string().contains("0002.json is missing"), "{error}");
}

#[tokio::test]
async fn a_folder_in_place_of_the_next_log_line_is_named_and_not_waited_for() {
    let (folder, registry) = with_versions(1).await;
    fs::create_dir_all(log_file(&folder, 1)).unwrap();
    let error = registry.set_alias(&sentiment(), &production(), ModelVersion(1), "ann", "").await.unwrap_err();
    let expected = format!("cannot write {}: what stands there is no line of the log", log_file(&folder, 1).display());
    assert!(error.to_string().starts_with(&expected), "{error}");
}

#[tokio::test]
async fn a_tampered_truncated_or_missing_artifact_is_refused_and_mended_by_the_same_bytes() {
    let (folder, registry) = with_versions(1).await;
    let artifact = only_file_in(&folder.path().join("sentiment/artifacts"));
    let refused = async |what: &str| {
        let error = registry.artifact(&sentiment(), ModelVersion(1)).await.unwrap_err().to_string();
        assert!(error.contains(artifact.to_str().unwrap()) && error.contains(what), "{error}");
    };
    fs::write(&artifact, "m0del 1").unwrap();
    refused("does not have the sha256 of v1").await;
    fs::write(&artifact, "model").unwrap();
    refused("has 5 bytes where v1 has 7").await;
    fs::remove_file(&artifact).unwrap();
    refused("is missing").await;
    let promoted = registry.set_alias(&sentiment(), &production(), ModelVersion(1), "ann", "").await;
    assert!(matches!(promoted, Err(Error::Damaged { .. })));
    assert_eq!(registry.log(&sentiment()).await.unwrap(), []);
    fs::write(&artifact, "m0del 1").unwrap();
    registry.register(&sentiment(), "model 1".into(), Run::default()).await.unwrap();
    assert_eq!(registry.artifact(&sentiment(), ModelVersion(1)).await.unwrap(), "model 1");
}
