//! Features while their store stands still: a real Redis that is stopped as by a debugger, and goes on.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up its store has failed")]

use feature_store::online::{OnlineStore, RedisConfig, ReviewEntities, Update};
use feature_store::views::FeaturesConfig;
use schemas::{FeaturesStatus, Rating, Source, Timestamp};
use scorer::features::Features;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Even a busy machine gets anything here done within this time.
const PATIENCE: Duration = Duration::from_secs(60);

struct Redis {
    port: u16,
    process: Child,
}

impl Redis {
    fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", "", "--appendonly", "no"]);
        let process = command.stdout(Stdio::null()).spawn().expect("redis-server starts: dev/install brings it");
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < deadline, "redis-server does not listen");
            std::thread::yield_now();
        }
        Self { port, process }
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.process.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

fn circuit_is_open() -> bool {
    let text = service::metrics::render();
    let value = text.lines().find_map(|line| line.strip_prefix("plaudit_features_circuit_open "));
    value.unwrap_or_else(|| panic!("no such gauge in {text}")) == "1"
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_stands_still_costs_few_deadlines_and_is_read_again_by_itself() {
    service::metrics::install();
    scorer::metrics::describe();
    let redis = Redis::start();
    let views = FeaturesConfig::default().parse().unwrap();
    let config = RedisConfig { url: format!("redis://127.0.0.1:{}", redis.port), ..RedisConfig::default() };
    let store = OnlineStore::connect(&config, &views).await.unwrap();
    let record = Source { topic: "reviews".to_owned(), partition: 0, offset: 0 };
    let of_p = ReviewEntities { product_id: Some("p"), user_id: None };
    let updates: Vec<_> = Update::of_rating(of_p, Rating::new(4.0).unwrap(), Timestamp::now(), &record).collect();
    store.apply(&updates).await.unwrap();
    let features = Features::from_store(store);
    assert!(!circuit_is_open());

    redis.signal("-STOP");
    let begun = Instant::now();
    let mut reads = 0;
    // Many batches' worth: were each to wait for its deadline of 20 ms, this would take 20 s.
    for _ in 0..1000 {
        let read = features.read(&[(Some("p"), None), (None, None)]).await;
        let statuses: Vec<_> = read.iter().map(|features| features.status).collect();
        assert_eq!(statuses, [FeaturesStatus::Unavailable, FeaturesStatus::None]);
        reads += 1;
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "{reads} reads took {:?}", begun.elapsed());
    assert!(circuit_is_open());

    redis.signal("-CONT");
    let deadline = Instant::now() + PATIENCE;
    loop {
        let read = features.read(&[(Some("p"), None)]).await;
        if read.of(0).status == FeaturesStatus::Present {
            assert!(read.of(0).iter().any(|value| value == ("product_stats.rating_mean", 4.0)), "{read:?}");
            break;
        }
        assert!(Instant::now() < deadline, "the features do not come back");
        tokio::task::yield_now().await;
    }
    assert!(!circuit_is_open());
}
