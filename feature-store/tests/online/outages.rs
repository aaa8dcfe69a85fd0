//! A server that is absent, slow or gone: errors in time, and recovery without a restart.

use crate::servers::Server;
use crate::stores::{at, config, redis_url, source, update, views};
use feature_store::online::{Entity, Error, OnlineStore, RedisConfig, ReviewEntities, ViewReading};
use schemas::FeaturesStatus;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// A way to the server that can be held up or cut.
struct Proxy {
    port: u16,
    state: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Default)]
struct State {
    is_held_up: bool,
    is_cut: bool,
    connections: Vec<TcpStream>,
}

impl Proxy {
    fn new() -> Self {
        let url = redis_url();
        let address = url.split_once("://").unwrap().1.trim_end_matches('/').to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state: Arc<(Mutex<State>, Condvar)> = Arc::default();
        let shared = state.clone();
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.unwrap();
                if shared.0.lock().unwrap().is_cut {
                    continue;
                }
                let server = TcpStream::connect(&address).unwrap();
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (from, to, shared) = (from.try_clone().unwrap(), to.try_clone().unwrap(), shared.clone());
                    std::thread::spawn(move || forward(from, to, &shared));
                }
                shared.0.lock().unwrap().connections.extend([client, server]);
            }
        });
        Self { port, state }
    }

    fn hold_up(&self, is_held_up: bool) {
        self.state.0.lock().unwrap().is_held_up = is_held_up;
        self.state.1.notify_all();
    }

    fn cut(&self, is_cut: bool) {
        let mut state = self.state.0.lock().unwrap();
        state.is_cut = is_cut;
        for connection in state.connections.drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    async fn store(&self, deadline_ms: u64) -> OnlineStore {
        let config = RedisConfig { deadline_ms, ..config(&format!("redis://127.0.0.1:{}", self.port)) };
        OnlineStore::connect(&config, &views("")).await.unwrap()
    }
}

fn forward(mut from: TcpStream, mut to: TcpStream, shared: &(Mutex<State>, Condvar)) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        drop(shared.1.wait_while(shared.0.lock().unwrap(), |state| state.is_held_up).unwrap());
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

const PRODUCT: Entity<'static> = Entity { kind: feature_store::views::EntityKind::Product, id: "p" };

/// Reads until the store answers again.
async fn read_after_recovery(store: &OnlineStore) -> ViewReading {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let mut readings = store.read(&[PRODUCT], at(0)).await;
        match readings.error {
            None => return readings.entities.remove(0).views.remove(0),
            Some(error) => assert!(Instant::now() < deadline, "still not back: {error}"),
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_slow_server_is_given_up_at_the_deadline_and_taken_up_again() {
    let proxy = Proxy::new();
    let store = proxy.store(50).await;
    let first = source(0, 0);
    store.apply(&[update(PRODUCT, 4.0, 1, &first)]).await.unwrap();
    proxy.hold_up(true);
    let begun = Instant::now();
    let error = store.read(&[PRODUCT], at(0)).await.error.unwrap();
    assert!(matches!(error, Error::TimedOut { limit_ms: 50, .. }), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(5));

    let review = ReviewEntities { product_id: Some("p"), user_id: None };
    let batch = store.features(&[review, ReviewEntities::default()], at(0)).await;
    assert!(batch.error.is_some());
    let statuses: Vec<_> = batch.iter().map(|features| features.status).collect();
    assert_eq!(statuses, [FeaturesStatus::Unavailable, FeaturesStatus::None]);

    proxy.hold_up(false);
    // Answers to reads that were given up are never taken for the answer of a later one.
    assert!(matches!(read_after_recovery(&store).await, ViewReading::Present(_)));
}

#[tokio::test]
async fn a_server_that_went_away_is_unavailable_until_it_is_back() {
    let proxy = Proxy::new();
    let store = proxy.store(5000).await;
    let sources = [source(0, 0), source(0, 1)];
    store.apply(&[update(PRODUCT, 4.0, 1, &sources[0])]).await.unwrap();
    proxy.cut(true);
    let begun = Instant::now();
    let deadline = begun + Duration::from_secs(20);
    // The first error may still be that of the broken connection; an attempt to connect anew fails, too.
    for _ in 0..3 {
        let error = store.read(&[PRODUCT], at(0)).await.error.unwrap();
        assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    }
    let error = store.apply(&[update(PRODUCT, 2.0, 1, &sources[1])]).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    assert!(Instant::now() < deadline);
    proxy.cut(false);
    assert!(matches!(read_after_recovery(&store).await, ViewReading::Present(_)));
    assert_eq!(store.apply(&[update(PRODUCT, 2.0, 1, &sources[1])]).await.unwrap().applied, 1);
}

#[tokio::test]
async fn an_absent_server_is_one_sentence_without_the_password() {
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("redis://me:secret@127.0.0.1:{port}/0");
    let error = OnlineStore::connect(&config(&url), &views("")).await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("no Redis can be reached at redis://me:***@127.0.0.1:{port}/0: ")), "{error}");
    assert!(error.contains("redis.url") && !error.contains("secret") && !error.contains('\n'), "{error}");
}

#[tokio::test]
async fn a_refused_password_is_said_so() {
    let url = redis_url().replace("redis://", "redis://nobody:secret@");
    let error = OnlineStore::connect(&config(&url), &views("")).await.unwrap_err();
    assert!(matches!(error, Error::Unusable { .. }), "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[tokio::test]
async fn what_answers_and_is_no_redis_is_said_so() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://127.0.0.1:{}", listener.local_addr().unwrap().port());
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            let _ = client.read(&mut [0; 4096]);
            let _ = client.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let error = OnlineStore::connect(&config(&url), &views("")).await.unwrap_err();
    assert!(matches!(error, Error::Unusable { .. }), "{error}");
    assert!(error.to_string().contains(&url), "{error}");
}

#[tokio::test]
async fn a_server_that_comes_after_the_store_was_opened_is_found() {
    for arguments in [&[][..], &["--cluster-enabled", "yes"]] {
        let mut server = Server::stopped(arguments);
        let store = OnlineStore::open(&config(&server.url()), &views("")).unwrap();
        for _ in 0..2 {
            let error = store.check().await.unwrap_err();
            assert!(matches!(error, Error::Unreachable { .. }), "{error}");
            let error = store.read(&[PRODUCT], at(0)).await.error.unwrap();
            assert!(matches!(error, Error::Unavailable { .. }), "{error}");
        }
        server.start_again();
        if !arguments.is_empty() {
            assert!(server.command("CLUSTER ADDSLOTSRANGE 0 16383").starts_with("+OK"));
        }
        assert_eq!(read_after_recovery(&store).await, ViewReading::Missing);
        store.check().await.unwrap();
    }
}

#[tokio::test]
async fn an_address_that_makes_no_sense_is_refused() {
    for url in ["redis://", "rediss://host:1/x", "nonsense", "redis://host:port"] {
        let error = OnlineStore::connect(&config(url), &views("")).await.unwrap_err();
        assert!(matches!(error, Error::InvalidUrl { .. }), "{url}: {error}");
    }
}
