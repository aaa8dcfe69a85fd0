//! History into the online store while the stream goes on.

use crate::harness::{Running, World, report, review, wait_for};
use feature_store::offline::store::Dataset;
use schemas::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;

const PARTITIONS: i32 = 2;
const PRODUCTS: i64 = 7;

fn product_of(i: i64) -> String {
    format!("p{}", i * i % PRODUCTS)
}

fn stars_of(i: i64) -> i64 {
    1 + i % 5
}

fn rated(range: std::ops::Range<i64>) -> impl Iterator<Item = Vec<u8>> {
    range.map(|i| {
        let mut record: Value = serde_json::from_slice(&review(&format!("r{i}"), "a text")).unwrap();
        record["product_id"] = product_of(i).into();
        record["rating"] = stars_of(i).into();
        serde_json::to_vec(&record).unwrap()
    })
}

/// Number and mean of each product's ratings: those of every partition from the first to the last.
fn expected(count: i64) -> BTreeMap<String, (f64, f64)> {
    let mut sums: BTreeMap<String, (f64, f64)> = BTreeMap::new();
    for i in 0..count {
        let (number, sum) = sums.entry(product_of(i)).or_default();
        (*number, *sum) = (*number + f64::from(PARTITIONS), *sum + (stars_of(i) * i64::from(PARTITIONS)) as f64);
    }
    sums.into_iter().map(|(product, (number, sum))| (product, (number, sum / number))).collect()
}

/// The same as the online store has it.
fn found(world: &World) -> BTreeMap<String, (f64, f64)> {
    let products: Vec<String> = (0..PRODUCTS).map(|product| format!("product=p{product}")).collect();
    let known = report(&world.plaudit("features").arg("get").args(products).arg("--json").output().unwrap());
    let of_entity = |entity: &Value| {
        let values = entity["views"][0]["features"].as_array().unwrap();
        let value = |i: usize| values[i]["value"].as_f64();
        Some((entity["id"].as_str().unwrap().to_owned(), (value(0)?, value(1)?)))
    };
    known["entities"].as_array().unwrap().iter().filter_map(of_entity).collect()
}

#[test]
fn history_that_is_filled_in_twice_while_ingest_runs_counts_each_rating_once() {
    let mut world = World::new(PARTITIONS);
    let redis = std::env::var("PLAUDIT_TEST_REDIS").expect("PLAUDIT_TEST_REDIS is not set: run dev/test");
    let project = format!("{}-{}", world.kafka.group, Timestamp::now().epoch_millis());
    world.settings.extend([
        format!("redis.url={redis}"),
        "redis.deadline_ms=5000".to_owned(),
        format!("features.project={project}"),
        "ingest.file_max_seconds=1".to_owned(),
        "ingest.batch_max_records=50".to_owned(),
    ]);
    let produce = |range: std::ops::Range<i64>| {
        for partition in 0..PARTITIONS {
            world.produce(&world.topics.reviews, partition, rated(range.clone()));
        }
    };
    // History goes into files before there is an online store.
    produce(0..400);
    let output = world.plaudit("ingest").args(["--until-end", "--json", "--set", "redis.url="]).output().unwrap();
    assert_eq!(report(&output)["records"], 400 * PARTITIONS);
    assert_eq!(found(&world), BTreeMap::new());

    let running = Running::start(world.plaudit("ingest").arg("--json"));
    let reviews = world.offline().join(Dataset::Reviews.name());
    let backfill = || {
        let mut command = world.plaudit("features");
        report(&command.args(["backfill", "--json", "--input"]).arg(&reviews).output().unwrap())
    };
    let mut applied = 0;
    std::thread::scope(|scope| {
        // Some of the stream comes before the backfill, some with it, some between the two.
        produce(400..500);
        wait_for("what ingest has applied", || !found(&world).is_empty());
        let stream = scope.spawn(|| (5..10).for_each(|hundred| produce(hundred * 100..(hundred + 1) * 100)));
        applied += backfill()["applied"].as_i64().unwrap();
        stream.join().unwrap();
        applied += backfill()["applied"].as_i64().unwrap();
    });
    wait_for("all that was produced", || found(&world) == expected(1000));
    let done = report(&running.stop());
    // Each review has a product and a user.
    let of_stream = done["updates"]["applied"].as_i64().unwrap();
    assert_eq!(applied + of_stream, 2 * 1000 * i64::from(PARTITIONS), "{applied} filled in, {of_stream} by ingest");
    assert!(applied >= 2 * 400 * i64::from(PARTITIONS) && of_stream > 0);
    assert_eq!(backfill()["applied"], 0);
    assert_eq!(found(&world), expected(1000));
}
