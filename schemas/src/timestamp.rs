//! A moment, to the millisecond. Written as RFC 3339 in UTC; read from RFC 3339 or from epoch milliseconds.

use chrono::{DateTime, SecondsFormat, TimeZone, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

/// Milliseconds since the Unix epoch, within the years 0 to 9999 that RFC 3339 can write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

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
        let text = text.trim();
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
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Utc.timestamp_millis_opt(self.0).single() {
            Some(time) => f.write_str(&time.to_rfc3339_opts(SecondsFormat::Millis, true)),
            None => write!(f, "{}", self.0),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
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
