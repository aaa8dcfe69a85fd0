//! The verbs on a Kafka that wants TLS and a user, and denies what no ACL allows: what docs/SECURITY.md says to grant is enough,
//! and whatever is missing is named.

#![expect(clippy::unwrap_used, reason = "in a test every failure is the test's")]

mod acls;
#[path = "../support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "others use the rest")]
mod support;
mod world;

use acls::{Acl, documented};
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use schemas::Topics;
use std::collections::BTreeSet;
use std::process::Command;
use std::time::{Duration, Instant};
use support::reviews::noise;
use support::topics::alter;
use world::{PATIENCE, World, answers, error, run, service};

/// Verbs and their flags, as the table names them and as they are run.
const CREATE: &[&str] = &["topics", "create", "--partitions", "2", "--json"];
const CHECK: &[&str] = &["topics", "check", "--json"];
const SCORE: &[&str] = &["score", "--until-end", "--json"];
const LIST: &[&str] = &["dlq", "list", "--json"];
const REPLAY_LETTERS: &[&str] = &["dlq", "replay", "--json"];

/// Long enough for a machine that is busy, and less than any endless retry.
const SOON: Duration = Duration::from_secs(40);

/// What the documentation says to grant for all verbs.
fn all() -> Vec<Acl> {
    ["topics create", "topics check", "replay", "score", "dlq list", "dlq replay"]
        .iter()
        .flat_map(|verb| documented(verb))
        .collect()
}

fn with(mut command: Command, properties: &[(&str, &str)]) -> Command {
    for (property, value) in properties {
        command.env(format!("PLAUDIT__KAFKA__PROPERTIES__{property}"), value);
    }
    command
}

/// Reviews go in, predictions come out, what is bad goes round, each once.
fn work_goes_through(properties: &[(&str, &str)]) {
    const REVIEWS: usize = 300;
    let world = World::new(&all());
    let plaudit = |arguments: &[&str]| with(world.plaudit(arguments), properties);

    assert_eq!(answers(plaudit(CREATE))[0]["topics"].as_array().unwrap().len(), 7);
    let checked = &answers(plaudit(CHECK))[0];
    let problems: Vec<&str> =
        checked["findings"].as_array().unwrap().iter().map(|finding| finding["problem"].as_str().unwrap()).collect();
    assert!(problems.iter().all(|problem| problem.starts_with("there is one copy")), "{problems:?}");

    let input = world.reviews(REVIEWS);
    let replayed = &answers(plaudit(&["replay", "--feedback", "--json", "--input", &input]))[0];
    assert_eq!((&replayed["records"], &replayed["feedback"]), (&REVIEWS.into(), &REVIEWS.into()), "{replayed}");
    world.produce(&world.topics.reviews, [&b"no review"[..]], &[]);
    let scored = &answers(plaudit(SCORE))[0];
    assert_eq!((&scored["predictions"], &scored["dead_letters"]), (&REVIEWS.into(), &1.into()), "{scored}");

    assert_eq!(answers(plaudit(LIST)).len(), 1);
    let sent_back = &answers(plaudit(REPLAY_LETTERS))[0];
    assert_eq!(sent_back["replayed"], 1, "{sent_back}");
    let again = &answers(plaudit(SCORE))[0];
    assert_eq!((&again["predictions"], &again["dead_letters"]), (&0.into(), &1.into()), "{again}");
    let predictions = world.predictions();
    let sources: BTreeSet<_> = predictions.iter().map(|it| (it.source.partition, it.source.offset)).collect();
    assert_eq!((predictions.len(), sources.len()), (REVIEWS, REVIEWS));

    // What retention took is reported on the topic `drift`.
    world.produce(&world.topics.reviews, [&b"gone"[..], b"gone too"], &[]);
    delete_records(&world);
    world.produce(&world.topics.reviews, [&b"still there"[..]], &[]);
    let after_a_loss = &answers(plaudit(&[SCORE, &["--set", "kafka.on_lost_range=continue"]].concat()))[0];
    assert_eq!(
        (&after_a_loss["lost_records"], &after_a_loss["dead_letters"]),
        // The marker of the letter's transaction stood before them: what is gone cannot be told from records.
        (&3.into(), &1.into()),
        "{after_a_loss}"
    );
}

/// Takes away all that the first partition of the reviews holds.
fn delete_records(world: &World) {
    let client: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", &world.admin.brokers).create().unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&world.topics.reviews, 0, Offset::End).unwrap();
    let options = AdminOptions::new().request_timeout(Some(PATIENCE)).operation_timeout(Some(PATIENCE));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(client.delete_records(&list, &options)).unwrap();
}

#[test]
fn what_the_documentation_grants_is_enough_with_scram() {
    work_goes_through(&[]);
}

#[test]
fn what_the_documentation_grants_is_enough_with_plain() {
    work_goes_through(&[("SASL_MECHANISM", "PLAIN")]);
}

#[test]
fn what_the_documentation_grants_is_enough_with_an_unsigned_token() {
    let principal = format!("principal={}", service("USER"));
    work_goes_through(&[
        ("SASL_MECHANISM", "OAUTHBEARER"),
        ("ENABLE_SASL_OAUTHBEARER_UNSECURE_JWT", "true"),
        ("SASL_OAUTHBEARER_CONFIG", &principal),
    ]);
}

/// A world for a verb, with these ACLs and something for it to do.
fn prepared(verb: &str, acls: &[Acl]) -> World {
    if verb == "topics create" {
        return World::new(acls);
    }
    let world = World::with_topics(acls);
    let reviews = &world.topics.reviews;
    world.produce(reviews, [&b"no review"[..], br#"{"review_id": "1", "text": "good", "created_at": 0}"#], &[]);
    let died = [
        ("plaudit.cause", "not_json"),
        ("__connect.errors.topic", reviews.as_str()),
        ("__connect.errors.partition", "0"),
        ("__connect.errors.offset", "0"),
    ];
    world.produce(&Topics::dead_letters_of(reviews), [&b"no review"[..]], &died);
    world
}

#[test]
fn a_letter_whose_topic_takes_none_stays_and_the_others_go_on() {
    let mut acls = documented("dlq replay");
    let seen = Acl { operation: "Describe".to_owned(), name: "predictions".to_owned(), ..acls[0].clone() };
    assert_eq!(seen.resource, "topic");
    acls.push(seen);
    let world = World::with_topics(&acls);
    let Topics { reviews, predictions, feedback, .. } = &world.topics;
    // More than it takes, which this user may not ask.
    alter(&world.admin, reviews, "max.message.bytes", "2000");
    let long = noise(3000);
    let letter = |topic: &str, payload: &str| {
        let died = [
            ("plaudit.cause", "not_json"),
            ("__connect.errors.topic", topic),
            ("__connect.errors.partition", "0"),
            ("__connect.errors.offset", "0"),
        ];
        world.produce(&Topics::dead_letters_of(reviews), [payload.as_bytes()], &died);
    };
    let letters = [
        (reviews, "first"),
        (feedback, "hidden"),
        (predictions, "seen"),
        (reviews, &long),
        (predictions, "seen too"),
        (reviews, "last"),
    ];
    letters.iter().for_each(|(topic, payload)| letter(topic, payload));

    for (sent, sent_before) in [(2, 0), (0, 2)] {
        let output = run(world.plaudit(REPLAY_LETTERS));
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.lines().any(|line| line.starts_with("error: not allowed to ")), "{error}");
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&report["replayed"], &report["replayed_earlier"]), (&sent.into(), &sent_before.into()), "{report}");
        assert_eq!(report["not_replayable"], serde_json::json!({"not_allowed": 3, "too_large": 1}), "{report}");
        let messages = report["examples"].to_string();
        for named in [
            format!("not allowed to Write to topic \\\"{predictions}"),
            format!("not allowed to Describe topic \\\"{feedback}"),
        ] {
            assert!(messages.contains(&named), "{named} is not in {messages}");
        }
    }
    assert_eq!(world.payloads(reviews), ["first", "last"]);
}

/// Runs a verb without one of its ACLs, and with another in its place if there is one; its error has to name what is missing.
fn is_named(verb: &str, arguments: &[&str], missing: &Acl, instead: Option<&str>) {
    let mut acls: Vec<Acl> = documented(verb).into_iter().filter(|acl| acl != missing).collect();
    acls.extend(instead.map(|operation| Acl { operation: operation.to_owned(), ..missing.clone() }));
    let is_same_topic = |acl: &Acl| acl.resource == "topic" && acl.name == missing.name;
    // Whoever may do nothing to a topic does not see it either.
    let is_hidden = missing.resource == "topic" && !acls.iter().any(is_same_topic);
    let world = prepared(verb, &acls);
    let input = world.reviews(10);
    let arguments = if verb == "replay" { [arguments, &["--input", &input]].concat() } else { arguments.to_vec() };

    let started = Instant::now();
    let error = error(world.plaudit(&arguments));
    let refused = match missing.operation.as_str() {
        _ if is_hidden => "Describe",
        "Write" => "Write to",
        other => other,
    };
    let named = format!("not allowed to {refused} {} \"{}", missing.resource, world.name_of(missing));
    assert!(error.contains(&named), "{verb} without {missing:?} says \"{error}\", not \"{named}\"");
    assert!(error.contains("kafka.properties") && error.contains("docs/SECURITY.md"), "{error}");
    assert!(started.elapsed() < SOON, "{verb} without {missing:?} took {:?}", started.elapsed());
}

#[test]
fn an_acl_that_the_scorer_lacks_is_named() {
    for missing in documented("score") {
        is_named("score", SCORE, &missing, None);
    }
}

#[test]
fn an_operation_that_the_scorer_lacks_on_what_it_sees_is_named() {
    // It writes to `drift` only what retention took.
    for missing in documented("score").iter().filter(|acl| acl.name != "drift") {
        is_named("score", SCORE, missing, Some("Describe"));
    }
}

#[test]
fn an_acl_that_any_other_verb_lacks_is_named() {
    for (verb, arguments) in [
        ("topics create", CREATE),
        ("replay", &["replay", "--feedback", "--json"]),
        ("dlq list", LIST),
        ("dlq replay", REPLAY_LETTERS),
    ] {
        let acls = documented(verb);
        // Of the topics of a row, one stands for the others.
        let stands_for_others = |acl: &&Acl| verb != "topics create" || acl.name == "predictions";
        for missing in acls.iter().filter(stands_for_others) {
            is_named(verb, arguments, missing, None);
            if missing.resource == "topic" && !["Describe", "Create"].contains(&missing.operation.as_str()) {
                is_named(verb, arguments, missing, Some("Describe"));
            }
        }
    }
}

#[test]
fn settings_that_may_not_be_seen_are_not_taken_for_others() {
    let acls: Vec<Acl> =
        documented("topics check").into_iter().filter(|acl| acl.operation != "DescribeConfigs").collect();
    let world = prepared("topics check", &acls);
    let report = &answers(world.plaudit(CHECK))[0];
    let findings = report["findings"].as_array().unwrap();
    // The cluster is the same for all tests, and others grant it.
    let hidden = findings.iter().filter(|finding| {
        !finding["topic"].is_null() && finding["problem"].as_str().unwrap().contains("DescribeConfigs")
    });
    assert_eq!(hidden.count(), 7, "{report}");
    assert!(findings.iter().all(|finding| finding["severity"] == "warning"), "{report}");

    let world = prepared("topics check", &acls[1..]);
    let error = error(world.plaudit(CHECK));
    assert!(error.contains(&format!("not allowed to Describe topic \"{}\"", world.topics.reviews)), "{error}");
}

#[test]
fn a_wrong_password_is_one_sentence_that_names_kafka_properties() {
    let world = World::new(&[]);
    for mechanism in ["PLAIN", "SCRAM-SHA-512"] {
        let wrong = [("SASL_MECHANISM", mechanism), ("SASL_PASSWORD", "not-the-password")];
        for arguments in [CHECK, SCORE, LIST] {
            let started = Instant::now();
            let output = run(with(world.plaudit(arguments), &wrong));
            let printed = String::from_utf8_lossy(&output.stderr).into_owned();
            let error = printed.lines().last().unwrap();
            assert_eq!(output.status.code(), Some(1), "{printed}");
            assert!(error.contains("refused the connection (SASL authentication error: "), "{error}");
            assert!(error.ends_with("check kafka.properties"), "{error}");
            assert!(!printed.contains("not-the-password"), "{printed}");
            assert!(started.elapsed() < SOON);
        }
    }
}

#[test]
fn a_certificate_of_an_unknown_authority_is_one_sentence_that_names_kafka_properties() {
    let world = World::new(&[]);
    let mut command = world.plaudit(CHECK);
    // The system's own authorities have not signed it.
    command.env_remove("PLAUDIT__KAFKA__PROPERTIES__SSL_CA_LOCATION");
    let message = error(command);
    let address = world::secure_address();
    assert!(
        message.starts_with(&format!("error: the certificate of the Kafka broker at {address} is not")),
        "{message}"
    );
    assert!(message.contains("set ssl.ca.location in kafka.properties"), "{message}");

    let message = error(with(world.plaudit(CHECK), &[("SSL_CA_LOCATION", "/nowhere.pem")]));
    assert!(message.starts_with("error: `kafka.properties` cannot be used: ssl.ca.location"), "{message}");
}

#[test]
fn a_certificate_for_another_name_is_refused() {
    let world = World::new(&[]);
    let mut command = world.plaudit(CHECK);
    command.env("PLAUDIT__KAFKA__BROKERS", world::secure_address().replace("127.0.0.1", "localhost"));
    let error = error(command);
    assert!(error.contains("or not for this name"), "{error}");
}

#[test]
fn the_password_shows_nowhere() {
    let world = World::with_topics(&all());
    for arguments in [&["config"][..], &["config", "--json"]] {
        // run looks for the password.
        let output = run(world.plaudit(arguments));
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(printed.contains("sasl.password") && printed.contains("***"), "{printed}");
    }
    let everything = ["--set", "telemetry.log=trace", "--set", "kafka.properties.debug=all"];
    let output = run(world.plaudit(&[CHECK, &everything].concat()));
    assert!(String::from_utf8_lossy(&output.stderr).contains("librdkafka"), "the client tells its log what it does");
    // A value that is wrong beside it.
    let message = error_of_usage(with(world.plaudit(CHECK), &[("SASL_MECHANISM", "OAUTHBEARER")]));
    assert!(message.contains("`kafka.properties.sasl.mechanism` is OAUTHBEARER"), "{message}");
}

fn error_of_usage(command: Command) -> String {
    let output = run(command);
    assert_eq!(output.status.code(), Some(2));
    String::from_utf8(output.stderr).unwrap()
}
