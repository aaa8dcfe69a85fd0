//! Which rows are wanted, by a column of the file itself: the file's type decides how the value is compared.

use super::OptionError;
use super::cell::Cell;
use schemas::Timestamp;
use std::cmp::Ordering;
use std::str::FromStr;

/// One `--where COLUMN=VALUE`. Text equals exactly, numbers as numbers (`5` is `5.0`), booleans as true and false, times
/// as moments; an empty value picks the rows that have none. CSV has no types, so there a cell equals when its text does,
/// or when both sides are numbers or booleans that are equal.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    column: String,
    value: String,
    number: Option<f64>,
    integer: Option<i64>,
    boolean: Option<bool>,
    moment: Option<Timestamp>,
}

impl Condition {
    /// A condition on a column.
    pub fn new(column: impl Into<String>, value: impl Into<String>) -> Self {
        let value = value.into();
        Self {
            column: column.into(),
            number: value.trim().parse().ok(),
            integer: value.trim().parse().ok(),
            boolean: boolean(&value),
            moment: Timestamp::parse(&value),
            value,
        }
    }

    /// The file's column.
    pub fn column(&self) -> &str {
        &self.column
    }

    /// What it must equal.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Whether no value of whatever type can meet both conditions.
    pub fn excludes(&self, other: &Self) -> bool {
        fn is_same<T: PartialEq>(one: Option<T>, other: Option<T>) -> bool {
            one.is_some() && one == other
        }
        // Values that differ as text can still be met by one cell: 5 and 5.0, True and true, a day and its midnight.
        self.column == other.column
            && self.value != other.value
            && !is_same(self.number, other.number)
            && !is_same(self.boolean, other.boolean)
            && !is_same(self.moment, other.moment)
    }

    /// Whether a value from the least to the greatest of these may match; the values are of one column, so of one type.
    pub(super) fn may_match_within(&self, least: &Cell<'_>, greatest: &Cell<'_>) -> bool {
        fn is_within<T: PartialOrd>(wanted: Option<T>, least: T, greatest: T) -> bool {
            // What cannot be compared is not ruled out.
            let is_without = |wanted: T| {
                wanted.partial_cmp(&least) == Some(Ordering::Less)
                    || wanted.partial_cmp(&greatest) == Some(Ordering::Greater)
            };
            !wanted.is_none_or(is_without)
        }
        // An empty value picks rows without one, of which the bounds say nothing.
        if self.value.is_empty() {
            return true;
        }
        match (least, greatest) {
            (Cell::Text(least), Cell::Text(greatest)) => is_within(Some(self.value.as_str()), least, greatest),
            (Cell::Integer(least), Cell::Integer(greatest)) => match self.integer {
                Some(wanted) => is_within(Some(wanted), *least, *greatest),
                None => is_within(self.number, *least as f64, *greatest as f64),
            },
            (Cell::Number(least), Cell::Number(greatest)) => is_within(self.number, *least, *greatest),
            (Cell::Boolean(least), Cell::Boolean(greatest)) => is_within(self.boolean, *least, *greatest),
            (Cell::Moment(least), Cell::Moment(greatest)) => is_within(self.moment, *least, *greatest),
            _ => true,
        }
    }

    pub(crate) fn matches(&self, cell: &Cell<'_>) -> bool {
        match cell {
            Cell::Null => self.value.is_empty(),
            Cell::Text(text) => *text == self.value,
            Cell::Repaired(text) => *text == self.value,
            Cell::Untyped(text) => {
                *text == self.value
                    || self.number.is_some_and(|number| text.trim().parse() == Ok(number))
                    || self.boolean.is_some_and(|wanted| boolean(text) == Some(wanted))
            }
            Cell::Integer(integer) => match self.integer {
                Some(wanted) => wanted == *integer,
                None => self.number == Some(*integer as f64),
            },
            Cell::Number(number) => self.number == Some(*number),
            Cell::Boolean(value) => self.boolean == Some(*value),
            Cell::Moment(moment) => self.moment == Some(*moment),
            Cell::Unfit(_) => false,
        }
    }
}

impl FromStr for Condition {
    type Err = OptionError;
    fn from_str(text: &str) -> Result<Self, OptionError> {
        match text.split_once('=') {
            Some((column, value)) if !column.trim().is_empty() => Ok(Self::new(column.trim(), value)),
            _ => Err(OptionError::NoCondition { text: text.to_owned() }),
        }
    }
}

/// Python writes `True`, SQL `TRUE`.
fn boolean(text: &str) -> Option<bool> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(condition: &str, cell: Cell<'_>) -> bool {
        condition.parse::<Condition>().unwrap().matches(&cell)
    }

    #[test]
    fn numbers_are_compared_as_numbers() {
        assert!(matches("stars=5", Cell::Integer(5)));
        assert!(matches("stars=5", Cell::Number(5.0)));
        assert!(matches("stars=5.0", Cell::Integer(5)));
        assert!(matches("stars=5", Cell::Untyped("5.0".into())));
        assert!(!matches("stars=5", Cell::Integer(4)));
        assert!(!matches("stars=five", Cell::Integer(5)));
        // Two integers that are one and the same double.
        assert!(!matches("id=9007199254740993", Cell::Integer(9_007_199_254_740_992)));
    }

    #[test]
    fn text_is_compared_exactly() {
        assert!(matches("split=train", Cell::Text("train".into())));
        assert!(!matches("split=train", Cell::Text("Train".into())));
        assert!(!matches("split=5", Cell::Text("5.0".into())));
    }

    #[test]
    fn booleans_times_and_absent_values_are_compared_as_such() {
        assert!(matches("verified=true", Cell::Boolean(true)));
        assert!(matches("verified=true", Cell::Untyped("True".into())));
        assert!(!matches("verified=true", Cell::Boolean(false)));
        assert!(matches("day=2024-05-01", Cell::Moment(Timestamp::parse("2024-05-01T00:00:00Z").unwrap())));
        assert!(matches("user=", Cell::Null));
        assert!(!matches("user=0", Cell::Null));
    }

    #[test]
    fn conditions_exclude_each_other_only_where_no_value_meets_both() {
        let excludes = |one: &str, other: &str| {
            let (one, other): (Condition, Condition) = (one.parse().unwrap(), other.parse().unwrap());
            assert_eq!(one.excludes(&other), other.excludes(&one));
            one.excludes(&other)
        };
        for (one, other) in [
            ("split=train", "split=test"),
            ("year=2023", "year=2024"),
            ("fold=a", "fold=3"),
            ("split=", "split=test"),
            ("flag=yes", "flag=no"),
            ("flag=true", "flag=False"),
            ("flag=true", "flag=1"),
            ("day=2024-05-01", "day=2024-05-02"),
        ] {
            assert!(excludes(one, other), "{one} {other}");
        }
        for (one, other) in [
            ("split=train", "split=train"),
            ("split=train", "lang=test"),
            ("fold=5", "fold= 5.0"),
            ("flag=true", "flag=True"),
            ("day=2024-05-01", "day=2024-05-01T00:00:00Z"),
            // One and the same double.
            ("id=9007199254740993", "id=9007199254740992"),
        ] {
            assert!(!excludes(one, other), "{one} {other}");
        }
    }

    #[test]
    fn no_cell_meets_two_conditions_that_exclude_each_other() {
        let values = [
            "",
            " ",
            "a",
            "A",
            "t",
            "yes",
            "true",
            "True",
            "1",
            "1.0",
            "+1",
            "0",
            "-0",
            "nan",
            "NaN",
            "inf",
            "2024",
            "9007199254740993",
            "9007199254740992",
            "9007199254740992.0",
            "2024-05-01",
            "2024-05-01T00:00:00Z",
        ];
        let mut cells = vec![Cell::Null, Cell::Boolean(true), Cell::Boolean(false), Cell::Number(f64::NAN)];
        for value in values {
            cells.extend([Cell::Text(value.into()), Cell::Untyped(value.into()), Cell::Repaired(value.to_owned())]);
            cells.extend(value.parse().ok().map(Cell::Integer));
            cells.extend(value.parse().ok().map(Cell::Number));
            cells.extend(Timestamp::parse(value).map(Cell::Moment));
        }
        for one in values.map(|value| Condition::new("column", value)) {
            for other in values.map(|value| Condition::new("column", value)) {
                let both = cells.iter().find(|cell| one.matches(cell) && other.matches(cell));
                assert!(!one.excludes(&other) || both.is_none(), "{one:?} {other:?} {both:?}");
            }
        }
    }

    #[test]
    fn a_value_may_hold_an_equals_sign() {
        assert_eq!("a=b=c".parse::<Condition>().unwrap().value(), "b=c");
    }

    #[test]
    fn a_condition_without_a_column_is_refused() {
        for text in ["train", "=train", ""] {
            assert!(text.parse::<Condition>().unwrap_err().to_string().contains("COLUMN=VALUE"));
        }
    }
}
