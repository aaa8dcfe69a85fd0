//! What is true of Redis alone: the bytes, and what others may have put there.

use crate::stores::{at, config, features, redis_url, source, update};
use ::redis::AsyncTypedCommands;
use ::redis::aio::MultiplexedConnection;
use feature_store::online::feast::{self, KeyValue, Value};
use feature_store::online::{Applied, Entity, FeaturesConfig, OnlineStore, RatingStats, Reading};
use std::collections::HashMap;

struct Redis {
    store: OnlineStore,
    raw: MultiplexedConnection,
    features: FeaturesConfig,
}

impl Redis {
    async fn new() -> Self {
        let features = features(0);
        let store = OnlineStore::connect(&config(&redis_url()), &features).await.unwrap();
        let raw = ::redis::Client::open(redis_url()).unwrap().get_multiplexed_async_connection().await.unwrap();
        Self { store, raw, features }
    }

    fn product_key(&self, id: &str) -> Vec<u8> {
        feast::entity_key(&[("product_id", KeyValue::String(id))], &self.features.project)
    }

    /// Writes fields of a product, as another writer would.
    async fn write(&mut self, id: &str, fields: &[(&[u8], &[u8])]) {
        let key = self.product_key(id);
        let () = ::redis::cmd("HSET").arg(key).arg(fields).query_async(&mut self.raw).await.unwrap();
    }

    async fn read(&self, id: &str) -> (Reading, usize) {
        let readings = self.store.read(&[Entity::product(id)], at(0)).await.unwrap();
        (readings.entities[0], readings.undecodable)
    }
}

fn count_field() -> [u8; 4] {
    feast::feature_field("product_stats", "rating_count")
}

fn mean_field() -> [u8; 4] {
    feast::feature_field("product_stats", "rating_mean")
}

const TIME_FIELD: &[u8] = b"_ts:product_stats";

fn present(rating_count: i64, rating_mean: f64, millis: i64) -> Reading {
    Reading::Present { stats: RatingStats { rating_count, rating_mean }, event_time: at(millis) }
}

#[tokio::test]
async fn a_hash_holds_what_feast_reads_and_what_it_ignores() {
    let mut redis = Redis::new().await;
    for count in [1_i64, 127, 128, 300] {
        let id = format!("p{count}");
        let sources: Vec<_> = (0..count).map(|offset| source(3, offset)).collect();
        let updates: Vec<_> =
            sources.iter().map(|source| update(Entity::product(&id), 4.0, 1_704_067_200_123, source)).collect();
        redis.store.apply(&updates).await.unwrap();
        let key = redis.product_key(&id);
        let hash: HashMap<Vec<u8>, Vec<u8>> =
            ::redis::cmd("HGETALL").arg(key).query_async(&mut redis.raw).await.unwrap();
        let expected: HashMap<Vec<u8>, Vec<u8>> = [
            (count_field().to_vec(), Value::Int64(count).encode()),
            (mean_field().to_vec(), Value::Double(4.0).encode()),
            (TIME_FIELD.to_vec(), feast::encode_timestamp(at(1_704_067_200_123))),
            (b"_sum:product_stats".to_vec(), (4.0 * count as f64).to_le_bytes().to_vec()),
            (b"_src:product_stats:reviews:3".to_vec(), (count - 1).to_string().into_bytes()),
        ]
        .into();
        assert_eq!(hash, expected);
    }
}

#[tokio::test]
async fn what_feast_materialized_is_read_and_continued() {
    let mut redis = Redis::new().await;
    let time = feast::encode_timestamp(at(1_704_067_200_123));
    let (count, mean) = (Value::Int64(1000).encode(), Value::Double(4.1).encode());
    redis.write("p", &[(&count_field(), &count), (&mean_field(), &mean), (TIME_FIELD, &time)]).await;
    assert_eq!(redis.read("p").await, (present(1000, 4.1, 1_704_067_200_123), 0));
    let first = source(0, 0);
    redis.store.apply(&[update(Entity::product("p"), 1.0, 5, &first)]).await.unwrap();
    assert_eq!(redis.read("p").await, (present(1001, (4.1 * 1000.0 + 1.0) / 1001.0, 1_704_067_200_123), 0));
    // Materialized once more: the sum that we keep is that of another mean by now.
    redis
        .write("p", &[(&count_field(), &Value::Int64(2).encode()), (&mean_field(), &Value::Double(3.0).encode())])
        .await;
    let second = source(0, 1);
    redis.store.apply(&[update(Entity::product("p"), 3.0, 5, &second)]).await.unwrap();
    assert_eq!(redis.read("p").await.0, present(3, 3.0, 1_704_067_200_123));
}

#[tokio::test]
async fn nulls_of_feast_are_missing_without_being_undecodable() {
    let mut redis = Redis::new().await;
    let time = feast::encode_timestamp(at(1));
    redis.write("p", &[(&count_field(), b""), (&mean_field(), b""), (TIME_FIELD, &time)]).await;
    assert_eq!(redis.read("p").await, (Reading::Missing, 0));
}

#[tokio::test]
async fn garbage_is_missing_and_counted_and_the_next_rating_starts_anew() {
    let mut redis = Redis::new().await;
    let (count, mean, time) = (Value::Int64(7).encode(), Value::Double(4.0).encode(), feast::encode_timestamp(at(1)));
    let rows: Vec<[&[u8]; 3]> = vec![
        [b"garbage", &mean, &time],
        [&count, b"garbage", &time],
        [&count, &mean, b"garbage"],
        [b"\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", &mean, &time],
        [b"\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", &mean, &time],
        [b"\x20\x00", &mean, &time],
        [&mean, &count, &time],
        [&count, b"\x29\x00\x00\x00\x00\x00\x00\xf8\x7f", &time],
        [&count, b"\x29\x00", &time],
        [b"\xff", b"\xff", b"\xff"],
    ];
    for (i, [count, mean, time]) in rows.into_iter().enumerate() {
        let id = format!("p{i}");
        redis.write(&id, &[(&count_field(), count), (&mean_field(), mean), (TIME_FIELD, time)]).await;
        assert_eq!(redis.read(&id).await, (Reading::Missing, 1), "row {i}");
        let first = source(0, 0);
        let outcome = redis.store.apply(&[update(Entity::product(&id), 2.0, 9, &first)]).await.unwrap();
        assert_eq!(outcome, Applied { applied: 1, replayed: 0, unusable: 0 });
        // Only the row whose time alone was garbage keeps its count.
        let expected = if i == 2 { present(8, 3.75, 9) } else { present(1, 2.0, 9) };
        assert_eq!(redis.read(&id).await, (expected, 0), "row {i}");
    }
    redis.write("partial", &[(&count_field(), &Value::Int64(7).encode())]).await;
    assert_eq!(redis.read("partial").await, (Reading::Missing, 1));
}

#[tokio::test]
async fn a_key_of_another_type_costs_its_own_entity_and_no_other() {
    let mut redis = Redis::new().await;
    let key = redis.product_key("string");
    redis.raw.set(key, "not a hash").await.unwrap();
    let first = source(0, 0);
    let batch = [update(Entity::product("string"), 5.0, 1, &first), update(Entity::product("hash"), 5.0, 1, &first)];
    let outcome = redis.store.apply(&batch).await.unwrap();
    assert_eq!(outcome, Applied { applied: 1, replayed: 0, unusable: 1 });
    let readings = redis.store.read(&[Entity::product("string"), Entity::product("hash")], at(0)).await.unwrap();
    assert_eq!(readings.entities, [Reading::Missing, present(1, 5.0, 1)]);
    assert_eq!(readings.undecodable, 1);
}

#[tokio::test]
async fn a_server_that_forgot_the_script_is_given_it_again() {
    let mut redis = Redis::new().await;
    for offset in 0..3 {
        let () = ::redis::cmd("SCRIPT").arg("FLUSH").query_async(&mut redis.raw).await.unwrap();
        let source = source(0, offset);
        let batch = [update(Entity::product("p"), 5.0, 1, &source), update(Entity::user("u"), 5.0, 1, &source)];
        assert_eq!(redis.store.apply(&batch).await.unwrap().applied, 2);
    }
    assert_eq!(redis.read("p").await.0, present(3, 5.0, 1));
}

#[tokio::test]
async fn projects_are_apart() {
    let redis = Redis::new().await;
    let other = Redis::new().await;
    let first = source(0, 0);
    redis.store.apply(&[update(Entity::product("p"), 5.0, 1, &first)]).await.unwrap();
    assert_eq!(other.read("p").await.0, Reading::Missing);
}
