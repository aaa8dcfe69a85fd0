//! A world of its own for each test: topics with unique names on the real broker, a registry in a temporary folder with a model in
//! production, and a learner reduced to what it publishes.

pub use crate::support::{PATIENCE, Running, wait_for};

use crate::http;
use crate::support::{Names, brokers, plaudit, report, reviews};
use model::{Base, Document, Model, Parts, Scratch, Update, UpdatedModel};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use registry::Registry;
use schemas::{ModelName, ModelVersion, ModelsKey, ModelsKind, Prediction, Topics, UPDATE_VALUE_BYTES, update_headers};
use serde_json::{Value, json};
use service::kafka::TransactionalProducer;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tokio::runtime::Runtime;

pub struct World {
    pub names: Names,
    pub registry: Registry,
    pub runtime: Runtime,
    folder: tempfile::TempDir,
}

pub fn name() -> ModelName {
    "sentiment".parse().unwrap()
}

impl World {
    /// Fresh topics, and a model in production for which "good" is good and "bad" is bad.
    pub fn new() -> Self {
        let names = Names::new(brokers());
        let Topics { reviews, predictions, drift, models, .. } = &names.topics;
        names.create(&[reviews, &Topics::dead_letters_of(reviews), predictions, drift, models], 1);
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::open(folder.path().join("registry").to_str().unwrap()).unwrap();
        let world = Self { names, registry, runtime: Runtime::new().unwrap(), folder };
        world.train();
        world
    }

    /// One more version, in production.
    pub fn train(&self) {
        let path = self.folder.path().join("train.jsonl");
        reviews::write_labelled(Path::new(&path), 200, "good", "bad");
        let mut train = self.plaudit("train");
        train.args(["--input", path.to_str().unwrap(), "--json"]);
        report(&train.args(["--promote", "--force", "--reason", "for a test"]).output().unwrap());
    }

    /// The binary, pointed at this world.
    pub fn plaudit(&self, verb: &str) -> Command {
        let mut command = plaudit();
        command.args([verb, "--registry", self.folder.path().join("registry").to_str().unwrap()]);
        let short = ["scorer.transaction_timeout_ms=3000", "registry.poll_interval_ms=50"].map(str::to_owned);
        for setting in self.names.settings().into_iter().chain(short) {
            command.args(["--set", &setting]);
        }
        command
    }

    /// A running gateway.
    pub fn gateway(&self) -> Gateway {
        let mut command = self.plaudit("serve");
        command.args(["--listen", "127.0.0.1:0"]);
        let (running, address) = Running::start_and_wait_for(&mut command, "listening on http://");
        let address = address.chars().take_while(|c| c.is_ascii_digit() || matches!(c, '.' | ':')).collect();
        Gateway { _running: running, address }
    }

    pub fn produce(&self, topic: &str, key: &str, value: &[u8]) {
        let producer: BaseProducer = self.names.kafka.producer().create().unwrap();
        producer.send(BaseRecord::to(topic).key(key).payload(value)).map_err(|(error, _)| error).unwrap();
        producer.flush(PATIENCE).unwrap();
    }

    pub fn predictions(&self) -> Vec<Prediction> {
        let records = service::kafka::read_to_end(&self.names.kafka, &self.names.topics.predictions, PATIENCE).unwrap();
        records.iter().map(|record| Prediction::decode(rdkafka::Message::payload(record).unwrap()).unwrap()).collect()
    }

    /// What learns from version `number`, without a label.
    pub fn learner(&self, number: u64) -> Learner<'_> {
        let version = ModelVersion(number);
        let manifest = self.runtime.block_on(self.registry.manifest(&name(), version)).unwrap();
        let artifact = self.runtime.block_on(self.registry.artifact(&name(), version)).unwrap();
        let model = Model::from_bytes(&artifact).unwrap();
        let id = format!("{}.learn.{number}", self.names.kafka.group);
        let producer = TransactionalProducer::new(&self.names.kafka, &id, Duration::from_secs(10)).unwrap();
        let base = Base { version, sha256: manifest.sha256 };
        Learner { world: self, base, number: 0, parts: model.to_parts(), models: vec![model], producer }
    }
}

/// What a learner publishes, and the models that it was.
pub struct Learner<'w> {
    world: &'w World,
    base: Base,
    number: u64,
    parts: Parts,
    /// By the numbers of their updates; 0 is the base.
    pub models: Vec<Model>,
    producer: TransactionalProducer,
}

impl Learner<'_> {
    /// Changes its mind about all words, and lets a new one in.
    pub fn learn(&mut self) -> Update {
        let before = self.parts.clone();
        self.parts.terms.iter_mut().for_each(|term| term.weight *= -1.25);
        self.parts.bias += 0.03125;
        self.parts.documents += 1;
        let place = (self.number as usize * 7 + 3) % self.parts.terms.len();
        self.parts.terms.remove(place);
        self.number += 1;
        self.models.push(Model::from_parts(self.parts.clone()).unwrap());
        Update::between(self.base.clone(), self.number, &before, &self.parts).unwrap()
    }

    /// Stores an update in the registry.
    pub fn store(&self, update: &Update) {
        let (name, bytes) = (name(), update.to_bytes());
        let created = self.world.registry.create_update(&name, self.base.version, update.number, bytes.into());
        assert!(self.world.runtime.block_on(created).unwrap(), "the number is free");
    }

    /// Sends an update's record with these bytes for its value.
    pub fn send_bytes(&self, number: u64, bytes: &[u8]) {
        let (version, number_text) = (self.base.version.to_string(), number.to_string());
        let headers = [
            (update_headers::VERSION, &version),
            (update_headers::SHA256, &self.base.sha256),
            (update_headers::NUMBER, &number_text),
        ];
        let with = |all: OwnedHeaders, (key, value): (&str, &String)| all.insert(Header { key, value: Some(value) });
        let key = ModelsKey::update(name(), number).to_string();
        self.send(&key, bytes, headers.into_iter().fold(OwnedHeaders::new(), with));
    }

    fn send(&self, key: &str, value: &[u8], headers: OwnedHeaders) {
        let record = BaseRecord::to(&self.world.names.topics.models).partition(0).key(key).payload(value);
        self.producer.begin().unwrap();
        self.producer.send(record.headers(headers)).unwrap();
        self.producer.commit_records().unwrap();
    }

    /// Sends an update as the protocol has it.
    pub fn send_update(&self, update: &Update) {
        let bytes = update.to_bytes();
        assert!(bytes.len() <= UPDATE_VALUE_BYTES);
        self.send_bytes(update.number, &bytes);
    }

    /// Learns, stores and sends.
    pub fn publish(&mut self) {
        let update = self.learn();
        self.store(&update);
        self.send_update(&update);
    }

    /// Stores and sends a snapshot of what it has learned.
    pub fn send_snapshot(&self) {
        let (name, bytes) = (name(), self.models.last().unwrap().to_bytes());
        let stored = self.world.registry.create_snapshot(&name, self.base.version, self.number, bytes.into());
        let state = self.world.runtime.block_on(stored).unwrap().expect("the number is free");
        let key = ModelsKey { name, kind: ModelsKind::Snapshot }.to_string();
        self.send(&key, &serde_json::to_vec(&state).unwrap(), OwnedHeaders::new());
    }

    /// What its model at an update says of a text.
    pub fn probability(&self, update: u64, text: &str) -> f64 {
        let document = Document { title: None, text, features: &[] };
        self.models[update as usize].probability(&document, &mut Scratch::new())
    }

    /// What it has learned so far, by its updates alone.
    pub fn number(&self) -> u64 {
        self.number
    }
}

/// Applies bytes of updates as a scorer would.
pub fn applied(base: &Model, updates: &[Update]) -> Model {
    let mut updated = UpdatedModel::new(updates[0].base.clone(), 0, base);
    updates.iter().for_each(|update| updated.apply(update).unwrap());
    updated.to_model().unwrap()
}

pub struct Gateway {
    _running: Running,
    address: String,
}

impl Gateway {
    /// The version, the update and the probability of a text.
    pub fn predict(&self, text: &str) -> (String, u64, f64) {
        let answer = http::post(&self.address, "/predict", &json!({"text": text}));
        let version = answer["model_version"].as_str().unwrap().to_owned();
        (version, answer["model_update"].as_u64().unwrap(), answer["probability"].as_f64().unwrap())
    }

    pub fn update(&self) -> u64 {
        self.info()["model_update"].as_u64().unwrap()
    }

    pub fn info(&self) -> Value {
        let (status, body) = http::get(&self.address, "/info");
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    pub fn wait_for_update(&self, update: u64) {
        wait_for(&format!("update {update}"), || self.update() == update);
    }

    /// The value of a metric without labels, or with those that stand in its name.
    pub fn metric(&self, name: &str) -> f64 {
        let (_, body) = http::get(&self.address, "/metrics");
        let line = body.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in {body}")).parse().unwrap()
    }
}
