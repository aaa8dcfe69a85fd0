//! Several writers on one folder at once. Each has a registry and a runtime of its own, on its own thread: like processes,
//! they share nothing but the folder.

use registry::{Alias, LogEntry, Manifest, Registry, Run};
use schemas::{ModelName, ModelVersion};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Barrier;

const WRITERS: usize = 4;
const WRITES_EACH: usize = 25;

fn sentiment() -> ModelName {
    "sentiment".parse().unwrap()
}

fn open(folder: &Path) -> Registry {
    Registry::open(folder.to_str().unwrap()).unwrap()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// Lets every writer do all its writes at the same time as the others, and collects the answers.
fn race<T: Send>(folder: &Path, write: impl AsyncFn(&Registry, usize, usize) -> T + Sync) -> Vec<T> {
    let start = Barrier::new(WRITERS);
    std::thread::scope(|scope| {
        let writer = |writer: usize| {
            let (start, write) = (&start, &write);
            scope.spawn(move || {
                let registry = open(folder);
                start.wait();
                block_on(async {
                    let mut answers = Vec::new();
                    for count in 0..WRITES_EACH {
                        answers.push(write(&registry, writer, count).await);
                    }
                    answers
                })
            })
        };
        let writers: Vec<_> = (0..WRITERS).map(writer).collect();
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
    })
}

#[test]
fn no_two_writers_get_the_same_version() {
    let folder = tempfile::tempdir().unwrap();
    let name = sentiment();
    let registered: Vec<Manifest> = race(folder.path(), async |registry, writer, count| {
        // Half of the artifacts are the same for all writers, so that they also meet in one file.
        let bytes = if count % 2 == 0 { format!("shared {count}") } else { format!("{writer} {count}") };
        registry.register(&name, bytes.into(), Run::default()).await.unwrap()
    });
    let numbers: BTreeSet<u64> = registered.iter().map(|manifest| manifest.version.0).collect();
    assert!(numbers.iter().copied().eq(1..=(WRITERS * WRITES_EACH) as u64), "{numbers:?}");
    let registry = open(folder.path());
    let mut expected = registered;
    expected.sort_by_key(|manifest| manifest.version);
    assert_eq!(block_on(registry.versions(&name)).unwrap(), expected);
    for manifest in expected {
        block_on(registry.artifact(&name, manifest.version)).unwrap();
    }
}

#[test]
fn no_log_line_is_lost_and_each_knows_what_was_before() {
    let folder = tempfile::tempdir().unwrap();
    let name = sentiment();
    let aliases: [Alias; 2] = ["production".parse().unwrap(), "canary".parse().unwrap()];
    block_on(async {
        for _ in 0..WRITERS * WRITES_EACH {
            open(folder.path()).register(&name, "model".into(), Run::default()).await.unwrap();
        }
    });
    let written: Vec<LogEntry> = race(folder.path(), async |registry, writer, count| {
        let version = ModelVersion((writer * WRITES_EACH + count) as u64 + 1);
        let why = format!("{writer}/{count}");
        registry.set_alias(&name, &aliases[count % 2], version, "a writer", &why).await.unwrap().entry
    });
    let mut expected = written;
    expected.sort_by_key(|entry| entry.sequence);
    let log = block_on(open(folder.path()).log(&name)).unwrap();
    assert_eq!(log, expected);
    let reasons: BTreeSet<&str> = log.iter().map(|entry| entry.why.as_str()).collect();
    assert_eq!(reasons.len(), WRITERS * WRITES_EACH);
    for alias in &aliases {
        let mut current = None;
        for entry in log.iter().filter(|entry| entry.alias() == Some(alias)) {
            assert_eq!(entry.previous(), current, "line {}", entry.sequence);
            current = Some(entry.version);
        }
        assert_eq!(block_on(open(folder.path()).aliases(&name)).unwrap().get(alias).copied(), current);
    }
}

#[test]
fn whoever_sees_a_version_can_load_it() {
    let folder = tempfile::tempdir().unwrap();
    let name = sentiment();
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let registry = open(folder.path());
            block_on(async {
                let mut seen = BTreeSet::new();
                while seen.len() < WRITERS * WRITES_EACH {
                    for manifest in registry.versions(&name).await.unwrap() {
                        if seen.insert(manifest.version) {
                            assert_eq!(registry.artifact(&name, manifest.version).await.unwrap().len(), 100_000);
                        }
                    }
                }
            });
        });
        race(folder.path(), async |registry, writer, count| {
            let byte = (writer * WRITES_EACH + count) as u8;
            registry.register(&name, vec![byte; 100_000].into(), Run::default()).await.unwrap();
        });
        reader.join().unwrap();
    });
}
