//! Files into the store, and then offsets into Kafka. The offsets are for those who look at the group's lag, and for the online
//! features; what files go on with is the end of their chain.

use super::error::ServiceError;
use super::filing::Ready;
use super::intake::LaneConsumer;
use super::lane::{Epoch, Lane, Lanes, TopicNames};
use super::report::Tally;
use super::waiting::Waiting;
use crate::metrics;
use feature_store::offline::store::{Created, Error as StoreError, FinishedPart, Store};
use rdkafka::consumer::{CommitMode, Consumer};
use service::kafka::{Error as KafkaError, NextOffset, NextOffsets};
use std::collections::HashMap;
use std::sync::mpsc::{Receiver, Sender};
use std::time::Instant;
use tokio_util::sync::CancellationToken;

pub(super) struct Storing<'s> {
    pub(super) consumer: &'s LaneConsumer,
    pub(super) names: &'s TopicNames,
    pub(super) lanes: &'s Lanes,
    pub(super) offline: Option<&'s Store>,
    pub(super) waiting: &'s Waiting<'s>,
    /// Assignments of which another writer has created a file: what was made of them has no place in the chain any more.
    pub(super) void: HashMap<Lane, Epoch>,
    pub(super) to_restart: Sender<Lane>,
    /// Told of the bytes of each file that is out of hand.
    pub(super) stored: Sender<usize>,
    pub(super) tally: Tally,
}

impl Storing<'_> {
    /// Stores what is ready until no more comes. Once the token is cancelled, each file is tried once.
    pub(super) fn run(mut self, ready: Receiver<Ready>, stop: &CancellationToken) -> Result<Tally, ServiceError> {
        for ready in ready {
            match ready {
                Ready::File { lane, epoch, part, malformed } => {
                    if self.is_current(lane, epoch) && self.store(lane, epoch, &part, stop)? {
                        self.tally.file(&part, malformed);
                        metrics::count_records(lane.dataset, part.rows());
                        // The partition may have been given up meanwhile, and is the next owner's to commit.
                        if self.is_current(lane, epoch) {
                            self.commit(lane, epoch, part.offsets().end)?;
                        }
                    }
                    let size_bytes = part.size_bytes();
                    drop(part);
                    // Nobody counts when filing has ended.
                    let _ = self.stored.send(size_bytes);
                }
                Ready::ReadUpTo { lane, epoch, next, records } => {
                    if self.is_current(lane, epoch) {
                        if self.offline.is_none() {
                            self.tally.records += records;
                            metrics::count_records(lane.dataset, records);
                        }
                        self.commit(lane, epoch, next)?;
                    }
                }
            }
        }
        self.commit_all();
        Ok(self.tally)
    }

    fn is_current(&self, lane: Lane, epoch: Epoch) -> bool {
        self.void.get(&lane) != Some(&epoch) && self.lanes.is_owned(lane, epoch)
    }

    /// Creates a file; false when it was not to be.
    fn store(
        &mut self,
        lane: Lane,
        epoch: Epoch,
        part: &FinishedPart,
        stop: &CancellationToken,
    ) -> Result<bool, ServiceError> {
        let Some(store) = self.offline else { return Ok(false) };
        let began = Instant::now();
        let created = self.waiting.until_done(stop, async || Ok(create(store, part).await?))?;
        let partition = self.names.partition(lane);
        match created {
            Some(Created::New) => {
                metrics::record_file(part.size_bytes(), began.elapsed());
                tracing::debug!(
                    messaging.destination.name = %partition.topic,
                    messaging.destination.partition.id = partition.partition,
                    "wrote {} rows of {partition}, offsets {:?}", part.rows(), part.offsets()
                );
                Ok(true)
            }
            Some(Created::Existed) => {
                tracing::info!(
                    "another writer was first with {partition} from offset {}: goes on behind its files",
                    part.offsets().start
                );
                metrics::count_lost_race();
                self.void.insert(lane, epoch);
                // Nobody listens when the intake has ended.
                let _ = self.to_restart.send(lane);
                Ok(false)
            }
            // What follows in this assignment may not be created: it would leave a hole where this file was to be.
            None => {
                self.void.insert(lane, epoch);
                Ok(false)
            }
        }
    }

    fn commit(&self, lane: Lane, epoch: Epoch, next: i64) -> Result<(), ServiceError> {
        let next = self.lanes.done(lane, epoch, next);
        let mut offsets = NextOffsets::new();
        offsets.set(self.names.topic(lane.dataset), lane.partition, NextOffset(next));
        if let Err(error) = self.consumer.commit(&offsets.to_list()?, CommitMode::Async) {
            tracing::debug!("offsets were not committed: {error}");
        }
        Ok(())
    }

    /// Once more at the end, and waits for it: whoever looks at the lag then sees none.
    fn commit_all(&self) {
        let mut offsets = NextOffsets::new();
        for (lane, owned) in self.lanes.all() {
            if owned.done > owned.start.from || owned.done > 0 {
                offsets.set(self.names.topic(lane.dataset), lane.partition, NextOffset(owned.done));
            }
        }
        if offsets.is_empty() {
            return;
        }
        let committed = offsets.to_list().and_then(|list| {
            self.consumer.commit(&list, CommitMode::Sync).map_err(|source| KafkaError::client("commit offsets", source))
        });
        if let Err(error) = committed {
            tracing::info!("the last offsets were not committed: {error}");
        }
    }
}

/// Creates a file, or finds that it was created: by a request whose answer was lost, and which was sent again.
async fn create(store: &Store, part: &FinishedPart) -> Result<Created, StoreError> {
    match store.create(part).await? {
        Created::Existed if store.holds(part).await? => Ok(Created::New),
        created => Ok(created),
    }
}
