//! Where a partition begins that the group has assigned: where its chain of files ends, whatever Kafka's committed offset says,
//! and no later than that offset where online features are kept, for they may be behind the files. Finding out takes the
//! store and the broker, either of which may be away for a while: it is a thread's work, and each partition is given to the
//! client when it is done. One that nobody leads for now is asked for again and again, and holds up no other.

use super::intake::LaneConsumer;
use super::lane::{Epoch, Lane, Lanes, Start, TopicNames};
use super::waiting::{Pause, is_passing};
use super::{ROLE, ServiceError};
use crate::metrics;
use feature_store::offline::store::{Dataset, SourcePartition, Store};
use futures::StreamExt;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use service::health::Component;
use service::kafka::{Error as KafkaError, KafkaConfig, NextOffset, NextOffsets, OnLostRange, committed_offsets};
use std::collections::HashSet;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How long the broker may take to answer one question.
const ANSWER: Duration = Duration::from_secs(5);

/// The time within which a cancelled token is seen.
const IDLE: Duration = Duration::from_millis(100);

/// Chains that are looked up at a time.
const CHAINS_AT_A_TIME: usize = 16;

/// A partition to be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request {
    pub(super) lane: Lane,
    pub(super) epoch: Epoch,
}

/// Where it begins.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) lane: Lane,
    pub(super) epoch: Epoch,
    pub(super) start: Start,
}

pub(super) struct Placer<'p> {
    pub(super) consumer: &'p LaneConsumer,
    /// Asks about topics. On a connection of the consumer, a question waits for the fetch before it.
    pub(super) asking: BaseConsumer,
    pub(super) kafka: &'p KafkaConfig,
    pub(super) group: &'p str,
    pub(super) names: &'p TopicNames,
    pub(super) lanes: &'p Lanes,
    pub(super) offline: Option<&'p Store>,
    /// Whether online features are kept: they go on behind the committed offsets.
    pub(super) online: bool,
    pub(super) runtime: &'p tokio::runtime::Handle,
    pub(super) health: Component,
}

/// A client that asks about topics and reads nothing.
pub(super) fn asking(kafka: &KafkaConfig) -> Result<BaseConsumer, KafkaError> {
    let mut config = kafka.consumer(ROLE);
    config.remove("group.id");
    config.create().map_err(|source| KafkaError::client("create a consumer", source))
}

/// What is known of a partition when it is placed.
#[derive(Debug, Clone, Copy)]
struct Known {
    /// Where its files end, where there are any.
    files: Option<i64>,
    /// The offset that the group has committed, if it has.
    committed: Option<i64>,
    /// The offsets between which the topic holds records.
    low: i64,
    high: i64,
}

impl Placer<'_> {
    /// Answers requests until the token is cancelled.
    pub(super) fn run(
        &self,
        requests: &Receiver<Request>,
        placed: &Sender<Placed>,
        stop: &CancellationToken,
    ) -> Result<(), ServiceError> {
        self.health.ready();
        let mut pending: Vec<Request> = Vec::new();
        let mut pause = Pause::new();
        let mut again_at = Instant::now();
        while !stop.is_cancelled() {
            match requests.recv_timeout(again_at.saturating_duration_since(Instant::now()).min(IDLE)) {
                Ok(request) => {
                    pending.extend(std::iter::once(request).chain(requests.try_iter()));
                    (pause, again_at) = (Pause::new(), Instant::now());
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            // What the group has taken back is nobody's business here.
            pending.retain(|request| self.lanes.is_expected(request.lane, request.epoch));
            if pending.is_empty() {
                self.health.ready();
                again_at = Instant::now() + IDLE;
            } else if Instant::now() >= again_at {
                if let Some(error) = self.place(&mut pending, placed, stop)? {
                    tracing::warn!("{} partitions cannot be read yet: {error}", pending.len());
                    self.health.not_ready(error.to_string());
                }
                again_at = Instant::now() + pause.next();
            }
        }
        Ok(())
    }

    /// Answers what can be answered, and leaves the rest; of that, answers what is in the way of the first.
    fn place(
        &self,
        pending: &mut Vec<Request>,
        placed: &Sender<Placed>,
        stop: &CancellationToken,
    ) -> Result<Option<ServiceError>, ServiceError> {
        let mut problem = None;
        let mut left = Vec::new();
        let (committed, leaderless) = match self.committed(pending).and_then(|c| Ok((c, self.leaderless(pending)?))) {
            Ok(found) => found,
            Err(error) if is_passing(&error) => return Ok(Some(error)),
            Err(error) => return Err(error),
        };
        for (request, files) in self.ends_of_files(std::mem::take(pending), stop) {
            let start = files.and_then(|files| self.start(request.lane, files, &committed, &leaderless));
            match start {
                // Nobody waits for it when the intake has ended.
                Ok(start) => _ = placed.send(Placed { lane: request.lane, epoch: request.epoch, start }),
                Err(error) if is_passing(&error) => {
                    left.push(request);
                    problem.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        *pending = left;
        Ok(problem)
    }

    fn start(
        &self,
        lane: Lane,
        files: Option<i64>,
        committed: &NextOffsets,
        leaderless: &HashSet<Lane>,
    ) -> Result<Start, ServiceError> {
        let (topic, partition) = (self.names.topic(lane.dataset), lane.partition);
        let bounds = match leaderless.contains(&lane) {
            // It would be asked for, and waited for in vain.
            true => Err(rdkafka::error::KafkaError::MetadataFetch(RDKafkaErrorCode::LeaderNotAvailable)),
            false => self.asking.fetch_watermarks(topic, partition, ANSWER),
        };
        let (low, high) = bounds.map_err(|source| KafkaError::Bounds { topic: topic.to_owned(), partition, source })?;
        let committed = committed.get(topic, partition).map(|next| next.0);
        self.start_of(lane, Known { files, committed, low, high })
    }

    fn start_of(&self, lane: Lane, known: Known) -> Result<Start, ServiceError> {
        let partition = self.names.partition(lane);
        let Known { low, high, .. } = known;
        if let Some((store, held)) = self.offline.zip(known.files).filter(|(_, held)| *held > high) {
            let store = store.address().to_owned();
            return Err(ServiceError::Ahead { store, partition, held, end: high });
        }
        let SourcePartition { topic, partition } = partition;
        let wanted = wanted(known, self.offline.is_some(), self.online);
        if let Some(committed) = wanted.filter(|wanted| *wanted > high) {
            let (committed, end, group) = (NextOffset(committed), NextOffset(high), self.group.to_owned());
            return Err(KafkaError::BeyondTheEnd { topic, partition, committed, end, group }.into());
        }
        if let Some(from) = wanted.filter(|wanted| *wanted < low) {
            let lost = KafkaError::LostRange { topic, partition, from: NextOffset(from), to: NextOffset(low) };
            if self.kafka.on_lost_range == OnLostRange::Stop {
                return Err(lost.into());
            }
            tracing::error!("{lost}");
            metrics::count_lost_records(low.abs_diff(from));
        }
        Ok(Start { from: wanted.unwrap_or(low).max(low), files_from: known.files.unwrap_or(0) })
    }

    /// Where the files of each partition end.
    fn ends_of_files(
        &self,
        requests: Vec<Request>,
        stop: &CancellationToken,
    ) -> Vec<(Request, Result<Option<i64>, ServiceError>)> {
        let Some(store) = self.offline else {
            return requests.into_iter().map(|request| (request, Ok(None))).collect();
        };
        let end_of = |request: Request| async move {
            let partition = self.names.partition(request.lane);
            (request, store.chain_end(request.lane.dataset, &partition).await.map_err(ServiceError::from))
        };
        let ends = futures::stream::iter(requests).map(end_of).buffered(CHAINS_AT_A_TIME).collect();
        self.runtime.block_on(async {
            tokio::select! {
                ends = ends => ends,
                () = stop.cancelled() => Vec::new(),
            }
        })
    }

    /// The partitions that nobody leads now. Asking makes the client look for their leaders anew.
    fn leaderless(&self, requests: &[Request]) -> Result<HashSet<Lane>, ServiceError> {
        let mut leaderless = HashSet::new();
        let datasets: HashSet<Dataset> = requests.iter().map(|request| request.lane.dataset).collect();
        for dataset in datasets {
            let metadata = self
                .asking
                .fetch_metadata(Some(self.names.topic(dataset)), ANSWER)
                .map_err(|source| KafkaError::client("read where partitions are", source))?;
            let partitions = metadata.topics().iter().flat_map(|topic| topic.partitions());
            let without = partitions.filter(|partition| partition.leader() < 0);
            leaderless.extend(without.map(|found| Lane { dataset, partition: found.id() }));
        }
        Ok(leaderless)
    }

    fn committed(&self, requests: &[Request]) -> Result<NextOffsets, ServiceError> {
        if self.offline.is_some() && !self.online {
            return Ok(NextOffsets::new());
        }
        let mut list = TopicPartitionList::new();
        for Request { lane, .. } in requests {
            list.add_partition(self.names.topic(lane.dataset), lane.partition);
        }
        let committed = committed_offsets(self.consumer, list, ANSWER)
            .map_err(|source| KafkaError::client("read the committed offsets", source))?;
        Ok(NextOffsets::from_list(&committed))
    }
}

/// The offset to read first; none for the first that there is.
fn wanted(known: Known, has_files: bool, has_online: bool) -> Option<i64> {
    match (has_files, has_online) {
        (true, false) => known.files,
        (false, _) => known.committed,
        // Whatever one of them lacks altogether, it gets from the beginning.
        (true, true) => known.files.min(known.committed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(files: Option<i64>, committed: Option<i64>) -> Known {
        Known { files, committed, low: 0, high: 100 }
    }

    #[test]
    fn files_go_on_where_they_end_whatever_was_committed() {
        assert_eq!(wanted(known(Some(40), Some(70)), true, false), Some(40));
        assert_eq!(wanted(known(Some(40), None), true, false), Some(40));
        assert_eq!(wanted(known(None, Some(70)), true, false), None);
    }

    #[test]
    fn with_online_features_what_is_behind_decides() {
        assert_eq!(wanted(known(Some(40), Some(70)), true, true), Some(40));
        assert_eq!(wanted(known(Some(70), Some(40)), true, true), Some(40));
        assert_eq!(wanted(known(Some(70), None), true, true), None);
        assert_eq!(wanted(known(None, Some(70)), true, true), None);
        assert_eq!(wanted(known(None, Some(70)), false, true), Some(70));
    }
}
