//! Slots are those of crontab(5), in any zone and on any day.

use super::*;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// The first slots after a time.
fn slots(schedule: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
    let schedule = Schedule::parse(schedule, zone).unwrap();
    let mut after = at(after);
    let mut slots = Vec::new();
    while slots.len() < count {
        after = schedule.next(after).unwrap();
        slots.push(after.to_string().replace(":00.000Z", ""));
    }
    slots
}

#[test]
fn slots_are_those_of_crontab() {
    for (schedule, expected) in [
        ("0 3 * * *", ["2026-11-22T03:00", "2026-11-23T03:00"]),
        ("*/20 * * * *", ["2026-11-21T15:40", "2026-11-21T16:00"]),
        ("5/30 9-10 * * *", ["2026-11-22T09:05", "2026-11-22T09:35"]),
        ("0 0 1,15 * *", ["2026-12-01T00:00", "2026-12-15T00:00"]),
        // 2026-11-21 is a Saturday.
        ("30 4 * * mon-fri", ["2026-11-23T04:30", "2026-11-24T04:30"]),
        ("0 0 * * 7", ["2026-11-22T00:00", "2026-11-29T00:00"]),
        ("0 0 * * SUN", ["2026-11-22T00:00", "2026-11-29T00:00"]),
        // Either day is due where both are restricted, and both must fit where one is a star.
        ("0 0 24 * 0", ["2026-11-22T00:00", "2026-11-24T00:00"]),
        ("0 0 */2 * 1", ["2026-11-23T00:00", "2026-12-07T00:00"]),
        ("0 12 29 feb *", ["2028-02-29T12:00", "2032-02-29T12:00"]),
    ] {
        assert_eq!(slots(schedule, "UTC", "2026-11-21T15:22:08Z", 2), expected, "{schedule}");
    }
}

#[test]
fn a_slot_is_after_the_time_and_not_at_it() {
    assert_eq!(slots("0 3 * * *", "UTC", "2026-11-21T03:00:00Z", 1), ["2026-11-22T03:00"]);
    assert_eq!(slots("0 3 * * *", "UTC", "2026-11-21T02:59:59.999Z", 1), ["2026-11-21T03:00"]);
}

#[test]
fn times_are_those_of_the_zone() {
    assert_eq!(slots("0 3 * * *", "Asia/Kolkata", "2026-11-21T00:00:00Z", 1), ["2026-11-21T21:30"]);
    assert_eq!(
        slots("0 3 * * *", "Europe/Berlin", "2026-03-27T12:00:00Z", 3),
        ["2026-03-28T02:00", "2026-03-29T01:00", "2026-03-30T01:00"]
    );
}

#[test]
fn a_time_that_the_clock_skips_is_due_when_it_has_shifted() {
    // On 2026-03-29, 02:00 to 03:00 does not exist in Berlin.
    assert_eq!(
        slots("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2),
        ["2026-03-29T01:00", "2026-03-30T00:30"]
    );
    assert_eq!(
        slots("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:15:00Z", 3),
        ["2026-03-29T00:30", "2026-03-29T01:00", "2026-03-29T01:30"]
    );
}

#[test]
fn a_time_that_comes_twice_is_due_once_but_every_hour_is_every_hour() {
    // On 2026-10-25, 02:00 to 03:00 comes twice in Berlin: at 00:00 and at 01:00 UTC.
    assert_eq!(
        slots("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2),
        ["2026-10-25T00:30", "2026-10-26T01:30"]
    );
    assert_eq!(
        slots("30 * * * *", "Europe/Berlin", "2026-10-24T23:45:00Z", 3),
        ["2026-10-25T00:30", "2026-10-25T01:30", "2026-10-25T02:30"]
    );
}

#[test]
fn of_what_was_missed_the_latest_is_found() {
    let schedule = Schedule::parse("0 3 * * *", "UTC").unwrap();
    let latest = |after: &str, until: &str| schedule.latest(at(after), at(until)).map(|slot| slot.to_string());
    assert_eq!(latest("2026-11-18T03:00:00Z", "2026-11-21T15:00:00Z").as_deref(), Some("2026-11-21T03:00:00.000Z"));
    assert_eq!(latest("2026-11-21T03:00:00Z", "2026-11-22T02:59:00Z"), None);
    assert_eq!(latest("2026-11-21T03:00:00Z", "2026-11-22T03:00:00Z").as_deref(), Some("2026-11-22T03:00:00.000Z"));
    assert_eq!(latest("2020-01-01", "2026-11-21T02:00:00Z").as_deref(), Some("2026-11-20T03:00:00.000Z"));
}

#[test]
fn what_is_no_schedule_is_refused_with_the_part_that_is_wrong() {
    for (schedule, zone, named) in [
        ("0 3 * *", "UTC", "it has 4"),
        ("0 0 3 * * *", "UTC", "it has 6"),
        ("@daily", "UTC", "it has 1"),
        ("60 3 * * *", "UTC", "`60` is no minute"),
        ("0 24 * * *", "UTC", "`24` is no hour"),
        ("0 3 0 * *", "UTC", "`0` is no day of the month"),
        ("0 3 * foo *", "UTC", "`foo` is no month"),
        ("0 3 * * 8", "UTC", "`8` is no day of the week"),
        ("5-1 3 * * *", "UTC", "`5-1`"),
        ("*/0 3 * * *", "UTC", "`*/0`"),
        ("+5 3 * * *", "UTC", "`+5`"),
        (", 3 * * *", "UTC", "`` is no minute"),
        ("0 3 30 2 *", "UTC", "no day is ever due"),
        ("0 3 * * *", "Mars/Olympus", "`Mars/Olympus` is no time zone"),
    ] {
        let error = Schedule::parse(schedule, zone).unwrap_err();
        assert!(error.contains(named), "{schedule}: {error}");
    }
}
