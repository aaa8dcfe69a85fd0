//! Tables.

use super::Markup;

/// A cell: words stand to the left, numbers to the right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Words.
    Text(String),
    /// A number as it is to be read.
    Number(String),
}

impl Cell {
    /// Words.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A number as it is to be read.
    pub fn number(number: impl ToString) -> Self {
        Self::Number(number.to_string())
    }

    fn markup(&self) -> Markup {
        match self {
            Self::Text(text) => Markup::text(text).within("td", &[]),
            Self::Number(number) => Markup::text(number).within("td", &[("class", "number")]),
        }
    }
}

/// Rows under headings.
#[derive(Debug, Clone)]
pub struct Table {
    head: Markup,
    body: Markup,
}

impl Table {
    /// A table with a line of headings.
    pub fn new(headings: &[&str]) -> Self {
        let head: Markup = headings.iter().map(|heading| Markup::text(heading).within("th", &[])).collect();
        Self { head: head.within("tr", &[]).within("thead", &[]), body: Markup::default() }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        let cells: Markup = cells.into_iter().map(|cell| cell.markup()).collect();
        self.body.push(cells.within("tr", &[]));
    }

    /// The table, which scrolls by itself where it is wider than the page.
    pub fn markup(self) -> Markup {
        let mut all = self.head;
        all.push(self.body.within("tbody", &[]));
        all.within("table", &[]).within("div", &[("class", "wide")])
    }
}
