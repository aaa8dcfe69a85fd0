//! Five fields of cron, as crontab(5) has them: minute, hour, day of the month, month, day of the week; `*`, lists, ranges,
//! steps, names of months and days. A day is due when it fits the month's days or the week's, if both are restricted.
//!
//! In a time zone that shifts its clock, a time that is skipped is due when the clock has shifted, and one that comes twice
//! is due the first time; where every hour is due, both times are.

use chrono::{DateTime, Datelike, Days, LocalResult, NaiveDate, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use schemas::Timestamp;
use std::fmt;

/// Leap years lie no more than eight years apart.
const FAR_DAYS: usize = 366 * 9;

/// When runs are due.
#[derive(Debug, Clone)]
pub struct Schedule {
    text: String,
    zone: Tz,
    minutes: Field,
    hours: Field,
    days: Field,
    months: Field,
    weekdays: Field,
}

/// The values of a field, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Field {
    values: u64,
    is_any: bool,
}

/// What a field may say.
struct Kind {
    name: &'static str,
    first: u32,
    last: u32,
    /// The names of the values, from the first.
    names: &'static [&'static str],
}

const MINUTE: Kind = Kind { name: "minute", first: 0, last: 59, names: &[] };
const HOUR: Kind = Kind { name: "hour", first: 0, last: 23, names: &[] };
const DAY: Kind = Kind { name: "day of the month", first: 1, last: 31, names: &[] };
const MONTH: Kind = Kind {
    name: "month",
    first: 1,
    last: 12,
    names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
/// 7 is Sunday too.
const WEEKDAY: Kind =
    Kind { name: "day of the week", first: 0, last: 7, names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"] };

impl Schedule {
    /// Reads the five fields, as times of a zone by its IANA name.
    pub fn parse(text: &str, zone: &str) -> Result<Self, String> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = fields[..] else {
            let count = fields.len();
            return Err(format!(
                "`{text}` is no schedule of five fields, it has {count}: write minute, hour, day of the month, month and day of \
                 the week, such as '0 3 * * *' for 03:00 each day"
            ));
        };
        let wrong = |problem: String| format!("`{text}` is no schedule: {problem}");
        let mut weekdays = Field::parse(weekdays, &WEEKDAY).map_err(wrong)?;
        weekdays.values |= (weekdays.values >> 7) & 1;
        let schedule = Self {
            text: fields.join(" "),
            zone: zone.parse().map_err(|_| {
                format!("`{zone}` is no time zone: give a name such as UTC, Europe/Berlin or America/New_York")
            })?,
            minutes: Field::parse(minutes, &MINUTE).map_err(wrong)?,
            hours: Field::parse(hours, &HOUR).map_err(wrong)?,
            days: Field::parse(days, &DAY).map_err(wrong)?,
            months: Field::parse(months, &MONTH).map_err(wrong)?,
            weekdays,
        };
        // From a fixed day, so that the answer is the same on any.
        match schedule.next(Timestamp::from_epoch_millis(0).expect("the epoch is a time")) {
            Some(_) => Ok(schedule),
            None => Err(wrong("no day is ever due".to_owned())),
        }
    }

    /// The first slot after a time.
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let after = instant(after)?;
        // A day's slot that the clock skips may lie on the next day.
        let first = self.date(after).checked_sub_days(Days::new(1))?;
        let mut dates = first.iter_days().take(FAR_DAYS);
        let slot = dates.find_map(|date| self.slots(date).into_iter().filter(|slot| *slot > after).min())?;
        Timestamp::from_epoch_millis(slot.timestamp_millis())
    }

    /// The last slot after a time and up to another.
    pub fn latest(&self, after: Timestamp, until: Timestamp) -> Option<Timestamp> {
        let (after, until) = (instant(after)?, instant(until)?);
        let first = self.date(after).checked_sub_days(Days::new(1))?;
        let is_meant = |slot: &DateTime<Utc>| *slot > after && *slot <= until;
        let mut date = self.date(until);
        while date >= first {
            if let Some(slot) = self.slots(date).into_iter().filter(is_meant).max() {
                return Timestamp::from_epoch_millis(slot.timestamp_millis());
            }
            date = date.pred_opt()?;
        }
        None
    }

    fn date(&self, instant: DateTime<Utc>) -> NaiveDate {
        instant.with_timezone(&self.zone).date_naive()
    }

    /// The slots of a day of the zone, in no order.
    fn slots(&self, date: NaiveDate) -> Vec<DateTime<Utc>> {
        let mut slots = Vec::new();
        if !self.is_due(date) {
            return slots;
        }
        for hour in self.hours.iter() {
            for minute in self.minutes.iter() {
                let Some(time) = date.and_hms_opt(hour, minute, 0) else { continue };
                match self.zone.from_local_datetime(&time) {
                    LocalResult::Single(slot) => slots.push(slot.to_utc()),
                    LocalResult::Ambiguous(first, second) => {
                        slots.push(first.to_utc());
                        slots.extend(self.hours.is_any.then(|| second.to_utc()));
                    }
                    LocalResult::None => slots.extend(self.behind_gap(time)),
                }
            }
        }
        slots
    }

    fn is_due(&self, date: NaiveDate) -> bool {
        let of_month = self.days.has(date.day());
        let of_week = self.weekdays.has(date.weekday().num_days_from_sunday());
        let is_day = match (self.days.is_any, self.weekdays.is_any) {
            (false, false) => of_month || of_week,
            _ => of_month && of_week,
        };
        self.months.has(date.month()) && is_day
    }

    /// The moment at which the clock goes on behind a time that it skips. Zones that changed sides of the date line skipped a
    /// day; none skipped more.
    fn behind_gap(&self, skipped: chrono::NaiveDateTime) -> Option<DateTime<Utc>> {
        (1..=25 * 60).find_map(|minutes| {
            let time = skipped.checked_add_signed(TimeDelta::minutes(minutes))?;
            Some(self.zone.from_local_datetime(&time).earliest()?.to_utc())
        })
    }
}

/// `0 3 * * * (UTC)`.
impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.text, self.zone)
    }
}

fn instant(time: Timestamp) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(time.epoch_millis())
}

impl Field {
    fn parse(text: &str, kind: &Kind) -> Result<Self, String> {
        let mut values = 0;
        for part in text.split(',') {
            values |= part_of(part, kind)
                .ok_or_else(|| format!("`{part}` is no {} ({} to {})", kind.name, kind.first, kind.last))?;
        }
        // As Vixie's cron has it: a star with a step is a star as far as days are concerned.
        Ok(Self { values, is_any: text.starts_with('*') })
    }

    fn has(self, value: u32) -> bool {
        self.values & (1 << value) != 0
    }

    fn iter(self) -> impl Iterator<Item = u32> {
        (0..60).filter(move |&value| self.has(value))
    }
}

/// `*`, `5`, `1-5`, `*/10`, `1-30/5`, and `5/10` for 5-59/10.
fn part_of(part: &str, kind: &Kind) -> Option<u64> {
    let (range, step) = match part.split_once('/') {
        Some((range, step)) => (range, Some(number(step).filter(|step| *step > 0)?)),
        None => (part, None),
    };
    let (first, last) = match range.split_once('-') {
        _ if range == "*" => (kind.first, kind.last),
        Some((first, last)) => (value_of(first, kind)?, value_of(last, kind)?),
        None => {
            let first = value_of(range, kind)?;
            (first, if step.is_some() { kind.last } else { first })
        }
    };
    if first > last {
        return None;
    }
    let step = step.unwrap_or(1) as usize;
    Some((first..=last).step_by(step).fold(0, |values, value| values | (1 << value)))
}

fn value_of(text: &str, kind: &Kind) -> Option<u32> {
    let named = kind.names.iter().position(|name| text.eq_ignore_ascii_case(name));
    let value = named.map(|place| kind.first + place as u32).or_else(|| number(text))?;
    (kind.first..=kind.last).contains(&value).then_some(value)
}

fn number(text: &str) -> Option<u32> {
    // A sign is no digit.
    text.bytes().all(|c| c.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
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
}
