//! The online store against its own server: reads beside bare pipelined HMGETs of the same keys and fields, and updates beside
//! bare pipelined EVALSHAs of the same size, whose script does nothing. The peers are bytes prepared beforehand, written to
//! a socket, and answers whose bytes are only counted. The Redis is a process of its own on this machine and ends with the
//! measurement; ours and the peer's rounds take turns.
#![expect(clippy::print_stdout, reason = "a measurement's output")]

#[path = "support/figures.rs"]
mod figures;
#[path = "support/redis.rs"]
mod redis;

use feature_store::online::{Entity, OnlineStore, RedisConfig, ReviewEntities, Update, feast};
use feature_store::views::{FeaturesConfig, View, Views};
use figures::{median, row, say};
use redis::Server;
use schemas::{Rating, Source, Timestamp};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use trainer::grouped;

/// What the program allocates with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ENTITIES: usize = 200_000;
/// As a batch of 500 reviews has them.
const BATCH: usize = 1_000;
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(2);

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be started");
    let server = Server::start();
    let views = FeaturesConfig::default().parse().expect("the defaults are sound");
    let config = RedisConfig { url: server.url(), deadline_ms: 1_000, ..RedisConfig::default() };
    let store = runtime.block_on(OnlineStore::connect(&config, &views)).expect("the server answers");
    let ids: Vec<String> = (0..ENTITIES).map(|i| format!("B{i:09}")).collect();
    runtime.block_on(fill(&store, &ids));

    compare_reads(&runtime, &server, &store, &views, &ids);
    measure_batches(&runtime, &store, &ids);
    compare_updates(&runtime, &server, &store, &ids);
}

/// The entity at a place: products and users in turns, as reviews name them.
fn entity(ids: &[String], place: usize) -> Entity<'_> {
    let place = place % ids.len();
    let id = &ids[place];
    if place.is_multiple_of(2) { Entity::product(id) } else { Entity::user(id) }
}

async fn fill(store: &OnlineStore, ids: &[String]) {
    let record = Source { topic: "reviews".to_owned(), partition: 0, offset: 0 };
    for begin in (0..ids.len()).step_by(10_000) {
        let updates: Vec<_> = (begin..begin + 10_000).map(|place| update(ids, place, &record)).collect();
        store.apply(&updates).await.expect("the server answers");
    }
}

fn update<'a>(ids: &'a [String], place: usize, record: &'a Source) -> Update<'a> {
    let entity = entity(ids, place);
    let stars = Rating::new(1.0 + (place % 5) as f64).expect("1 to 5");
    let now = Timestamp::from_epoch_millis(1_700_000_000_000 + record.offset).expect("within the range");
    let entities = ReviewEntities { product_id: Some(entity.id), user_id: Some(entity.id) };
    let mut both = Update::of_rating(entities, stars, now, record).filter(|update| update.entity == entity);
    both.next().expect("one is of this kind")
}

fn compare_reads(
    runtime: &tokio::runtime::Runtime,
    server: &Server,
    store: &OnlineStore,
    views: &Views,
    ids: &[String],
) {
    let requests: Vec<Vec<u8>> = (0..20).map(|batch| hmgets(views, ids, batch * 7919)).collect();
    let mut raw = Raw::connect(server);
    let expected: Vec<usize> = requests.iter().map(|request| raw.measure(request, BATCH)).collect();
    let (mut ours, mut peer) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        let rate = timed(|batch| raw.exchange(&requests[batch % requests.len()], expected[batch % requests.len()]));
        say(&format!("reads, round {round}: bare HMGETs   {} entities/s", grouped(rate as u64)));
        peer.push(rate);
        let rate = timed(|batch| {
            let entities: Vec<_> = (0..BATCH).map(|i| entity(ids, batch % 20 * 7919 + i)).collect();
            let readings = runtime.block_on(store.read(&entities, Timestamp::now()));
            assert!(readings.error.is_none(), "{:?}", readings.error);
        });
        say(&format!("reads, round {round}: online store  {} entities/s", grouped(rate as u64)));
        ours.push(rate);
    }
    let (ours, peer) = (median(&ours), median(&peer));
    row(
        &format!("online reads, pipelines of {BATCH}"),
        &format!("{} entities/s", grouped(ours as u64)),
        &format!("bare pipelined HMGET: {} entities/s", grouped(peer as u64)),
        ours / peer,
    );
}

fn measure_batches(runtime: &tokio::runtime::Runtime, store: &OnlineStore, ids: &[String]) {
    let mut millis: Vec<f64> = (0..2_000)
        .map(|batch| {
            let place = |i: usize| (batch * 7_918 + 2 * i) % ids.len();
            let review = |i| ReviewEntities { product_id: Some(&ids[place(i)]), user_id: Some(&ids[place(i) + 1]) };
            let reviews: Vec<_> = (0..BATCH / 2).map(review).collect();
            let begun = Instant::now();
            let features = runtime.block_on(store.features(&reviews, Timestamp::now()));
            assert!(features.error.is_none(), "{:?}", features.error);
            begun.elapsed().as_secs_f64() * 1000.0
        })
        .collect();
    millis.sort_by(f64::total_cmp);
    let at = |share: f64| millis[(millis.len() as f64 * share) as usize];
    println!(
        "| features of {} reviews, {BATCH} entities | p50 {:.2} ms, p99 {:.2} ms | none | |",
        BATCH / 2,
        at(0.5),
        at(0.99)
    );
}

fn compare_updates(runtime: &tokio::runtime::Runtime, server: &Server, store: &OnlineStore, ids: &[String]) {
    let mut raw = Raw::connect(server);
    let load = command(&[b"SCRIPT", b"LOAD", b"return #ARGV"]);
    let mut answer = String::from_utf8(raw.answer(&load)).expect("a hash is text");
    let hash = answer.split_off(5);
    let requests: Vec<Vec<u8>> = (0..20).map(|batch| evalshas(ids, batch * 7919, hash.trim())).collect();
    let expected: Vec<usize> = requests.iter().map(|request| raw.measure(request, BATCH)).collect();
    let (mut ours, mut peer) = (Vec::new(), Vec::new());
    let mut offset = 1;
    for round in 1..=ROUNDS {
        let rate = timed(|batch| raw.exchange(&requests[batch % requests.len()], expected[batch % requests.len()]));
        say(&format!("updates, round {round}: bare EVALSHAs {} a second", grouped(rate as u64)));
        peer.push(rate);
        let rate = timed(|batch| {
            let record = Source { topic: "reviews".to_owned(), partition: 0, offset };
            offset += 1;
            let updates: Vec<_> = (0..BATCH).map(|i| update(ids, batch % 20 * 7919 + i, &record)).collect();
            let applied = runtime.block_on(store.apply(&updates)).expect("the server answers");
            assert_eq!(applied.applied, BATCH);
        });
        say(&format!("updates, round {round}: online store  {} a second", grouped(rate as u64)));
        ours.push(rate);
    }
    let (ours, peer) = (median(&ours), median(&peer));
    row(
        &format!("online updates, pipelines of {BATCH}"),
        &format!("{} entity updates/s", grouped(ours as u64)),
        &format!("bare pipelined EVALSHA that does nothing: {}/s", grouped(peer as u64)),
        ours / peer,
    );
}

/// How many entities a second come of batches, one after the other.
fn timed(mut batch: impl FnMut(usize)) -> f64 {
    let begun = Instant::now();
    let mut batches = 0;
    while begun.elapsed() < ROUND {
        batch(batches);
        batches += 1;
    }
    (batches * BATCH) as f64 / begun.elapsed().as_secs_f64()
}

fn key(views: &str, entity: &Entity<'_>) -> Vec<u8> {
    feast::entity_key(&[(entity.kind.join_key(), feast::KeyValue::String(entity.id))], views)
}

/// The very commands of a read.
fn hmgets(views: &Views, ids: &[String], begin: usize) -> Vec<u8> {
    let commands = (begin..begin + BATCH).map(|place| {
        let entity = entity(ids, place);
        let fields = |view: &View| {
            let features =
                view.features().iter().map(|feature| feast::feature_field(view.name(), feature.name()).to_vec());
            features.chain([feast::event_time_field(view.name()).into_bytes()]).collect::<Vec<_>>()
        };
        let fields: Vec<Vec<u8>> = views.of(entity.kind).flat_map(fields).collect();
        let key = key(views.project(), &entity);
        let words: Vec<&[u8]> = [&b"HMGET"[..], &key].into_iter().chain(fields.iter().map(Vec::as_slice)).collect();
        command(&words)
    });
    commands.flatten().collect()
}

/// Calls that carry as much as those of updates.
fn evalshas(ids: &[String], begin: usize, hash: &str) -> Vec<u8> {
    let commands = (begin..begin + BATCH).map(|place| {
        let key = key("plaudit", &entity(ids, place));
        let time = feast::encode_timestamp(Timestamp::from_epoch_millis(1_700_000_000_001).expect("within the range"));
        let source = b"_src:product_stats:reviews:0";
        command(&[b"EVALSHA", hash.as_bytes(), b"1", &key, source, b"1", b"5", b"1700000000001", &time])
    });
    commands.flatten().collect()
}

/// A command as it goes over the wire.
fn command(words: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        bytes.extend_from_slice(word);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

/// A client that does no more than it must.
struct Raw {
    reading: TcpStream,
    writing: TcpStream,
    buffer: Vec<u8>,
}

impl Raw {
    fn connect(server: &Server) -> Self {
        let reading = TcpStream::connect(("127.0.0.1", server.port)).expect("the server listens");
        reading.set_nodelay(true).expect("a socket takes the option");
        let writing = reading.try_clone().expect("a socket can be cloned");
        Self { reading, writing, buffer: vec![0; 1 << 16] }
    }

    /// Sends a request while it reads the answers, so that neither side waits for the other.
    fn exchange(&mut self, request: &[u8], expected_bytes: usize) {
        std::thread::scope(|scope| {
            let writing = &mut self.writing;
            scope.spawn(move || writing.write_all(request).expect("the server reads"));
            let mut bytes = 0;
            while bytes < expected_bytes {
                bytes += self.reading.read(&mut self.buffer).expect("the server answers");
            }
        });
    }

    /// The length of the answers to a request: those that arrive before the answer to a command behind them.
    fn measure(&mut self, request: &[u8], commands: usize) -> usize {
        const END: &[u8] = b"$12\r\nthe very end\r\n";
        let marked = [request, &command(&[b"ECHO", b"the very end"])].concat();
        let mut answers = Vec::new();
        std::thread::scope(|scope| {
            let writing = &mut self.writing;
            scope.spawn(move || writing.write_all(&marked).expect("the server reads"));
            while !answers.ends_with(END) {
                let size = self.reading.read(&mut self.buffer).expect("the server answers");
                answers.extend_from_slice(&self.buffer[..size]);
            }
        });
        let bytes = answers.len() - END.len();
        assert!(bytes >= commands * 4 && !answers.starts_with(b"-"), "{}", String::from_utf8_lossy(&answers[..100]));
        bytes
    }

    /// The answer to one command, which is short.
    fn answer(&mut self, request: &[u8]) -> Vec<u8> {
        self.writing.write_all(request).expect("the server reads");
        let size = self.reading.read(&mut self.buffer).expect("the server answers");
        self.buffer[..size].to_vec()
    }
}
