//! Results, for people or as JSON. A result is one value that can be displayed and serialized; nothing but results goes to
//! stdout, so that a pipe reads them clean. A reader that closes the pipe ends the verb without an error or a panic.

use serde::Serialize;
use std::borrow::Cow;
use std::fmt;
use std::io::{self, ErrorKind, Write};

/// `--json`, for every verb with a result: `#[command(flatten)] output: Output`.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Output {
    /// Print the result as one JSON document
    #[arg(long, global = true)]
    pub json: bool,
}

impl Output {
    /// Prints the verb's result: its `Display` for people, or the value as JSON.
    pub fn result<T: Serialize + fmt::Display>(&self, result: &T) -> anyhow::Result<()> {
        if self.json { line(&serde_json::to_string_pretty(result)?) } else { line(&plain(&result.to_string())) }
    }
}

/// A text that changes nothing but what is read: control characters of somebody's data, which could steer a terminal, are shown
/// as U+FFFD.
pub fn plain(text: &str) -> Cow<'_, str> {
    let steers = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if text.contains(steers) { text.replace(steers, "\u{FFFD}").into() } else { text.into() }
}

/// Prints one line of a result that comes piece by piece.
pub fn line(line: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    match write_line(&mut stdout, line) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(ReaderGone.into()),
        outcome => outcome.map_err(|error| anyhow::Error::new(error).context("cannot write to stdout")),
    }
}

fn write_line(to: &mut impl Write, line: &str) -> io::Result<()> {
    to.write_all(line.as_bytes())?;
    if !line.ends_with('\n') {
        to.write_all(b"\n")?;
    }
    to.flush()
}

/// Stdout was closed by its reader.
#[derive(Debug)]
pub struct ReaderGone;

impl fmt::Display for ReaderGone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the reader of stdout has gone")
    }
}

impl std::error::Error for ReaderGone {}

/// Rows of text in columns as wide as their widest cell, two blanks apart; the last column is not padded.
pub struct Table<const N: usize> {
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    /// A table with a line of headings.
    pub fn new(headings: [&str; N]) -> Self {
        Self { rows: vec![headings.map(str::to_owned)] }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: [String; N]) {
        self.rows.push(cells);
    }
}

impl<const N: usize> fmt::Display for Table<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: [usize; N] = std::array::from_fn(width);
        for row in &self.rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(widths) {
                line.push_str(&format!("{cell:width$}  "));
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(["VERSION", "WHO"]);
        table.row(["v1".into(), "Zoë".into()]);
        table.row(["v1000000".into(), String::new()]);
        assert_eq!(table.to_string(), "VERSION   WHO\nv1        Zoë\nv1000000\n");
    }

    #[test]
    fn what_would_steer_a_terminal_is_shown_and_does_not() {
        assert_eq!(plain("one\ttwo\nดี"), "one\ttwo\nดี");
        assert_eq!(plain("a\u{1b}[31mred\r\u{9b}2J"), "a\u{fffd}[31mred\u{fffd}\u{fffd}2J");
    }

    #[test]
    fn a_line_ends_once() {
        let mut written = Vec::new();
        write_line(&mut written, "one").unwrap();
        write_line(&mut written, "two\n").unwrap();
        assert_eq!(written, b"one\ntwo\n");
    }
}
