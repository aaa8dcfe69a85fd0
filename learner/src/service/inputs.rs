//! Reading the three topics: all of their partitions, by this process alone, from where it says and not where the group's offsets
//! are. What comes too fast for its turn waits in Kafka.

use super::merge::Lanes;
use super::positions::{Positions, Source};
use super::record::Record;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerGroupMetadata};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{Message, Offset, TopicPartitionList};
use service::kafka::events::Events;
use service::kafka::{Access, Error, ErrorKind, KafkaConfig, NextOffsets, committed_offsets};
use std::time::{Duration, Instant};

/// The role in the consumer group's name.
pub(super) const ROLE: &str = "learn";

/// A partition with so many records at hand is read no further until few are left: enough that pausing, which drops what the
/// client has fetched ahead, is rare.
const MANY: usize = 8192;
const FEW: usize = 512;
/// The same in bytes, all partitions together.
const MANY_BYTES: usize = 128 << 20;

/// So many records are taken from a topic before another one is looked at.
const AT_A_TIME: usize = 256;

/// How long the broker may take to answer one question.
const ANSWER: Duration = Duration::from_secs(10);

pub(super) struct Inputs {
    inputs: [Input; 3],
}

struct Input {
    source: Source,
    topic: String,
    /// One for each topic: the end of a partition is told without the name of its topic.
    consumer: BaseConsumer<Events>,
    is_paused: Vec<bool>,
}

impl Inputs {
    pub(super) fn new(kafka: &KafkaConfig, topics: [&str; 3]) -> Result<Self, Error> {
        let input = |source: Source| {
            let mut config = kafka.consumer(ROLE);
            config.set("enable.partition.eof", "true");
            // What is gone is never passed over in silence.
            config.set("auto.offset.reset", "error");
            let consumer =
                config.create_with_context(Events).map_err(|source| Error::client("create a consumer", source))?;
            Ok(Input { source, topic: topics[source as usize].to_owned(), consumer, is_paused: Vec::new() })
        };
        let [reviews, predictions, feedback] = Source::ALL;
        Ok(Self { inputs: [input(reviews)?, input(predictions)?, input(feedback)?] })
    }

    pub(super) fn topic(&self, source: Source) -> &str {
        &self.inputs[source as usize].topic
    }

    /// Who commits: the group, of which nobody is a member.
    pub(super) fn group(&self) -> Result<ConsumerGroupMetadata, Error> {
        let none = || Error::Config { key: "kafka.group".to_owned(), reason: "gives no consumer group".to_owned() };
        self.inputs[Source::Feedback as usize].consumer.group_metadata().ok_or_else(none)
    }

    /// Reads from these positions on.
    pub(super) fn assign(&mut self, lanes: &Lanes) -> Result<(), Error> {
        let from = lanes.fetched();
        for input in &mut self.inputs {
            let mut list = TopicPartitionList::new();
            for (partition, next) in from.of(input.source).iter().enumerate() {
                list.add_partition_offset(&input.topic, partition as i32, Offset::Offset(*next))
                    .map_err(|source| Error::client("list partitions", source))?;
            }
            input.consumer.assign(&list).map_err(|source| Error::client("assign partitions", source))?;
            input.is_paused = vec![false; list.count()];
        }
        Ok(())
    }

    /// Where each partition begins and ends now, for readers of what is committed.
    pub(super) fn bounds(&self) -> Result<[Positions; 2], Error> {
        let (mut low, mut high) = (Positions::default(), Positions::default());
        for Input { source, topic, consumer, .. } in &self.inputs {
            for partition in 0..partitions(consumer, topic)? {
                let failed = |source| Error::Bounds { topic: topic.clone(), partition, source };
                let (from, to) = consumer.fetch_watermarks(topic, partition, ANSWER).map_err(failed)?;
                low.of_mut(*source).push(from);
                high.of_mut(*source).push(to);
            }
        }
        Ok([low, high])
    }

    /// How many partitions each topic has now.
    pub(super) fn partitions(&self) -> Result<[usize; 3], Error> {
        let [one, two, three] = &self.inputs;
        let count = |input: &Input| partitions(&input.consumer, &input.topic).map(|partitions| partitions as usize);
        Ok([count(one)?, count(two)?, count(three)?])
    }

    /// What the group has committed.
    pub(super) fn committed(&self, partitions: &Positions) -> Result<NextOffsets, Error> {
        let mut list = TopicPartitionList::new();
        for Input { source, topic, .. } in &self.inputs {
            (0..partitions.of(*source).len()).for_each(|partition| _ = list.add_partition(topic, partition as i32));
        }
        let consumer = &self.inputs[Source::Feedback as usize].consumer;
        let committed = committed_offsets(consumer, list, ANSWER)
            .map_err(|source| Error::client("read the committed offsets", source))?;
        Ok(NextOffsets::from_list(&committed))
    }

    /// Takes what is at hand; waits so long for something if there is nothing. Answers whether anything came.
    pub(super) fn poll(&mut self, lanes: &mut Lanes, wait: Duration) -> Result<bool, Error> {
        self.let_flow(lanes)?;
        let mut came = false;
        for input in &self.inputs {
            came |= input.poll(lanes, Duration::ZERO)?;
        }
        if !came && !wait.is_zero() {
            // Labels are what is waited for; reviews come along.
            came = self.inputs[Source::Feedback as usize].poll(lanes, wait)?;
        }
        Ok(came)
    }

    /// Whether a partition is read no further for now.
    pub(super) fn is_held_up(&self) -> bool {
        self.inputs.iter().any(|input| input.is_paused.contains(&true))
    }

    /// Pauses partitions with much at hand and lets those go on that have little left.
    fn let_flow(&mut self, lanes: &Lanes) -> Result<(), Error> {
        let count: usize = self.inputs.iter().map(|input| input.is_paused.len()).sum();
        let many_bytes = MANY_BYTES / count.max(1);
        for input in &mut self.inputs {
            let (mut pause, mut resume) = (TopicPartitionList::new(), TopicPartitionList::new());
            for (partition, (is_paused, lane)) in input.is_paused.iter_mut().zip(lanes.of(input.source)).enumerate() {
                let is_full = lane.records.len() >= MANY || lane.bytes >= many_bytes;
                let is_low = lane.records.len() <= FEW && lane.bytes <= many_bytes / 4 || lane.records.len() <= 1;
                if !*is_paused && is_full {
                    pause.add_partition(&input.topic, partition as i32);
                    *is_paused = true;
                } else if *is_paused && is_low {
                    resume.add_partition(&input.topic, partition as i32);
                    *is_paused = false;
                }
            }
            if pause.count() > 0 {
                input.consumer.pause(&pause).map_err(|source| Error::client("pause partitions", source))?;
            }
            if resume.count() > 0 {
                input.consumer.resume(&resume).map_err(|source| Error::client("resume partitions", source))?;
            }
        }
        Ok(())
    }
}

impl Input {
    fn poll(&self, lanes: &mut Lanes, wait: Duration) -> Result<bool, Error> {
        let lanes = &mut lanes.0[self.source as usize];
        let mut came = false;
        for _ in 0..AT_A_TIME {
            match self.consumer.poll(if came { Duration::ZERO } else { wait }) {
                None => break,
                Some(Ok(message)) => {
                    came = true;
                    let lane = &mut lanes[message.partition() as usize];
                    // After a pause the client may bring once more what was at hand.
                    if message.offset() >= lane.fetched {
                        lane.push(Record::read(self.source, &message));
                    }
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    lanes[partition as usize].quiet_since.get_or_insert_with(Instant::now);
                }
                Some(Err(source)) => {
                    if source.rdkafka_error_code() == Some(RDKafkaErrorCode::AutoOffsetReset) {
                        return Err(Error::client("go on reading: records were deleted before they were read", source));
                    }
                    let error = Error::refused_or_client("read", source, &[Access::read_topic(&self.topic)]);
                    if error.kind() != ErrorKind::Retry {
                        return Err(error);
                    }
                    tracing::warn!(messaging.destination.name = %self.topic, "{error}");
                }
            }
        }
        Ok(came)
    }
}

fn partitions(consumer: &BaseConsumer<Events>, topic: &str) -> Result<i32, Error> {
    let failed = |source| Error::client("read how many partitions there are", source);
    let metadata = consumer.fetch_metadata(Some(topic), ANSWER).map_err(failed)?;
    let Some(found) = metadata.topics().first() else { return Ok(0) };
    // A topic that cannot be told of is none without partitions: its records would be passed over.
    match found.error().map(RDKafkaErrorCode::from) {
        Some(code) => Err(failed(KafkaError::MetadataFetch(code))),
        None => Ok(found.partitions().len() as i32),
    }
}
