//! CSV with a header. Cells have no types: an empty one is no value. Quoted line breaks and a byte-order mark are read as
//! people mean them; a row with more or fewer cells than the header is a problem of that row; bytes that are not UTF-8
//! become U+FFFD, and a problem of the field that held them.

use super::cell::Cell;
use super::fingerprint::Schema;
use super::plan::Plan;
use super::reader::{OpenFile, Rows};
use super::source::{Source, TextReader};
use super::{FileError, ReadOptions, Row};
use std::io::{self, Read};

/// A quote that never closes would otherwise take the rest of the file into memory.
const ROW_LIMIT_BYTES: u64 = 64 * MEBIBYTE;
const MEBIBYTE: u64 = 1024 * 1024;

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
    text: TextReader,
    file: usize,
    options: &ReadOptions,
) -> Result<OpenFile, FileError> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .buffer_capacity(64 * 1024)
        .from_reader(Bounded { text, allowance: 0 });
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
        rows: Box::new(CsvRows { source, reader, record, header_len: names.len(), plan, places, row: 0 }),
    })
}

impl Rows for CsvRows {
    fn next_row(&mut self) -> Result<Option<Row>, FileError> {
        loop {
            self.row += 1;
            if !read_record(&self.source, &mut self.reader, &mut self.record, self.row)? {
                return Ok(None);
            }
            if self.record.len() != self.header_len {
                let message = format!("the row has {} cells, the header has {}", self.record.len(), self.header_len);
                return Ok(Some(Row::broken(self.plan.position(self.row), message)));
            }
            let (record, places) = (&self.record, &self.places);
            let row = self.plan.row(self.row, |column| Cell::untyped(&record[places[column]]));
            if row.is_some() {
                return Ok(row);
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
    reader.read_byte_record(record).map_err(|error| {
        if reader.get_ref().allowance == 0 {
            let limit_mebibytes = ROW_LIMIT_BYTES / MEBIBYTE;
            return FileError::RowTooLarge { path: source.path.clone(), row, limit_mebibytes };
        }
        // A reader of bytes, with rows of any length, fails only where its source does.
        match error.into_kind() {
            csv::ErrorKind::Io(error) => source.error(error),
            other => source.error(io::Error::other(format!("{other:?}"))),
        }
    })
}

/// Text of which one record may take so much and no more.
struct Bounded {
    text: TextReader,
    allowance: u64,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.allowance == 0 {
            return Err(io::Error::other("the row is too large"));
        }
        let room = buffer.len().min(usize::try_from(self.allowance).unwrap_or(usize::MAX));
        let count = self.text.read(&mut buffer[..room])?;
        self.allowance -= count as u64;
        Ok(count)
    }
}
