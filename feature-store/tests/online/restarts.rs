//! A server that is killed, comes back with nothing or with old data, is full, or is asked for a lot at once.

use crate::servers::{Server, patient_proxy};
use crate::stores::{at, config, missing, present, read_one, source, update, views};
use feature_store::online::{Entity, Error, OnlineStore, ViewReading};
use schemas::Source;
use std::time::{Duration, Instant};

const PRODUCT: Entity<'static> = Entity { kind: feature_store::views::EntityKind::Product, id: "p" };

async fn connected(server: &Server) -> OnlineStore {
    OnlineStore::connect(&config(&server.url()), &views("")).await.unwrap()
}

/// Until the connection is made anew.
async fn answers_again(store: &OnlineStore) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while let Some(error) = store.read(&[PRODUCT], at(0)).await.error {
        assert!(matches!(error, Error::Unavailable { .. }), "{error}");
        assert!(Instant::now() < deadline, "still not back: {error}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn killed_it_is_unavailable_and_restarted_empty_it_counts_from_there() {
    let mut server = Server::start(&[]);
    let store = connected(&server).await;
    let records: Vec<Source> = (0..3).map(|offset| source(0, offset)).collect();
    store.apply(&[update(PRODUCT, 5.0, 1, &records[0]), update(PRODUCT, 4.0, 2, &records[1])]).await.unwrap();
    server.kill();
    let readings = store.read(&[PRODUCT], at(0)).await;
    assert_eq!(readings.entities[0].views, [ViewReading::Unavailable]);
    assert!(matches!(readings.error, Some(Error::Unavailable { .. })));
    server.start_again();
    answers_again(&store).await;
    // Nobody can know that there was more: what is missing is honestly missing, and the next event is the first.
    assert_eq!(read_one(&store, PRODUCT).await, missing());
    store.apply(&[update(PRODUCT, 3.0, 3, &records[2])]).await.unwrap();
    assert_eq!(read_one(&store, PRODUCT).await, present(1, 3.0, 3));
}

#[tokio::test]
async fn restarted_empty_a_replay_from_the_beginning_makes_it_whole() {
    let mut server = Server::start(&[]);
    let store = connected(&server).await;
    let records: Vec<Source> = (0..3).map(|offset| source(0, offset)).collect();
    let updates: Vec<_> = records.iter().map(|record| update(PRODUCT, 4.0, 1, record)).collect();
    store.apply(&updates).await.unwrap();
    server.kill();
    server.start_again();
    answers_again(&store).await;
    store.apply(&updates).await.unwrap();
    assert_eq!(read_one(&store, PRODUCT).await, present(3, 4.0, 1));
}

#[tokio::test]
async fn restarted_empty_history_makes_it_whole_while_the_stream_goes_on() {
    let mut server = Server::start(&[]);
    let store = connected(&server).await;
    let records: Vec<Source> = (0..6).map(|offset| source(0, offset)).collect();
    let updates: Vec<_> = records.iter().map(|record| update(PRODUCT, 4.0, record.offset, record)).collect();
    store.apply(&updates[..3]).await.unwrap();
    server.kill();
    server.start_again();
    answers_again(&store).await;
    store.apply(&updates[3..5]).await.unwrap();
    assert_eq!(read_one(&store, PRODUCT).await, present(2, 4.0, 4));
    let outcome = store.apply_history(&updates[..5]).await.unwrap();
    assert_eq!((outcome.applied, outcome.replayed), (3, 2));
    store.apply(&updates[5..]).await.unwrap();
    assert_eq!(read_one(&store, PRODUCT).await, present(6, 4.0, 5));
}

#[tokio::test]
async fn restarted_with_old_data_its_values_are_behind_and_a_replay_adds_just_what_is_lacking() {
    let mut server = Server::start(&[]);
    let store = connected(&server).await;
    let records: Vec<Source> = (0..4).map(|offset| source(0, offset)).collect();
    let updates: Vec<_> =
        records.iter().map(|record| update(PRODUCT, 1.0 + record.offset as f64, record.offset, record)).collect();
    store.apply(&updates[..2]).await.unwrap();
    assert!(server.command("SAVE").starts_with("+OK"));
    store.apply(&updates[2..]).await.unwrap();
    assert_eq!(read_one(&store, PRODUCT).await, present(4, 2.5, 3));
    server.kill();
    server.start_again();
    answers_again(&store).await;
    assert_eq!(read_one(&store, PRODUCT).await, present(2, 1.5, 1));
    // The offsets are as old as the values: from wherever a replay begins, each record counts once.
    let outcome = store.apply(&updates).await.unwrap();
    assert_eq!((outcome.applied, outcome.replayed), (2, 2));
    assert_eq!(read_one(&store, PRODUCT).await, present(4, 2.5, 3));
}

#[tokio::test]
async fn out_of_memory_it_is_read_and_refuses_updates_that_count_once_when_there_is_room_again() {
    let server = Server::start(&["--maxmemory-policy", "noeviction"]);
    let store = connected(&server).await;
    let records = [source(0, 0), source(0, 1)];
    store.apply(&[update(PRODUCT, 5.0, 1, &records[0])]).await.unwrap();
    assert!(server.command("CONFIG SET maxmemory 1").starts_with("+OK"));
    let next = [update(PRODUCT, 2.0, 2, &records[1])];
    for _ in 0..2 {
        let error = store.apply(&next).await.unwrap_err().to_string();
        assert!(error.contains("OOM") && error.contains("maxmemory") && error.contains("ttl_days"), "{error}");
    }
    assert_eq!(read_one(&store, PRODUCT).await, present(1, 5.0, 1));
    assert!(server.command("CONFIG SET maxmemory 0").starts_with("+OK"));
    assert_eq!(store.apply(&next).await.unwrap().applied, 1);
    assert_eq!(read_one(&store, PRODUCT).await, present(2, 3.5, 2));
}

#[tokio::test]
async fn a_batch_is_read_in_one_round_trip_whatever_its_size() {
    let server = Server::start(&[]);
    for size in [1, 1000, 20_000] {
        // Were the second half asked for after the answers to the first, it would never be asked for.
        let port = patient_proxy(&server, "HMGET", size);
        let store = OnlineStore::connect(&config(&format!("redis://127.0.0.1:{port}")), &views("")).await.unwrap();
        let ids: Vec<String> = (0..size).map(|i| format!("p{i}")).collect();
        let entities: Vec<Entity<'_>> = ids.iter().map(|id| Entity::product(id)).collect();
        let readings = store.read(&entities, at(0)).await;
        assert_eq!((readings.entities.len(), readings.error), (size, None));
    }
}
