//! Where a partition begins that the group has assigned: where its chain of files ends, whatever Kafka's committed offset says,
//! and no later than that offset where online features are kept, for they may be behind the files. Finding out takes the
//! store and the broker, either of which may be away for a while: it is a thread's work, and the partition is given to the
//! client when it is done.

use super::ServiceError;
use super::intake::LaneConsumer;
use super::lane::{Lane, Start, TopicNames};
use super::waiting::Waiting;
use crate::metrics;
use feature_store::offline::store::{ErrorKind as StoreErrorKind, SourcePartition, Store};
use feature_store::online::Error as OnlineError;
use futures::{StreamExt, TryStreamExt};
use rdkafka::TopicPartitionList;
use rdkafka::consumer::Consumer;
use service::kafka::{
    Error as KafkaError, ErrorKind, KafkaConfig, NextOffset, NextOffsets, OnLostRange, committed_offsets,
};
use std::collections::HashMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long the broker may take to answer one question.
const ANSWER: Duration = Duration::from_secs(5);

/// The time within which a cancelled token is seen.
const IDLE: Duration = Duration::from_millis(100);

/// Chains that are looked up at a time.
const CHAINS_AT_A_TIME: usize = 16;

/// The number of requests for partitions that begin anew within an assignment.
pub(super) const RESTART: u64 = 0;

/// Partitions to be read.
#[derive(Debug, Clone)]
pub(super) struct Request {
    /// What the answer is known by.
    pub(super) number: u64,
    pub(super) lanes: Vec<Lane>,
}

/// Where they begin.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) number: u64,
    pub(super) starts: HashMap<Lane, Start>,
}

pub(super) struct Placer<'p> {
    pub(super) consumer: &'p LaneConsumer,
    pub(super) kafka: &'p KafkaConfig,
    pub(super) group: &'p str,
    pub(super) names: &'p TopicNames,
    pub(super) offline: Option<&'p Store>,
    /// Whether online features are kept: they go on behind the committed offsets.
    pub(super) online: bool,
    pub(super) runtime: &'p tokio::runtime::Handle,
    pub(super) waiting: &'p Waiting,
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
        while !stop.is_cancelled() {
            match requests.recv_timeout(IDLE) {
                Ok(request) => {
                    let Some(starts) = self.waiting.until_done(stop, || self.place(&request.lanes))? else { break };
                    // Nobody waits for it when the intake has ended.
                    let _ = placed.send(Placed { number: request.number, starts });
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        Ok(())
    }

    fn place(&self, lanes: &[Lane]) -> Result<HashMap<Lane, Start>, ServiceError> {
        let files = self.ends_of_files(lanes)?;
        let committed = self.committed(lanes)?;
        let mut starts = HashMap::with_capacity(lanes.len());
        for lane in lanes {
            let (topic, partition) = (self.names.topic(lane.dataset), lane.partition);
            let (low, high) = self.consumer.fetch_watermarks(topic, partition, ANSWER).map_err(|source| {
                let topic = topic.to_owned();
                KafkaError::Bounds { topic, partition, source }
            })?;
            let known = Known {
                files: files.get(lane).copied().flatten(),
                committed: committed.get(topic, partition).map(|next| next.0),
                low,
                high,
            };
            starts.insert(*lane, self.start(*lane, known)?);
        }
        Ok(starts)
    }

    fn start(&self, lane: Lane, known: Known) -> Result<Start, ServiceError> {
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

    fn ends_of_files(&self, lanes: &[Lane]) -> Result<HashMap<Lane, Option<i64>>, ServiceError> {
        let Some(store) = self.offline else { return Ok(HashMap::new()) };
        let end_of =
            |lane: Lane| async move { Ok((lane, store.chain_end(lane.dataset, &self.names.partition(lane)).await?)) };
        let ends = futures::stream::iter(lanes.to_vec()).map(end_of).buffer_unordered(CHAINS_AT_A_TIME);
        self.runtime.block_on(ends.try_collect())
    }

    fn committed(&self, lanes: &[Lane]) -> Result<NextOffsets, ServiceError> {
        if self.offline.is_some() && !self.online {
            return Ok(NextOffsets::new());
        }
        let mut list = TopicPartitionList::new();
        for lane in lanes {
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

/// Whether waiting helps.
pub(super) fn is_passing(error: &ServiceError) -> bool {
    match error {
        ServiceError::Kafka(error) => error.kind() == ErrorKind::Retry,
        ServiceError::Offline(error) => error.kind() == StoreErrorKind::Retry,
        ServiceError::Online(error) => !matches!(error, OnlineError::InvalidUrl { .. }),
        ServiceError::NoStore | ServiceError::Ahead { .. } => false,
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
