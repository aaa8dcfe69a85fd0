//! Ingests that are killed, doubled and moved about under load: each offset stands in the store once all the same.

use crate::harness::{Running, World, review, wait_for};
use feature_store::offline::store::Dataset;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

const PARTITIONS: i32 = 3;

/// How often a process is killed; `PLAUDIT_TEST_KILLS` asks for more than a test run has time for.
fn kills() -> usize {
    std::env::var("PLAUDIT_TEST_KILLS").map_or(6, |kills| kills.parse().unwrap())
}

fn world() -> World {
    let mut world = World::new(PARTITIONS);
    // Many small files: most kills come while one is being made.
    world.settings.push("ingest.file_max_bytes=30000".to_owned());
    world.settings.push("ingest.batch_max_records=200".to_owned());
    world.settings.push("ingest.file_max_seconds=1".to_owned());
    world
}

/// Sends reviews to all partitions while `work` runs; answers how many each has got.
fn under_load(world: &World, work: impl FnOnce()) -> i64 {
    let stop = AtomicBool::new(false);
    let sent = AtomicI64::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let from = sent.load(Ordering::Relaxed);
                for partition in 0..PARTITIONS {
                    let text = |i: i64| format!("text {i} of {partition} {}", i.wrapping_mul(7_919)).repeat(3);
                    let values = (from..from + 200).map(|i| review(&format!("{partition}-{i}"), &text(i)));
                    world.produce(&world.topics.reviews, partition, values);
                }
                sent.store(from + 200, Ordering::Relaxed);
                // The load goes on for as long as the kills do: it need not be large, but must not end.
                std::thread::park_timeout(Duration::from_millis(50));
            }
        });
        work();
        stop.store(true, Ordering::Relaxed);
    });
    sent.load(Ordering::Relaxed)
}

#[test]
fn each_offset_stands_once_though_the_ingest_is_killed_again_and_again() {
    let mut world = world();
    // A static member is known again when it returns: no round waits for its session to end.
    world.settings.push("kafka.properties.group.instance.id=only".to_owned());
    let sent = under_load(&world, || {
        for _ in 0..kills() {
            let before = world.files(Dataset::Reviews).len();
            let running = Running::start(&mut world.plaudit("ingest"));
            wait_for("new files", || world.files(Dataset::Reviews).len() > before + 2);
            running.kill();
        }
    });
    world.ingest_until_end();
    world.assert_each_once(Dataset::Reviews, PARTITIONS, sent);
}

#[test]
fn each_offset_stands_once_though_members_come_and_go_and_die() {
    let world = world();
    let sent = under_load(&world, || {
        let mut running = vec![Running::start(&mut world.plaudit("ingest"))];
        for round in 0..kills() {
            let before = world.files(Dataset::Reviews).len();
            running.push(Running::start(&mut world.plaudit("ingest")));
            wait_for("new files", || world.files(Dataset::Reviews).len() > before + 5);
            let oldest = running.remove(0);
            if round % 2 == 0 { oldest.kill() } else { drop(oldest.stop()) }
        }
        running.into_iter().for_each(Running::kill);
    });
    world.ingest_until_end();
    world.assert_each_once(Dataset::Reviews, PARTITIONS, sent);
}

#[test]
fn two_groups_that_write_to_one_store_write_each_offset_once() {
    let world = world();
    let sent = under_load(&world, || {
        let mut other = world.plaudit("ingest");
        other.args(["--set", &format!("kafka.group={}-other", world.kafka.group)]);
        let both = [Running::start(&mut world.plaudit("ingest")), Running::start(&mut other)];
        wait_for("files of both", || world.files(Dataset::Reviews).len() > 60);
        drop(both);
    });
    world.ingest_until_end();
    world.assert_each_once(Dataset::Reviews, PARTITIONS, sent);
}
