//! What every store promises.

use crate::stores::{Kind, at, features, source, update};
use feature_store::online::{Applied, Entity, OnlineStore, RatingStats, Reading, ReviewEntities};
use schemas::{FeaturesStatus, Source};
use std::collections::HashMap;

macro_rules! contract {
    ($($fact:ident),+ $(,)?) => {
        mod memory {
            $(#[tokio::test] async fn $fact() { super::$fact(super::Kind::Memory).await; })+
        }
        mod redis {
            $(#[tokio::test] async fn $fact() { super::$fact(super::Kind::Redis).await; })+
        }
    };
}

contract!(
    an_unknown_entity_is_missing,
    ratings_become_count_and_mean,
    several_ratings_of_one_entity_in_a_batch_all_count,
    a_replayed_batch_changes_nothing,
    a_batch_that_was_applied_in_part_is_completed,
    offsets_out_of_order_within_a_batch_all_count,
    partitions_and_topics_are_counted_apart,
    a_product_and_a_user_of_one_id_are_apart,
    the_event_time_is_that_of_the_latest_event,
    values_are_stale_once_older_than_the_ttl,
    batches_of_thousands_of_entities_keep_their_order,
    any_order_of_batches_and_replays_equals_the_oracle,
    features_of_reviews_carry_names_and_the_worst_status,
    ids_of_any_bytes_are_kept_apart,
    empty_batches_do_nothing,
);

const P: Entity<'static> = Entity { view: feature_store::online::View::ProductStats, id: "p1" };

async fn read_one(store: &OnlineStore, entity: Entity<'_>) -> Reading {
    let readings = store.read(&[entity], at(0)).await.unwrap();
    assert_eq!((readings.entities.len(), readings.undecodable), (1, 0));
    readings.entities[0]
}

fn present(rating_count: i64, rating_mean: f64, millis: i64) -> Reading {
    Reading::Present { stats: RatingStats { rating_count, rating_mean }, event_time: at(millis) }
}

fn applied(applied: usize, replayed: usize) -> Applied {
    Applied { applied, replayed, unusable: 0 }
}

async fn an_unknown_entity_is_missing(kind: Kind) {
    assert_eq!(read_one(&kind.store().await, P).await, Reading::Missing);
}

async fn ratings_become_count_and_mean(kind: Kind) {
    let store = kind.store().await;
    let first = source(0, 0);
    assert_eq!(store.apply(&[update(P, 5.0, 1000, &first)]).await.unwrap(), applied(1, 0));
    assert_eq!(read_one(&store, P).await, present(1, 5.0, 1000));
    let second = source(0, 1);
    store.apply(&[update(P, 2.0, 2000, &second)]).await.unwrap();
    assert_eq!(read_one(&store, P).await, present(2, 3.5, 2000));
}

async fn several_ratings_of_one_entity_in_a_batch_all_count(kind: Kind) {
    let store = kind.store().await;
    let sources: Vec<Source> = (0..300).map(|offset| source(0, offset)).collect();
    let updates: Vec<_> = sources.iter().map(|source| update(P, 1.0 + (source.offset % 2) as f64, 5, source)).collect();
    assert_eq!(store.apply(&updates).await.unwrap(), applied(300, 0));
    assert_eq!(read_one(&store, P).await, present(300, 1.5, 5));
}

async fn a_replayed_batch_changes_nothing(kind: Kind) {
    let store = kind.store().await;
    let (first, second) = (source(0, 7), source(0, 9));
    let batch =
        [update(P, 5.0, 1000, &first), update(P, 1.0, 3000, &second), update(Entity::user("u"), 1.0, 1, &second)];
    assert_eq!(store.apply(&batch).await.unwrap(), applied(3, 0));
    for _ in 0..3 {
        assert_eq!(store.apply(&batch).await.unwrap(), applied(0, 3));
        assert_eq!(store.apply(&batch[..1]).await.unwrap(), applied(0, 1));
    }
    // The same record twice in one batch is a replay, too.
    let third = source(0, 10);
    let twice = [update(P, 3.0, 3000, &third), update(P, 3.0, 3000, &third)];
    assert_eq!(store.apply(&twice).await.unwrap(), applied(1, 1));
    assert_eq!(read_one(&store, P).await, present(3, 3.0, 3000));
}

async fn a_batch_that_was_applied_in_part_is_completed(kind: Kind) {
    let store = kind.store().await;
    let sources: Vec<Source> = (0..10).map(|offset| source(0, offset)).collect();
    let batch: Vec<_> = sources.iter().map(|source| update(P, 4.0, 1, source)).collect();
    store.apply(&batch[..6]).await.unwrap();
    assert_eq!(store.apply(&batch).await.unwrap(), applied(4, 6));
    assert_eq!(read_one(&store, P).await, present(10, 4.0, 1));
}

async fn offsets_out_of_order_within_a_batch_all_count(kind: Kind) {
    let store = kind.store().await;
    let sources = [9, 3, 6].map(|offset| source(0, offset));
    let batch = sources.each_ref().map(|source| update(P, 4.0, 1, source));
    assert_eq!(store.apply(&batch).await.unwrap(), applied(3, 0));
}

async fn partitions_and_topics_are_counted_apart(kind: Kind) {
    let store = kind.store().await;
    let other_topic = Source { topic: "feedback".to_owned(), partition: 0, offset: 1 };
    let sources = [source(0, 5), source(1, 5), source(2, 0), other_topic];
    let batch = sources.each_ref().map(|source| update(P, 2.0, 1, source));
    assert_eq!(store.apply(&batch).await.unwrap(), applied(4, 0));
    assert_eq!(store.apply(&batch).await.unwrap(), applied(0, 4));
    let next = source(2, 1);
    assert_eq!(store.apply(&[update(P, 2.0, 1, &next)]).await.unwrap(), applied(1, 0));
}

async fn a_product_and_a_user_of_one_id_are_apart(kind: Kind) {
    let store = kind.store().await;
    let first = source(0, 0);
    let batch = [update(Entity::product("x"), 5.0, 1, &first), update(Entity::user("x"), 1.0, 2, &first)];
    assert_eq!(store.apply(&batch).await.unwrap(), applied(2, 0));
    assert_eq!(read_one(&store, Entity::product("x")).await, present(1, 5.0, 1));
    assert_eq!(read_one(&store, Entity::user("x")).await, present(1, 1.0, 2));
}

async fn the_event_time_is_that_of_the_latest_event(kind: Kind) {
    let store = kind.store().await;
    for (offset, millis) in [(0, -86_400_001), (1, -86_400_500), (2, -1), (3, -62_167_219_200_000)] {
        let source = source(0, offset);
        store.apply(&[update(P, 3.0, millis, &source)]).await.unwrap();
    }
    assert_eq!(read_one(&store, P).await, present(4, 3.0, -1));
    let (later, earlier) = (source(0, 4), source(0, 5));
    store.apply(&[update(P, 3.0, 1_714_557_600_123, &later)]).await.unwrap();
    store.apply(&[update(P, 3.0, 1_714_557_600_122, &earlier)]).await.unwrap();
    assert_eq!(read_one(&store, P).await, present(6, 3.0, 1_714_557_600_123));
}

async fn values_are_stale_once_older_than_the_ttl(kind: Kind) {
    const DAY: i64 = 86_400_000;
    let store = kind.store_with(&features(2)).await;
    let first = source(0, 0);
    store.apply(&[update(P, 4.0, 1000, &first)]).await.unwrap();
    let stats = RatingStats { rating_count: 1, rating_mean: 4.0 };
    for (now, expected) in [
        (1000 + 2 * DAY, Reading::Present { stats, event_time: at(1000) }),
        (1001 + 2 * DAY, Reading::Stale { stats, event_time: at(1000) }),
        // A clock that is behind the event makes nothing stale.
        (0, Reading::Present { stats, event_time: at(1000) }),
    ] {
        assert_eq!(store.read(&[P], at(now)).await.unwrap().entities, [expected]);
    }
    let review = ReviewEntities { product_id: Some("p1"), user_id: None };
    let batch = store.features(&[review], at(3 * DAY)).await;
    assert_eq!(batch.reviews[0].status, FeaturesStatus::Stale);
    assert!(batch.reviews[0].values.is_empty());
}

async fn batches_of_thousands_of_entities_keep_their_order(kind: Kind) {
    let store = kind.store().await;
    let ids: Vec<String> = (0..4500).map(|i| format!("product {i}")).collect();
    let sources: Vec<Source> = (0..4500).map(|offset| source(0, offset)).collect();
    let stars = |i: usize| 1.0 + (i % 5) as f64;
    let updates: Vec<_> = ids
        .iter()
        .zip(&sources)
        .enumerate()
        .map(|(i, (id, source))| update(Entity::product(id), stars(i), 1, source))
        .collect();
    assert_eq!(store.apply(&updates).await.unwrap(), applied(4500, 0));
    assert_eq!(store.apply(&updates).await.unwrap(), applied(0, 4500));
    let entities: Vec<_> = ids.iter().rev().map(|id| Entity::product(id)).collect();
    let expected: Vec<_> = (0..4500).rev().map(|i| present(1, stars(i), 1)).collect();
    assert_eq!(store.read(&entities, at(0)).await.unwrap().entities, expected);
}

/// Batches of many entities and partitions, each delivered once or more, restarted from any earlier offset, against sums.
async fn any_order_of_batches_and_replays_equals_the_oracle(kind: Kind) {
    let store = kind.store().await;
    let mut state = 42_u64;
    // PCG's multiplier (O'Neill, 2014): good enough to choose, and the same at every run.
    let mut random = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let ids = ["a", "b", "c", "d", "e", "f", "g"];
    let mut oracle: HashMap<&str, (i64, f64, i64)> = HashMap::new();
    let partitions: Vec<Vec<(Source, &str, f64, i64)>> = (0..3)
        .map(|partition| {
            (0..200)
                .map(|offset| {
                    // Stars whose sums round, so that the order of additions would show.
                    let stars = 1.0 + random(4_000_001) as f64 / 1_000_000.0;
                    (source(partition, offset), ids[random(7) as usize], stars, random(1 << 41) as i64)
                })
                .collect()
        })
        .collect();
    let mut next = [0_usize; 3];
    while next.iter().any(|next| *next < 200) {
        let partition = random(3) as usize;
        let begin = next[partition].saturating_sub(random(8) as usize);
        let end = (next[partition] + random(20) as usize).min(200);
        let batch: Vec<_> = partitions[partition][begin..end.max(begin)]
            .iter()
            .map(|(source, id, stars, millis)| update(Entity::product(id), *stars, *millis, source))
            .collect();
        let outcome = store.apply(&batch).await.unwrap();
        assert_eq!(outcome.applied, end.saturating_sub(next[partition]));
        for (_, id, stars, millis) in &partitions[partition][next[partition]..end.max(next[partition])] {
            let (count, sum, latest) = oracle.entry(id).or_insert((0, 0.0, i64::MIN));
            (*count, *sum, *latest) = (*count + 1, *sum + stars, (*latest).max(*millis));
        }
        next[partition] = end.max(next[partition]);
    }
    for (id, (count, sum, latest)) in oracle {
        assert_eq!(read_one(&store, Entity::product(id)).await, present(count, sum / count as f64, latest));
    }
}

async fn features_of_reviews_carry_names_and_the_worst_status(kind: Kind) {
    let store = kind.store().await;
    let first = source(0, 0);
    let updates = [update(Entity::product("p"), 4.0, 1, &first), update(Entity::user("u"), 2.0, 1, &first)];
    store.apply(&updates).await.unwrap();
    let review = |product_id, user_id| ReviewEntities { product_id, user_id };
    let reviews =
        [review(Some("p"), Some("u")), review(Some("p"), Some("new")), review(None, Some("new")), review(None, None)];
    let batch = store.features(&reviews, at(0)).await;
    assert_eq!((batch.error, batch.undecodable), (None, 0));
    let statuses: Vec<_> = batch.reviews.iter().map(|features| features.status).collect();
    use FeaturesStatus::{Missing, None as Nothing, Present};
    assert_eq!(statuses, [Present, Missing, Missing, Nothing]);
    let values = |i: usize| -> Vec<(&str, f64)> {
        batch.reviews[i].values.iter().map(|(name, value)| (name.as_str(), *value)).collect()
    };
    let of_product = [("product_stats.rating_count", 1.0), ("product_stats.rating_mean", 4.0)];
    let of_user = [("user_stats.rating_count", 1.0), ("user_stats.rating_mean", 2.0)];
    assert_eq!(values(0), [of_product, of_user].concat());
    assert_eq!(values(1), of_product);
    assert_eq!((values(2), values(3)), (vec![], vec![]));
}

async fn ids_of_any_bytes_are_kept_apart(kind: Kind) {
    let store = kind.store().await;
    let ids = ["", " ", "a", "a\0", "\0a", "é", "e\u{301}", "🙂", "a:b", "a\r\nb"];
    let sources: Vec<Source> = (0..ids.len() as i64).map(|offset| source(0, offset)).collect();
    let updates: Vec<_> =
        ids.iter().zip(&sources).map(|(id, source)| update(Entity::product(id), 3.0, source.offset, source)).collect();
    store.apply(&updates).await.unwrap();
    for (id, source) in ids.iter().zip(&sources) {
        assert_eq!(read_one(&store, Entity::product(id)).await, present(1, 3.0, source.offset), "{id:?}");
    }
}

async fn empty_batches_do_nothing(kind: Kind) {
    let store = kind.store().await;
    assert_eq!(store.apply(&[]).await.unwrap(), applied(0, 0));
    assert_eq!(store.read(&[], at(0)).await.unwrap().entities, []);
    assert_eq!(store.features(&[], at(0)).await.reviews, []);
}
