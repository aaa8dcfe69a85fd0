//! `plaudit learn` on Apache Kafka: what it learns is compared to the bit with the learner alone, fed with the same labels in the
//! same order.

use crate::support::{Names, PATIENCE, Running, brokers, plaudit, report, wait_for};
use learner::{Example, LearnConfig, Learner};
use model::{Base, Document, Model, Scratch, Update, UpdatedModel};
use rdkafka::Message;
use rdkafka::message::OwnedMessage;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use registry::Registry;
use schemas::{Label, ModelState, ModelVersion, ModelsKey, ModelsKind, Origin, Timestamp};
use serde_json::{Value, json};
use service::kafka::{admin, read_to_end};
use std::collections::BTreeMap;
use std::process::Command;
use tempfile::TempDir;

/// When everything happens.
const START: i64 = 1_700_000_000_000;

struct World {
    folder: TempDir,
    names: Names,
}

/// What was scored, and what it turned out to be.
struct Case {
    number: i64,
    label: Label,
    /// When its review, its prediction and its label were sent.
    sent: [i64; 3],
}

impl Case {
    /// Words tell the label, but for every tenth.
    fn of(number: i64) -> Self {
        let is_good = number * 7919 % 10 < 6;
        let label = if is_good != (number % 10 == 9) { Label::Positive } else { Label::Negative };
        let at = START + number * 10;
        // Some labels come before what they are about.
        let of_label = if number % 13 == 5 { at - 5 } else { at + 3002 + number % 7 };
        Self { number, label, sent: [at, at + 1, of_label] }
    }

    fn id(&self) -> String {
        format!("r{}", self.number)
    }

    fn text(&self) -> String {
        let word = if self.number * 7919 % 10 < 6 { "fine" } else { "broken" };
        format!("a {word} thing{} with part{}", self.number % 13, self.number % 17)
    }

    fn user(&self) -> String {
        format!("u{}", self.number % 4000)
    }

    fn mean(&self) -> f64 {
        (self.number % 5) as f64
    }

    fn review(&self) -> Value {
        json!({"review_id": self.id(), "user_id": self.user(), "text": self.text(), "created_at": self.sent[0]})
    }

    fn prediction(&self) -> Value {
        json!({
            "review_id": self.id(), "sentiment": "positive", "confidence": 0.5, "probability": 0.5,
            "model": {"name": "sentiment", "version": "v1", "update": 0},
            "features": {"product_stats.rating_mean": self.mean()}, "features_status": "present",
            "source": {"topic": "reviews", "partition": 0, "offset": self.number},
            "created_at": self.sent[0], "scored_at": self.sent[1],
        })
    }

    fn feedback(&self) -> Value {
        let label = if self.label.is_positive() { "positive" } else { "negative" };
        json!({"review_id": self.id(), "label": label, "origin": "user", "created_at": self.sent[2]})
    }
}

impl World {
    /// With `v1` in production, which weighs a feature, and topics of so many partitions.
    fn new(partitions: i32) -> Self {
        let world = Self { folder: tempfile::tempdir().unwrap(), names: Names::new(brokers()) };
        let topics = &world.names.topics;
        let dead = format!("{}.dlq", topics.feedback);
        world.names.create(&[&topics.reviews, &topics.predictions, &topics.feedback, &dead], partitions);
        world.names.create(&[&topics.models], 1);
        let mut csv = "text,label,product_stats.rating_mean\n".to_owned();
        for number in 0..200 {
            let case = Case::of(number);
            csv += &format!("{},{},{}\n", case.text(), u8::from(case.label.is_positive()), case.mean());
        }
        std::fs::write(world.folder.path().join("rows.csv"), csv).unwrap();
        let features = "model.features=[\"product_stats.rating_mean\"]";
        world.done(&["train", "--input", "rows.csv", "--promote", "--set", features]);
        world
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = plaudit();
        command.args(arguments).current_dir(self.folder.path());
        let own = ["learn.max_terms=100000", "learn.publish_interval_ms=10", "learn.checkpoint_interval_ms=1000"];
        for setting in self.names.settings().iter().map(String::as_str).chain(own) {
            command.args(["--set", setting]);
        }
        command
    }

    #[track_caller]
    fn done(&self, arguments: &[&str]) {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    #[track_caller]
    fn learn(&self, more: &[&str]) -> Value {
        report(&self.command(&[&["learn", "--until-end", "--json"], more].concat()).output().unwrap())
    }

    fn send(&self, topic: &str, records: &[(i64, String, Value)]) {
        let producer: BaseProducer = self.names.kafka.producer().create().unwrap();
        for (millis, key, value) in records {
            let payload = match value {
                Value::String(text) => text.clone(),
                value => value.to_string(),
            };
            let record = BaseRecord::to(topic).key(key).payload(&payload).timestamp(*millis);
            producer.send(record).map_err(|(error, _)| error).unwrap();
        }
        producer.flush(PATIENCE).unwrap();
    }

    fn send_scored(&self, cases: &[Case]) {
        let of = |place: usize, value: fn(&Case) -> Value| -> Vec<_> {
            cases.iter().map(|case| (case.sent[place], case.id(), value(case))).collect()
        };
        self.send(&self.names.topics.reviews, &of(0, Case::review));
        self.send(&self.names.topics.predictions, &of(1, Case::prediction));
    }

    fn send_labels(&self, cases: &[Case]) {
        let mut labels: Vec<_> = cases.iter().map(|case| (case.sent[2], case.id(), case.feedback())).collect();
        labels.sort_by_key(|(sent, ..)| *sent);
        self.send(&self.names.topics.feedback, &labels);
    }

    fn model(&self) -> Model {
        let registry = Registry::open(self.folder.path().join("plaudit-registry").to_str().unwrap()).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let artifact = runtime.block_on(registry.artifact(&"sentiment".parse().unwrap(), ModelVersion(1))).unwrap();
        Model::from_bytes(&artifact).unwrap()
    }

    /// The learner alone, fed with these in the order in which label, review and prediction are all there; with `later` ones in the
    /// order of their labels, since the rest was there before.
    fn alone(&self, cases: &[Case], later: &[Case]) -> Learner {
        let config = LearnConfig { max_terms: 100_000, ..LearnConfig::default() };
        let mut learner = Learner::from_model(config, &self.model()).unwrap();
        let mut order: Vec<&Case> = cases.iter().collect();
        order.sort_by_key(|case| case.sent.iter().copied().max());
        let mut behind: Vec<&Case> = later.iter().collect();
        behind.sort_by_key(|case| case.sent[2]);
        order.extend(behind);
        let mut scratch = Scratch::default();
        for case in order {
            let (text, user) = (case.text(), case.user());
            let example = Example {
                document: Document { title: None, text: &text, features: &[case.mean()] },
                label: case.label,
                origin: Origin::User,
                user_id: Some(&user),
                product_id: None,
                time: Timestamp::from_epoch_millis(case.sent[2]).unwrap(),
            };
            learner.learn(&example, &mut scratch);
        }
        learner
    }

    /// The learner in the last checkpoint, as bytes.
    fn learned(&self) -> Vec<u8> {
        let location = self.checkpoint().unwrap().location;
        let bytes = std::fs::read(self.folder.path().join("plaudit-registry").join(location)).unwrap();
        let at = bytes.windows(8).rposition(|window| window == b"PLAUDITL").unwrap();
        bytes[at..].to_vec()
    }

    fn published(&self) -> Vec<OwnedMessage> {
        read_to_end(&self.names.kafka, &self.names.topics.models, PATIENCE).unwrap()
    }

    /// What a scorer holds that began with `v1` and has followed each record.
    fn followed(&self) -> Model {
        let registry = Registry::open(self.folder.path().join("plaudit-registry").to_str().unwrap()).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let manifest = runtime.block_on(registry.manifest(&"sentiment".parse().unwrap(), ModelVersion(1))).unwrap();
        let base = Base { version: ModelVersion(1), sha256: manifest.sha256 };
        let mut model = UpdatedModel::new(base.clone(), 0, &self.model());
        for record in self.published() {
            match ModelsKey::parse(record.key().unwrap()).unwrap().kind {
                ModelsKind::Update { .. } => {
                    model.apply(&Update::from_bytes(record.payload().unwrap()).unwrap()).unwrap();
                }
                ModelsKind::Snapshot => {
                    let state = ModelState::decode(record.payload().unwrap()).unwrap();
                    let snapshot = Model::from_bytes(&runtime.block_on(registry.snapshot(&state)).unwrap()).unwrap();
                    if state.update > model.number() {
                        model = UpdatedModel::new(base.clone(), state.update, &snapshot);
                    } else if state.update == model.number() {
                        assert_eq!(model.to_model().unwrap().to_bytes(), snapshot.to_bytes());
                    }
                }
                ModelsKind::Pointer | ModelsKind::Checkpoint => {}
            }
        }
        model.to_model().unwrap()
    }

    #[track_caller]
    fn expect(&self, cases: &[Case], later: &[Case]) {
        let alone = self.alone(cases, later);
        assert!(self.learned() == alone.to_bytes(), "the weights are not those of the learner alone");
        assert!(self.followed().to_bytes() == alone.to_model().unwrap().to_bytes(), "scorers hold something else");
    }

    /// From where the next learner goes on.
    fn checkpoint(&self) -> Option<ModelState> {
        let is_checkpoint =
            |record: &OwnedMessage| ModelsKey::parse(record.key().unwrap()).unwrap().kind == ModelsKind::Checkpoint;
        let last = self.published().into_iter().rfind(is_checkpoint)?;
        Some(ModelState::decode(last.payload().unwrap()).unwrap())
    }

    /// Whether so many records of `feedback` are committed.
    fn has_learned_from(&self, labels: i64) -> bool {
        let offsets = self.checkpoint().and_then(|state| state.offsets);
        offsets.is_some_and(|offsets| offsets[&self.names.topics.feedback].values().sum::<i64>() >= labels)
    }

    fn end_of_models(&self) -> i64 {
        let ends = admin::end_offsets(&self.names.kafka, &self.names.topics.models).unwrap();
        ends.iter().map(|(.., end)| end.0).sum()
    }
}

fn cases(numbers: std::ops::Range<i64>) -> Vec<Case> {
    numbers.map(Case::of).collect()
}

#[test]
fn labels_reach_the_weights_and_the_scorers_to_the_bit() {
    let world = World::new(3);
    let cases = cases(0..600);
    world.send_scored(&cases);
    world.send_labels(&cases[..500]);
    let first = world.learn(&[]);
    assert_eq!((&first["labels"], &first["learned"], &first["version"]), (&json!(500), &json!(500), &json!("v1")));
    assert!(first["update"].as_u64() > Some(0), "{first}");
    world.expect(&cases[..500], &[]);
    world.send_labels(&cases[500..]);
    let second = world.learn(&[]);
    assert_eq!((&second["labels"], &second["relearned"], &second["waiting"]), (&json!(100), &json!(0), &json!(0)));
    assert!(second["update"].as_u64() > first["update"].as_u64(), "{second}");
    assert_eq!(world.learn(&[])["labels"], 0, "none is learned from twice");
    world.expect(&cases[..500], &cases[500..]);
}

/// So often, in a replay of so many labels; more for who has more time.
fn kills() -> i64 {
    std::env::var("PLAUDIT_TEST_KILLS").map_or(3, |kills| kills.parse().unwrap())
}

#[test]
fn a_learner_that_is_killed_again_and_again_has_the_weights_of_one_that_never_was() {
    let world = World::new(3);
    let kills = kills();
    let cases = cases(0..5000 * (kills + 1));
    world.send_scored(&cases);
    world.send_labels(&cases);
    for kill in 0..kills {
        let before = world.end_of_models();
        let mut learner = Running::start(&mut world.command(&["learn", "--until-end"]));
        // Or all of them: a quick one is done before anybody looks.
        wait_for("a few updates", || {
            world.end_of_models() >= before + 4 + kill % 5 || learner.0.try_wait().unwrap().is_some()
        });
        learner.kill();
    }
    let last = world.learn(&[]);
    assert!(last["labels"].as_u64() < Some(cases.len() as u64), "those before were at work: {last}");
    world.expect(&cases, &[]);
}

#[test]
fn a_second_learner_fences_the_first_and_goes_on_where_that_one_was() {
    let world = World::new(1);
    let cases = cases(0..400);
    world.send_scored(&cases);
    world.send_labels(&cases[..200]);
    let (first, _) = Running::start_and_wait_for(&mut world.command(&["learn"]), "learns from");
    let (second, _) = Running::start_and_wait_for(&mut world.command(&["learn"]), "learns from");
    world.send_labels(&cases[200..]);
    let ended = first.end();
    assert_eq!(ended.status.code(), Some(1));
    wait_for("all labels", || world.has_learned_from(400));
    second.stop();
    world.expect(&cases[..200], &cases[200..]);
}

#[test]
fn labels_that_cannot_be_learned_from_are_dead_letters_with_their_cause() {
    let world = World::new(1);
    let cases = cases(0..20);
    world.send_scored(&cases);
    world.send_labels(&cases);
    let (late, day) = (START + 100_000, 86_400_000);
    let label = |id: &str, at: i64| json!({"review_id": id, "label": "positive", "origin": "user", "created_at": at});
    let again = cases[0].feedback();
    world.send(
        &world.names.topics.feedback,
        &[
            (late, "unknown".into(), label("unknown", late)),
            (late + 1, "broken".into(), json!("{\"review_id\": \"r1\"")),
            (late + 2, "r2".into(), json!({"review_id": "r2", "origin": "user", "created_at": late})),
            (late + 3, "r3".into(), label("r3", late + day)),
            (late + 4, "r0".into(), again),
            (
                late + 5,
                "r5".into(),
                json!({"review_id": "r5", "label": "nobody knows", "origin": "user", "created_at": late}),
            ),
            (late + 10_000, "waits".into(), label("waits", late)),
        ],
    );
    let report = world.learn(&["--set", "learn.join.waiting_seconds=5"]);
    assert_eq!((&report["learned"], &report["waiting"]), (&json!(20), &json!(1)), "{report}");
    let dead = format!("{}.dlq", world.names.topics.feedback);
    let mut causes: BTreeMap<String, u64> = BTreeMap::new();
    for letter in read_to_end(&world.names.kafka, &dead, PATIENCE).unwrap() {
        let headers = letter.headers().unwrap();
        let text = |name: &str| service::kafka::headers::text(headers, name).unwrap().to_owned();
        assert_eq!(text("__connect.errors.topic"), world.names.topics.feedback);
        assert!(!text("__streams.errors.message").is_empty() && letter.payload().is_some());
        *causes.entry(text("plaudit.cause")).or_default() += 1;
    }
    let expected = [
        ("duplicate", 1),
        ("from_the_future", 1),
        ("invalid_value", 1),
        ("missing_field", 1),
        ("not_json", 1),
        ("unknown_review", 1),
    ];
    assert_eq!(causes, expected.map(|(cause, count)| (cause.to_owned(), count)).into());
    world.expect(&cases, &[]);
}
