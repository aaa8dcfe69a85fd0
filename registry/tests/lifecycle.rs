//! A registry from its first version on, and what it says when something is missing, damaged or in the way.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails its test")]

use bytes::Bytes;
use registry::{Action, Alias, Author, Error, Move, Package, Registry, Run};
use schemas::{ModelName, ModelVersion};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn sentiment() -> ModelName {
    "sentiment".parse().unwrap()
}

fn production() -> Alias {
    "production".parse().unwrap()
}

fn empty() -> (TempDir, Registry) {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::open(folder.path().to_str().unwrap()).unwrap();
    (folder, registry)
}

/// A registry with as many versions, whose bytes are their numbers.
async fn with_versions(count: u64) -> (TempDir, Registry) {
    let (folder, registry) = empty();
    for number in 1..=count {
        let manifest = registry.register(&sentiment(), format!("model {number}").into(), Run::default()).await.unwrap();
        assert_eq!(manifest.version, ModelVersion(number));
    }
    (folder, registry)
}

fn version_file(folder: &TempDir, number: u64) -> PathBuf {
    folder.path().join(format!("sentiment/versions/{number:020}.json"))
}

fn log_file(folder: &TempDir, number: u64) -> PathBuf {
    folder.path().join(format!("sentiment/log/{number:020}.json"))
}

fn only_file_in(folder: &Path) -> PathBuf {
    let files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files[0].clone()
}

#[tokio::test]
async fn a_version_is_read_back_as_it_was_registered() {
    let (_folder, registry) = empty();
    let mut run = Run { library_version: "0.1.0".into(), ..Run::default() };
    run.metrics.insert("accuracy".into(), 0.912_345_678_901_234_5.into());
    run.seconds.insert("fit".into(), 12.5);
    let registered = registry.register(&sentiment(), Bytes::from_static(b"abc"), run).await.unwrap();
    assert_eq!(registered.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(registered.size_bytes, 3);
    assert_eq!(registry.manifest(&sentiment(), ModelVersion(1)).await.unwrap(), registered);
    assert_eq!(registry.versions(&sentiment()).await.unwrap(), [registered]);
    assert_eq!(registry.artifact(&sentiment(), ModelVersion(1)).await.unwrap(), "abc");
    assert_eq!(registry.names().await.unwrap(), [sentiment()]);
}

#[tokio::test]
async fn reading_creates_nothing() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("not yet");
    let registry = Registry::open(folder.to_str().unwrap()).unwrap();
    assert_eq!(registry.names().await.unwrap(), []);
    assert_eq!(registry.versions(&sentiment()).await.unwrap(), []);
    assert_eq!(registry.log(&sentiment()).await.unwrap(), []);
    assert!(!folder.exists());
    registry.register(&sentiment(), "x".into(), Run::default()).await.unwrap();
    assert!(folder.exists());
}

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
async fn the_same_bytes_twice_are_two_versions_of_one_artifact() {
    let (folder, registry) = empty();
    for number in 1..=2 {
        let manifest = registry.register(&sentiment(), "same".into(), Run::default()).await.unwrap();
        assert_eq!(manifest.version, ModelVersion(number));
    }
    only_file_in(&folder.path().join("sentiment/artifacts"));
}

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
async fn what_does_not_exist_is_named_beside_what_does() {
    let (folder, registry) = with_versions(2).await;
    let root = folder.path().display();
    registry.set_alias(&sentiment(), &production(), ModelVersion(1), "ann", "").await.unwrap();
    let alias = registry.resolve(&sentiment(), &"prod".parse().unwrap()).await.unwrap_err();
    let expected = "no model version or alias \"prod\" of \"sentiment\" in";
    assert_eq!(alias.to_string(), format!("{expected} {root}: there are v1, v2 and production"));
    for error in [
        registry.resolve(&sentiment(), &"v3".parse().unwrap()).await.unwrap_err(),
        registry.manifest(&sentiment(), ModelVersion(3)).await.unwrap_err(),
        registry.artifact(&sentiment(), ModelVersion(3)).await.unwrap_err(),
        registry.set_alias(&sentiment(), &production(), ModelVersion(3), "ann", "").await.unwrap_err(),
    ] {
        assert!(error.to_string().contains("\"v3\" of \"sentiment\""), "{error}");
    }
    let model = registry.resolve(&"spam".parse().unwrap(), &"production".parse().unwrap()).await.unwrap_err();
    assert!(model.to_string().ends_with("there is no such model, only sentiment"), "{model}");
}

#[tokio::test]
async fn a_crash_before_the_manifest_leaves_no_version() {
    let (folder, registry) = with_versions(1).await;
    // What a crash can leave: an artifact that no manifest names, and half of each file under its temporary name.
    fs::write(folder.path().join(format!("sentiment/artifacts/{}.safetensors", "0".repeat(64))), "model 2").unwrap();
    fs::write(format!("{}#1", version_file(&folder, 2).display()), "{\"name\": \"senti").unwrap();
    fs::create_dir(folder.path().join("sentiment/log")).unwrap();
    fs::write(format!("{}#1", log_file(&folder, 1).display()), "{").unwrap();
    assert_eq!(registry.versions(&sentiment()).await.unwrap().len(), 1);
    assert_eq!(registry.aliases(&sentiment()).await.unwrap(), [].into());
    let next = registry.register(&sentiment(), "model 2".into(), Run::default()).await.unwrap();
    assert_eq!(next.version, ModelVersion(2));
    registry.set_alias(&sentiment(), &production(), next.version, "ann", "").await.unwrap();
    assert_eq!(registry.log(&sentiment()).await.unwrap().len(), 1);
    assert_eq!(registry.artifact(&sentiment(), next.version).await.unwrap(), "model 2");
}

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

fn ann() -> Author {
    Author::new("ann", "a reason")
}

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

#[tokio::test]
async fn an_exported_version_is_the_same_in_another_registry() {
    let (folder, registry) = empty();
    let mut run = Run { library_version: "plaudit 0.1.0".into(), ..Run::default() };
    run.metrics.insert("accuracy".into(), 0.912_345_678_901_234_5.into());
    let there = registry.register(&sentiment(), Bytes::from_static(b"abc"), run).await.unwrap();
    registry.tag(&sentiment(), there.version, "team=search".parse().unwrap(), &ann()).await.unwrap();
    registry.describe(&sentiment(), there.version, "the first", &ann()).await.unwrap();
    let file = folder.path().join("v1.tar");
    registry.package(&sentiment(), there.version).await.unwrap().write(&file).unwrap();

    let (_folder, elsewhere) = with_versions(2).await;
    let package = Package::read(&file).await.unwrap();
    let here = elsewhere.import(&sentiment(), package, &ann()).await.unwrap();
    assert_eq!((here.version, &here.sha256, &here.run), (ModelVersion(3), &there.sha256, &there.run));
    assert_eq!(elsewhere.artifact(&sentiment(), here.version).await.unwrap(), "abc");
    let notes = &elsewhere.notes(&sentiment()).await.unwrap()[&here.version];
    assert_eq!((notes.tags["team"].as_str(), notes.description.as_deref()), ("search", Some("the first")));
    assert_eq!(notes.tags["imported_from"], format!("sentiment v1 of {}", there.created_at));

    let mut bytes = fs::read(&file).unwrap();
    let at = bytes.windows(3).rposition(|window| window == b"abc").unwrap();
    bytes[at] = b'x';
    fs::write(&file, bytes).unwrap();
    let error = Package::read(&file).await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot import {}: the model in it does not have", file.display())), "{error}");
    let error = Package::read(&folder.path().join("absent.tar")).await.unwrap_err().to_string();
    assert!(error.contains("absent.tar: No such file"), "{error}");
    let unwritable = folder.path().join("no/such/folder/v1.tar");
    let error = registry.package(&sentiment(), there.version).await.unwrap().write(&unwritable).unwrap_err();
    assert!(error.to_string().starts_with("cannot export to "), "{error}");
}
