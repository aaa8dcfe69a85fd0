//! The stream worker as a process, on Apache Kafka: what it promises about delivery, dead letters, models and traces.

#![expect(clippy::unwrap_used, reason = "in a test every failure is the test's")]

mod ends;
mod features;
mod harness;
mod hostile;
mod http;
mod liveness;
mod membership;
mod recovery;
mod refused;
mod stopping;
#[path = "../support/mod.rs"]
mod support;

use harness::{Record, Running, World, assert_exactly_once, noise, review, wait_for};
use rdkafka::message::{Headers, Message, OwnedMessage};
use schemas::ModelVersion;
use service::kafka::TransactionalProducer;
use std::collections::HashMap;
use std::time::Duration;

const PARTITIONS: i32 = 3;

/// Reviews of both kinds, the same number in each partition.
fn produce_reviews(world: &World, per_partition: usize) {
    for partition in 0..PARTITIONS {
        let reviews: Vec<(String, Vec<u8>)> = (0..per_partition)
            .map(|i| {
                let id = format!("{partition}-{i}");
                let body = review(&id, if i % 2 == 0 { "a good product" } else { "a bad product" });
                (id, body)
            })
            .collect();
        world.produce(reviews.iter().map(|(id, body)| Record {
            key: Some(id),
            payload: Some(body),
            partition: Some(partition),
            ..Record::default()
        }));
    }
}

#[test]
fn each_review_gets_one_prediction_though_the_scorer_is_killed_again_and_again() {
    let world = World::new(PARTITIONS);
    let per_partition = 4_000;
    produce_reviews(&world, per_partition);
    for round in 1..=3 {
        // Small transactions: whenever the kill comes, one is open.
        let mut command = world.plaudit("score");
        let scorer = Running::start(command.args(["--set", "scorer.batch_max_records=40"]));
        world.wait_for_predictions(round * 600);
        scorer.kill();
    }
    let before = world.predictions().len();
    assert!(before < per_partition * 3, "the kills came too late to show anything");
    let report = world.score_until_end();
    assert_exactly_once(&world.predictions(), PARTITIONS, per_partition as i64);
    // What the killed ones had committed behind a transaction that was still open could not be seen before.
    let left = (per_partition * 3 - before) as u64;
    assert!((1..=left).contains(&report["predictions"].as_u64().unwrap()), "{report}, {left} were left");
    assert_eq!(report["dead_letters"], 0);
}

#[test]
fn predictions_carry_what_the_contract_says() {
    let world = World::new(1);
    let body = serde_json::json!({
        "review_id": "r-1", "product_id": "p", "user_id": "u", "title": "Good", "text": "a good product", "rating": 5,
        "created_at": 1_714_557_600_000_i64, "unknown": {"field": true}
    });
    let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    world.produce([Record {
        key: Some("r-1"),
        payload: Some(&serde_json::to_vec(&body).unwrap()),
        header: Some(("traceparent", traceparent)),
        ..Record::default()
    }]);
    let report = world.score_until_end();
    assert_eq!(report["records"], 1);
    assert_eq!(report["metrics"]["accuracy"], 1.0, "the rating is a label: {report}");

    let records = world.committed(&world.topics.predictions);
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].key(), Some(&b"r-1"[..]));
    assert_eq!(header(&records[0], "traceparent").as_deref(), Some(traceparent));
    let prediction: serde_json::Value = serde_json::from_slice(records[0].payload().unwrap()).unwrap();
    assert_eq!(prediction["review_id"], "r-1");
    assert_eq!(prediction["sentiment"], "positive");
    assert!(prediction["probability"].as_f64().unwrap() > 0.5);
    assert_eq!(prediction["confidence"], prediction["probability"]);
    assert_eq!(prediction["model"], serde_json::json!({"name": "sentiment", "version": "v1", "update": 0}));
    assert_eq!(prediction["features"], serde_json::json!({}));
    assert_eq!(prediction["features_status"], "none");
    let source = serde_json::json!({"topic": world.topics.reviews, "partition": 0, "offset": 0});
    assert_eq!(prediction["source"], source);
    assert_eq!(prediction["created_at"], "2024-05-01T10:00:00.000Z");
}

#[test]
fn what_cannot_be_scored_becomes_a_dead_letter_with_its_bytes_and_both_kinds_of_headers() {
    let world = World::new(1);
    let deep = "[".repeat(100_000);
    // With its headers this one is larger than a topic accepts; its payload stays in the source.
    let large = format!("{{\"review_id\": {}", noise(1_048_000));
    let good = review("good", "a good product");
    let bad: [(&[u8], &str); 7] = [
        (b"", "empty"),
        (b"\xff\xfe", "not_utf8"),
        (b"{\"review_id\": \"r", "not_json"),
        (deep.as_bytes(), "wrong_type"),
        (br#"{"review_id": "r", "created_at": 0}"#, "missing_field"),
        (br#"{"review_id": "r", "text": 5, "created_at": 0}"#, "wrong_type"),
        (large.as_bytes(), "not_json"),
    ];
    let record = |payload| Record { key: Some("the key"), payload, ..Record::default() };
    // Nor does this one's key fit beside the headers, nor a prediction that repeats it.
    let long_id = noise(1_040_000);
    let long = Record { key: Some(&long_id), payload: Some(b"x"), ..Record::default() };
    let tail = [record(None), record(Some(&good)), long];
    world.produce(bad.iter().map(|(payload, _)| record(Some(*payload))).chain(tail));

    let report = world.score_until_end();
    assert_eq!((&report["predictions"], &report["dead_letters"]), (&1.into(), &9.into()));
    let letters: HashMap<i64, OwnedMessage> = world
        .dead_letters()
        .into_iter()
        .map(|letter| (header(&letter, "__connect.errors.offset").unwrap().parse().unwrap(), letter))
        .collect();
    assert_eq!(letters.len(), 9);
    for (offset, (payload, cause)) in (0_i64..).zip(bad) {
        let letter = &letters[&offset];
        assert_eq!(header(letter, "plaudit.cause").as_deref(), Some(cause), "record {offset}");
        assert_eq!(letter.key(), Some(&b"the key"[..]));
        if offset == 6 {
            assert_eq!(header(letter, "plaudit.omitted_payload_bytes"), Some(large.len().to_string()));
        } else {
            assert_eq!(letter.payload().unwrap_or_default(), payload);
        }
        for family in ["__connect", "__streams"] {
            assert_eq!(header(letter, &format!("{family}.errors.topic")).as_ref(), Some(&world.topics.reviews));
            assert_eq!(header(letter, &format!("{family}.errors.partition")).as_deref(), Some("0"));
        }
        assert!(!header(letter, "__streams.errors.message").unwrap().is_empty());
    }
    assert_eq!(letters[&7].payload(), None, "a tombstone stays one");
}

#[test]
fn a_promoted_model_is_taken_up_without_a_restart_and_each_prediction_names_its_model() {
    let world = World::new(1);
    let send = |id: &str| {
        let body = review(id, "a good product");
        world.produce([Record { key: Some(id), payload: Some(&body), ..Record::default() }]);
    };
    let scorer = Running::start(&mut world.plaudit("score"));
    send("before");
    world.wait_for_predictions(1);
    // In the second model the words have changed sides.
    world.train("bad", "good");
    let mut sent = 1;
    wait_for("a prediction by v2", || {
        sent += 1;
        send(&format!("after-{sent}"));
        world.wait_for_predictions(sent);
        world.predictions().last().unwrap().model.version == ModelVersion(2)
    });
    let output = scorer.stop();
    assert!(output.status.success(), "SIGTERM is a clean end");
    for prediction in world.predictions() {
        let expected = if prediction.model.version == ModelVersion(1) { "positive" } else { "negative" };
        assert_eq!(prediction.sentiment, expected, "{prediction:?}");
    }
}

#[test]
fn stream_and_gateway_answer_the_same_to_the_last_bit() {
    let world = World::new(PARTITIONS);
    let words = ["good", "bad", "a", "product", "number", "not", "7", "é", "😀", "<br />", "never", "very"];
    let mut random = 1_u64;
    let texts: HashMap<String, String> = (0..1_000)
        .map(|i| {
            let mut text = String::from("x");
            for _ in 0..(i % 40) {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                text.push(' ');
                text.push_str(words[(random >> 33) as usize % words.len()]);
            }
            (format!("r-{i}"), text)
        })
        .collect();
    let bodies: Vec<(&String, Vec<u8>)> = texts.iter().map(|(id, text)| (id, review(id, text))).collect();
    world.produce(bodies.iter().map(|(id, body)| Record { key: Some(id), payload: Some(body), ..Record::default() }));
    world.score_until_end();
    let predictions = world.predictions();
    assert_eq!(predictions.len(), 1_000);

    let mut command = world.plaudit("serve");
    let (_gateway, address) =
        Running::start_and_wait_for(command.args(["--listen", "127.0.0.1:0"]), "listening on http://");
    let address: String = address.chars().take_while(|c| c.is_ascii_digit() || matches!(c, '.' | ':')).collect();
    let reviews: Vec<_> = predictions.iter().map(|p| serde_json::json!({"text": texts[&p.review_id.0]})).collect();
    let answers = http::post(&address, "/predict/batch", &serde_json::json!({"reviews": reviews}));
    let answers = answers["predictions"].as_array().unwrap();
    assert_eq!(answers.len(), 1_000);
    for (prediction, answer) in predictions.iter().zip(answers) {
        let probability = answer["probability"].as_f64().unwrap();
        assert_eq!(probability.to_bits(), prediction.probability.to_bits(), "{}", prediction.review_id);
        assert_eq!(answer["sentiment"], prediction.sentiment);
        assert_eq!(answer["confidence"].as_f64().unwrap().to_bits(), prediction.confidence.to_bits());
    }
    assert!(
        predictions.iter().any(|p| p.sentiment == "positive") && predictions.iter().any(|p| p.sentiment == "negative")
    );
}

#[test]
fn a_scorer_that_was_frozen_past_its_session_repeats_nothing_when_it_wakes() {
    let world = World::new(PARTITIONS);
    let per_partition = 4_000;
    produce_reviews(&world, per_partition);
    let mut command = world.plaudit("score");
    // Full batches all the time: the frozen one has some in every stage.
    command.args(["--set", "scorer.batch_max_records=20"]);
    let frozen = Running::start(&mut command);
    world.wait_for_predictions(300);
    frozen.signal("STOP");
    let before = world.predictions().len();
    assert!(before < per_partition * 3, "it was frozen too late to show anything");
    // Another one takes over what the group takes away from it, and it wakes in the middle of that.
    let other = Running::start(&mut command);
    world.wait_for_predictions(before + 1_000);
    frozen.signal("CONT");
    world.wait_for_predictions(per_partition * 3);
    // By now the frozen one has joined again, or ended: the broker fences a producer whose transaction it had to abort.
    drop(frozen);
    assert!(other.stop().status.success());
    assert_exactly_once(&world.predictions(), PARTITIONS, per_partition as i64);
}

#[test]
fn a_scorer_whose_producer_is_fenced_goes_on_with_a_new_one_and_repeats_nothing() {
    let world = World::new(PARTITIONS);
    let mut score = world.plaudit("score");
    score.args(["--set", "scorer.batch_max_records=100"]);
    let (scorer, line) = Running::start_and_wait_for(&mut score, " as ");
    let transactional_id = line.split('"').next().unwrap().to_owned();
    let (rounds, per_round) = (3, 1_000);
    for round in 1..=rounds {
        produce_reviews(&world, per_round);
        // Ends what the scorer's producer has open, and makes that one useless for what is left of the round or for the next.
        TransactionalProducer::new(&world.kafka, &transactional_id, Duration::from_secs(3)).unwrap();
        world.wait_for_predictions(round * per_round * PARTITIONS as usize);
    }
    let output = scorer.stop();
    assert!(output.status.success());
    assert_exactly_once(&world.predictions(), PARTITIONS, (rounds * per_round) as i64);
}

#[test]
fn missing_topics_and_models_end_the_scorer_with_a_sentence() {
    let world = World::new(1);
    let output = world.plaudit("score").args(["--set", "topics.predictions=no-such-topic"]).output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        message.contains("\"no-such-topic\" does not exist") && message.contains("plaudit topics create"),
        "{message}"
    );

    let output = world.plaudit("score").args(["--model", "no-such-alias"]).output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(message.contains("no-such-alias"), "{message}");
}

fn header(message: &OwnedMessage, name: &str) -> Option<String> {
    let headers = message.headers()?;
    let value = headers.iter().find(|header| header.key == name)?.value?;
    Some(String::from_utf8(value.to_vec()).unwrap())
}
