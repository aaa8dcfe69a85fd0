//! The monitor at work: reads the three topics, raises alerts, tells what it knows.
//!
//! It keeps nothing: what it has to remember stands in the topics. When it starts it reads the last `memory_hours` again without
//! raising alerts, up to the offsets that its group has committed; from there on alerts and offsets go in one transaction, so
//! that an alert is raised once whatever ends the process. What was alerted in that time stands in `drift`: an episode that
//! reading again did not bring counts as going on until its end is seen.

use super::config::MonitorConfig;
use super::error::MonitorError;
use super::feed::{Feed, Next, Record, Start};
use super::metrics;
use super::normal::Normals;
use super::report::MonitorReport;
use super::starts::{Starts, starts};
use super::watch::{MONITORS, Role, Watch};
use rdkafka::Offset;
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::producer::BaseRecord;
use registry::{Reference, Registry};
use schemas::{Alert, ModelName, Timestamp, Topics};
use service::health::Component;
use service::kafka::{Error, ErrorKind, KafkaConfig, NextOffsets, TransactionalProducer, read_to_end};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

/// The part of the group's name that is ours.
pub(super) const ROLE: &str = "monitor";
/// How often offsets are committed, metrics told and new partitions looked for.
const COMMIT: Duration = Duration::from_secs(5);
const TELL: Duration = Duration::from_secs(5);
const GROW: Duration = Duration::from_secs(60);
/// A transaction holds a few alerts.
const TRANSACTION: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(500);
/// What is left of a commit when a signal comes.
pub const GRACE: Duration = Duration::from_secs(40);

/// What a monitor needs.
pub struct Monitor {
    /// Where Kafka is.
    pub kafka: KafkaConfig,
    /// What the topics are called.
    pub topics: Topics,
    /// What is watched.
    pub config: MonitorConfig,
    /// Where versions are looked up,
    pub registry: Registry,
    /// by this name,
    pub name: ModelName,
    /// and which of them is in use.
    pub alias: Reference,
    /// Runs the requests to the registry.
    pub runtime: Handle,
    /// Where it begins and ends, and whether others hear of what it finds.
    pub span: Span,
    /// Where readiness is told.
    pub health: Component,
}

/// What is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// From where the group was, for ever; alerts are raised.
    Service,
    /// The same up to the ends as they are at the start.
    UntilEnd,
    /// From a time on, or from the beginning, up to the ends as they are at the start. Nothing is written and nothing committed.
    Once(Option<Timestamp>),
}

impl Monitor {
    /// Works until the token is cancelled, or the ends are reached. Blocks: give it a thread of its own.
    pub fn run(self, token: &CancellationToken) -> Result<MonitorReport, MonitorError> {
        let started = Instant::now();
        let Self { kafka, topics, config, registry, name, alias, runtime, span, health } = self;
        let read = [topics.reviews.as_str(), &topics.predictions, &topics.feedback];
        let written = match span {
            Span::Once(_) => None,
            _ => Some(topics.drift.as_str()),
        };
        let needed: Vec<&str> = read.into_iter().chain(written).collect();
        kafka.check_topics(&needed, "create them with `plaudit topics create`")?;
        let publisher = match span {
            Span::Once(_) => None,
            _ => Some(Publisher::new(&kafka, &topics.drift)?),
        };
        let since = match span {
            Span::Once(since) => since,
            _ => Timestamp::from_epoch_millis(Timestamp::now().epoch_millis() - millis(config.memory())),
        };
        let Starts { starts, committed } = starts(&kafka, &topics, since, span)?;
        let watch = Watch::new(config, topics.clone(), Normals { registry, name, alias, runtime });
        let earlier = publisher.as_ref().map(|publisher| publisher.earlier(since)).transpose()?;
        let feed = Feed::open(&kafka, ROLE, &starts)?;
        let mut work =
            Work { kafka, starts, feed, watch, publisher, earlier, committed, done: NextOffsets::new(), health };
        work.run(token)?;
        let report = MonitorReport { seconds: started.elapsed().as_secs_f64(), ..work.watch.report() };
        metrics::tell(&report);
        Ok(report)
    }
}

struct Work {
    kafka: KafkaConfig,
    starts: Vec<Start>,
    feed: Feed,
    watch: Watch,
    publisher: Option<Publisher>,
    /// The alerts that stand on the topic, until the first record that no earlier process has dealt with.
    earlier: Option<Vec<Alert>>,
    /// What lies before these was dealt with by an earlier process.
    committed: NextOffsets,
    done: NextOffsets,
    health: Component,
}

impl Work {
    fn run(&mut self, token: &CancellationToken) -> Result<(), MonitorError> {
        self.health.not_ready("reads again what it has to remember");
        let (mut committed, mut told, mut grown) = (Instant::now(), Instant::now(), Instant::now());
        let (mut is_behind, mut tell_after) = (true, TELL);
        while !token.is_cancelled() {
            match self.feed.next()? {
                Next::Record(record) => self.take(&record, token)?,
                Next::Over => break,
                Next::Nothing if is_behind && self.feed.is_at_end() => {
                    is_behind = false;
                    self.health.ready();
                    tracing::info!("has read what there was");
                }
                Next::Nothing => {}
            }
            if committed.elapsed() >= COMMIT {
                self.publish(&[], token)?;
                committed = Instant::now();
            }
            if told.elapsed() >= tell_after {
                let begun = Instant::now();
                metrics::tell(&self.watch.report());
                told = Instant::now();
                // Figures of large windows take time: a twentieth of all at most.
                tell_after = TELL.max(20 * begun.elapsed());
            }
            if grown.elapsed() >= GROW {
                self.grow()?;
                grown = Instant::now();
            }
        }
        self.health.not_ready("stops");
        self.publish(&[], token)
    }

    fn take(&mut self, Record { role, message }: &Record, token: &CancellationToken) -> Result<(), MonitorError> {
        let (topic, partition, offset) = (message.topic(), message.partition(), message.offset());
        let was_dealt_with = self.committed.get(topic, partition).is_some_and(|next| offset < next.0);
        if !was_dealt_with && let Some(earlier) = self.earlier.take() {
            self.watch.resume(&earlier);
        }
        let alerts = self.watch.take(*role, message.payload().unwrap_or_default());
        self.done.done(topic, partition, offset);
        if alerts.is_empty() || was_dealt_with {
            return Ok(());
        }
        for alert in &alerts {
            tracing::warn!(monitor = alert.monitor, statistic = alert.statistic, "{}", alert.message);
            metrics::raised(alert);
        }
        self.publish(&alerts, token)
    }

    /// Alerts and offsets become visible together. While Kafka is away this waits.
    fn publish(&mut self, alerts: &[Alert], token: &CancellationToken) -> Result<(), MonitorError> {
        let Some(publisher) = &self.publisher else { return Ok(()) };
        let mut offsets = self.committed.clone();
        self.done.iter().for_each(|(topic, partition, next)| offsets.advance(topic, partition, next));
        if alerts.is_empty() && offsets == self.committed {
            return Ok(());
        }
        let mut attempt = 0;
        loop {
            match publisher.publish(alerts, &offsets, &self.feed) {
                Ok(()) => break,
                Err(error) if error.kind() == ErrorKind::Fenced => {
                    return Err(MonitorError::TakenOver { group: self.kafka.group_of(ROLE) });
                }
                Err(error) if error.kind() == ErrorKind::Fatal => return Err(error.into()),
                // The next start finds the same.
                Err(error) if token.is_cancelled() || attempt >= 20 => return Err(error.into()),
                Err(error) => {
                    tracing::warn!("{error}; it is tried again");
                    attempt += 1;
                    std::thread::park_timeout(PAUSE);
                }
            }
        }
        self.committed = offsets;
        Ok(())
    }

    /// Reads on with partitions that a topic has more than before.
    fn grow(&mut self) -> Result<(), MonitorError> {
        if self.starts.iter().any(|start| start.to.is_some()) {
            return Ok(());
        }
        let mut topics: Vec<(Role, String)> =
            self.starts.iter().map(|start| (start.role, start.topic.clone())).collect();
        topics.dedup();
        let names: Vec<&str> = topics.iter().map(|(_, name)| name.as_str()).collect();
        // Who cannot say now is asked again.
        let Ok(found) = service::kafka::admin::describe(&self.kafka, &names) else { return Ok(()) };
        let mut more = Vec::new();
        for (role, topic) in &topics {
            let known = self.starts.iter().filter(|start| start.topic == *topic).count() as i32;
            let partitions = found.get(topic).map_or(known, |found| found.partitions);
            more.extend((known..partitions).map(|partition| Start {
                role: *role,
                topic: topic.clone(),
                partition,
                from: Offset::Beginning,
                to: None,
            }));
        }
        if more.is_empty() {
            return Ok(());
        }
        tracing::info!("reads {} partitions more", more.len());
        for start in &mut self.starts {
            if let Some(next) = self.done.get(&start.topic, start.partition) {
                start.from = Offset::Offset(next.0);
            }
        }
        self.starts.extend(more);
        self.starts.sort_by_key(|start| (start.role, start.partition));
        self.feed = Feed::open(&self.kafka, ROLE, &self.starts)?;
        Ok(())
    }
}

/// Writes alerts.
struct Publisher {
    kafka: KafkaConfig,
    topic: String,
    producer: TransactionalProducer,
}

impl Publisher {
    /// Fences every earlier monitor of the group.
    fn new(kafka: &KafkaConfig, topic: &str) -> Result<Self, Error> {
        let producer = TransactionalProducer::new(kafka, &kafka.group_of(ROLE), TRANSACTION)?;
        Ok(Self { kafka: kafka.clone(), topic: topic.to_owned(), producer })
    }

    /// Alerts of our own monitors since a time.
    fn earlier(&self, since: Option<Timestamp>) -> Result<Vec<Alert>, Error> {
        let records = read_to_end(&self.kafka, &self.topic, self.kafka.connect_timeout() * 6)?;
        let since = since.map_or(0, |since| since.epoch_millis());
        let recent = records.iter().filter(|record| record.timestamp().to_millis().is_none_or(|time| time >= since));
        let alerts = recent.filter_map(|record| Alert::decode(record.payload()?).ok());
        Ok(alerts.filter(|alert| MONITORS.contains(&alert.monitor.as_str())).collect())
    }

    fn publish(&self, alerts: &[Alert], offsets: &NextOffsets, feed: &Feed) -> Result<(), Error> {
        self.producer.begin()?;
        let outcome = self.fill(alerts, offsets, feed);
        if let Err(error) = &outcome
            && matches!(error.kind(), ErrorKind::Abort | ErrorKind::Retry)
        {
            self.producer.abort()?;
        }
        outcome
    }

    fn fill(&self, alerts: &[Alert], offsets: &NextOffsets, feed: &Feed) -> Result<(), Error> {
        let group = feed.consumer().group_metadata();
        let group = group.ok_or_else(|| Error::client("name the consumer group", KafkaError::Canceled))?;
        for alert in alerts {
            let value = serde_json::to_vec(alert).unwrap_or_default();
            self.producer.send(BaseRecord::to(&self.topic).key(&alert.monitor).payload(&value))?;
        }
        self.producer.commit(offsets, &group)
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 2)
}
