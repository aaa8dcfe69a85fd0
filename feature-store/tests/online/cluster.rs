//! A cluster of three nodes: one round trip to each, and slots that move while they are read and written.

use crate::servers::{Cluster, patient_proxy, until};
use crate::stores::{at, config, present, source, update, views};
use feature_store::online::{Entity, Error, OnlineStore, RedisConfig, ViewReading};
use schemas::Source;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Commands of a kind that a node has executed, and connections that it has seen.
fn calls(cluster: &Cluster, command: &str) -> Vec<u64> {
    let count = |info: String| {
        let line = info.lines().find(|line| line.starts_with(&format!("cmdstat_{command}:"))).map(str::to_owned);
        line.map_or(0, |line| line.split(['=', ',']).nth(1).unwrap().parse().unwrap())
    };
    cluster.nodes.iter().map(|node| count(node.command("INFO commandstats"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn entities_are_spread_over_all_nodes_and_come_back_in_order() {
    let cluster = Cluster::start();
    let views = views("");
    let ids: Vec<String> = (0..1000).map(|i| format!("product {{{i}}} {i}")).collect();
    let entities: Vec<Entity<'_>> = ids.iter().map(|id| Entity::product(id)).collect();
    let sources: Vec<Source> = (0..1000).map(|offset| source(0, offset)).collect();
    let stars = |i: usize| 1.0 + (i % 5) as f64;
    let updates: Vec<_> = entities
        .iter()
        .zip(&sources)
        .enumerate()
        .map(|(i, (entity, source))| update(*entity, stars(i), 1, source))
        .collect();
    // All nodes, or any one of them: it tells of the others.
    for url in [cluster.url(), cluster.nodes[1].url()] {
        let store = OnlineStore::connect(&config(&url), &views).await.unwrap();
        store.apply(&updates).await.unwrap();
        let before = calls(&cluster, "hmget");
        let readings = store.read(&entities, at(0)).await;
        let after = calls(&cluster, "hmget");
        let expected: Vec<_> = (0..1000).map(|i| present(1, stars(i), 1)).collect();
        assert_eq!((readings.entities, readings.error), (expected, None));
        let asked: Vec<u64> = after.iter().zip(before).map(|(after, before)| after - before).collect();
        assert_eq!(asked.iter().sum::<u64>(), 1000, "nothing is asked twice");
        assert!(asked.iter().all(|asked| *asked > 200), "{asked:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_read_in_one_round_trip_to_each_node_whatever_its_size() {
    for size in [10, 5_000] {
        let (cluster, views) = (Cluster::start(), views(""));
        let ids: Vec<String> = (0..size).map(|i| format!("p{i}")).collect();
        let entities: Vec<Entity<'_>> = ids.iter().map(|id| Entity::product(id)).collect();
        let store = OnlineStore::connect(&config(&cluster.url()), &views).await.unwrap();
        assert_eq!(store.read(&entities, at(0)).await.error, None);
        // From here on everybody is sent through proxies. Were a node asked for some keys after its answers to others, it
        // would never be asked for them.
        let ports: Vec<u16> = cluster
            .nodes
            .iter()
            .zip(calls(&cluster, "hmget"))
            .map(|(node, keys)| {
                let port = patient_proxy(node, "HMGET", keys as usize);
                assert!(node.command(&format!("CONFIG SET cluster-announce-port {port}")).starts_with("+OK"));
                port
            })
            .collect();
        for node in &cluster.nodes {
            let is_told = |slots: String| ports.iter().all(|port| slots.contains(&format!(":{port}\r")));
            until("all nodes know of the proxies", || is_told(node.command("CLUSTER SLOTS")).then_some(()));
        }
        let store = OnlineStore::connect(&config(&cluster.url()), &views).await.unwrap();
        let before = calls(&cluster, "hmget");
        let readings = store.read(&entities, at(0)).await;
        assert_eq!((readings.entities.len(), readings.error), (size, None));
        let asked: u64 = calls(&cluster, "hmget").iter().sum::<u64>() - before.iter().sum::<u64>();
        assert_eq!(asked as usize, size);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_slots_move_nothing_is_missing_and_everything_counts_once() {
    let cluster = Cluster::start();
    let store = OnlineStore::connect(&config(&cluster.url()), &views("")).await.unwrap();
    let ids: Vec<String> = (0..300).map(|i| format!("p{i}")).collect();
    let entities: Vec<Entity<'_>> = ids.iter().map(|id| Entity::product(id)).collect();
    let is_done = AtomicBool::new(false);
    let mut rounds = 0;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // All of the first node's slots to the second, and on to the third.
            cluster.reshard(0, 1, 2000);
            cluster.reshard(1, 2, 3000);
            is_done.store(true, Ordering::SeqCst);
        });
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(async {
                while !is_done.load(Ordering::SeqCst) || rounds == 0 {
                    let record = source(0, rounds);
                    let updates: Vec<_> = entities.iter().map(|entity| update(*entity, 4.0, rounds, &record)).collect();
                    // What a node refuses while a slot changes hands is sent again, as ingest does.
                    while let Err(error) = store.apply(&updates).await {
                        assert!(matches!(error, Error::Unavailable { .. }), "{error}");
                    }
                    rounds += 1;
                    let readings = store.read(&entities, at(0)).await;
                    for reading in readings.entities {
                        let [view] = reading.views.as_slice() else { panic!("one view") };
                        match view {
                            ViewReading::Present(values) => assert_eq!(values.values[0], Some(rounds as f64)),
                            other => assert_eq!((other, readings.error.is_some()), (&ViewReading::Unavailable, true)),
                        }
                    }
                }
            });
        });
    });
    let readings = store.read(&entities, at(0)).await;
    assert_eq!(readings.entities, vec![present(rounds, 4.0, rounds - 1); 300]);
    assert!(rounds > 1, "nothing was read while slots moved");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_gone_costs_its_own_entities_only() {
    let mut cluster = Cluster::start();
    // A cluster that answers for what is left, as it must be configured for this.
    for node in &cluster.nodes {
        assert!(node.command("CONFIG SET cluster-require-full-coverage no").contains("OK"));
    }
    let patient = config(&cluster.url());
    let store = OnlineStore::connect(&patient, &views("")).await.unwrap();
    let ids: Vec<String> = (0..300).map(|i| format!("p{i}")).collect();
    let entities: Vec<Entity<'_>> = ids.iter().map(|id| Entity::product(id)).collect();
    let record = source(0, 0);
    let updates: Vec<_> = entities.iter().map(|entity| update(*entity, 4.0, 1, &record)).collect();
    store.apply(&updates).await.unwrap();
    cluster.nodes[2].kill();
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    loop {
        let readings = store.read(&entities, at(0)).await;
        let unavailable =
            readings.entities.iter().filter(|reading| reading.views == [ViewReading::Unavailable]).count();
        let found = readings.entities.iter().filter(|reading| **reading == present(1, 4.0, 1)).count();
        assert!(readings.error.is_some());
        if unavailable + found == 300 && (50..150).contains(&unavailable) {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "{unavailable} unavailable, {found} found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_stands_still_costs_a_deadline_now_and_then_and_its_own_entities() {
    let cluster = Cluster::start();
    for node in &cluster.nodes {
        assert!(node.command("CONFIG SET cluster-require-full-coverage no").contains("OK"));
    }
    let settings = RedisConfig { deadline_ms: 200, ..config(&cluster.url()) };
    let store = OnlineStore::connect(&settings, &views("")).await.unwrap();
    let ids: Vec<String> = (0..300).map(|i| format!("p{i}")).collect();
    let entities: Vec<Entity<'_>> = ids.iter().map(|id| Entity::product(id)).collect();
    let record = source(0, 0);
    let updates: Vec<_> = entities.iter().map(|entity| update(*entity, 4.0, 1, &record)).collect();
    store.apply(&updates).await.unwrap();
    cluster.nodes[0].freeze();
    let begun = Instant::now();
    let (mut whole, mut late) = (0, 0);
    for _ in 0..100 {
        let readings = store.read(&entities, at(0)).await;
        let found = readings.entities.iter().filter(|reading| **reading == present(1, 4.0, 1)).count();
        whole += usize::from((150..300).contains(&found));
        late += usize::from(matches!(readings.error, Some(Error::TimedOut { .. })));
    }
    // A hundred deadlines would be 20 s.
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    assert!(whole > 50 && (1..50).contains(&late), "{whole} reads found what the others hold, {late} were late");
}
