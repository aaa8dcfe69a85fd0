//! What is kept of an entity's events: enough to go on, and to say every value of a view. As of the entity's latest event:
//! time that merely passes changes nothing.

use super::aggregate::{Function, Span};
use super::decay::weight;
use super::{DAY_MILLIS, Feature, View};
use schemas::{Label, Timestamp};
use std::collections::VecDeque;

/// Something that happened to an entity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Event {
    /// The stars of a rating; 1 or 0 for a label.
    pub value: f64,
    /// When.
    pub event_time: Timestamp,
}

/// What a label says, as the value of an event.
pub fn value_of_label(label: Label) -> f64 {
    if label.is_positive() { 1.0 } else { 0.0 }
}

/// The aggregates of one entity in one view. Every method takes the view that it was made for.
///
/// Events may come in any order. All that counts whole events comes out alike in whichever; sums of other than whole
/// values, and what decays, round in the order of arrival. With a ttl, an event that follows the latest by more than that
/// starts anew, since what went before is stale by then and may be gone; one that is older than the latest by more changes
/// nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    event_millis: i64,
    total: Sums<i64>,
    last: f64,
    /// By the view's half-lives, decayed to the latest event.
    decayed: Vec<Sums<f64>>,
    /// The days of the longest window that have events, the oldest first.
    days: VecDeque<(i64, Sums<i64>)>,
}

/// Count and sum. A mean is derived: a mean of means would round at every step.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Sums<C> {
    count: C,
    sum: f64,
}

impl State {
    /// Of no events.
    pub fn new(view: &View) -> Self {
        Self {
            event_millis: 0,
            total: Sums::default(),
            last: 0.0,
            decayed: vec![Sums::default(); view.half_lives_millis().len()],
            days: VecDeque::new(),
        }
    }

    /// Whether there was no event: there are no values then.
    pub fn is_empty(&self) -> bool {
        self.total.count == 0
    }

    /// When the latest event was.
    pub fn event_time(&self) -> Option<Timestamp> {
        Timestamp::from_epoch_millis(self.event_millis).filter(|_| !self.is_empty())
    }

    /// Takes an event in.
    pub fn apply(&mut self, view: &View, event: &Event) {
        let millis = event.event_time.epoch_millis();
        if self.is_empty() {
            self.event_millis = millis;
        } else if let Some(ttl) = view.ttl_millis() {
            let gap = millis - self.event_millis;
            if gap > ttl {
                *self = Self { event_millis: millis, ..Self::new(view) };
            } else if -gap > ttl {
                return;
            }
        }
        let is_latest = millis >= self.event_millis;
        self.total.count += 1;
        self.total.sum += event.value;
        for (decayed, half_life) in self.decayed.iter_mut().zip(view.half_lives_millis()) {
            let weight = weight((millis - self.event_millis).abs(), *half_life);
            if is_latest {
                decayed.count = decayed.count * weight + 1.0;
                decayed.sum = decayed.sum * weight + event.value;
            } else {
                decayed.count += weight;
                decayed.sum += event.value * weight;
            }
        }
        if is_latest {
            self.last = event.value;
            self.event_millis = millis;
        }
        if view.longest_window_days() > 0 {
            self.apply_to_day(millis.div_euclid(DAY_MILLIS), event.value, view.longest_window_days());
        }
    }

    fn apply_to_day(&mut self, day: i64, value: f64, longest_window_days: u32) {
        let first = self.first_day(longest_window_days);
        while self.days.front().is_some_and(|(day, _)| *day < first) {
            self.days.pop_front();
        }
        if day < first {
            return;
        }
        // Nearly always the last one, or a new one behind it.
        let behind = self.days.iter().rposition(|(known, _)| *known <= day);
        let place = match behind {
            Some(place) if self.days[place].0 == day => place,
            before => {
                let place = before.map_or(0, |before| before + 1);
                self.days.insert(place, (day, Sums::default()));
                place
            }
        };
        self.days[place].1.count += 1;
        self.days[place].1.sum += value;
    }

    /// The first day of a window that ends with the latest event.
    fn first_day(&self, window_days: u32) -> i64 {
        self.event_millis.div_euclid(DAY_MILLIS) - i64::from(window_days) + 1
    }

    /// The values of the view's features, in their order; none of them means anything while the state is empty.
    pub fn values(&self, view: &View) -> Vec<f64> {
        view.features().iter().map(|feature| self.value(feature)).collect()
    }

    /// The value of one feature; it means nothing while the state is empty.
    pub fn value(&self, feature: &Feature) -> f64 {
        let aggregate = feature.aggregate();
        let (count, sum) = match aggregate.span {
            Span::All => (self.total.count as f64, self.total.sum),
            Span::HalfLife { .. } => {
                self.decayed.get(feature.half_life()).map_or((0.0, 0.0), |decayed| (decayed.count, decayed.sum))
            }
            Span::Window { days } => {
                let first = self.first_day(days);
                let within = self.days.iter().filter(|(day, _)| *day >= first);
                within.fold((0.0, 0.0), |(count, sum), (_, day)| (count + day.count as f64, sum + day.sum))
            }
        };
        match aggregate.function {
            Function::Count => count,
            Function::Sum => sum,
            Function::Mean => sum / count,
            Function::Last => self.last,
        }
    }
}

#[cfg(test)]
mod tests;
