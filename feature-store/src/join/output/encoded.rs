//! Rows that are written anew: of Parquet those that the conditions leave, with every column they had; of text formats our
//! fields, which have the types that our fields have.

use super::super::columns::Kind;
use super::super::input::{Kept, ParquetRows, TextRows};
use super::super::results::Results;
use super::super::{JoinError, JoinProgress};
use super::{Partial, all_columns, feature_fields, properties};
use crate::offline::{Field as OurField, Row};
use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray,
};
use arrow_schema::{DataType, Field, Fields, Schema, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{RowSelection, RowSelector};
use parquet::errors::ParquetError;
use std::sync::Arc;

/// A row group ends when what was encoded of it takes so many bytes.
const GROUP_BYTES: usize = 32 << 20;

/// Writes the rows of Parquet files that conditions leave; how many there are.
pub(super) fn write_parquet(
    rows: &ParquetRows,
    note: Option<&str>,
    results: &mut [Results],
    mut partial: Partial,
    progress: &JoinProgress,
) -> Result<u64, JoinError> {
    let first = &rows.files[0];
    let all_columns: Vec<usize> = (0..first.schema().fields().len()).collect();
    let mut output = Output::new(first.schema().fields(), note, results, &mut partial);
    let outcome: Result<(), JoinError> = rows.files.iter().try_for_each(|file| {
        let mut first_row = file.first_row;
        for group in 0..file.metadata.metadata().num_row_groups() {
            let end = first_row + file.group_rows(group);
            let mut numbers = (first_row..end).filter(|row| rows.kept.as_ref().is_none_or(|kept| kept.has(*row)));
            let selection = rows.kept.as_ref().map(|kept| selection(kept, first_row..end)).unwrap_or_default();
            let reader = file.reader(group, &all_columns)?.with_row_selection(selection).build();
            for batch in reader.map_err(|error| file.error(error))? {
                let batch = batch.map_err(|error| file.error(error))?;
                let numbers: Vec<u64> = numbers.by_ref().take(batch.num_rows()).collect();
                output.write(batch.columns().to_vec(), &numbers, results)?;
                progress.advance(batch.num_rows())?;
            }
            first_row = end;
        }
        Ok(())
    });
    let written = outcome.and_then(|()| output.close());
    let written = written?.map_err(|error| partial.error(error))?;
    partial.finish()?;
    Ok(written)
}

/// Writes the rows of text files; how many there are.
pub(super) fn write_text(
    rows: &TextRows,
    note: Option<&str>,
    results: &mut [Results],
    mut partial: Partial,
    progress: &JoinProgress,
) -> Result<u64, JoinError> {
    let utc = DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
    let kind = |field| match field {
        OurField::Rating => DataType::Float64,
        OurField::CreatedAt => utc.clone(),
        OurField::Label => DataType::Int64,
        _ => DataType::Utf8,
    };
    let fields: Fields = OurField::ALL.iter().map(|field| Field::new(field.name(), kind(*field), true)).collect();
    let mut output = Output::new(&fields, note, results, &mut partial);
    let mut files = rows.files()?;
    let mut next = 0;
    let mut outcome = Ok(());
    while let Some(batch) = files.next_batch()? {
        let numbers: Vec<u64> = (next..next + batch.len() as u64).collect();
        next += batch.len() as u64;
        outcome = output.write(columns_of(&batch), &numbers, results).and_then(|()| progress.advance(batch.len()));
        if outcome.is_err() {
            break;
        }
    }
    let written = outcome.and_then(|()| output.close())?.map_err(|error| partial.error(error))?;
    partial.finish()?;
    Ok(written)
}

struct Output<'a> {
    schema: Arc<Schema>,
    /// None once it failed.
    writer: Result<ArrowWriter<&'a mut Partial>, ParquetError>,
    rows: u64,
}

impl<'a> Output<'a> {
    fn new(fields: &Fields, note: Option<&str>, results: &[Results], partial: &'a mut Partial) -> Self {
        let mut fields = fields.to_vec();
        fields.extend(feature_fields(all_columns(results)));
        let schema = Arc::new(Schema::new(fields));
        let properties = properties(note).build();
        Self { writer: ArrowWriter::try_new(partial, schema.clone(), Some(properties)), schema, rows: 0 }
    }

    /// Writes rows with these numbers, and their features.
    fn write(&mut self, mut columns: Vec<ArrayRef>, numbers: &[u64], results: &mut [Results]) -> Result<(), JoinError> {
        for result in results {
            for feature in 0..result.columns.len() {
                columns.push(feature_column(result, feature, numbers)?);
            }
        }
        self.rows += numbers.len() as u64;
        let Ok(writer) = &mut self.writer else { return Ok(()) };
        let batch = RecordBatch::try_new(self.schema.clone(), columns).map_err(ParquetError::from);
        let written = batch.and_then(|batch| {
            writer.write(&batch)?;
            if writer.in_progress_size() >= GROUP_BYTES { writer.flush() } else { Ok(()) }
        });
        if let Err(error) = written {
            self.writer = Err(error);
        }
        Ok(())
    }

    fn close(self) -> Result<Result<u64, ParquetError>, JoinError> {
        let rows = self.rows;
        Ok(self.writer.and_then(ArrowWriter::close).map(|_| rows))
    }
}

fn feature_column(results: &mut Results, feature: usize, numbers: &[u64]) -> Result<ArrayRef, JoinError> {
    let mut bits: Vec<Option<u64>> = Vec::with_capacity(numbers.len());
    if let (Some(first), Some(last)) = (numbers.first(), numbers.last()) {
        let (mut at, mut wanted) = (*first, numbers.iter().peekable());
        results.read(feature, *first..last + 1, |values, present| {
            let end = at + values.len() as u64;
            while let Some(number) = wanted.next_if(|number| **number < end) {
                let place = (number - at) as usize;
                bits.push(present[place].then_some(values[place]));
            }
            at = end;
            Ok(())
        })?;
    }
    let bits = bits.into_iter();
    Ok(match results.columns[feature].1 {
        Kind::Integer => Arc::new(bits.map(|bits| bits.map(u64::cast_signed)).collect::<Int64Array>()),
        Kind::Number => Arc::new(bits.map(|bits| bits.map(f64::from_bits)).collect::<Float64Array>()),
        Kind::Boolean => Arc::new(bits.map(|bits| bits.map(|bits| bits != 0)).collect::<BooleanArray>()),
    })
}

/// The rows of a range that are left, as the reader is told.
fn selection(kept: &Kept, rows: std::ops::Range<u64>) -> RowSelection {
    let mut selectors: Vec<RowSelector> = Vec::new();
    for row in rows {
        let skip = !kept.has(row);
        match selectors.last_mut() {
            Some(last) if last.skip == skip => last.row_count += 1,
            _ => selectors.push(RowSelector { row_count: 1, skip }),
        }
    }
    selectors.into()
}

/// A label that is neither class is written as this, which readers take for neither class as well.
const OTHER_CLASS: i64 = 2;

fn columns_of(rows: &[Row]) -> Vec<ArrayRef> {
    let text = |value: fn(&Row) -> &Option<String>| -> ArrayRef {
        Arc::new(rows.iter().map(|row| value(row).as_deref()).collect::<StringArray>())
    };
    let label = |row: &Row| {
        let is_other = row.problems.iter().any(|problem| problem.field == Some(OurField::Label));
        row.label.map(|label| i64::from(label.is_positive())).or(is_other.then_some(OTHER_CLASS))
    };
    let column = |field: &OurField| -> ArrayRef {
        match field {
            OurField::ReviewId => text(|row| &row.review_id),
            OurField::ProductId => text(|row| &row.product_id),
            OurField::UserId => text(|row| &row.user_id),
            OurField::Title => text(|row| &row.title),
            OurField::Text => text(|row| &row.text),
            OurField::Rating => {
                Arc::new(rows.iter().map(|row| row.rating.map(|rating| rating.stars())).collect::<Float64Array>())
            }
            OurField::CreatedAt => {
                let moments = rows.iter().map(|row| row.created_at.map(|time| time.epoch_millis()));
                Arc::new(moments.collect::<TimestampMillisecondArray>().with_timezone("UTC"))
            }
            OurField::Label => Arc::new(rows.iter().map(label).collect::<Int64Array>()),
        }
    };
    OurField::ALL.iter().map(column).collect()
}
