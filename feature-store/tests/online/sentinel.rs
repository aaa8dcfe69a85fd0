//! A master, its replica and a sentinel: a failover is followed.

use crate::servers::{PATIENCE, Server, until};
use crate::stores::{at, config, present, source, update, views};
use feature_store::online::{Entity, Error, OnlineStore, RedisConfig};
use std::net::TcpListener;
use std::time::Instant;

const PRODUCT: Entity<'static> = Entity { kind: feature_store::views::EntityKind::Product, id: "p" };

fn replica_of(master: &Server) -> Server {
    let replica =
        Server::start(&["--replicaof", "127.0.0.1", &master.port.to_string(), "--repl-diskless-sync-delay", "0"]);
    until("the replica follows", || {
        replica.command("INFO replication").contains("master_link_status:up").then_some(())
    });
    replica
}

fn sentinel_of(master: &Server) -> Server {
    let mut sentinel = Server::stopped(&[]);
    let file = sentinel.folder().join("sentinel.conf");
    let lines = format!(
        "bind 127.0.0.1\nport {}\ndir {}\nsentinel monitor main 127.0.0.1 {} 1\n\
         sentinel down-after-milliseconds main 500\nsentinel failover-timeout main 3000\nrequirepass of-sentinels\n",
        sentinel.port,
        sentinel.folder().display(),
        master.port
    );
    std::fs::write(&file, lines).unwrap();
    sentinel.add_argument(file.to_str().unwrap());
    sentinel.add_argument("--sentinel");
    sentinel.start_again();
    sentinel
}

#[tokio::test]
async fn a_failover_is_followed_and_every_update_counts_once() {
    let mut master = Server::start(&["--repl-diskless-sync-delay", "0"]);
    let replica = replica_of(&master);
    let sentinel = sentinel_of(&master);
    let connection = ::redis::Client::open(format!("redis://:of-sentinels@127.0.0.1:{}", sentinel.port)).unwrap();
    let mut to_sentinel = connection.get_multiplexed_async_connection().await.unwrap();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let known: Vec<::redis::Value> =
            ::redis::cmd("SENTINEL").arg("replicas").arg("main").query_async(&mut to_sentinel).await.unwrap();
        if !known.is_empty() {
            break;
        }
        assert!(Instant::now() < deadline, "the sentinel does not find the replica");
    }

    let url = format!("redis+sentinel://127.0.0.1:1,127.0.0.1:{}/main", sentinel.port);
    let settings = RedisConfig { sentinel_password: "of-sentinels".to_owned(), ..config(&url) };
    let store = OnlineStore::connect(&settings, &views("")).await.unwrap();
    let records = [source(0, 0), source(0, 1)];
    store.apply(&[update(PRODUCT, 5.0, 1, &records[0])]).await.unwrap();
    assert_eq!(store.read(&[PRODUCT], at(0)).await.entities, [present(1, 5.0, 1)]);
    // What the replica has not got is lost with the master, whoever asks.
    until("the replica has it", || replica.command("DBSIZE").starts_with(":1").then_some(()));

    master.kill();
    let batch = [update(PRODUCT, 5.0, 1, &records[0]), update(PRODUCT, 2.0, 2, &records[1])];
    let deadline = Instant::now() + PATIENCE;
    let outcome = loop {
        match store.apply(&batch).await {
            Ok(outcome) => break outcome,
            Err(error) => {
                assert!(matches!(error, Error::Unavailable { .. }), "{error}");
                assert!(Instant::now() < deadline, "no new master: {error}");
            }
        }
    };
    assert_eq!((outcome.applied, outcome.replayed), (1, 1));
    assert_eq!(store.read(&[PRODUCT], at(0)).await.entities, [present(2, 3.5, 2)]);
    assert!(replica.command("ROLE").contains("master"));
}

#[tokio::test]
async fn the_successor_of_a_master_that_dies_without_a_word_is_found_within_the_deadlines_of_reads() {
    let master = Server::start(&["--repl-diskless-sync-delay", "0"]);
    let replica = replica_of(&master);
    let sentinel = sentinel_of(&master);
    // Its machine is gone, too: connections are taken, and nobody answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis+sentinel://{},127.0.0.1:{}/main", silent.local_addr().unwrap(), sentinel.port);
    let settings = RedisConfig { sentinel_password: "of-sentinels".to_owned(), deadline_ms: 20, ..config(&url) };
    let store = OnlineStore::connect(&settings, &views("")).await.unwrap();
    let record = source(0, 0);
    store.apply(&[update(PRODUCT, 5.0, 1, &record)]).await.unwrap();
    until("the replica has it", || replica.command("DBSIZE").starts_with(":1").then_some(()));

    master.freeze();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let readings = store.read(&[PRODUCT], at(0)).await;
        let Some(error) = readings.error else {
            assert_eq!(readings.entities, [present(1, 5.0, 1)]);
            break;
        };
        assert!(Instant::now() < deadline, "the successor is not found: {error}");
    }
    assert!(replica.command("ROLE").contains("master"));
}

#[tokio::test]
async fn sentinels_that_know_no_such_service_say_so() {
    let master = Server::start(&[]);
    let sentinel = sentinel_of(&master);
    for (password, service, expected) in [("of-sentinels", "other", "no such service"), ("", "main", "NOAUTH")] {
        let url = format!("redis+sentinel://127.0.0.1:{}/{service}", sentinel.port);
        let settings = RedisConfig { sentinel_password: password.to_owned(), ..config(&url) };
        let error = OnlineStore::connect(&settings, &views("")).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
