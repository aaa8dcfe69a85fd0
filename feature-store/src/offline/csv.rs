//! CSV with a header. Cells have no types: an empty one is no value. Quoted line breaks and a byte-order mark are read as
//! people mean them; a row with more or fewer cells than the header is a problem of that row; bytes that are not UTF-8
//! become U+FFFD, and a problem of the field that held them. A quote that never closes has taken in every row behind it, so
//! it is an error of the file.

use super::cell::Cell;
use super::fingerprint::Schema;
use super::plan::Plan;
use super::reader::{OpenFile, Rows};
use super::source::{Source, TextReader};
use super::{FileError, ReadOptions, RowRef};
use std::io::{self, BufRead, Read};

/// A quote that never closes would otherwise take the rest of the file into memory.
const ROW_LIMIT_BYTES: u64 = 64 * MEBIBYTE;
const MEBIBYTE: u64 = 1024 * 1024;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

struct CsvRows {
    source: Source,
    reader: csv::Reader<Bounded>,
    record: csv::ByteRecord,
    header_len: usize,
    plan: Plan,
    /// For each of the plan's columns, its place in a record.
    places: Vec<usize>,
    row: u64,
}

/// Opens CSV: reads the header and matches it with the options.
pub(super) fn open(
    source: Source,
    mut text: TextReader,
    file: usize,
    options: &ReadOptions,
) -> Result<OpenFile, FileError> {
    if text.fill_buf().map_err(|error| source.error(error))?.starts_with(BYTE_ORDER_MARK) {
        text.consume(BYTE_ORDER_MARK.len());
    }
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .buffer_capacity(64 * 1024)
        .from_reader(Bounded { text, allowance: 0, quotes: Quotes::default(), is_at_end: false });
    let mut record = csv::ByteRecord::new();
    if !read_record(&source, &mut reader, &mut record, 0)? {
        return Err(FileError::Empty { path: source.path });
    }
    let names: Vec<String> = record.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect();
    let present: Vec<&str> = names.iter().map(String::as_str).collect();
    let plan = Plan::new(file, &source.path, &present, options)?;
    let places = plan.columns.iter().filter_map(|column| names.iter().position(|name| name == column)).collect();
    let schema: Schema = names.iter().map(|name| (name.clone(), String::new())).collect();
    let fields = plan.fields().collect();
    Ok(OpenFile {
        schema,
        fields,
        size_bytes: source.size_bytes,
        is_regular: source.is_regular,
        bytes_read: source.bytes_read.clone(),
        sample: None,
        rows: Box::new(CsvRows { source, reader, record, header_len: names.len(), plan, places, row: 0 }),
    })
}

impl Rows for CsvRows {
    fn next(&mut self, show: &mut dyn FnMut(RowRef<'_>)) -> Result<bool, FileError> {
        loop {
            self.row += 1;
            if !read_record(&self.source, &mut self.reader, &mut self.record, self.row)? {
                return Ok(false);
            }
            if self.record.len() != self.header_len {
                let message = format!("the row has {} cells, the header has {}", self.record.len(), self.header_len);
                show(RowRef::broken(self.plan.position(self.row), message));
                return Ok(true);
            }
            let (record, places) = (&self.record, &self.places);
            if let Some(row) = self.plan.row(self.row, |column| Cell::untyped(&record[places[column]])) {
                show(row);
                return Ok(true);
            }
        }
    }
}

fn read_record(
    source: &Source,
    reader: &mut csv::Reader<Bounded>,
    record: &mut csv::ByteRecord,
    row: u64,
) -> Result<bool, FileError> {
    reader.get_mut().allowance = ROW_LIMIT_BYTES;
    let is_record = reader.read_byte_record(record).map_err(|error| {
        if reader.get_ref().allowance == 0 {
            let limit_mebibytes = ROW_LIMIT_BYTES / MEBIBYTE;
            return FileError::RowTooLarge { path: source.path.clone(), row, limit_mebibytes };
        }
        // A reader of bytes, with rows of any length, fails only where its source does.
        match error.into_kind() {
            csv::ErrorKind::Io(error) => source.error(error),
            other => source.error(io::Error::other(format!("{other:?}"))),
        }
    })?;
    // The reader takes the end of the file for the missing quote. It meets the end only within the last record.
    if reader.get_ref().is_at_end && reader.get_ref().quotes.is_open {
        return Err(FileError::UnclosedQuote { path: source.path.clone(), row });
    }
    Ok(is_record)
}

/// Text of which one record may take so much and no more, and whose end is looked at.
struct Bounded {
    text: TextReader,
    allowance: u64,
    quotes: Quotes,
    is_at_end: bool,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.allowance == 0 {
            return Err(io::Error::other("the row is too large"));
        }
        let room = buffer.len().min(usize::try_from(self.allowance).unwrap_or(usize::MAX));
        let count = self.text.read(&mut buffer[..room])?;
        self.allowance -= count as u64;
        self.quotes.pass(&buffer[..count]);
        self.is_at_end = count == 0 && room > 0;
        Ok(count)
    }
}

/// Whether text ends within quotes. Counting quotes would not do: one in the middle of an unquoted cell (5" long) is text.
struct Quotes {
    is_open: bool,
    /// The byte before: a quote only where it closed, and 0 where it was text.
    before: u8,
}

impl Default for Quotes {
    fn default() -> Self {
        Self { is_open: false, before: b'\n' }
    }
}

impl Quotes {
    fn pass(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if byte != b'"' {
                self.before = byte;
                continue;
            }
            // One at the start of a cell opens; one right after a closing one makes it a doubled quote, still inside.
            let opens = !self.is_open && matches!(self.before, b',' | b'\n' | b'\r' | b'"');
            self.before = if self.is_open { b'"' } else { 0 };
            self.is_open = opens;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_open_after(text: &str) -> bool {
        let mut quotes = Quotes::default();
        text.bytes().for_each(|byte| quotes.pass(&[byte]));
        quotes.is_open
    }

    /// What the reader thinks: a further line is a record of its own, unless it is inside quotes.
    fn swallows_a_further_line(text: &str) -> bool {
        let more = format!("{text}\nmore");
        let reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(more.as_bytes());
        reader.into_byte_records().last().unwrap().unwrap() != vec!["more"]
    }

    #[test]
    fn quotes_are_open_exactly_where_the_reader_swallows_the_next_line() {
        let mut texts = vec![String::new()];
        for _ in 0..6 {
            for text in &texts {
                assert_eq!(is_open_after(text), swallows_a_further_line(text), "{text:?}");
            }
            texts = texts
                .iter()
                .flat_map(|text| ["a", ",", "\"", "\n", "\r"].map(|next| format!("{text}{next}")))
                .collect();
        }
    }
}
