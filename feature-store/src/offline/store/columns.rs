//! Records to columns: each record is appended to builders as it is decoded, and a few thousand of them become a batch of
//! Arrow's. A record that can't be decoded is a row too: its fields are null, and its bytes stand beside the reason, so that
//! each offset of the source has its row and nothing is lost.

mod feedback;
mod predictions;
mod reviews;
mod source;

use super::{Dataset, Entry, SourcePartition};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};
use feedback::FeedbackColumns;
use predictions::PredictionColumns;
use reviews::ReviewColumns;
use schemas::{DecodeError, Timestamp};
use source::SourceColumns;
use std::sync::{Arc, LazyLock};

/// Where a row comes from.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'r> {
    /// The record's offset.
    pub offset: i64,
    /// The record's time in Kafka, in epoch milliseconds.
    pub timestamp: Option<i64>,
    /// The record's key as it is.
    pub key: Option<&'r [u8]>,
    /// The record's value as it is.
    pub value: Option<&'r [u8]>,
}

/// Rows of one partition, on their way to a file.
pub struct Columns {
    schema: SchemaRef,
    source: SourceColumns,
    fields: Fields,
}

enum Fields {
    Reviews(Box<ReviewColumns>),
    Feedback(Box<FeedbackColumns>),
    Predictions(Box<PredictionColumns>),
}

/// Every dataset's columns: those of its record type, then where the row comes from.
pub(super) fn schema(dataset: Dataset) -> SchemaRef {
    static SCHEMAS: LazyLock<[SchemaRef; 3]> = LazyLock::new(|| {
        Dataset::ALL.map(|dataset| {
            let mut fields = match dataset {
                Dataset::Reviews => reviews::fields(),
                Dataset::Feedback => feedback::fields(),
                Dataset::Predictions => predictions::fields(),
            };
            fields.extend(source::fields());
            Arc::new(Schema::new(fields))
        })
    });
    SCHEMAS[dataset as usize].clone()
}

impl Columns {
    /// No rows of this partition yet, and room for so many whose values have so many bytes.
    pub fn with_capacity(dataset: Dataset, partition: &SourcePartition, rows: usize, value_bytes: usize) -> Self {
        let fields = match dataset {
            Dataset::Reviews => Fields::Reviews(Box::new(ReviewColumns::with_capacity(rows, value_bytes))),
            Dataset::Feedback => Fields::Feedback(Box::default()),
            Dataset::Predictions => Fields::Predictions(Box::default()),
        };
        Self { schema: schema(dataset), source: SourceColumns::with_capacity(partition, rows), fields }
    }

    /// Adds a record. One of another dataset has none of this one's fields, and its row shows that.
    pub fn push(&mut self, origin: Origin<'_>, decoded: Result<&Entry, &DecodeError>) {
        self.source.push(origin, decoded.err());
        let entry = decoded.ok();
        match &mut self.fields {
            Fields::Reviews(columns) => columns.push(match entry {
                Some(Entry::Review(review)) => Some(review),
                _ => None,
            }),
            Fields::Feedback(columns) => columns.push(match entry {
                Some(Entry::Feedback(feedback)) => Some(feedback),
                _ => None,
            }),
            Fields::Predictions(columns) => columns.push(match entry {
                Some(Entry::Prediction(prediction)) => Some(prediction),
                _ => None,
            }),
        }
    }

    /// The rows as a batch, written down at this time.
    pub fn finish(self, ingested_at: Timestamp) -> RecordBatch {
        let mut arrays = match self.fields {
            Fields::Reviews(columns) => columns.finish(),
            Fields::Feedback(columns) => columns.finish(),
            Fields::Predictions(columns) => columns.finish(),
        };
        arrays.extend(self.source.finish(ingested_at));
        RecordBatch::try_new(self.schema.clone(), arrays).expect("every push adds a row to every column of the schema")
    }
}

/// A time as Parquet's readers know it: milliseconds in UTC.
fn time_type() -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()))
}

/// A column that may be null: all are, since a record that can't be decoded has no fields, and older files lack columns.
fn column(name: &str, data_type: DataType) -> FieldRef {
    Arc::new(Field::new(name, data_type, true))
}

fn array<A: arrow_array::Array + 'static>(array: A) -> ArrayRef {
    Arc::new(array)
}
