//! What librdkafka calls, from the thread that polls. Partitions that the group assigns are taken note of, and given to the client
//! one by one when it is known where they begin: one that has no leader, say, holds up no other.

use super::ends;
use super::lane::{Lane, Lanes, TopicNames};
use super::placing::Request;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, RebalanceProtocol};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientContext, Statistics, TopicPartitionList};
use service::health::Component;
use std::sync::Arc;
use std::sync::mpsc::Sender;

pub(super) struct Callbacks {
    pub(super) names: TopicNames,
    pub(super) lanes: Arc<Lanes>,
    pub(super) requests: Sender<Request>,
    pub(super) health: Component,
}

impl Callbacks {
    /// Asks where a partition begins that is ours.
    pub(super) fn request(&self, lane: Lane) {
        // Nobody answers when the process ends.
        let _ = self.requests.send(Request { lane, epoch: self.lanes.expect(lane) });
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
    }
}

impl ConsumerContext for Callbacks {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, event: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let lanes = self.lanes_of(list);
        // The group is answered at once.
        let done = if event == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            self.lanes.assigned();
            lanes.into_iter().for_each(|lane| self.request(lane));
            if !self.lanes.is_expecting() {
                self.health.ready();
            }
            match is_cooperative(consumer) {
                true => consumer.incremental_assign(&TopicPartitionList::new()),
                false => consumer.assign(&TopicPartitionList::new()),
            }
        } else {
            tracing::info!("gives up {} partitions", lanes.len());
            let mut read = TopicPartitionList::new();
            for lane in lanes.into_iter().filter(|lane| self.lanes.end(*lane)) {
                read.add_partition(self.names.topic(lane.dataset), lane.partition);
            }
            if consumer.assignment_lost() {
                self.lanes.lost();
                self.health.not_ready("the consumer group has lost sight of this process, which joins it anew");
            }
            if is_cooperative(consumer) { consumer.incremental_unassign(&read) } else { consumer.unassign() }
        };
        if let Err(error) = done {
            tracing::warn!("the consumer group could not rebalance: {error}");
        }
    }
}

pub(super) fn is_cooperative<C: ConsumerContext>(consumer: &BaseConsumer<C>) -> bool {
    matches!(consumer.rebalance_protocol(), RebalanceProtocol::Cooperative)
}
