//! The process that retrains by itself: slots that are made up for, alerts on Apache Kafka, and a clean end.

use crate::support::{Names, PATIENCE, Running, brokers, wait_for};
use crate::world::{DAY, World, block_on, is_done, said, sentiment};
use rdkafka::TopicPartitionList;
use rdkafka::consumer::BaseConsumer;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use registry::{Begun, RetrainBeginning, RetrainEnd, RetrainOutcome, Trigger};
use schemas::Timestamp;
use serde_json::json;
use service::kafka::{KafkaConfig, NextOffset, NextOffsets, committed_offsets};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

/// A run of a slot of so many days ago, so that those since then were missed.
fn ran_before(world: &World, days_ago: i64) {
    let slot = Timestamp::from_epoch_millis(Timestamp::now().epoch_millis() - days_ago * DAY).unwrap();
    let beginning = RetrainBeginning {
        trigger: Trigger::Schedule { slot },
        who: "last week's process".to_owned(),
        lease: Duration::from_secs(60),
    };
    let end = RetrainEnd {
        outcome: RetrainOutcome::Kept,
        will_retry: false,
        version: None,
        rows: None,
        reason: String::new(),
    };
    block_on(async {
        let begun = world.registry().begin_retraining(&sentiment(), &beginning, |_| Ok(())).await.unwrap();
        let Begun::Ours(lease) = begun else { panic!("{begun:?}") };
        lease.end(end).await.unwrap();
    });
}

#[test]
fn of_the_slots_that_were_missed_one_run_makes_up_and_two_processes_do_it_once() {
    let world = World::with_reviews(1200);
    ran_before(&world, 5);
    let schedule = ["retrain", "--schedule", "0 3 * * *", "--json"];
    let processes = [(); 2].map(|()| world.start(&schedule));
    world.wait_for_runs(|runs| runs.len() == 2 && is_done(&runs[1]));
    // Whoever came second finds in the history that the slot is dealt with, and goes on waiting.
    let outputs = processes.map(Running::stop);
    for output in &outputs {
        assert_eq!(output.status.code(), Some(0), "{}", said(output));
    }
    let runs = world.runs();
    assert_eq!(runs.len(), 2, "{runs:#?}");
    let Trigger::Schedule { slot } = &runs[1].trigger else { panic!("{runs:#?}") };
    assert!(slot.to_string().ends_with("T03:00:00.000Z"), "{slot}");
    assert_eq!((runs[1].outcome, world.versions()), (Some(RetrainOutcome::Promoted), (Some(1), 1)));
    let printed: Vec<u8> = outputs.into_iter().flat_map(|output| output.stdout).collect();
    let report: serde_json::Value = serde_json::from_slice(&printed).unwrap();
    assert_eq!((&report["run"], &report["trigger"]), (&2.into(), &"schedule".into()));
}

#[test]
fn a_process_that_died_is_succeeded_when_its_lease_is_over() {
    let world = World::with_reviews(1200);
    ran_before(&world, 5);
    let slot = Trigger::Schedule { slot: Timestamp::from_epoch_millis(Timestamp::now().epoch_millis() - DAY).unwrap() };
    // It gave no sign of life after its beginning.
    let beginning = RetrainBeginning { trigger: slot, who: "the dead".to_owned(), lease: Duration::from_millis(1500) };
    let begun = block_on(world.registry().begin_retraining(&sentiment(), &beginning, |_| Ok(()))).unwrap();
    assert!(matches!(begun, Begun::Ours(_)));
    let running = world.start(&["retrain", "--schedule", "0 3 * * *"]);
    world.wait_for_runs(|runs| runs.len() == 3 && is_done(&runs[2]));
    assert_eq!(running.stop().status.code(), Some(0));
    assert_eq!(world.states(), ["kept", "died", "promoted"]);
}

/// A topic of alerts of its own.
struct Drift {
    kafka: KafkaConfig,
    topic: String,
}

impl Drift {
    fn new(world: &mut World) -> Self {
        let names = Names::new(brokers());
        names.create(&[&names.topics.drift], 1);
        world.settings.extend(names.settings());
        world.settings.push("retrain.on_drift=[\"words\"]".to_owned());
        Self { kafka: names.kafka, topic: names.topics.drift }
    }

    fn send(&self, value: &str) {
        let producer: BaseProducer = self.kafka.producer().create().unwrap();
        producer.send(BaseRecord::<str, str>::to(&self.topic).key("key").payload(value)).map_err(|(e, _)| e).unwrap();
        producer.flush(PATIENCE).unwrap();
    }

    fn alert(&self, monitor: &str) {
        let window = json!({"topic": "predictions", "partition": 0, "from_offset": 0, "to_offset": 9});
        let alert = json!({
            "monitor": monitor, "statistic": "psi", "value": 0.4, "threshold": 0.2, "window": window,
            "message": "the words have shifted", "since": Timestamp::now(),
        });
        self.send(&alert.to_string());
    }

    /// Waits until the group has dealt with so many records.
    fn wait_for_commit(&self, offset: i64) {
        let consumer: BaseConsumer = self.kafka.consumer("retrain").create().unwrap();
        wait_for("the group's commit", || {
            let mut list = TopicPartitionList::new();
            list.add_partition(&self.topic, 0);
            let committed = committed_offsets(&consumer, list, PATIENCE).unwrap();
            NextOffsets::from_list(&committed).get(&self.topic, 0) == Some(NextOffset(offset))
        });
    }
}

/// What Prometheus would read.
fn metrics(port: u16) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn an_alert_of_a_monitor_that_is_listened_to_begins_a_run_and_is_dealt_with_once() {
    let mut world = World::with_reviews(1200);
    let drift = Drift::new(&mut world);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    world.settings.push(format!("health.listen=127.0.0.1:{port}"));
    let start = || world.start(&["retrain", "--on-drift"]);
    let running = start();
    drift.send("no alert at all");
    drift.alert("labels");
    drift.wait_for_commit(2);
    assert_eq!(world.runs(), [], "nobody listens to these");
    drift.alert("words");
    let runs = world.wait_for_runs(|runs| runs.first().is_some_and(is_done));
    let Trigger::Drift { monitor, alert, message, .. } = &runs[0].trigger else { panic!("{runs:#?}") };
    assert_eq!((monitor.as_str(), message.as_str()), ("words", "the words have shifted"));
    assert_eq!(*alert, format!("{}/0@2", drift.topic));
    assert_eq!(runs[0].outcome, Some(RetrainOutcome::Promoted));
    drift.wait_for_commit(3);
    let metrics = metrics(port);
    let counted = "plaudit_retrain_runs_total{trigger=\"drift\",outcome=\"promoted\"} 1";
    assert!(metrics.contains(counted), "{metrics}");
    assert!(metrics.contains("plaudit_retrain_last_version_timestamp_seconds 1"), "{metrics}");
    // The next one is answered by the version that was made just now.
    drift.alert("words");
    drift.wait_for_commit(4);
    assert_eq!(running.stop().status.code(), Some(0));
    // And a process that begins anew does not find them again.
    let running = start();
    drift.alert("labels");
    drift.wait_for_commit(5);
    assert_eq!(running.stop().status.code(), Some(0));
    assert_eq!((world.states(), world.versions()), (vec!["promoted"], (Some(1), 1)));
}
