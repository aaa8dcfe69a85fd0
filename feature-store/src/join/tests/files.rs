//! Files that tests make, and what stands in files that the join made.

use crate::join::columns::moments;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, RecordBatch};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::properties::WriterProperties;
use std::fs::File;
use std::path::{Path, PathBuf};

/// A folder that ends with the test.
pub(super) struct Folder(tempfile::TempDir);

impl Folder {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes Parquet with row groups of so many rows.
    pub(super) fn parquet(&self, name: &str, columns: Vec<(&str, ArrayRef)>, group_rows: usize) -> PathBuf {
        let columns = columns.into_iter().map(|(name, array)| (name, array, true));
        let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
        let properties = WriterProperties::builder().set_max_row_group_row_count(Some(group_rows)).build();
        let path = self.path(name);
        let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        path
    }

    /// Has a file's footer count one row more or less than its row groups do; false where that takes other bytes.
    pub(super) fn miscount(&self, path: &Path, by: i64) -> bool {
        let mut bytes = std::fs::read(path).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
        let rows = reader.metadata().file_metadata().num_rows();
        // Thrift's compact protocol: the field's head, twice the number in groups of seven bits, the next field's head.
        let field = |rows: i64| {
            let (mut field, mut rest) = (vec![0x16], 2 * rows);
            while rest > 0x7f {
                field.push(rest as u8 | 0x80);
                rest >>= 7;
            }
            field.extend([rest as u8, 0x19]);
            field
        };
        let (counted, miscounted) = (field(rows), field(rows + by));
        if rows + by < 0 || counted.len() != miscounted.len() {
            return false;
        }
        let place = bytes.windows(counted.len()).rposition(|window| window == counted).unwrap();
        bytes[place..place + counted.len()].copy_from_slice(&miscounted);
        std::fs::write(path, bytes).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
        assert_eq!(reader.metadata().file_metadata().num_rows(), rows + by);
        true
    }

    /// The names of all files that are left.
    pub(super) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

/// A column of a Parquet file as text, `-` for none.
pub(super) fn column(path: &Path, name: &str) -> Vec<String> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap().build().unwrap();
    let mut values = Vec::new();
    for batch in reader {
        let batch = batch.unwrap();
        let array = batch.column_by_name(name).unwrap_or_else(|| panic!("no column {name}"));
        values.extend((0..array.len()).map(|row| if array.is_null(row) { "-".to_owned() } else { shown(array, row) }));
    }
    values
}

fn shown(array: &ArrayRef, row: usize) -> String {
    use arrow_schema::DataType;
    match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().value(row).to_owned(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        // Every bit, since a mean is equal or it is not.
        DataType::Float64 => format!("{:x}", array.as_primitive::<Float64Type>().value(row).to_bits()),
        DataType::Boolean => array.as_boolean().value(row).to_string(),
        DataType::Timestamp(_, _) => moments(array)[row].unwrap().to_string(),
        other => panic!("no test writes {other}"),
    }
}
