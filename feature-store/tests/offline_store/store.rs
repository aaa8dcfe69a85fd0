//! Parts are created once, and read once.

use crate::stores::{World, offsets_of, part, partition};
use feature_store::offline::ReadOptions;
use feature_store::offline::ReviewFiles;
use feature_store::offline::store::{Created, Dataset, Error, ErrorKind, OfflineConfig, Store};
use schemas::Timestamp;

#[tokio::test]
async fn a_part_is_created_once_and_the_chain_ends_behind_it() {
    let world = World::new();
    let end = async || world.store.chain_end(Dataset::Reviews, &partition(0)).await.unwrap();
    assert_eq!(end().await, None);
    assert_eq!(world.write(0..10).await, Created::New);
    assert_eq!(end().await, Some(10));
    // Another writer had read on: the first one stays, whole.
    assert_eq!(world.write(0..25).await, Created::Existed);
    assert_eq!((end().await, world.read().await), (Some(10), (0..10).collect()));
    // Nor is it the second's own, as the first one's is the first's.
    assert!(!world.store.holds(&part(0, 0..25)).await.unwrap());
    assert!(world.store.holds(&part(0, 0..10)).await.unwrap());
    assert!(!world.store.holds(&part(0, 10..12)).await.unwrap());
    assert_eq!(world.write(10..12).await, Created::New);
    assert_eq!((end().await, world.read().await), (Some(12), (0..12).collect()));
    // Others are not concerned.
    assert_eq!(world.store.chain_end(Dataset::Feedback, &partition(0)).await.unwrap(), None);
    assert_eq!(world.store.chain_end(Dataset::Reviews, &partition(1)).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_that_create_one_part_one_wins() {
    let world = World::new();
    let attempts = (1..=16).map(|end| {
        let (store, part) = (world.store.clone(), part(0, 0..end));
        async move { store.create(&part).await.unwrap() }
    });
    let outcomes = futures::future::join_all(attempts).await;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Created::New).count(), 1);
    let winner = outcomes.iter().position(|outcome| *outcome == Created::New).unwrap() as i64 + 1;
    assert_eq!(world.read().await, (0..winner).collect::<Vec<_>>());
}

#[tokio::test]
async fn files_that_somebody_removed_are_missed_by_nobody() {
    let world = World::new();
    for offsets in [0..10, 10..20, 20..30] {
        world.write(offsets).await;
    }
    let listing = world.store.list(Dataset::Reviews).await.unwrap();
    std::fs::remove_file(world.store.path_of(&listing.parts[1]).unwrap()).unwrap();
    let found = world.read().await;
    assert_eq!(found, (0..10).chain(20..30).collect::<Vec<_>>());
    // The first ones are gone where somebody keeps only the last months.
    std::fs::remove_file(world.store.path_of(&listing.parts[0]).unwrap()).unwrap();
    assert_eq!(world.read().await, (20..30).collect::<Vec<_>>());
    assert_eq!(world.store.chain_end(Dataset::Reviews, &partition(0)).await.unwrap(), Some(30));
}

#[tokio::test]
async fn parts_of_another_time_are_not_read() {
    let world = World::new();
    for offsets in [0..10, 10..20, 20..30] {
        world.write(offsets).await;
    }
    let day = |day: i64| Timestamp::from_epoch_millis(1_700_000_000_000 + day * 86_400_000).unwrap();
    let parts = world.store.list(Dataset::Reviews).await.unwrap().parts;
    let found = world.store.of_time(parts, day(12)..=day(14)).await.unwrap();
    assert_eq!(offsets_of(&world.store, found).await, (10..20).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_store_that_is_not_there_or_cannot_be_written_says_so() {
    let open = |url: &str| Store::open(&OfflineConfig { url: url.to_owned() });
    for (url, expected) in [
        ("", "set offline.url"),
        ("/nowhere/at/all", "there is no such folder"),
        ("ftp://host/x", "ftp:// is none of a folder's path"),
        ("/dev/null", "it is a file"),
    ] {
        let message = open(url).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
    // A file system that takes no new files, whoever asks.
    let error = open("/proc").unwrap().check_writable().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Fatal);
    assert!(matches!(error, Error::Access { action: "write", .. }), "{error}");
    assert!(error.to_string().contains("/proc"), "{error}");
}

#[tokio::test]
async fn a_damaged_file_is_named() {
    let world = World::new();
    world.write(0..10).await;
    let part = world.store.list(Dataset::Reviews).await.unwrap().parts.remove(0);
    let path = world.store.path_of(&part).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    for damaged in [&bytes[..bytes.len() / 2], b"PAR1", b"", &bytes[bytes.len() - 100..]] {
        std::fs::write(&path, damaged).unwrap();
        let error = world.store.chain_end(Dataset::Reviews, &partition(0)).await.unwrap_err();
        assert!(error.to_string().contains("00000000000000000000.parquet is no Parquet"), "{error}");
    }
}

#[tokio::test]
async fn a_folder_of_the_store_is_an_input_like_a_file() {
    let world = World::new();
    world.write(0..10).await;
    world.write(10..20).await;
    // Overlaps, as they are while a compaction works or after a writer came too late.
    let url = world.folder.path().join("reviews");
    std::fs::copy(
        url.join("topic=topic/partition=0/00000000000000000000.parquet"),
        url.join("topic=topic/partition=0/00000000000000000003-00000000000000000010.parquet"),
    )
    .unwrap();
    let mut files = ReviewFiles::open(&[url], &ReadOptions::default()).unwrap();
    let mut ids = Vec::new();
    while let Some(rows) = files.next_batch().unwrap() {
        ids.extend(rows.into_iter().map(|row| row.review_id.unwrap()));
    }
    assert_eq!(ids, (0..20).map(|i| format!("r{i}")).collect::<Vec<_>>());
}
