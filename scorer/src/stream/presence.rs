//! Whether the topic that is read is there. One that somebody has deleted, to make it anew perhaps, is waited for: health says so
//! meanwhile, and the client takes up what comes by that name.

use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use service::health::Component;
use std::time::{Duration, Instant};

/// How often it is looked whether it is there again, and how long the broker may take to say so: polling waits meanwhile.
const LOOK: Duration = Duration::from_secs(1);
const ANSWER: Duration = Duration::from_secs(1);

pub(super) struct Presence {
    component: Component,
    /// When it was looked for last, while it is missing.
    missing: Option<Instant>,
}

impl Presence {
    /// It is there.
    pub(super) fn new(component: Component) -> Self {
        component.ready();
        Self { component, missing: None }
    }

    /// The client says that it is gone.
    pub(super) fn missing(&mut self, topic: &str) {
        if self.missing.is_none() {
            let reason = format!("topic \"{topic}\" does not exist any more, and is waited for");
            tracing::error!("{reason}");
            self.component.not_ready(reason);
        }
        self.missing = Some(Instant::now());
    }

    /// Looks now and then whether it has come again.
    pub(super) fn look<C: ConsumerContext>(&mut self, consumer: &BaseConsumer<C>, topic: &str) {
        if self.missing.is_none_or(|looked| looked.elapsed() < LOOK) {
            return;
        }
        self.missing = Some(Instant::now());
        let Ok(answer) = consumer.fetch_metadata(Some(topic), ANSWER) else { return };
        let is_there = |found: &rdkafka::metadata::MetadataTopic| {
            found.name() == topic && found.error().is_none() && !found.partitions().is_empty()
        };
        if answer.topics().iter().any(is_there) {
            tracing::info!("topic \"{topic}\" is there again");
            self.component.ready();
            self.missing = None;
        }
    }
}
