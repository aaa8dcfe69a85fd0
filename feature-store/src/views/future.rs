//! Events that are dated into the future. One would be an entity's latest event for years: ages and windows are counted from
//! that, and all that happens meanwhile would come too late.

use super::DAY_MILLIS;
use schemas::Timestamp;

/// Whether an event's time is more than a day later than the time of its record, in epoch milliseconds. A record isn't written
/// before what it tells of has happened, and clocks and time zones that are set wrong are wrong by less than a day. Where the
/// record has no time, nobody knows.
pub fn is_future(event_time: Timestamp, record_millis: Option<i64>) -> bool {
    record_millis.is_some_and(|record| event_time.epoch_millis() > record.saturating_add(DAY_MILLIS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_of_the_future_is_dated_more_than_a_day_after_its_record() {
        let time = |millis| Timestamp::from_epoch_millis(millis).unwrap();
        for (event, record, expected) in [
            (0, Some(5), false),
            (DAY_MILLIS + 5, Some(5), false),
            (DAY_MILLIS + 6, Some(5), true),
            (DAY_MILLIS + 6, None, false),
            (0, Some(i64::MAX), false),
        ] {
            assert_eq!(is_future(time(event), record), expected, "{event} {record:?}");
        }
    }
}
