//! Versions, from the first on, and from one registry to another.

use crate::world::{ann, empty, log_file, only_file_in, production, sentiment, version_file, with_versions};
use bytes::Bytes;
use registry::{Package, Registry, Run};
use schemas::ModelVersion;
use std::fs;

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
async fn the_same_bytes_twice_are_two_versions_of_one_artifact() {
    let (folder, registry) = empty();
    for number in 1..=2 {
        let manifest = registry.register(&sentiment(), "same".into(), Run::default()).await.unwrap();
        assert_eq!(manifest.version, ModelVersion(number));
    }
    only_file_in(&folder.path().join("sentiment/artifacts"));
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
async fn an_exported_version_is_the_same_in_another_registry() {
    let (folder, registry) = empty();
    let mut run = Run { library_version: "plaudit 0.1.0".into(), ..Run::default() };
    run.metrics.insert("accuracy".into(), 0.912_345_678_901_234_5.into());
    let there = registry.register(&sentiment(), Bytes::from_static(b"abc"), run).await.unwrap();
    registry.tag(&sentiment(), there.version, "team=search".parse().unwrap(), &ann()).await.unwrap();
    registry.describe(&sentiment(), there.version, "the first", &ann()).await.unwrap();
    let file = folder.path().join("v1.tar");
    registry.package(&sentiment(), there.version).await.unwrap().write(fs::File::create(&file).unwrap()).unwrap();

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
}
