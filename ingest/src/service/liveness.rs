//! Whether the process does its work: the group knows it, and Kafka brings what it holds. A process that only looks alive is
//! told from one that works. Stores that are away are waited for, and no reason to start anew.

use super::lane::{Epoch, Lane, Lanes};
use service::health::Component;
use service::kafka::Silence;
use std::cell::Cell;
use std::collections::HashMap;
use std::time::{Duration, Instant};

pub(super) struct Liveness {
    component: Component,
    limit: Duration,
    silence: Silence<(Lane, Epoch)>,
    /// Partitions that hold records which don't come, and since when.
    silent: Option<(Vec<Lane>, Instant)>,
}

impl Liveness {
    /// Complains of what lasts longer than this.
    pub(super) fn new(component: Component, limit: Duration) -> Self {
        component.ready();
        Self { component, limit, silence: Silence::new(limit / 2), silent: None }
    }

    /// Nothing was asked for, so that nothing can be said of the time before.
    pub(super) fn begin_anew(&mut self) {
        self.silence.begin_anew();
    }

    /// Tells the component. `read` says up to where each partition was read, `end` where one ends now, if the broker answers.
    pub(super) fn look(
        &mut self,
        lanes: &Lanes,
        read: &HashMap<Lane, (Epoch, i64)>,
        end: impl Fn(Lane) -> Option<i64>,
    ) {
        if !self.silence.is_due() {
            return;
        }
        // Polling waits meanwhile: a broker that does not answer is asked once.
        let answers = Cell::new(true);
        let ask = |(lane, _)| {
            let found = answers.get().then(|| end(lane)).flatten();
            answers.set(found.is_some());
            found
        };
        let owned = lanes.all().into_iter();
        let read = owned.filter_map(|(lane, owned)| Some(((lane, owned.epoch), read.get(&lane)?.1)));
        let silent: Vec<Lane> = self.silence.look(read, ask).into_iter().map(|(lane, _)| lane).collect();
        self.silent = match self.silent.take() {
            _ if silent.is_empty() => None,
            Some((_, since)) => Some((silent, since)),
            None => Some((silent, Instant::now())),
        };
        match self.complaint(lanes) {
            Some(complaint) => self.component.dead(complaint),
            None => self.component.ready(),
        }
    }

    fn complaint(&self, lanes: &Lanes) -> Option<String> {
        let for_too_long = |since: Instant| Some(since.elapsed()).filter(|time| *time >= self.limit);
        if let Some((silent, since)) = &self.silent
            && let Some(time) = for_too_long(*since)
        {
            let silent: Vec<String> =
                silent.iter().map(|lane| format!("{}/{}", lane.dataset, lane.partition)).collect();
            return Some(format!("{} hold records and bring none for {} s", silent.join(", "), time.as_secs()));
        }
        let time = for_too_long(lanes.unassigned()?)?;
        Some(format!("the consumer group has assigned nothing for {} s", time.as_secs()))
    }
}
