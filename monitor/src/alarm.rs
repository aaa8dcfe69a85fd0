//! From readings to alerts: one for each episode, however long it lasts and however a value trembles at its threshold.

use schemas::{Alert, Timestamp, Window};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// When an episode begins and ends.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hysteresis {
    /// So many readings in a row beyond the threshold begin one.
    pub begin_after: u32,
    /// It ends only when the value is below this share of the threshold,
    pub end_below: f64,
    /// so many times in a row.
    pub end_after: u32,
}

impl Default for Hysteresis {
    fn default() -> Self {
        Self { begin_after: 2, end_below: 0.8, end_after: 5 }
    }
}

/// A value and what it should not go beyond.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Who reads it: the key of alerts.
    pub monitor: String,
    /// What is measured.
    pub statistic: String,
    /// On which part of the records.
    pub slice: BTreeMap<String, String>,
    /// What came out; none where a detector found nothing.
    pub value: Option<f64>,
    /// What it should not go beyond.
    pub threshold: f64,
    /// What it was measured over.
    pub window: Window,
    /// When it was measured.
    pub at: Timestamp,
    /// When it began, where that is known better than by the first reading beyond.
    pub since: Option<Timestamp>,
}

/// Something that goes on, or is about to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Episode {
    /// Who reads it.
    pub monitor: String,
    /// What is measured.
    pub statistic: String,
    /// On which part of the records.
    pub slice: BTreeMap<String, String>,
    /// Since when.
    pub since: Timestamp,
    /// Whether it was alerted; before that it is only watched.
    pub alerted: bool,
    /// The last value beyond.
    pub value: f64,
    /// The threshold then.
    pub threshold: f64,
    /// Readings in a row beyond, or below when it ends.
    in_a_row: u32,
}

/// All episodes. Only those that go on are kept, and at most [`Alarms::MOST`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Alarms {
    hysteresis: Hysteresis,
    episodes: Vec<Episode>,
}

impl Alarms {
    /// More at once are no news.
    pub const MOST: usize = 1000;

    /// Nothing goes on.
    pub fn new(hysteresis: Hysteresis) -> Self {
        Self { hysteresis, episodes: Vec::new() }
    }

    /// What goes on and was alerted.
    pub fn ongoing(&self) -> impl Iterator<Item = &Episode> {
        self.episodes.iter().filter(|episode| episode.alerted)
    }

    /// Drops episodes of which nothing will be read any more.
    pub fn forget(&mut self, is_over: impl Fn(&Episode) -> bool) {
        self.episodes.retain(|episode| !is_over(episode));
    }

    /// An episode that was alerted by somebody else, such as an earlier process: no second alert follows while it goes on.
    pub fn resume(&mut self, alert: &Alert) {
        let is_same = |episode: &&mut Episode| {
            episode.monitor == alert.monitor && episode.statistic == alert.statistic && episode.slice == alert.slice
        };
        if let Some(episode) = self.episodes.iter_mut().find(is_same) {
            episode.alerted = true;
        } else if self.episodes.len() < Self::MOST {
            self.episodes.push(Episode {
                monitor: alert.monitor.clone(),
                statistic: alert.statistic.clone(),
                slice: alert.slice.clone(),
                since: alert.since,
                alerted: true,
                value: alert.value,
                threshold: alert.threshold,
                in_a_row: 0,
            });
        }
    }

    /// Takes a reading; an alert where an episode begins with it.
    pub fn take(&mut self, reading: &Reading) -> Option<Alert> {
        let value = reading.value.filter(|value| value.is_finite());
        let beyond = value.filter(|value| *value > reading.threshold);
        let place = self.episodes.iter().position(|episode| {
            episode.monitor == reading.monitor
                && episode.statistic == reading.statistic
                && episode.slice == reading.slice
        });
        let place = match (place, beyond) {
            (Some(place), _) => place,
            (None, Some(_)) if self.episodes.len() < Self::MOST => {
                self.episodes.push(Episode::new(reading));
                self.episodes.len() - 1
            }
            (None, _) => return None,
        };
        let episode = &mut self.episodes[place];
        match beyond {
            Some(value) => {
                (episode.value, episode.threshold) = (value, reading.threshold);
                episode.in_a_row = if episode.alerted { 0 } else { episode.in_a_row + 1 };
                if episode.alerted || episode.in_a_row < self.hysteresis.begin_after {
                    return None;
                }
                episode.alerted = true;
                episode.in_a_row = 0;
                Some(alert(reading, value, episode.since))
            }
            None => {
                let is_below = value.is_none_or(|value| value < self.hysteresis.end_below * reading.threshold);
                episode.in_a_row = if is_below && episode.alerted { episode.in_a_row + 1 } else { 0 };
                if !episode.alerted || episode.in_a_row >= self.hysteresis.end_after {
                    self.episodes.remove(place);
                }
                None
            }
        }
    }
}

impl Episode {
    fn new(reading: &Reading) -> Self {
        Self {
            monitor: reading.monitor.clone(),
            statistic: reading.statistic.clone(),
            slice: reading.slice.clone(),
            since: reading.since.unwrap_or(reading.at),
            alerted: false,
            value: 0.0,
            threshold: reading.threshold,
            in_a_row: 0,
        }
    }
}

fn alert(reading: &Reading, value: f64, since: Timestamp) -> Alert {
    let of = reading.slice.iter().map(|(kind, name)| format!("{kind} {name}")).collect::<Vec<_>>().join(", ");
    let of = if of.is_empty() { "all predictions".to_owned() } else { of };
    let Reading { monitor, statistic, threshold, .. } = reading;
    let what = statistic.replace('_', " ");
    Alert {
        monitor: monitor.clone(),
        statistic: statistic.clone(),
        value,
        threshold: *threshold,
        slice: reading.slice.clone(),
        window: reading.window.clone(),
        message: format!("{monitor}: {what} of {of} is {value:.4}, above {threshold:.4}, since {since}"),
        since,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(value: f64, minute: i64) -> Reading {
        Reading {
            monitor: "quality".to_owned(),
            statistic: "error_rate".to_owned(),
            slice: BTreeMap::from([("category".to_owned(), "books".to_owned())]),
            value: Some(value),
            threshold: 0.2,
            window: Window { topic: "feedback".to_owned(), records: Some(500), ..Window::default() },
            at: Timestamp::from_epoch_millis(60_000 * minute).unwrap(),
            since: None,
        }
    }

    fn alerts(values: &[f64]) -> Vec<(usize, Alert)> {
        let mut alarms = Alarms::new(Hysteresis::default());
        let taken = values.iter().enumerate();
        let taken = taken.filter_map(|(i, &value)| Some((i, alarms.take(&reading(value, i as i64))?)));
        let alerts: Vec<_> = taken.collect();
        alerts
    }

    #[test]
    fn an_episode_has_one_alert_that_says_what_how_much_since_when_and_where() {
        let alerts = alerts(&[0.1, 0.1, 0.31, 0.33, 0.35, 0.3, 0.31]);
        assert_eq!(alerts.len(), 1);
        let (at, alert) = &alerts[0];
        assert_eq!((*at, alert.value, alert.threshold), (3, 0.33, 0.2));
        assert_eq!(
            alert.message,
            "quality: error rate of category books is 0.3300, above 0.2000, since 1970-01-01T00:02:00.000Z"
        );
        assert_eq!(alert.slice["category"], "books");
    }

    #[test]
    fn a_single_reading_beyond_is_no_episode() {
        assert_eq!(alerts(&[0.3, 0.1, 0.3, 0.1, 0.3, 0.1]), []);
    }

    #[test]
    fn a_value_that_trembles_at_its_threshold_is_one_episode() {
        let values: Vec<f64> = (0..100).map(|i| if i % 3 == 2 { 0.19 } else { 0.21 }).collect();
        assert_eq!(alerts(&values).len(), 1);
        // Below 0.16, and five times in a row: over, and what follows is another.
        let mut values = values;
        values.extend([0.15, 0.15, 0.15, 0.17, 0.3, 0.3]);
        assert_eq!(alerts(&values).len(), 1, "not yet over");
        values.extend([0.15, 0.15, 0.15, 0.15, 0.15, 0.3, 0.3]);
        assert_eq!(alerts(&values).len(), 2);
    }

    #[test]
    fn what_is_no_number_begins_nothing() {
        assert_eq!(alerts(&[f64::NAN, f64::INFINITY, f64::NAN, f64::NAN]), []);
    }

    #[test]
    fn an_episode_that_another_process_alerted_has_no_second_alert_and_ends_as_any() {
        let Some((_, alert)) = alerts(&[0.3, 0.3]).pop() else { panic!("an alert was due") };
        let mut alarms = Alarms::new(Hysteresis::default());
        alarms.resume(&alert);
        alarms.resume(&alert);
        assert_eq!(alarms.ongoing().count(), 1);
        assert!((0..9).all(|minute| alarms.take(&reading(0.4, minute)).is_none()));
        (0..5).for_each(|minute| assert_eq!(alarms.take(&reading(0.1, minute)), None));
        assert_eq!(alarms.ongoing().count(), 0);
        assert!((0..2).any(|minute| alarms.take(&reading(0.4, minute)).is_some()), "another episode");
    }

    #[test]
    fn what_is_over_is_forgotten() {
        let mut alarms = Alarms::new(Hysteresis::default());
        for i in 0..3000 {
            let slice = BTreeMap::from([("category".to_owned(), i.to_string())]);
            alarms.take(&Reading { slice, ..reading(0.3, i) });
        }
        assert_eq!(alarms.episodes.len(), Alarms::MOST);
        for i in 0..3000 {
            let slice = BTreeMap::from([("category".to_owned(), i.to_string())]);
            alarms.take(&Reading { slice, ..reading(0.1, i) });
        }
        assert_eq!(alarms.episodes, []);
    }
}
