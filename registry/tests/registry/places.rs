//! Where a registry may be, and what is said of where it cannot.

use crate::world::{empty, sentiment, with_versions};
use registry::{Error, Registry, Run};
use schemas::ModelVersion;
use std::fs;
use std::path::Path;

#[tokio::test]
async fn the_folders_name_may_hold_anything() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("môdels 100%20 #1 [x]?");
    let registry = Registry::open(folder.to_str().unwrap()).unwrap();
    registry.register(&sentiment(), "x".into(), Run::default()).await.unwrap();
    assert!(folder.join("sentiment/versions/00000000000000000001.json").exists());
    assert_eq!(registry.names().await.unwrap(), [sentiment()]);
    assert_eq!(registry.artifact(&sentiment(), ModelVersion(1)).await.unwrap(), "x");
}

#[tokio::test]
async fn other_storage_and_files_are_no_registry() {
    for url in ["s3://", "s3://key:secret@bucket", "gs://x", "file:///tmp/x", "", "  "] {
        assert!(matches!(Registry::open(url), Err(Error::Address { .. })), "{url}");
    }
    let error = Registry::open("gs://bucket/models").unwrap_err().to_string();
    assert!(error.contains("\"gs://bucket/models\"") && error.contains("s3://bucket/prefix"), "{error}");
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = Registry::open(file.path().to_str().unwrap()).unwrap_err();
    assert!(error.to_string().contains("it is a file"), "{error}");
}

#[tokio::test]
async fn a_file_in_the_way_is_one_sentence_that_names_the_path() {
    let (folder, registry) = empty();
    fs::write(folder.path().join("sentiment"), "a file").unwrap();
    let error = registry.register(&sentiment(), "x".into(), Run::default()).await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot write {}", folder.path().join("sentiment").display())), "{error}");
    assert!(error.contains("set registry.url to a folder") && error.lines().count() == 1, "{error}");
}

#[tokio::test]
async fn checking_that_a_registry_can_be_written_leaves_nothing() {
    let (folder, registry) = empty();
    registry.check_writable().await.unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);

    let deep = folder.path().join("not/yet/there");
    Registry::open(deep.to_str().unwrap()).unwrap().check_writable().await.unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);

    let (folder, registry) = with_versions(1).await;
    registry.check_writable().await.unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    assert_eq!(registry.versions(&sentiment()).await.unwrap().len(), 1);
}

async fn why_not_writable(path: &Path) -> String {
    let error = Registry::open(path.to_str().unwrap()).unwrap().check_writable().await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot create files in {}: ", path.display())), "{error}");
    assert!(error.contains("set registry.url to ") && error.lines().count() == 1, "{error}");
    error
}

#[tokio::test]
async fn a_registry_that_cannot_be_written_is_named_with_advice() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(why_not_writable(&file.join("models")).await.contains("a file is where a folder should be"));

    let locked = folder.path().join("locked");
    fs::create_dir(&locked).unwrap();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o555)).unwrap();
    // Whoever may write everywhere, such as root, is refused nothing.
    if fs::write(locked.join("x"), "").is_err() {
        assert!(why_not_writable(&locked).await.contains("give this user access"));
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named_with_advice() {
    assert!(why_not_writable(Path::new("/proc/plaudit/models")).await.contains("cannot be created"));
}
