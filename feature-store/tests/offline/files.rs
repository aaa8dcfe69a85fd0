//! Files to read, and shorthand to read them.

use feature_store::offline::{ColumnPair, Condition, FileError, ReadOptions, ReviewFiles, Row};
use std::io::Write;
use std::path::PathBuf;

pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

pub fn options(columns: &[&str], conditions: &[&str]) -> ReadOptions {
    ReadOptions {
        columns: columns.iter().map(|pair| pair.parse::<ColumnPair>().unwrap()).collect(),
        conditions: conditions.iter().map(|condition| condition.parse::<Condition>().unwrap()).collect(),
        ..ReadOptions::default()
    }
}

pub fn rows(path: PathBuf) -> Vec<Row> {
    rows_with(path, &ReadOptions::default())
}

pub fn rows_with(path: PathBuf, options: &ReadOptions) -> Vec<Row> {
    let mut files = ReviewFiles::open(&[path], options).unwrap();
    all_rows(&mut files).unwrap()
}

pub fn all_rows(files: &mut ReviewFiles) -> Result<Vec<Row>, FileError> {
    let mut rows = Vec::new();
    while let Some(batch) = files.next_batch()? {
        assert!(!batch.is_empty() && batch.len() <= 1024);
        rows.extend(batch);
    }
    Ok(rows)
}

/// The one sentence that a file is refused with, whether at the opening or while reading.
pub fn refusal(path: PathBuf, options: &ReadOptions) -> String {
    let error = match ReviewFiles::open(std::slice::from_ref(&path), options) {
        Err(error) => error,
        Ok(mut files) => all_rows(&mut files).unwrap_err(),
    };
    let message = error.to_string();
    assert!(message.contains(path.to_str().unwrap()), "{message}");
    assert!(!message.contains('\n'), "{message}");
    message
}

pub fn texts(rows: &[Row]) -> Vec<&str> {
    rows.iter().map(|row| row.text.as_deref().unwrap_or("-")).collect()
}

pub fn problems(row: &Row) -> Vec<String> {
    row.problems.iter().map(ToString::to_string).collect()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}
