//! What is true of the store in memory alone: it never outgrows its limit.

use crate::stores::{missing, present, read_one, source, update, views};
use feature_store::online::{Entity, MemoryStore, OnlineStore, ReviewEntities};

#[tokio::test]
async fn what_has_not_been_written_for_longest_is_forgotten_when_there_is_too_much() {
    let store = OnlineStore::Memory(MemoryStore::with_limit(&views(""), 100));
    for offset in 0..1_000 {
        let (id, record) = (format!("p{offset}"), source(0, offset));
        let often = [update(Entity::product(&id), 4.0, 1, &record), update(Entity::product("often"), 4.0, 1, &record)];
        store.apply(&often).await.unwrap();
    }
    assert_eq!(read_one(&store, Entity::product("often")).await, present(1_000, 4.0, 1));
    assert_eq!(read_one(&store, Entity::product("p999")).await, present(1, 4.0, 1));
    assert_eq!(read_one(&store, Entity::product("p0")).await, missing());
    let ids: Vec<String> = (0..1_000).map(|offset| format!("p{offset}")).collect();
    let entities: Vec<_> = ids.iter().map(|id| Entity::product(id)).collect();
    let known = store.read(&entities, crate::stores::at(0)).await.entities;
    assert!(known.iter().filter(|reading| **reading != missing()).count() <= 100);
}

#[tokio::test]
async fn reviews_that_are_remembered_are_no_more_than_the_limit() {
    let of_labels = "[labels]\nentity = 'product_id'\nsource = 'feedback'\nfeatures = { n = 'count' }\n";
    let store = OnlineStore::Memory(MemoryStore::with_limit(&views(of_labels), 100));
    let ids: Vec<String> = (0..1_000).map(|review| format!("r{review}")).collect();
    for id in &ids {
        store.remember(&[(id, ReviewEntities { product_id: Some("p"), user_id: None })]).await.unwrap();
    }
    let recalled = store.recall(&ids.iter().map(String::as_str).collect::<Vec<_>>()).await.unwrap();
    assert!(recalled[999].is_some() && recalled[0].is_none());
    assert!(recalled.iter().flatten().count() <= 100);
}
