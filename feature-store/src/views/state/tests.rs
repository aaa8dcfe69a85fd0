//! Each formula on numbers made by hand, then what holds in any order of events.

use super::*;
use crate::views::{EntityKind, EventSource};
use crate::views::{FeatureConfig, FeaturesConfig, ViewConfig};

/// A view `v` of these features.
fn view(ttl_days: u32, features: &[(&str, FeatureConfig)]) -> View {
    let features = features.iter().map(|(name, feature)| ((*name).to_owned(), feature.clone())).collect();
    let view =
        ViewConfig { entity: EntityKind::Product, source: EventSource::Reviews, ttl_days: Some(ttl_days), features };
    let config = FeaturesConfig { views: [("v".to_owned(), view)].into(), ..FeaturesConfig::default() };
    config.parse().unwrap().get("v").unwrap().clone()
}

fn plain(aggregate: &str) -> FeatureConfig {
    FeatureConfig::Name(aggregate.to_owned())
}

fn decayed(aggregate: &str, days: f64) -> FeatureConfig {
    FeatureConfig::Table { aggregate: aggregate.to_owned(), half_life_days: Some(days), window_days: None }
}

fn window(aggregate: &str, days: u32) -> FeatureConfig {
    FeatureConfig::Table { aggregate: aggregate.to_owned(), half_life_days: None, window_days: Some(days) }
}

/// The values after events at these days.
fn after(view: &View, events: &[(f64, f64)]) -> Vec<f64> {
    let mut state = State::new(view);
    for (day, value) in events {
        let event_time = Timestamp::from_epoch_millis((day * DAY_MILLIS as f64) as i64).unwrap();
        state.apply(view, &Event { value: *value, event_time });
    }
    state.values(view)
}

#[test]
fn all_events_count_alike() {
    let view = view(0, &[("a", plain("count")), ("b", plain("sum")), ("c", plain("mean")), ("d", plain("last"))]);
    assert_eq!(after(&view, &[(0.0, 5.0), (9.0, 2.0)]), [2.0, 7.0, 3.5, 2.0]);
}

#[test]
fn the_last_value_is_that_of_the_latest_event_and_of_two_the_one_applied_later() {
    let view = view(0, &[("a", plain("last"))]);
    assert_eq!(after(&view, &[(2.0, 5.0), (1.0, 3.0)]), [5.0]);
    assert_eq!(after(&view, &[(2.0, 5.0), (2.0, 3.0)]), [3.0]);
}

#[test]
fn older_events_weigh_half_for_each_half_life() {
    let view = view(0, &[("a", decayed("count", 10.0)), ("b", decayed("sum", 10.0)), ("c", decayed("mean", 10.0))]);
    assert_eq!(after(&view, &[(0.0, 4.0), (10.0, 1.0)]), [1.5, 3.0, 2.0]);
    // In the other order, too: the late one brings the weight of its age.
    assert_eq!(after(&view, &[(10.0, 1.0), (0.0, 4.0)]), [1.5, 3.0, 2.0]);
    // What is ages old weighs nothing, and nothing is no trouble.
    assert_eq!(after(&view, &[(0.0, 4.0), (36_500.0, 2.0)]), [1.0, 2.0, 2.0]);
}

#[test]
fn a_window_holds_the_days_up_to_the_latest_event() {
    let view = view(
        0,
        &[("a", window("count", 1)), ("b", window("count", 7)), ("c", window("sum", 7)), ("d", window("mean", 7))],
    );
    let events = [(0.9, 5.0), (1.0, 1.0), (6.99, 2.0), (7.0, 3.0), (7.5, 4.0)];
    // Day 7 alone; days 1 to 7, without day 0.
    assert_eq!(after(&view, &events), [2.0, 4.0, 10.0, 2.5]);
    // A late event counts on its own day, and not at all before the window.
    assert_eq!(after(&view, &[&events[..], &[(3.0, 5.0), (0.0, 5.0)]].concat()), [2.0, 5.0, 15.0, 3.0]);
    // Days before 1970 are days, too.
    assert_eq!(after(&view, &[(-7.01, 5.0), (-7.0, 1.0), (-0.5, 3.0)]), [1.0, 2.0, 4.0, 2.0]);
}

#[test]
fn after_more_than_the_ttl_everything_starts_anew() {
    let features =
        [("a", plain("count")), ("b", plain("last")), ("c", decayed("count", 1.0)), ("d", window("count", 300))];
    let view = view(30, &features);
    assert_eq!(after(&view, &[(0.0, 1.0), (30.0, 2.0)])[..2], [2.0, 2.0]);
    assert_eq!(after(&view, &[(0.0, 1.0), (30.1, 2.0)]), [1.0, 2.0, 1.0, 1.0]);
    assert_eq!(after(&view, &[(30.1, 2.0), (0.0, 1.0)]), [1.0, 2.0, 1.0, 1.0]);
}

#[test]
fn counts_and_whole_sums_are_alike_in_any_order() {
    let features = [
        ("a", plain("count")),
        ("b", plain("mean")),
        ("c", window("count", 3)),
        ("d", window("mean", 20)),
        ("e", window("sum", 366)),
    ];
    let view = view(0, &features);
    let mut events: Vec<(f64, f64)> =
        (0..200).map(|i| (f64::from(i * 37 % 400) + 0.25, f64::from(i % 5 + 1))).collect();
    let expected = after(&view, &events);
    for step in [3, 7, 67, 199] {
        events = (0..events.len()).map(|i| events[i * step % events.len()]).collect();
        assert_eq!(after(&view, &events), expected);
    }
}

#[test]
fn without_an_event_there_is_no_time() {
    let view = view(0, &[("a", plain("count"))]);
    assert!(State::new(&view).is_empty());
    assert_eq!(State::new(&view).event_time(), None);
}
