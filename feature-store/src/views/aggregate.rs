//! What a feature is made of: a function of an entity's events, over a span of them.

use std::fmt;

/// How a feature follows from events.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Aggregate {
    /// What is done with the values.
    pub function: Function,
    /// Which events take part, and how much.
    pub span: Span,
}

/// What is done with the values of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// Their number.
    Count,
    /// Their sum.
    Sum,
    /// Their mean.
    Mean,
    /// The value of the latest; of two at one time, the one that was applied later.
    Last,
}

/// Which events take part, seen from the entity's latest event.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Span {
    /// All alike.
    All,
    /// All, each half as much for every so many days that it is older than the latest.
    HalfLife {
        /// Days, more than 0.
        days: f64,
    },
    /// Those of so many UTC days, the last of which is the latest event's.
    Window {
        /// Days, 1 or more.
        days: u32,
    },
}

impl Function {
    /// All functions.
    pub(super) const ALL: [Function; 4] = [Function::Count, Function::Sum, Function::Mean, Function::Last];

    /// The name that the configuration has for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Function::Count => "count",
            Function::Sum => "sum",
            Function::Mean => "mean",
            Function::Last => "last",
        }
    }
}

impl Aggregate {
    /// Whether its values are whole numbers: Feast's Int64, all others being Float64.
    pub fn is_whole(&self) -> bool {
        self.function == Function::Count && !matches!(self.span, Span::HalfLife { .. })
    }
}

impl fmt::Display for Aggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.function.name())?;
        match self.span {
            Span::All => Ok(()),
            Span::HalfLife { days } => write!(f, ", half-life {days} d"),
            Span::Window { days } => write!(f, ", {days} d"),
        }
    }
}
