//! A moment, to the millisecond. Written as RFC 3339 in UTC; read from RFC 3339 or from epoch milliseconds.

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

/// Milliseconds since the Unix epoch, within the years 0 to 9999 that RFC 3339 can write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

const DAY_MILLIS: i64 = 86_400_000;

/// chrono counts days from the first one of the year 1; this is the one at which the epoch begins.
const EPOCH_DAY: i64 = 719_163;

/// 0000-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z.
const RANGE_MILLIS: std::ops::RangeInclusive<i64> = -62_167_219_200_000..=253_402_300_799_999;

impl Timestamp {
    /// A moment from epoch milliseconds, when RFC 3339 can write it.
    pub fn from_epoch_millis(millis: i64) -> Option<Self> {
        RANGE_MILLIS.contains(&millis).then_some(Self(millis))
    }

    /// Epoch milliseconds.
    pub fn epoch_millis(self) -> i64 {
        self.0
    }

    /// The present, from the system's clock.
    pub fn now() -> Self {
        Self(Utc::now().timestamp_millis())
    }

    /// Reads RFC 3339 (`2024-05-01T10:00:00Z`), the same with a blank in place of the `T` or without a zone (then UTC), a
    /// date alone (then midnight UTC), or epoch milliseconds in digits.
    pub fn parse(text: &str) -> Option<Self> {
        Self::parse_as_written(text.as_bytes()).or_else(|| Self::parse_any(text.trim()))
    }

    /// The form that nearly every record has, with or without milliseconds, without a search for others.
    fn parse_as_written(text: &[u8]) -> Option<Self> {
        let millis = match text.len() {
            20 => 0,
            24 if text[19] == b'.' => number(&text[20..23])?,
            _ => return None,
        };
        let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (text.len() - 1, b'Z')];
        if marks.iter().any(|&(at, mark)| text[at] != mark) {
            return None;
        }
        let date = NaiveDate::from_ymd_opt(number(&text[..4])? as i32, number(&text[5..7])?, number(&text[8..10])?)?;
        let (hour, minute, second) = (number(&text[11..13])?, number(&text[14..16])?, number(&text[17..19])?);
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let of_day = i64::from(((hour * 60 + minute) * 60 + second) * 1000 + millis);
        Self::from_epoch_millis((i64::from(date.num_days_from_ce()) - EPOCH_DAY) * DAY_MILLIS + of_day)
    }

    fn parse_any(text: &str) -> Option<Self> {
        if let Ok(time) = DateTime::parse_from_rfc3339(text) {
            return Self::from_epoch_millis(time.timestamp_millis());
        }
        if let Ok(millis) = text.parse::<i64>() {
            return Self::from_epoch_millis(millis);
        }
        for format in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"] {
            if let Ok(time) = chrono::NaiveDateTime::parse_from_str(text, format) {
                return Self::from_epoch_millis(time.and_utc().timestamp_millis());
            }
        }
        let date = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
        Self::from_epoch_millis(date.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis())
    }

    /// The bytes of its RFC 3339 form. Each prediction has two; they need not go through `fmt`.
    fn rfc3339(self) -> [u8; 24] {
        let (day, of_day) = (self.0.div_euclid(DAY_MILLIS), self.0.rem_euclid(DAY_MILLIS) as u32);
        let date = NaiveDate::from_num_days_from_ce_opt((day + EPOCH_DAY) as i32).expect("it is within the range");
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let fields = [
            (0..4, date.year() as u32),
            (5..7, date.month()),
            (8..10, date.day()),
            (11..13, of_day / 3_600_000),
            (14..16, of_day / 60_000 % 60),
            (17..19, of_day / 1000 % 60),
            (20..23, of_day % 1000),
        ];
        for (place, mut number) in fields {
            for digit in text[place].iter_mut().rev() {
                *digit = b'0' + (number % 10) as u8;
                number /= 10;
            }
        }
        text
    }
}

/// Decimal digits and nothing else.
fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + u32::from(digit - b'0')))
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.rfc3339()).expect("digits and marks are ASCII"))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(std::str::from_utf8(&self.rfc3339()).expect("digits and marks are ASCII"))
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Timestamp;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time of the years 0 to 9999 as RFC 3339 or epoch milliseconds")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Timestamp, E> {
                Timestamp::parse(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
            fn visit_i64<E: de::Error>(self, millis: i64) -> Result<Timestamp, E> {
                Timestamp::from_epoch_millis(millis)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Signed(millis), &self))
            }
            fn visit_u64<E: de::Error>(self, millis: u64) -> Result<Timestamp, E> {
                i64::try_from(millis)
                    .ok()
                    .and_then(Timestamp::from_epoch_millis)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(millis), &self))
            }
            fn visit_f64<E: de::Error>(self, millis: f64) -> Result<Timestamp, E> {
                // Other writers' doubles: whole milliseconds only, so that nothing is rounded in silence.
                if millis.fract() == 0.0 && millis.abs() < 9e15 {
                    return self.visit_i64(millis as i64);
                }
                Err(E::invalid_value(de::Unexpected::Float(millis), &self))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl schemars::JsonSchema for Timestamp {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "RFC 3339 in UTC (as written), or epoch milliseconds (also read)",
            "anyOf": [
                {"type": "string", "format": "date-time"},
                {"type": "integer", "minimum": RANGE_MILLIS.start(), "maximum": RANGE_MILLIS.end()}
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_one_moment_reads_alike() {
        let forms = [
            "2024-05-01T10:00:00Z",
            "2024-05-01T10:00:00.000Z",
            "2024-05-01T12:00:00+02:00",
            "2024-05-01 10:00:00Z",
            "2024-05-01T10:00:00",
            "2024-05-01 10:00:00.000",
            "1714557600000",
            " 2024-05-01T10:00:00Z ",
        ];
        for form in forms {
            assert_eq!(Timestamp::parse(form).map(Timestamp::epoch_millis), Some(1_714_557_600_000), "{form}");
        }
        assert_eq!(Timestamp::parse("2024-05-01").map(Timestamp::epoch_millis), Some(1_714_521_600_000));
    }

    #[test]
    fn the_form_that_is_written_is_read_as_every_other_reader_has_it() {
        let mut millis = *RANGE_MILLIS.start();
        while let Some(time) = Timestamp::from_epoch_millis(millis) {
            let text = time.to_string();
            assert_eq!(Timestamp::parse_as_written(text.as_bytes()), Some(time));
            assert_eq!(Timestamp::parse_any(&text), Some(time));
            // Some days and odd milliseconds on: every month, hour and leap year comes along.
            millis += 2_000_000_123;
        }
        for text in ["2024-02-30T00:00:00Z", "2024-01-01T24:00:00Z", "2024-01-01T00:60:00Z", "2024-01-01T00:00:0:Z"] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
        // A leap second is another reader's matter.
        assert_eq!(Timestamp::parse_as_written(b"2016-12-31T23:59:60Z"), None);
        assert!(Timestamp::parse("2016-12-31T23:59:60Z").is_some());
    }

    #[test]
    fn before_1970_a_fraction_still_counts_forwards() {
        let time = Timestamp::parse("1969-12-31T23:59:59.999Z").unwrap();
        assert_eq!(time.epoch_millis(), -1);
        assert_eq!(time.to_string(), "1969-12-31T23:59:59.999Z");
    }

    #[test]
    fn the_ends_of_the_range_are_written_and_read_back() {
        for (millis, text) in
            [(-62_167_219_200_000, "0000-01-01T00:00:00.000Z"), (253_402_300_799_999, "9999-12-31T23:59:59.999Z")]
        {
            let time = Timestamp::from_epoch_millis(millis).unwrap();
            assert_eq!(time.to_string(), text);
            assert_eq!(Timestamp::parse(text), Some(time));
        }
    }

    #[test]
    fn what_rfc_3339_cannot_write_is_no_moment() {
        for millis in [-62_167_219_200_001, 253_402_300_800_000, i64::MIN, i64::MAX] {
            assert_eq!(Timestamp::from_epoch_millis(millis), None, "{millis}");
        }
        let beyond = [
            "0000-01-01T00:00:00+00:01",
            "9999-12-31T23:59:59-00:01",
            "9999-12-31T23:59:60Z",
            "+10000-01-01",
            "-0001-12-31",
            "99999999999999999999",
        ];
        for text in beyond {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "yesterday", "2024-13-01", "2024-02-30", "2024-05-01T25:00:00Z", "01.05.2024", "1e12", "NaN"] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }
}
