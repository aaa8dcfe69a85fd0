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
mod tests;
