//! A system with a hundred partitions at work, with records among them that nobody meant.

use crate::harness::{PATIENCE, Record, Running, World, review, wait_for};
use crate::http::get;
use crate::support::hostile::{Random, hostile};
use crate::{look, status};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use schemas::Topics;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;

const PARTITIONS: i32 = 100;
const HOSTILE: usize = 300;

fn send(world: &World, topic: &str, payloads: impl Iterator<Item = Vec<u8>>) {
    let producer: BaseProducer = world.kafka.producer().create().unwrap();
    for (i, payload) in payloads.enumerate() {
        let record: BaseRecord<'_, [u8], [u8]> =
            BaseRecord::to(topic).payload(payload.as_slice()).partition(i as i32 % PARTITIONS);
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(PATIENCE).unwrap();
}

fn alert(monitor: &str, message: &str, since: &str) -> Vec<u8> {
    let alert = serde_json::json!({
        "monitor": monitor, "statistic": "psi", "value": 0.4, "threshold": 0.25,
        "window": {"topic": "reviews"}, "message": message, "since": since,
    });
    alert.to_string().into_bytes()
}

#[test]
fn a_hundred_partitions_their_scorer_and_hostile_records_are_told() {
    let world = World::new(PARTITIONS);
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let scorer = Running::start(world.plaudit("score").args(["--set", &format!("health.listen={address}")]));
    let reviews: Vec<Vec<u8>> = (0..2 * PARTITIONS).map(|i| review(&format!("r-{i}"), "a good product")).collect();
    let of_review = |(i, payload): (usize, &'static [u8])| Record {
        payload: Some(payload),
        partition: Some(i as i32 % PARTITIONS),
        ..Record::default()
    };
    let reviews: &'static [Vec<u8>] = reviews.leak();
    world.produce(reviews.iter().map(Vec::as_slice).enumerate().map(of_review));
    world.produce([Record { payload: Some(b"no review"), ..Record::default() }]);
    world.wait_for_predictions(reviews.len());
    wait_for("the dead letter", || world.dead_letters().len() == 1);

    let mut random = Random(7);
    send(&world, &world.topics.predictions, (0..HOSTILE).map(|i| hostile(i, &mut random)));
    send(&world, &world.topics.drift, (0..HOSTILE).map(|i| hostile(i, &mut random)));
    let alerts = [
        alert("words", "older", "2026-01-01T00:00:00Z"),
        alert("words", "newer\u{1b}[2J", "2026-01-02T00:00:00Z"),
        alert("quality", "worse", "2026-01-03T00:00:00Z"),
    ];
    send(&world, &world.topics.drift, alerts.into_iter());

    let report = look(&world);
    let topics = report["kafka"]["topics"].as_array().unwrap();
    assert_eq!(topics.iter().filter(|topic| topic["partitions"] == PARTITIONS).count(), 4, "{topics:?}");
    let scorers = report["model"]["scorers"].as_array().unwrap_or_else(|| panic!("{report}"));
    let [one] = scorers.as_slice() else { panic!("{scorers:?}") };
    assert_eq!((&one["partitions"], &one["unknown_partitions"]), (&PARTITIONS.into(), &0.into()), "{one}");
    assert_eq!((&one["in_use"][0]["version"], &one["in_use"][0]["partitions"]), (&"v1".into(), &PARTITIONS.into()));
    assert_eq!(report["model"]["registered"]["version"], "v1");
    let [group] = report["groups"].as_array().unwrap().as_slice() else { panic!("{report}") };
    assert_eq!((&group["state"], group["members"].as_array().unwrap().len()), (&"Stable".into(), 1));
    let lag = &group["topics"][0];
    assert_eq!((&lag["records"], &lag["seconds"], &lag["partitions"]), (&0.into(), &0.0.into(), &PARTITIONS.into()));
    let predictions = &report["predictions"];
    assert_eq!((&predictions["undecodable"], &predictions["late_partitions"]), (&HOSTILE.into(), &0.into()));
    assert_eq!(predictions["features"]["none"], reviews.len());
    let letters = &report["dead_letters"][0];
    assert_eq!(letters["topic"], Topics::dead_letters_of(&world.topics.reviews));
    assert_eq!(
        (&letters["count"], &letters["causes"]["not_json"], &letters["is_exact"]),
        (&1.into(), &1.into(), &true.into())
    );
    let alerts = &report["alerts"];
    let last: Vec<&str> = alerts["last"].as_array().unwrap().iter().map(|of| of["message"].as_str().unwrap()).collect();
    assert_eq!((last, &alerts["undecodable"]), (vec!["worse", "newer\u{1b}[2J"], &HOSTILE.into()));

    let text = String::from_utf8(status(&world, &[]).output().unwrap().stdout).unwrap();
    assert!(!text.contains('\u{1b}'), "what others wrote steers the terminal: {text}");
    assert!(text.contains("MODEL IN USE") && text.contains("1 not_json"), "{text}");
    assert_described(&get(&address, "/metrics").1);
    scorer.stop();
}

/// What a scorer at work exposes is in the table of its metrics, as it stands there and by those labels alone.
fn assert_described(exposed: &str) {
    let of = |name: &str| scorer::metrics::METRICS.iter().find(|metric| metric.series().iter().any(|of| of == name));
    let mut found = 0;
    for line in exposed.lines().filter(|line| line.starts_with("plaudit_")) {
        let (series, labels) = line.split_once('{').unwrap_or((line, ""));
        let name = series.split(' ').next().unwrap();
        let metric = of(name).unwrap_or_else(|| panic!("{name} is not described"));
        let labels = labels.split_once('}').map_or("", |(labels, _)| labels);
        for label in labels.split(',').filter_map(|pair| Some(pair.split_once('=')?.0)) {
            assert!(label == "le" || metric.labels.contains(&label), "{name} has the label {label}");
        }
        found += 1;
    }
    for name in [scorer::metrics::STREAM_PREDICTIONS, scorer::metrics::STREAM_DEAD_LETTERS] {
        assert!(exposed.contains(&format!("# TYPE {name} counter")), "{exposed}");
    }
    assert!(found > 20, "{exposed}");
}

#[test]
fn it_is_drawn_anew_until_it_is_interrupted() {
    let world = World::new(1);
    let mut watching = Running(status(&world, &["--watch", "0.1", "--json"]).spawn().unwrap());
    let mut lines = BufReader::new(watching.0.stdout.take().unwrap()).lines();
    let mut next = || -> Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    let (first, second) = (next(), next());
    assert_eq!(first["kafka"], second["kafka"]);
    assert!(first["at"].as_str().unwrap() < second["at"].as_str().unwrap());
    watching.signal("INT");
    // The pipe must be read to its end, or the process could wait for it.
    lines.for_each(drop);
    assert_eq!(watching.end().status.code(), Some(0));
}
