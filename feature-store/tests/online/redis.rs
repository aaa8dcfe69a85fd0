//! What is true of Redis alone: the bytes, and what others may have put there.

use crate::stores::{at, config, missing, present, redis_url, source, update, views, views_with_ttl};
use ::redis::AsyncTypedCommands;
use ::redis::aio::MultiplexedConnection;
use feature_store::online::feast::{self, KeyValue, Value};
use feature_store::online::{Applied, Entity, Error, OnlineStore, Reading, ViewReading};
use feature_store::views::{FeaturesConfig, Views};
use std::collections::HashMap;

struct Redis {
    store: OnlineStore,
    raw: MultiplexedConnection,
    views: Views,
}

impl Redis {
    async fn new() -> Self {
        Self::with(views("")).await
    }

    async fn with(views: Views) -> Self {
        let store = OnlineStore::connect(&config(&redis_url()), &views).await.unwrap();
        let raw = ::redis::Client::open(redis_url()).unwrap().get_multiplexed_async_connection().await.unwrap();
        Self { store, raw, views }
    }

    fn product_key(&self, id: &str) -> Vec<u8> {
        feast::entity_key(&[("product_id", KeyValue::String(id))], self.views.project())
    }

    /// Writes fields of a product, as another writer would.
    async fn write(&mut self, id: &str, fields: &[(&[u8], &[u8])]) {
        let key = self.product_key(id);
        let () = ::redis::cmd("HSET").arg(key).arg(fields).query_async(&mut self.raw).await.unwrap();
    }

    async fn read(&self, id: &str) -> (Reading, usize) {
        let mut readings = self.store.read(&[Entity::product(id)], at(0)).await;
        (readings.entities.remove(0), readings.undecodable)
    }
}

fn count_field() -> [u8; 4] {
    feast::feature_field("product_stats", "rating_count")
}

fn mean_field() -> [u8; 4] {
    feast::feature_field("product_stats", "rating_mean")
}

const TIME_FIELD: &[u8] = b"_ts:product_stats";

/// What the state holds beside the totals: no half-lives, no days.
const NOTHING_ELSE: [u8; 3] = [0, 0, 0];

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
        let time = feast::encode_timestamp(at(1_704_067_200_123));
        let numbers = [count as f64, 4.0 * count as f64, 4.0, 1_704_067_200_123.0].map(f64::to_le_bytes);
        let state = [&[1], &numbers.concat()[..], &NOTHING_ELSE, &time].concat();
        let expected: HashMap<Vec<u8>, Vec<u8>> = [
            (count_field().to_vec(), Value::Int64(count).encode()),
            (mean_field().to_vec(), Value::Double(4.0).encode()),
            (TIME_FIELD.to_vec(), time),
            (b"_agg:product_stats".to_vec(), state),
            // The last one, and that nothing is lacking before the first.
            (b"_src:product_stats:reviews:3".to_vec(), format!("{} -1 0", count - 1).into_bytes()),
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
    // Materialized once more, with a later time as Feast demands: the state that we keep is of another row by now.
    let time = feast::encode_timestamp(at(1_704_067_200_124));
    let (count, mean) = (Value::Int64(2).encode(), Value::Double(3.0).encode());
    redis.write("p", &[(&count_field(), &count), (&mean_field(), &mean), (TIME_FIELD, &time)]).await;
    let second = source(0, 1);
    redis.store.apply(&[update(Entity::product("p"), 3.0, 5, &second)]).await.unwrap();
    assert_eq!(redis.read("p").await.0, present(3, 3.0, 1_704_067_200_124));
}

#[tokio::test]
async fn nulls_of_feast_are_missing_without_being_undecodable() {
    let mut redis = Redis::new().await;
    let time = feast::encode_timestamp(at(1));
    redis.write("p", &[(&count_field(), b""), (&mean_field(), b""), (TIME_FIELD, &time)]).await;
    assert_eq!(redis.read("p").await, (missing(), 0));
}

#[tokio::test]
async fn garbage_is_missing_and_counted_and_the_next_rating_starts_anew() {
    let mut redis = Redis::new().await;
    let (count, mean, time) = (Value::Int64(7).encode(), Value::Double(4.0).encode(), feast::encode_timestamp(at(1)));
    let rows: Vec<[&[u8]; 3]> = vec![
        [b"garbage", &mean, &time],
        [&count, b"garbage", &time],
        [&count, &mean, b"garbage"],
        [b"\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", &mean, &time],
        [&[0x12, 1, b'x'], &mean, &time],
        [&count, b"\x29\x00\x00\x00\x00\x00\x00\xf8\x7f", &time],
        [&count, b"\x29\x00", &time],
        [b"\xff", b"\xff", b"\xff"],
    ];
    for (i, [count, mean, time]) in rows.into_iter().enumerate() {
        let id = format!("p{i}");
        redis.write(&id, &[(&count_field(), count), (&mean_field(), mean), (TIME_FIELD, time)]).await;
        assert_eq!(redis.read(&id).await, (missing(), 1), "row {i}");
        let first = source(0, 0);
        let outcome = redis.store.apply(&[update(Entity::product(&id), 2.0, 9, &first)]).await.unwrap();
        assert_eq!(outcome, Applied { applied: 1, replayed: 0, unusable: 0 });
        assert_eq!(redis.read(&id).await, (present(1, 2.0, 9), 0), "row {i}");
    }
    redis.write("partial", &[(&count_field(), &Value::Int64(7).encode())]).await;
    assert_eq!(redis.read("partial").await, (missing(), 1));
}

#[tokio::test]
async fn a_state_that_nobody_can_have_counted_is_not_gone_on_from() {
    let mut redis = Redis::new().await;
    let (time, mut offset) = (feast::encode_timestamp(at(1)), 0);
    let row = [Value::Int64(7).encode(), Value::Double(4.0).encode()];
    for (place, wrong) in [-5.0, 0.0, f64::NAN, f64::INFINITY, 1e300].into_iter().enumerate() {
        // Count, sum, last value, event time.
        for number in 0..4 {
            let mut numbers = [7.0, 28.0, 4.0, 1.0];
            if number > 0 && wrong.is_finite() {
                continue;
            }
            numbers[number] = wrong;
            let numbers: Vec<u8> = numbers.iter().flat_map(|number: &f64| number.to_le_bytes()).collect();
            let state = [&[1], &numbers[..], &NOTHING_ELSE, &time].concat();
            let id = format!("p{place}-{number}");
            let fields: [(&[u8], &[u8]); 4] = [
                (b"_agg:product_stats", &state),
                (TIME_FIELD, &time),
                (&count_field(), &row[0]),
                (&mean_field(), &row[1]),
            ];
            redis.write(&id, &fields).await;
            let record = source(0, offset);
            offset += 1;
            let outcome = redis.store.apply(&[update(Entity::product(&id), 4.0, 9, &record)]).await.unwrap();
            assert_eq!(outcome, Applied { applied: 1, replayed: 0, unusable: 0 });
            // As it goes on from a row of somebody else's.
            assert_eq!(redis.read(&id).await, (present(8, 4.0, 9), 0), "{wrong} at {number}");
        }
    }
}

#[tokio::test]
async fn what_the_server_refuses_for_good_is_told_from_what_passes() {
    let mut redis = Redis::new().await;
    let user = format!("reader-{}", redis.views.project());
    let rules = ["on", ">secret", "~*", "+ping", "+info", "+hmget"];
    let () = ::redis::cmd("ACL").arg("SETUSER").arg(&user).arg(&rules).query_async(&mut redis.raw).await.unwrap();
    let url = redis_url().replace("redis://", &format!("redis://{user}:secret@"));
    let store = OnlineStore::connect(&config(&url), &redis.views).await.unwrap();
    assert_eq!(store.read(&[Entity::product("p")], at(0)).await.error, None);
    let record = source(0, 0);
    let error = store.apply(&[update(Entity::product("p"), 4.0, 1, &record)]).await.unwrap_err();
    assert!(matches!(error, Error::Refused { .. }) && !error.may_pass(), "{error}");
    let message = error.to_string();
    assert!(message.contains("NOPERM") && message.contains("EVALSHA") && !message.contains("secret"), "{message}");

    let () = ::redis::cmd("ACL").arg("SETUSER").arg(&user).arg("resetpass").query_async(&mut redis.raw).await.unwrap();
    let store = OnlineStore::open(&config(&url), &redis.views).unwrap();
    let error = store.apply(&[update(Entity::product("p"), 4.0, 1, &record)]).await.unwrap_err();
    assert!(matches!(error, Error::Refused { .. }) && error.to_string().contains("WRONGPASS"), "{error}");
    let () = ::redis::cmd("ACL").arg("DELUSER").arg(&user).query_async(&mut redis.raw).await.unwrap();
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
    let readings = redis.store.read(&[Entity::product("string"), Entity::product("hash")], at(0)).await;
    assert_eq!(readings.entities, [missing(), present(1, 5.0, 1)]);
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
    assert_eq!(other.read("p").await.0, missing());
}

#[tokio::test]
async fn numbers_of_any_type_are_read_and_a_feature_without_a_value_is_left_out() {
    let mut redis = Redis::new().await;
    let time = feast::encode_timestamp(at(1));
    for (value, expected) in [
        (Value::Int32(4), Some(4.0)),
        (Value::Float(4.5), Some(4.5)),
        (Value::Bool(true), Some(1.0)),
        (Value::Int64(-3), Some(-3.0)),
        (Value::Null, None),
    ] {
        let (count, mean) = (Value::Int64(7).encode(), value.encode());
        redis.write("p", &[(&count_field(), &count), (&mean_field(), &mean), (TIME_FIELD, &time)]).await;
        let (reading, undecodable) = redis.read("p").await;
        let [ViewReading::Present(values)] = reading.views.as_slice() else { panic!("{reading:?}") };
        assert_eq!((values.values.as_slice(), undecodable), ([Some(7.0), expected].as_slice(), 0));
    }
}

#[tokio::test]
async fn keys_expire_after_twice_the_longest_ttl_and_only_where_all_views_have_one() {
    const DAY: i64 = 86_400;
    let mut redis = Redis::with(views_with_ttl(3)).await;
    // The event may be as old as it likes: what is backfilled must live until it is complete.
    for offset in 0..2 {
        let record = source(0, offset);
        redis.store.apply(&[update(Entity::product("p"), 5.0, offset, &record)]).await.unwrap();
        let key = redis.product_key("p");
        let seconds: i64 = ::redis::cmd("TTL").arg(key).query_async(&mut redis.raw).await.unwrap();
        assert!((6 * DAY - 60..=6 * DAY).contains(&seconds), "{seconds}");
    }
    assert_eq!(redis.read("p").await, (present(2, 5.0, 1), 0));

    // The same project without a ttl: what was set is taken back, at the next event.
    let forever = defaults(redis.views.project());
    let store = OnlineStore::connect(&config(&redis_url()), &forever).await.unwrap();
    let record = source(0, 2);
    store.apply(&[update(Entity::product("p"), 5.0, 2, &record)]).await.unwrap();
    let key = redis.product_key("p");
    let seconds: i64 = ::redis::cmd("TTL").arg(key).query_async(&mut redis.raw).await.unwrap();
    assert_eq!(seconds, -1);
    assert_eq!(redis.read("p").await, (present(3, 5.0, 2), 0));
}

/// The default views of a project.
fn defaults(project: &str) -> Views {
    FeaturesConfig { project: project.to_owned(), ..FeaturesConfig::default() }.parse().unwrap()
}

#[tokio::test]
async fn a_view_whose_definition_changed_goes_on_with_what_it_has() {
    let text =
        |features: &str| format!("[v]\nentity = 'product_id'\nsource = 'reviews'\nfeatures = {{ {features} }}\n");
    let before = Redis::with(views(&text("n = 'count'"))).await;
    let record = source(0, 0);
    before.store.apply(&[update(Entity::product("p"), 4.0, 1, &record)]).await.unwrap();
    // The totals are there whatever was shown of them; what was not kept starts with the next event.
    let after = "n = 'count', s = 'sum', m = { aggregate = 'mean', half_life_days = 1 }";
    let config_of = |project: &str, features: &str| FeaturesConfig {
        project: project.to_owned(),
        ttl_days: 0,
        views: toml::from_str(&text(features)).unwrap(),
    };
    let views = config_of(before.views.project(), after).parse().unwrap();
    let store = OnlineStore::connect(&config(&redis_url()), &views).await.unwrap();
    let values = |reading: Reading| match reading.views.as_slice() {
        [ViewReading::Present(values)] => values.values.clone(),
        other => panic!("{other:?}"),
    };
    let mut reading = store.read(&[Entity::product("p")], at(0)).await.entities;
    assert_eq!(values(reading.remove(0)), [None, Some(1.0), None]);
    let record = source(0, 1);
    store.apply(&[update(Entity::product("p"), 1.0, 2, &record)]).await.unwrap();
    let mut reading = store.read(&[Entity::product("p")], at(0)).await.entities;
    assert_eq!(values(reading.remove(0)), [Some(1.0), Some(2.0), Some(5.0)]);
}
