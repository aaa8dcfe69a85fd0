//! `/predict` over HTTP on loopback, against an axum handler that parses the same JSON and answers a constant of the same
//! shape. Clients are threads of this process with one connection each, kept alive; they send prepared bytes and look for
//! the end of the answer, no more. Server and clients share the machine's cores. The two servers take turns.
#![expect(clippy::print_stdout, reason = "a measurement's output")]

#[path = "support/documents.rs"]
mod documents;
#[path = "support/figures.rs"]
mod figures;
#[path = "support/product_reviews.rs"]
mod product_reviews;

use axum::serve::ListenerExt;
use axum::{Json, Router, routing};
use documents::Documents;
use figures::{median, row, say};
use product_reviews::{ProductReview, product_reviews};
use scorer::features::Features;
use scorer::gateway::Gateway;
use scorer::{GatewayConfig, ModelHandle};
use serde::{Deserialize, Serialize};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use trainer::grouped;

const CONNECTIONS: usize = 16;
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(4);
const BODIES: usize = 2_000;
const MAX_CHARACTERS: usize = 5_000;

fn main() {
    let documents = Documents::load();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be started");
    let _entered = runtime.enter();
    service::metrics::install();
    let config = GatewayConfig {
        listen: "127.0.0.1:0".to_owned(),
        max_text_characters: MAX_CHARACTERS,
        max_batch: 1_000,
        max_body_bytes: 8 << 20,
        request_timeout_ms: 10_000,
    };
    let gateway = Gateway::new(config, Features::none());
    gateway.set_model(ModelHandle::fixed(documents.fit()));
    let listener = runtime.block_on(gateway.bind()).expect("a free port");
    let ours = listener.local_addr().expect("a bound address");
    // Both servers end with the process.
    runtime.spawn(async move { gateway.serve(listener, CancellationToken::new()).await });
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
    let peer = listener.local_addr().expect("a bound address");
    runtime.spawn(serve_constant(listener));

    let accepted = |text: &&str| text.chars().count() <= MAX_CHARACTERS;
    let long = documents.test.iter().map(|(text, _)| text.as_str()).filter(accepted);
    let long: Vec<Vec<u8>> = long.take(BODIES).map(|text| request(None, text)).collect();
    compare("IMDb-sized texts", &long, ours, peer);
    let reviews = product_reviews();
    let short = reviews
        .iter()
        .step_by((reviews.len() / BODIES / 2).max(1))
        .filter(|review| accepted(&review.text.as_str()))
        .take(BODIES);
    let short: Vec<Vec<u8>> = short.map(|ProductReview { title, text }| request(title.as_deref(), text)).collect();
    compare("product reviews", &short, ours, peer);
}

fn compare(what: &str, requests: &[Vec<u8>], ours: SocketAddr, peer: SocketAddr) {
    let bytes = requests.iter().map(Vec::len).sum::<usize>() / requests.len();
    let (mut gateway, mut constant) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        let rate = load(peer, requests);
        say(&format!("{what}, round {round}: parses and answers {} requests/s", grouped(rate as u64)));
        constant.push(rate);
        let rate = load(ours, requests);
        say(&format!("{what}, round {round}: gateway            {} requests/s", grouped(rate as u64)));
        gateway.push(rate);
    }
    let (gateway, constant) = (median(&gateway), median(&constant));
    row(
        &format!("/predict, {what}, requests of {bytes} bytes, {CONNECTIONS} connections"),
        &format!("{} requests/s", grouped(gateway as u64)),
        &format!("axum that parses and answers: {} requests/s", grouped(constant as u64)),
        gateway / constant,
    );
}

/// The fields of a request, as the gateway reads them.
#[derive(Deserialize)]
struct Request {
    text: String,
    title: Option<String>,
    product_id: Option<String>,
    user_id: Option<String>,
    review_id: Option<String>,
}

/// The fields of an answer, as the gateway writes them.
#[derive(Serialize)]
struct Answer {
    sentiment: &'static str,
    confidence: f64,
    probability: f64,
    model_name: &'static str,
    model_version: &'static str,
}

async fn serve_constant(listener: TcpListener) {
    let router = Router::new().route("/predict", routing::post(constant));
    let listener = listener.tap_io(|stream| stream.set_nodelay(true).expect("a socket takes the option"));
    axum::serve(listener, router).await.expect("axum serves until the process ends");
}

async fn constant(Json(request): Json<Request>) -> Json<Answer> {
    let Request { text, title, product_id, user_id, review_id } = request;
    std::hint::black_box((text, title, product_id, user_id, review_id));
    Json(Answer {
        sentiment: "positive",
        confidence: 0.912_345_678_901_234_5,
        probability: 0.912_345_678_901_234_5,
        model_name: "sentiment",
        model_version: "v1",
    })
}

/// Requests a second that are answered with 200.
fn load(server: SocketAddr, requests: &[Vec<u8>]) -> f64 {
    let stop = AtomicBool::new(false);
    let started = Instant::now();
    let answered: usize = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CONNECTIONS)
            .map(|client| {
                let stop = &stop;
                scope.spawn(move || {
                    let mut connection = Connection::open(server);
                    let mut answered = 0;
                    for request in requests.iter().cycle().skip(client * BODIES / CONNECTIONS) {
                        if stop.load(Ordering::Relaxed) {
                            break;
                        }
                        connection.exchange(request);
                        answered += 1;
                    }
                    answered
                })
            })
            .collect();
        // Parking ends early now and then.
        while started.elapsed() < ROUND {
            std::thread::park_timeout(ROUND.saturating_sub(started.elapsed()));
        }
        stop.store(true, Ordering::Relaxed);
        clients.into_iter().map(|client| client.join().expect("a client ends well")).sum()
    });
    answered as f64 / started.elapsed().as_secs_f64()
}

fn request(title: Option<&str>, text: &str) -> Vec<u8> {
    let body = serde_json::json!({"title": title, "text": text}).to_string();
    let head = format!(
        "POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.into_bytes(), body.into_bytes()].concat()
}

struct Connection {
    stream: TcpStream,
    buffer: [u8; 4096],
}

impl Connection {
    fn open(server: SocketAddr) -> Self {
        let stream = TcpStream::connect(server).expect("the server listens");
        stream.set_nodelay(true).expect("a socket takes the option");
        Self { stream, buffer: [0; 4096] }
    }

    /// Sends a request and reads its whole answer, which ends with the brace that its length says.
    fn exchange(&mut self, request: &[u8]) {
        self.stream.write_all(request).expect("the server reads");
        let mut filled = 0;
        loop {
            let read = self.stream.read(&mut self.buffer[filled..]).expect("the server answers");
            assert!(read > 0, "the server closed the connection");
            filled += read;
            if let Some(length) = answer_length(&self.buffer[..filled]) {
                assert!(
                    self.buffer.starts_with(b"HTTP/1.1 200"),
                    "{}",
                    String::from_utf8_lossy(&self.buffer[..filled])
                );
                if filled >= length {
                    return;
                }
            }
        }
    }
}

/// How long head and body are together; none while the head has not arrived.
fn answer_length(received: &[u8]) -> Option<usize> {
    const LENGTH: &[u8] = b"content-length: ";
    let head = received.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let from = received[..head].windows(LENGTH.len()).position(|window| window == LENGTH)? + LENGTH.len();
    let digits = received[from..].iter().take_while(|byte| byte.is_ascii_digit());
    Some(head + digits.fold(0, |length, digit| length * 10 + usize::from(digit - b'0')))
}
