//! One look at the whole system. Every question goes out at the same time, on a connection of its own, so that what is slow
//! or away holds up nothing else.

use super::alerts::Alerts;
use super::answer::Deadline;
use super::cluster::Cluster;
use super::group::Groups;
use super::letters::{Letters, OfTopic};
use super::model::{Model, registered};
use super::predictions::Predictions;
use super::report::Report;
use super::stores;
use crate::config::Config;
use crate::topics::{Role, every};
use schemas::{Timestamp, Topics};
use service::kafka::survey::{self, Group};
use service::kafka::{Error, KafkaConfig};
use std::time::{Duration, Instant};
use tokio::task::{JoinHandle, spawn_blocking};

/// What the consumer groups of the services are called behind kafka.group.
const ROLES: [&str; 5] = [SCORE, "ingest", "learn", "monitor", "retrain"];
const SCORE: &str = "score";

/// Looks at everything; what does not answer within this time is told as such.
pub async fn look(config: &Config, within: Duration) -> Report {
    let (at, began) = (Timestamp::now(), Instant::now());
    let deadline = Deadline::new(within);
    let asked = Asked::new(config, deadline.for_looks());
    let (production, online_store, offline_store) = tokio::join!(
        deadline.wait(registered(config)),
        stores::online(config, deadline),
        stores::offline(config, deadline),
    );
    let kafka = deadline.answer(asked.cluster).await;
    let mut groups = Vec::new();
    for (role, asked) in asked.groups {
        groups.push((role, deadline.answer(asked).await));
    }
    let mut dead_letters = Vec::new();
    for (topic, asked) in asked.letters {
        dead_letters.push(OfTopic { topic, answer: deadline.answer(asked).await });
    }
    let predictions = deadline.answer(asked.predictions).await;
    let scorers = groups.iter().find(|(role, _)| *role == SCORE).map(|(_, group)| group);
    let model = Model::new(config, production, scorers, &predictions);
    Report {
        at,
        kafka,
        groups: Groups::new(&config.kafka, groups, at),
        dead_letters,
        model,
        predictions: predictions.map(|predictions| predictions.summary()),
        online_store,
        offline_store,
        alerts: deadline.answer(asked.alerts).await,
        seconds: began.elapsed().as_secs_f64(),
    }
}

/// What a thread of its own will say.
type Answer<T> = JoinHandle<Result<T, Error>>;

/// What Kafka was asked, each question on a thread of its own: its client blocks.
struct Asked {
    cluster: Answer<Cluster>,
    groups: Vec<(&'static str, Answer<Option<Group>>)>,
    predictions: Answer<Predictions>,
    letters: Vec<(String, Answer<Letters>)>,
    alerts: Answer<Alerts>,
}

impl Asked {
    fn new(config: &Config, within: Duration) -> Self {
        let mut kafka = config.kafka.clone();
        kafka.connect_timeout_ms = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
        let Topics { predictions, drift, .. } = &config.topics;
        let letters = every(&config.topics).into_iter().filter(|(role, _)| *role == Role::DeadLetters);
        let letters = letters.map(|(_, topic)| {
            let asked = with(&kafka, &topic, move |kafka, topic| Letters::read(kafka, topic, within));
            (topic, asked)
        });
        Self {
            cluster: Cluster::ask(config, kafka.clone()),
            groups: ROLES.map(|role| (role, group(config, kafka.clone(), role, within))).into(),
            predictions: with(&kafka, predictions, move |kafka, topic| Predictions::read(kafka, topic, within)),
            letters: letters.collect(),
            alerts: with(&kafka, drift, move |kafka, topic| Alerts::read(kafka, topic, within)),
        }
    }
}

fn with<T: Send + 'static>(
    kafka: &KafkaConfig,
    topic: &str,
    ask: impl FnOnce(&KafkaConfig, &str) -> Result<T, Error> + Send + 'static,
) -> Answer<T> {
    let (kafka, topic) = (kafka.clone(), topic.to_owned());
    spawn_blocking(move || ask(&kafka, &topic))
}

fn group(config: &Config, kafka: KafkaConfig, role: &'static str, within: Duration) -> Answer<Option<Group>> {
    let topics = every(&config.topics).map(|(_, name)| name);
    spawn_blocking(move || survey::group(&kafka, role, &topics.each_ref().map(String::as_str), within))
}
