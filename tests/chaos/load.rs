//! What is sent to `reviews`: a stream of reviews that never pauses, floods, and records that no scorer can score.

use crate::support::hostile::{Random, hostile};
use crate::support::reviews::{self, noise};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use service::kafka::KafkaConfig;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Between two records of the stream.
const PAUSE: Duration = Duration::from_millis(5);

/// As many keys take turns: each has many records, some of them in one batch.
const KEYS: usize = 97;

/// As many records that no well-meaning producer sends come in a round of bad ones.
const HOSTILE: usize = 200;

/// What all that was sent may take to be stored, though brokers start again.
const PATIENCE: Duration = Duration::from_secs(120);

/// The stream of reviews; runs until it is stopped.
pub struct Load {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Load {
    pub fn start(kafka: &KafkaConfig, topic: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, kafka, topic) = (Arc::clone(&stop), kafka.clone(), topic.to_owned());
        let thread = std::thread::spawn(move || {
            let mut sender = Sender::new(&kafka, &topic);
            for number in 0.. {
                if stopped.load(Ordering::Relaxed) {
                    break;
                }
                sender.send_review(number);
                std::thread::park_timeout(PAUSE);
            }
            sender.flush();
        });
        Self { stop, thread }
    }

    /// Ends it, and waits until all is stored.
    pub fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap();
    }
}

/// An idempotent producer, replaced when it can't go on. What gets lost or repeated on the way is no concern of the count.
pub struct Sender {
    kafka: KafkaConfig,
    topic: String,
    producer: BaseProducer,
}

impl Sender {
    pub fn new(kafka: &KafkaConfig, topic: &str) -> Self {
        Self { kafka: kafka.clone(), topic: topic.to_owned(), producer: kafka.producer().create().unwrap() }
    }

    /// One of the records that the keys take turns in. The key is the review's id: its predictions have it, too.
    fn send_review(&mut self, number: usize) {
        let key = format!("k-{}", number % KEYS);
        self.send(Some(&key), Some(&review(&key, number)));
    }

    /// As many as these, as fast as it goes.
    pub fn flood(&mut self, records: usize) {
        for number in 0..records {
            self.send_review(number);
        }
        self.flush();
    }

    /// Broken, empty, oversized and hostile records, with and without keys, among good ones of the same keys.
    pub fn bad_records(&mut self) -> usize {
        let deep = "[".repeat(100_000);
        // With the headers of a dead letter this one is larger than a topic accepts.
        let large = format!("{{\"review_id\": {}", noise(1_048_000));
        // And this one's prediction would be.
        let long_id = noise(1_040_000);
        let long_id = review(&long_id, 0);
        let large_but_good = String::from_utf8(review("k-9", 0)).unwrap().replace("product", &noise(900_000));
        let unkeyed: Vec<Vec<u8>> = (0..20).map(|number| review(&format!("unkeyed-{number}"), number)).collect();
        let bad: [Option<&[u8]>; 10] = [
            None,
            Some(b""),
            Some(b"\xff\xfe"),
            Some(b"{\"review_id\": \"r"),
            Some(b"{\"review_id\": 7, \"text\": []}"),
            Some(b"{\"review_id\": \" \", \"text\": \"\", \"created_at\": 0}"),
            Some(deep.as_bytes()),
            Some(large.as_bytes()),
            Some(&long_id),
            Some(large_but_good.as_bytes()),
        ];
        for (number, payload) in bad.into_iter().enumerate() {
            self.send_review(number);
            self.send(Some(&format!("k-{number}")), payload);
            self.send(None, payload);
            self.send_review(number);
        }
        for payload in &unkeyed {
            self.send(None, Some(payload));
        }
        let mut random = Random(7);
        for number in 0..HOSTILE {
            self.send(Some(&format!("k-{}", number % KEYS)), Some(&hostile(number, &mut random)));
            self.send_review(number);
        }
        self.flush();
        4 * bad.len() + unkeyed.len() + 2 * HOSTILE
    }

    fn send(&mut self, key: Option<&str>, payload: Option<&[u8]>) {
        let mut unsent = BaseRecord::<str, [u8]>::to(&self.topic);
        unsent.key = key;
        unsent.payload = payload;
        while let Err((_, again)) = self.producer.send(unsent) {
            if self.producer.client().fatal_error().is_some() {
                // The record at hand is not sent: it is as good as any other.
                self.producer = self.kafka.producer().create().unwrap();
                return;
            }
            unsent = again;
            self.producer.poll(Duration::from_millis(10));
        }
        self.producer.poll(Duration::ZERO);
    }

    fn flush(&mut self) {
        // What is not stored by then, in an outage, comes later or never: either is fine.
        let _ = self.producer.flush(PATIENCE);
    }
}

fn review(id: &str, number: usize) -> Vec<u8> {
    let word = if number.is_multiple_of(2) { "good" } else { "bad" };
    reviews::review(id, &format!("a {word} product, number {number}"))
}
