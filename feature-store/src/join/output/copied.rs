//! Parquet as it was, with columns more: row groups stay, and the bytes of their columns are copied.

use super::super::columns::Kind;
use super::super::input::ParquetRows;
use super::super::results::Results;
use super::super::{JoinError, JoinProgress};
use super::{Partial, all_columns, feature_fields, properties};
use arrow_schema::Schema;
use parquet::arrow::add_encoded_arrow_schema_to_metadata;
use parquet::basic::{Repetition, Type as Physical};
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::{BoolType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::Type;
use std::io::Write;
use std::sync::Arc;

/// Writes the rows; how many there are.
pub(super) fn write(
    rows: &ParquetRows,
    note: Option<&str>,
    results: &mut [Results],
    mut partial: Partial,
    progress: &JoinProgress,
) -> Result<u64, JoinError> {
    let first = &rows.files[0];
    let mut fields = first.schema().fields().to_vec();
    fields.extend(feature_fields(all_columns(results)));
    let mut properties = properties(note).build();
    add_encoded_arrow_schema_to_metadata(&Schema::new(fields), &mut properties);
    let schema = extended(first.metadata.parquet_schema().root_schema(), results);

    let outcome =
        schema.and_then(|schema| SerializedFileWriter::new(&mut partial, Arc::new(schema), Arc::new(properties)));
    let mut written = 0;
    let copied = outcome.map_err(Failure::Output).and_then(|mut writer| {
        for file in &rows.files {
            let source = file.content()?;
            for (place, group) in file.metadata.metadata().row_groups().iter().enumerate() {
                let mut to = writer.next_row_group()?;
                for column in group.columns() {
                    let close = ColumnCloseResult {
                        bytes_written: u64::try_from(column.compressed_size()).unwrap_or(0),
                        rows_written: file.group_rows(place),
                        metadata: column.clone(),
                        bloom_filter: None,
                        column_index: None,
                        offset_index: None,
                    };
                    to.append_column(&source, close)?;
                }
                let numbers = written..written + file.group_rows(place);
                for result in &mut *results {
                    write_features(&mut to, result, numbers.clone())?;
                }
                to.close()?;
                written = numbers.end;
                progress.advance(file.group_rows(place) as usize)?;
            }
        }
        writer.close()?;
        Ok(())
    });
    match copied {
        Ok(()) => {
            partial.finish()?;
            Ok(written)
        }
        Err(Failure::Output(error)) => Err(partial.error(error).into()),
        Err(Failure::Join(error)) => Err(error),
    }
}

/// Either side of copying can fail.
enum Failure {
    Output(ParquetError),
    Join(JoinError),
}

impl From<ParquetError> for Failure {
    fn from(error: ParquetError) -> Self {
        Self::Output(error)
    }
}

impl From<JoinError> for Failure {
    fn from(error: JoinError) -> Self {
        Self::Join(error)
    }
}

/// The schema of the input with features behind it.
fn extended(root: &Type, results: &[Results]) -> Result<Type, ParquetError> {
    let mut fields = root.get_fields().to_vec();
    for (name, kind) in all_columns(results) {
        let physical = match kind {
            Kind::Integer => Physical::INT64,
            Kind::Number => Physical::DOUBLE,
            Kind::Boolean => Physical::BOOLEAN,
        };
        let field = Type::primitive_type_builder(name, physical).with_repetition(Repetition::OPTIONAL);
        fields.push(Arc::new(field.build()?));
    }
    Type::group_type_builder(root.name()).with_fields(fields).build()
}

/// Writes a view's columns of one row group.
fn write_features<W: Write + Send>(
    to: &mut SerializedRowGroupWriter<'_, W>,
    results: &mut Results,
    rows: std::ops::Range<u64>,
) -> Result<(), Failure> {
    for feature in 0..results.columns.len() {
        let Some(mut column) = to.next_column()? else { continue };
        let rows = rows.clone();
        match results.columns[feature].1 {
            Kind::Integer => write_column::<Int64Type>(&mut column, results, feature, rows, u64::cast_signed)?,
            Kind::Number => write_column::<DoubleType>(&mut column, results, feature, rows, f64::from_bits)?,
            Kind::Boolean => write_column::<BoolType>(&mut column, results, feature, rows, |bits| bits != 0)?,
        }
        column.close()?;
    }
    Ok(())
}

/// So many values at a time are turned from bits into what they are.
const PIECE_ROWS: usize = 1 << 16;

fn write_column<T: DataType>(
    column: &mut SerializedColumnWriter<'_>,
    results: &mut Results,
    feature: usize,
    rows: std::ops::Range<u64>,
    value: impl Fn(u64) -> T::T,
) -> Result<(), Failure> {
    let writer = column.typed::<T>();
    let mut failure = None;
    results.read(feature, rows, |bits, present| {
        for (bits, present) in bits.chunks(PIECE_ROWS).zip(present.chunks(PIECE_ROWS)) {
            let there = bits.iter().zip(present).filter(|(_, present)| **present);
            let values: Vec<T::T> = there.map(|(bits, _)| value(*bits)).collect();
            let levels: Vec<i16> = present.iter().map(|present| i16::from(*present)).collect();
            if let Err(error) = writer.write_batch(&values, Some(&levels), None) {
                failure.get_or_insert(error);
            }
        }
        Ok(())
    })?;
    failure.map_or(Ok(()), |error| Err(Failure::Output(error)))
}
