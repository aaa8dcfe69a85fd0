//! One value of a file, before it is known which field it becomes: what the formats have in common.

use schemas::{Label, Rating, Timestamp};
use std::borrow::Cow;

/// A value as a format gives it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell<'a> {
    /// No value.
    Null,
    /// A value of a format without types: text that may mean a number.
    Untyped(Cow<'a, str>),
    /// Text.
    Text(Cow<'a, str>),
    /// Text whose bytes were not all UTF-8: the others became U+FFFD.
    Repaired(String),
    /// A whole number.
    Integer(i64),
    /// Any number.
    Number(f64),
    /// True or false.
    Boolean(bool),
    /// A moment.
    Moment(Timestamp),
    /// Something that no field takes, such as `an array`.
    Unfit(&'static str),
}

impl<'a> Cell<'a> {
    /// A value of a format without types; nothing at all is no value.
    pub(super) fn untyped(bytes: &'a [u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok("") => Cell::Null,
            Ok(text) => Cell::Untyped(Cow::Borrowed(text)),
            Err(_) => Cell::Repaired(String::from_utf8_lossy(bytes).into_owned()),
        }
    }

    /// A moment by epoch milliseconds.
    pub(super) fn moment(millis: Option<i64>) -> Self {
        millis
            .and_then(Timestamp::from_epoch_millis)
            .map_or(Cell::Unfit("a time outside the years 0 to 9999"), Cell::Moment)
    }

    /// As text: numbers as people write them, so that the id 17 of one file is the id "17" of another.
    pub(crate) fn into_text(self) -> Result<Option<String>, &'static str> {
        self.into_cow().map(|text| text.map(Cow::into_owned))
    }

    /// The same, borrowed where the file has it as text.
    pub(super) fn into_cow(self) -> Result<Option<Cow<'a, str>>, &'static str> {
        match self {
            Cell::Null => Ok(None),
            Cell::Untyped(text) | Cell::Text(text) => Ok(Some(text)),
            Cell::Repaired(text) => Ok(Some(Cow::Owned(text))),
            Cell::Integer(integer) => Ok(Some(Cow::Owned(integer.to_string()))),
            Cell::Number(number) => Ok(Some(Cow::Owned(number.to_string()))),
            Cell::Boolean(boolean) => Ok(Some(Cow::Owned(boolean.to_string()))),
            Cell::Moment(moment) => Ok(Some(Cow::Owned(moment.to_string()))),
            Cell::Unfit(kind) => Err(kind),
        }
    }

    /// As stars.
    pub(crate) fn into_rating(self) -> Result<Option<Rating>, String> {
        let stars = match &self {
            Cell::Null => return Ok(None),
            Cell::Untyped(text) | Cell::Text(text) if text.trim().is_empty() => return Ok(None),
            Cell::Untyped(text) | Cell::Text(text) => text.trim().parse().ok(),
            Cell::Integer(integer) => Some(*integer as f64),
            Cell::Number(number) => Some(*number),
            _ => None,
        };
        match stars {
            Some(stars) => Rating::new(stars).map(Some).ok_or_else(|| format!("{stars}")),
            None => Err(self.kind().to_owned()),
        }
    }

    /// As a moment: a time, RFC 3339, a date, or epoch milliseconds.
    pub(crate) fn into_timestamp(self) -> Result<Option<Timestamp>, String> {
        let moment = match &self {
            Cell::Null => return Ok(None),
            Cell::Moment(moment) => Some(*moment),
            Cell::Untyped(text) | Cell::Text(text) if text.trim().is_empty() => return Ok(None),
            Cell::Untyped(text) | Cell::Text(text) => {
                // pandas turns whole numbers with gaps into floats: 1714557600000.0.
                Timestamp::parse(text).or_else(|| text.trim().parse().ok().and_then(whole_millis))
            }
            Cell::Integer(millis) => Timestamp::from_epoch_millis(*millis),
            Cell::Number(millis) => whole_millis(*millis),
            _ => None,
        };
        moment.map(Some).ok_or_else(|| match self {
            Cell::Integer(_) | Cell::Number(_) => "a number that is no time in milliseconds".to_owned(),
            Cell::Untyped(_) | Cell::Text(_) => "a text that is no time".to_owned(),
            _ => self.kind().to_owned(),
        })
    }

    /// As a class.
    pub(crate) fn into_label(self) -> Result<Option<Label>, String> {
        let label = match &self {
            Cell::Null => return Ok(None),
            Cell::Untyped(text) | Cell::Text(text) if text.trim().is_empty() => return Ok(None),
            Cell::Untyped(text) | Cell::Text(text) => Label::parse(text),
            Cell::Integer(0) | Cell::Boolean(false) => Some(Label::Negative),
            Cell::Integer(1) | Cell::Boolean(true) => Some(Label::Positive),
            Cell::Number(number) if *number == 0.0 => Some(Label::Negative),
            Cell::Number(number) if *number == 1.0 => Some(Label::Positive),
            _ => None,
        };
        label.map(Some).ok_or_else(|| match self {
            Cell::Integer(integer) => integer.to_string(),
            Cell::Number(number) => number.to_string(),
            Cell::Untyped(_) | Cell::Text(_) => "a text that is no label".to_owned(),
            _ => self.kind().to_owned(),
        })
    }

    /// As a number; NaN for none, as pandas writes it, and for what is not finite.
    pub(super) fn into_number(self) -> Result<f64, &'static str> {
        let number = match &self {
            Cell::Null => f64::NAN,
            Cell::Untyped(text) | Cell::Text(text) if text.trim().is_empty() => f64::NAN,
            Cell::Untyped(text) | Cell::Text(text) => text.trim().parse().map_err(|_| self.kind())?,
            Cell::Integer(integer) => *integer as f64,
            Cell::Number(number) => *number,
            Cell::Boolean(boolean) => f64::from(u8::from(*boolean)),
            _ => return Err(self.kind()),
        };
        Ok(if number.is_finite() { number } else { f64::NAN })
    }

    /// What the value is; never the value itself, which may be a person's words.
    fn kind(&self) -> &'static str {
        match self {
            Cell::Null => "null",
            Cell::Untyped(_) | Cell::Text(_) => "a text",
            Cell::Repaired(_) => "a text that is not UTF-8",
            Cell::Integer(_) | Cell::Number(_) => "a number",
            Cell::Boolean(_) => "a boolean",
            Cell::Moment(_) => "a time",
            Cell::Unfit(kind) => kind,
        }
    }
}

fn whole_millis(millis: f64) -> Option<Timestamp> {
    // Whole milliseconds only, so that nothing is rounded in silence.
    if millis.fract() == 0.0 && millis.abs() < 9e15 { Timestamp::from_epoch_millis(millis as i64) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_are_read_from_numbers_and_numeric_text() {
        for cell in [Cell::Integer(4), Cell::Number(4.0), Cell::Text(" 4 ".into()), Cell::Untyped("4.0".into())] {
            assert_eq!(cell.into_rating(), Ok(Rating::new(4.0)));
        }
        assert_eq!(Cell::Null.into_rating(), Ok(None));
        assert_eq!(Cell::Untyped(" ".into()).into_rating(), Ok(None));
    }

    #[test]
    fn stars_outside_one_to_five_are_refused() {
        for (cell, found) in [
            (Cell::Integer(0), "0"),
            (Cell::Number(5.5), "5.5"),
            (Cell::Number(f64::NAN), "NaN"),
            (Cell::Untyped("NaN".into()), "NaN"),
            (Cell::Text("great".into()), "a text"),
            (Cell::Boolean(true), "a boolean"),
            (Cell::Unfit("an array"), "an array"),
        ] {
            assert_eq!(cell.into_rating(), Err(found.to_owned()));
        }
    }

    #[test]
    fn labels_are_read_in_every_form_and_other_values_refused() {
        for cell in [Cell::Integer(1), Cell::Number(1.0), Cell::Boolean(true), Cell::Untyped("POS".into())] {
            assert_eq!(cell.into_label(), Ok(Some(Label::Positive)));
        }
        assert_eq!(Cell::Integer(2).into_label(), Err("2".to_owned()));
        assert_eq!(Cell::Text("neutral".into()).into_label(), Err("a text that is no label".to_owned()));
        assert_eq!(Cell::Null.into_label(), Ok(None));
    }

    #[test]
    fn moments_are_read_in_every_form() {
        let expected = Timestamp::from_epoch_millis(1_714_557_600_000);
        for cell in [
            Cell::Integer(1_714_557_600_000),
            Cell::Number(1_714_557_600_000.0),
            Cell::Untyped("1714557600000.0".into()),
            Cell::Untyped("1714557600000".into()),
            Cell::Text("2024-05-01T10:00:00Z".into()),
            Cell::moment(Some(1_714_557_600_000)),
        ] {
            assert_eq!(cell.into_timestamp(), Ok(expected));
        }
        assert!(Cell::Number(0.5).into_timestamp().is_err());
        assert!(Cell::Integer(i64::MAX).into_timestamp().is_err());
        assert!(Cell::moment(Some(i64::MAX)).into_timestamp().unwrap_err().contains("years"));
    }

    #[test]
    fn numbers_of_features_are_read_in_every_form_and_none_is_nan() {
        let four = [Cell::Integer(4), Cell::Number(4.0), Cell::Untyped(" 4".into()), Cell::Text("4.0".into())];
        assert!(four.into_iter().all(|cell| cell.into_number() == Ok(4.0)));
        assert_eq!(Cell::Boolean(true).into_number(), Ok(1.0));
        for none in [Cell::Null, Cell::Untyped(" ".into()), Cell::Untyped("NaN".into()), Cell::Number(f64::INFINITY)] {
            assert!(none.into_number().is_ok_and(f64::is_nan));
        }
        for (cell, found) in [
            (Cell::Text("secret words".into()), "a text"),
            (Cell::moment(Some(0)), "a time"),
            (Cell::Unfit("an array"), "an array"),
        ] {
            assert_eq!(cell.into_number(), Err(found));
        }
    }

    #[test]
    fn numbers_become_ids_as_people_write_them() {
        assert_eq!(Cell::Integer(17).into_text(), Ok(Some("17".to_owned())));
        assert_eq!(Cell::Number(17.0).into_text(), Ok(Some("17".to_owned())));
    }
}
