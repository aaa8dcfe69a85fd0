//! How long a label takes, and the rows that wait for theirs.

use schemas::Timestamp;
use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;

/// How long after its review a label comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delay {
    /// When so many further rows have been scored.
    Rows(usize),
    /// With the first row that is dated so many milliseconds later.
    Millis(i64),
}

/// No delay.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("give a number of rows, such as 1000, or a time, such as 30s, 15m, 36h or 7d")]
pub struct InvalidDelay;

const UNITS: [(char, i64); 4] = [('s', 1_000), ('m', 60_000), ('h', 3_600_000), ('d', 86_400_000)];

impl FromStr for Delay {
    type Err = InvalidDelay;

    fn from_str(text: &str) -> Result<Self, InvalidDelay> {
        if let Ok(rows) = text.parse() {
            return Ok(Self::Rows(rows));
        }
        let of_unit = |(unit, millis): (char, i64)| {
            let count: u32 = text.strip_suffix(unit)?.parse().ok()?;
            Some(Self::Millis(i64::from(count) * millis))
        };
        UNITS.into_iter().find_map(of_unit).ok_or(InvalidDelay)
    }
}

/// As it is given.
impl fmt::Display for Delay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Rows(rows) => write!(f, "{rows}"),
            Self::Millis(millis) => {
                let exact = UNITS.into_iter().rev().find(|(_, unit)| millis % unit == 0);
                let (unit, size) = exact.unwrap_or(('s', 1_000));
                write!(f, "{}{unit}", millis / size)
            }
        }
    }
}

/// Rows whose labels are still to come, in the order of their rows.
pub(super) struct Waiting<T> {
    delay: Delay,
    rows: VecDeque<(Timestamp, T)>,
}

impl<T> Waiting<T> {
    pub(super) fn new(delay: Delay) -> Self {
        Self { delay, rows: VecDeque::new() }
    }

    pub(super) fn push(&mut self, time: Timestamp, row: T) {
        self.rows.push_back((time, row));
    }

    /// A row whose label has come by now: before the next row, which is dated `now`.
    pub(super) fn due(&mut self, now: Timestamp) -> Option<T> {
        let is_due = match self.delay {
            Delay::Rows(rows) => self.rows.len() > rows,
            Delay::Millis(millis) => {
                self.rows.front().is_some_and(|(time, _)| now.epoch_millis() - time.epoch_millis() >= millis)
            }
        };
        if is_due { self.rows.pop_front().map(|(_, row)| row) } else { None }
    }

    /// Whether nothing ever waits.
    pub(super) fn is_immediate(&self) -> bool {
        self.delay == Delay::Rows(0)
    }

    /// How many labels are still to come.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(millis: i64) -> Timestamp {
        Timestamp::from_epoch_millis(millis).unwrap()
    }

    #[test]
    fn a_delay_is_rows_or_a_time() {
        for text in ["0", "1000", "30s", "15m", "36h", "7d"] {
            assert_eq!(text.parse::<Delay>().unwrap().to_string(), text);
        }
        for text in ["", "-1", "d", "7w", "1.5h", "7 d"] {
            assert_eq!(text.parse::<Delay>(), Err(InvalidDelay), "{text}");
        }
    }

    #[test]
    fn a_label_comes_after_so_many_rows() {
        let mut waiting = Waiting::new(Delay::Rows(2));
        let mut came = Vec::new();
        for row in 0..5 {
            came.push(waiting.due(time(0)));
            waiting.push(time(0), row);
        }
        assert_eq!((came, waiting.len()), (vec![None, None, None, Some(0), Some(1)], 3));
        assert!(Waiting::<()>::new(Delay::Rows(0)).is_immediate() && !waiting.is_immediate());
    }

    #[test]
    fn a_label_comes_after_its_time() {
        let mut waiting = Waiting::new(Delay::Millis(100));
        waiting.push(time(0), "first");
        waiting.push(time(50), "second");
        assert_eq!(waiting.due(time(99)), None);
        assert_eq!(waiting.due(time(149)), Some("first"));
        assert_eq!(waiting.due(time(149)), None);
        assert_eq!(waiting.due(time(150)), Some("second"));
    }
}
