//! What the rows are divided by before they are balanced: nothing, the month, or the values of a column. Strata get numbers as
//! they turn up; what is decided goes by their names.

use super::SampleError;
use feature_store::offline::RowRef;
use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

/// More would be no strata but rows.
const LIMIT: usize = 10_000;

/// What a sample is stratified by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stratify {
    /// The month of created_at, such as 2024-05.
    Month,
    /// The values of a column of the files.
    Column(String),
}

impl FromStr for Stratify {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim() {
            "" => Err("name a column, or month".to_owned()),
            "month" => Ok(Self::Month),
            column => Ok(Self::Column(column.to_owned())),
        }
    }
}

impl fmt::Display for Stratify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Month => f.write_str("month"),
            Self::Column(column) => f.write_str(column),
        }
    }
}

/// The strata so far.
pub(super) struct Strata {
    by: Option<Stratify>,
    /// The place of the column among the extra ones.
    extra: Option<usize>,
    numbers: Mutex<HashMap<String, u32>>,
}

impl Strata {
    /// Of the extra columns that are read, the stratum's is named.
    pub(super) fn new(by: Option<Stratify>, extras: &[String]) -> Self {
        let extra = match &by {
            Some(Stratify::Column(column)) => extras.iter().position(|extra| extra == column),
            _ => None,
        };
        Self { by, extra, numbers: Mutex::default() }
    }

    /// One thread's view of them.
    pub(super) fn known(&self) -> Known<'_> {
        Known { strata: self, numbers: HashMap::new() }
    }

    /// Their names, by their numbers.
    pub(super) fn names(&self) -> Vec<String> {
        let numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut names = vec![String::new(); numbers.len()];
        for (name, number) in &*numbers {
            names[*number as usize].clone_from(name);
        }
        names
    }

    fn number(&self, name: &str) -> Result<u32, SampleError> {
        let mut numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = numbers.get(name) {
            return Ok(*number);
        }
        if numbers.len() == LIMIT {
            let column = self.by.as_ref().map(ToString::to_string).unwrap_or_default();
            return Err(SampleError::TooManyStrata { column, limit: LIMIT });
        }
        let number = numbers.len() as u32;
        numbers.insert(name.to_owned(), number);
        Ok(number)
    }
}

/// The strata that a thread has met.
pub(super) struct Known<'s> {
    strata: &'s Strata,
    numbers: HashMap<String, u32>,
}

impl Known<'_> {
    /// The number of a row's stratum; rows without a value have one of their own.
    pub(super) fn of(&mut self, row: &RowRef<'_>) -> Result<u32, SampleError> {
        match (&self.strata.by, self.strata.extra) {
            (Some(Stratify::Month), _) => {
                let month = row.created_at.map(|time| time.to_string());
                self.number(month.as_deref().and_then(|time| time.get(..7)).unwrap_or_default())
            }
            (Some(Stratify::Column(_)), Some(extra)) => {
                self.number(row.extras.get(extra).and_then(|value| value.as_deref()).unwrap_or_default())
            }
            _ => self.number(""),
        }
    }

    fn number(&mut self, name: &str) -> Result<u32, SampleError> {
        if let Some(number) = self.numbers.get(name) {
            return Ok(*number);
        }
        let number = self.strata.number(name)?;
        self.numbers.insert(name.to_owned(), number);
        Ok(number)
    }
}
