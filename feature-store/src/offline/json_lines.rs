//! JSON Lines: one object per line. Blank lines are skipped; a line that is broken, no object, or larger than 64 MiB is a
//! row with a problem. The keys of the first hundred lines count as the file's columns: a column that options name must be
//! among them, while optional fields are read wherever they turn up. Bytes that are not UTF-8 become U+FFFD, and a problem.

use super::cell::Cell;
use super::plan::Plan;
use super::reader::{OpenFile, Rows};
use super::source::{Source, TextReader};
use super::{FileError, ReadOptions, RowRef};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{self, BufRead, Cursor, Read};

/// Larger lines are skipped without being held.
const LINE_LIMIT_BYTES: usize = 64 * 1024 * 1024;
/// How much is looked at for the columns: so many lines, and no more than so many bytes once an object was seen.
const SAMPLE_LINES: usize = 100;
const SAMPLE_BYTES: usize = 1024 * 1024;

struct JsonRows {
    source: Source,
    text: TextReader,
    line: Vec<u8>,
    plan: Plan,
    row: u64,
}

/// Opens JSON Lines: takes the columns from the first lines and matches them with the options.
pub(super) fn open(
    source: Source,
    mut text: TextReader,
    file: usize,
    options: &ReadOptions,
) -> Result<OpenFile, FileError> {
    let sample = Sample::read(&source, &mut text)?;
    let keys: Vec<&str> = sample.keys.iter().map(String::as_str).collect();
    let plan = Plan::new(file, &source.path, &keys, options)?;
    let fields = plan.fields().collect();
    let plan = plan.with_every_field(options);
    let text = Box::new(Cursor::new(sample.bytes).chain(text));
    Ok(OpenFile {
        schema: sample.keys.into_iter().map(|key| (key, String::new())).collect(),
        fields,
        size_bytes: source.size_bytes,
        is_regular: source.is_regular,
        bytes_read: source.bytes_read.clone(),
        sample: None,
        rows: Box::new(JsonRows { source, text, line: Vec::new(), plan, row: 0 }),
    })
}

impl Rows for JsonRows {
    fn next(&mut self, show: &mut dyn FnMut(RowRef<'_>)) -> Result<bool, FileError> {
        loop {
            self.row += 1;
            let is_whole = match read_line(&mut self.text, &mut self.line).map_err(|error| self.source.error(error))? {
                Line::End => return Ok(false),
                Line::Whole => true,
                Line::TooLarge => false,
            };
            if !is_whole {
                let message = format!("the line is larger than {} MiB", LINE_LIMIT_BYTES / (1024 * 1024));
                show(RowRef::broken(self.plan.position(self.row), message));
                return Ok(true);
            }
            let line = content(&self.line);
            if line.is_empty() {
                continue;
            }
            let is_wanted = match std::str::from_utf8(line) {
                Ok(line) => read_row(&self.plan, self.row, line, false, show),
                Err(_) => read_row(&self.plan, self.row, &String::from_utf8_lossy(line), true, show),
            };
            if is_wanted {
                return Ok(true);
            }
        }
    }
}

/// Reads a row and shows it, unless a condition excludes it; whether it was shown.
fn read_row(plan: &Plan, row: u64, line: &str, is_repaired: bool, show: &mut dyn FnMut(RowRef<'_>)) -> bool {
    let mut deserializer = serde_json::Deserializer::from_str(line);
    let cells = CellsSeed { columns: &plan.columns }.deserialize(&mut deserializer);
    let mut cells = match cells.and_then(|cells| deserializer.end().map(|()| cells)) {
        Ok(cells) => cells,
        Err(error) => {
            show(RowRef::broken(plan.position(row), what_is_wrong(&error)));
            return true;
        }
    };
    if is_repaired {
        for cell in &mut cells {
            if let Cell::Text(text) = cell
                && text.contains(char::REPLACEMENT_CHARACTER)
            {
                *cell = Cell::Repaired(std::mem::take(text).into_owned());
            }
        }
    }
    let found = plan.row(row, |column| cells[column].clone());
    let is_wanted = found.is_some();
    if let Some(found) = found {
        show(found);
    }
    is_wanted
}

/// serde's own words repeat the value, which may be a person's.
fn what_is_wrong(error: &serde_json::Error) -> String {
    match error.classify() {
        serde_json::error::Category::Data => "the line is JSON, but no object".to_owned(),
        serde_json::error::Category::Eof => format!("the line is cut off at column {}", error.column()),
        _ => format!("the line is not JSON at column {}", error.column()),
    }
}

enum Line {
    Whole,
    TooLarge,
    End,
}

fn read_line(text: &mut TextReader, line: &mut Vec<u8>) -> io::Result<Line> {
    line.clear();
    let limit = LINE_LIMIT_BYTES as u64 + 1;
    text.take(limit).read_until(b'\n', line)?;
    if line.is_empty() {
        return Ok(Line::End);
    }
    if line.len() > LINE_LIMIT_BYTES && line.last() != Some(&b'\n') {
        *line = Vec::new();
        text.skip_until(b'\n')?;
        return Ok(Line::TooLarge);
    }
    Ok(Line::Whole)
}

/// A line without its end, its blanks and the byte-order mark that may precede the first.
fn content(line: &[u8]) -> &[u8] {
    line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line).trim_ascii()
}

/// The beginning of a file, read to learn its columns and then read again as rows.
struct Sample {
    bytes: Vec<u8>,
    keys: BTreeSet<String>,
}

impl Sample {
    fn read(source: &Source, text: &mut TextReader) -> Result<Self, FileError> {
        let mut sample = Self { bytes: Vec::new(), keys: BTreeSet::new() };
        let (mut lines, mut has_object) = (0, false);
        while lines < SAMPLE_LINES
            && sample.bytes.len() <= LINE_LIMIT_BYTES
            && (sample.bytes.len() < SAMPLE_BYTES || !has_object)
        {
            let start = sample.bytes.len();
            let room = (LINE_LIMIT_BYTES + 1 - start) as u64;
            text.take(room).read_until(b'\n', &mut sample.bytes).map_err(|error| source.error(error))?;
            if sample.bytes.len() == start {
                break;
            }
            let line = content(&sample.bytes[start..]);
            if line.is_empty() {
                continue;
            }
            lines += 1;
            if lines == 1 && is_document_of_one_array(line) {
                return Err(FileError::JsonArray { path: source.path.clone() });
            }
            if let Ok(object) = serde_json::from_str::<BTreeMap<String, IgnoredAny>>(&String::from_utf8_lossy(line)) {
                has_object = true;
                sample.keys.extend(object.into_keys());
            }
        }
        match (lines, has_object) {
            (_, true) => Ok(sample),
            (0, false) => Err(FileError::Empty { path: source.path.clone() }),
            (lines, false) => Err(FileError::NoJsonObject { path: source.path.clone(), lines }),
        }
    }
}

/// Whether the first line opens an array that goes on below it, or is an array of objects.
fn is_document_of_one_array(line: &[u8]) -> bool {
    line.starts_with(b"[")
        && match serde_json::from_slice::<IgnoredAny>(line) {
            Err(_) => true,
            Ok(_) => line[1..].trim_ascii_start().starts_with(b"{"),
        }
}

/// Reads an object into one cell per wanted column; unknown keys are skipped unread.
struct CellsSeed<'p> {
    columns: &'p [String],
}

impl<'de> DeserializeSeed<'de> for CellsSeed<'_> {
    type Value = Vec<Cell<'de>>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for CellsSeed<'_> {
    type Value = Vec<Cell<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut cells = vec![Cell::Null; self.columns.len()];
        while let Some(column) = map.next_key_seed(ColumnSeed { columns: self.columns })? {
            match column {
                Some(column) => cells[column] = map.next_value_seed(CellSeed)?,
                None => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        Ok(cells)
    }
}

/// Reads a key as the index of the column it names, without allocating.
struct ColumnSeed<'p> {
    columns: &'p [String],
}

impl<'de> DeserializeSeed<'de> for ColumnSeed<'_> {
    type Value = Option<usize>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for ColumnSeed<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.columns.iter().position(|column| column == key))
    }
}

struct CellSeed;

impl<'de> DeserializeSeed<'de> for CellSeed {
    type Value = Cell<'de>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for CellSeed {
    type Value = Cell<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Cell::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Cell::Boolean(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Cell::Integer(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(i64::try_from(value).map_or(Cell::Number(value as f64), Cell::Integer))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Cell::Number(value))
    }

    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Cell::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Cell::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
        while array.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Cell::Unfit("an array"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Cell::Unfit("an object"))
    }
}
