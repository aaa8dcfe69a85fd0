//! A world of its own for each test on the broker that denies what was not granted: topics and groups with unique names, the
//! ACLs of a test on them, and the built binary as the user.

pub use crate::support::PATIENCE;

use super::acls::{Acl, grant};
use crate::support::reviews::write_labelled;
use crate::support::{Names, plaudit};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use schemas::{Prediction, Topics};
use service::kafka::admin::{TopicSpec, create_topics};
use service::kafka::{KafkaConfig, read_to_end};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

pub const PARTITIONS: i32 = 2;

pub struct World {
    /// Where everybody may do everything.
    pub admin: KafkaConfig,
    pub topics: Topics,
    folder: tempfile::TempDir,
}

impl World {
    /// Without topics, and with these ACLs, in the names of the default configuration, on what it calls them.
    pub fn new(acls: &[Acl]) -> Self {
        let Names { kafka: admin, topics } = Names::new(service("ADMIN"));
        let world = Self { admin, topics, folder: tempfile::tempdir().unwrap() };
        let acls: Vec<Acl> = acls.iter().map(|acl| Acl { name: world.name_of(acl), ..acl.clone() }).collect();
        grant(&world.admin.brokers, &service("USER"), &acls);
        // A broker that knows this topic knows all that was decided before.
        world.create(&[&format!("{}-behind-the-acls", world.admin.group)]);
        world
    }

    /// With topics, which somebody else has created.
    pub fn with_topics(acls: &[Acl]) -> Self {
        let world = Self::new(acls);
        let Topics { reviews, predictions, feedback, models, drift } = &world.topics;
        let [dead, dead_feedback] = [reviews, feedback].map(|topic| Topics::dead_letters_of(topic));
        world.create(&[reviews, &dead, predictions, feedback, &dead_feedback, models, drift]);
        world
    }

    fn create(&self, names: &[&str]) {
        let spec = |name: &&str| TopicSpec {
            name: (*name).to_owned(),
            partitions: PARTITIONS,
            replication: 1,
            config: BTreeMap::new(),
        };
        create_topics(&self.admin, &names.iter().map(spec).collect::<Vec<_>>()).unwrap();
    }

    /// What this world calls the resource.
    pub fn name_of(&self, acl: &Acl) -> String {
        let dead_letters = Topics::dead_letters_of(&self.topics.reviews);
        match (acl.resource.as_str(), acl.name.as_str()) {
            ("topic", "reviews") => self.topics.reviews.clone(),
            ("topic", "reviews.dlq") => dead_letters,
            ("topic", "predictions") => self.topics.predictions.clone(),
            ("topic", "feedback") => self.topics.feedback.clone(),
            ("topic", "feedback.dlq") => Topics::dead_letters_of(&self.topics.feedback),
            ("topic", "models") => self.topics.models.clone(),
            ("topic", "drift") => self.topics.drift.clone(),
            ("group" | "transactional id", name) => {
                let own = name.strip_prefix("plaudit.").unwrap_or_else(|| panic!("{name} begins with kafka.group"));
                format!("{}.{}", self.admin.group, own.replace("reviews.dlq", &dead_letters))
            }
            ("cluster", name) => name.to_owned(),
            _ => panic!("the configuration has no {acl:?}"),
        }
    }

    /// The binary as the user, over TLS with SCRAM-SHA-512.
    pub fn plaudit(&self, arguments: &[&str]) -> Command {
        let mut command = plaudit();
        command.args(arguments);
        for (key, value) in [
            ("KAFKA__BROKERS", secure_address().as_str()),
            ("KAFKA__GROUP", &self.admin.group),
            ("KAFKA__PROPERTIES__SECURITY_PROTOCOL", "SASL_SSL"),
            ("KAFKA__PROPERTIES__SASL_MECHANISM", "SCRAM-SHA-512"),
            ("KAFKA__PROPERTIES__SASL_USERNAME", &service("USER")),
            ("KAFKA__PROPERTIES__SASL_PASSWORD", &service("PASSWORD")),
            ("KAFKA__PROPERTIES__SSL_CA_LOCATION", &service("CA")),
            ("TOPICS__REVIEWS", &self.topics.reviews),
            ("TOPICS__PREDICTIONS", &self.topics.predictions),
            ("TOPICS__FEEDBACK", &self.topics.feedback),
            ("TOPICS__MODELS", &self.topics.models),
            ("TOPICS__DRIFT", &self.topics.drift),
            ("REGISTRY__URL", registry().to_str().unwrap()),
        ] {
            command.env(format!("PLAUDIT__{key}"), value);
        }
        command
    }

    /// Sends records to a topic as somebody who may.
    pub fn produce<'r>(&self, topic: &str, payloads: impl IntoIterator<Item = &'r [u8]>, headers: &[(&str, &str)]) {
        let producer: BaseProducer = self.admin.producer().create().unwrap();
        for payload in payloads {
            let headers = headers
                .iter()
                .fold(OwnedHeaders::new(), |headers, (key, value)| headers.insert(Header { key, value: Some(*value) }));
            let record = BaseRecord::<str, [u8]>::to(topic).payload(payload).headers(headers).partition(0);
            producer.send(record).map_err(|(error, _)| error).unwrap();
        }
        producer.flush(PATIENCE).unwrap();
    }

    /// All that stands in a topic, as text.
    pub fn payloads(&self, topic: &str) -> Vec<String> {
        let records = read_to_end(&self.admin, topic, PATIENCE).unwrap();
        let text = |record| String::from_utf8(rdkafka::Message::payload(record).unwrap().to_vec()).unwrap();
        records.iter().map(text).collect()
    }

    pub fn predictions(&self) -> Vec<Prediction> {
        let records = read_to_end(&self.admin, &self.topics.predictions, PATIENCE).unwrap();
        records.iter().map(|record| Prediction::decode(rdkafka::Message::payload(record).unwrap()).unwrap()).collect()
    }

    /// A file of so many reviews.
    pub fn reviews(&self, count: usize) -> String {
        let path = self.folder.path().join("reviews.jsonl");
        write_labelled(&path, count, "good", "bad");
        path.to_str().unwrap().to_owned()
    }
}

/// Runs it to its end. What it prints never holds the password.
pub fn run(mut command: Command) -> Output {
    let output = command.output().unwrap();
    for printed in [&output.stdout, &output.stderr] {
        let printed = String::from_utf8_lossy(printed);
        assert!(!printed.contains(&service("PASSWORD")), "the password shows in: {printed}");
    }
    output
}

/// Runs what must succeed, and answers its documents of JSON.
pub fn answers(command: Command) -> Vec<serde_json::Value> {
    let output = run(command);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::Deserializer::from_slice(&output.stdout).into_iter().map(Result::unwrap).collect()
}

/// Runs what must fail, and answers its error.
pub fn error(command: Command) -> String {
    let output = run(command);
    let printed = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{printed}");
    printed
        .lines()
        .rfind(|line| line.starts_with("error: "))
        .unwrap_or_else(|| panic!("no error in: {printed}"))
        .to_owned()
}

/// Something about the broker, as `dev/services env --secure` prints it.
pub fn service(what: &str) -> String {
    variable(&format!("PLAUDIT_TEST_KAFKA_SECURE_{what}"))
}

/// Where TLS and a user are asked for.
pub fn secure_address() -> String {
    variable("PLAUDIT_TEST_KAFKA_SECURE")
}

fn variable(key: &str) -> String {
    std::env::var(key).unwrap_or_else(|_| {
        panic!(
            "this test needs a broker with TLS and ACLs: run `dev/test`, or `dev/services up --secure` and \
             `eval \"$(dev/services env --secure)\"`"
        )
    })
}

/// A registry with a model in production, for all tests of this process.
fn registry() -> &'static Path {
    static REGISTRY: OnceLock<PathBuf> = OnceLock::new();
    REGISTRY.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("security");
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let (reviews, registry) = (folder.join("reviews.jsonl"), folder.join("registry"));
        write_labelled(&reviews, 200, "good", "bad");
        let mut command = plaudit();
        command.args(["train", "--promote", "--input"]).arg(&reviews).arg("--registry").arg(&registry);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        registry
    })
}
