//! What librdkafka calls, from the thread that polls. Partitions that the group assigns are noted and placed elsewhere: they
//! are given to the client when it is known where they begin, for which librdkafka waits.

use super::ends::{self, Ends};
use super::lane::{Lane, Lanes, TopicNames};
use super::placing::{RESTART, Request};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, RebalanceProtocol};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientContext, Statistics, TopicPartitionList};
use service::health::Component;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(super) struct Callbacks {
    pub(super) names: TopicNames,
    pub(super) lanes: Arc<Lanes>,
    /// Where the run ends, if it does.
    pub(super) ends: Option<Arc<Ends>>,
    pub(super) placing: Mutex<Placing>,
    pub(super) requests: Sender<Request>,
    pub(super) health: Component,
}

/// Partitions that were assigned and are not given to the client yet.
#[derive(Default)]
pub(super) struct Placing {
    /// Of the last assignment; they count from 1.
    pub(super) number: u64,
    pub(super) lanes: Option<Vec<Lane>>,
}

impl Callbacks {
    pub(super) fn placing(&self) -> MutexGuard<'_, Placing> {
        self.placing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks where these begin that were assigned.
    fn request_assignment(&self, lanes: Vec<Lane>) {
        let mut placing = self.placing();
        placing.number += 1;
        placing.lanes = Some(lanes.clone());
        // Nobody answers when the process ends.
        let _ = self.requests.send(Request { number: placing.number, lanes });
    }

    /// Asks where this one begins anew. What is being placed goes on being placed.
    pub(super) fn request_restart(&self, lane: Lane) {
        let _ = self.requests.send(Request { number: RESTART, lanes: vec![lane] });
    }

    fn lanes_of(&self, list: &TopicPartitionList) -> Vec<Lane> {
        list.elements().iter().filter_map(|found| self.names.lane(found.topic(), found.partition())).collect()
    }
}

impl ClientContext for Callbacks {
    fn error(&self, event: KafkaError, reason: &str) {
        service::kafka::events::log(&event, reason);
    }

    fn stats(&self, statistics: Statistics) {
        ends::tell_lag(&statistics, &self.names, &self.lanes);
        if let Some(ends) = &self.ends {
            ends.look(&statistics, &self.names);
        }
    }
}

impl ConsumerContext for Callbacks {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, event: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let lanes = self.lanes_of(list);
        if event == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            self.request_assignment(lanes);
            return;
        }
        self.placing().lanes = None;
        for lane in &lanes {
            self.lanes.end(*lane);
        }
        tracing::info!("gives up {} partitions", lanes.len());
        if consumer.assignment_lost() {
            self.health.not_ready("the consumer group has lost sight of this process, which joins it anew");
        }
        let done = if is_cooperative(consumer) { consumer.incremental_unassign(list) } else { consumer.unassign() };
        if let Err(error) = done {
            tracing::warn!("the consumer group could not rebalance: {error}");
        }
    }
}

pub(super) fn is_cooperative<C: ConsumerContext>(consumer: &BaseConsumer<C>) -> bool {
    matches!(consumer.rebalance_protocol(), RebalanceProtocol::Cooperative)
}
