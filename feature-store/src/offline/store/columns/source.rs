//! The columns that every dataset has: where a row comes from, and what it was where it can't be decoded.

use super::{Origin, SourcePartition, array, column, time_type};
use arrow_array::builder::{ArrayBuilder, BinaryBuilder, Int64Builder, StringBuilder, TimestampMillisecondBuilder};
use arrow_array::{ArrayRef, Int32Array, StringArray, TimestampMillisecondArray};
use arrow_schema::{DataType, FieldRef};
use schemas::{DecodeError, Timestamp};

pub(super) struct SourceColumns {
    topic: String,
    partition: i32,
    offset: Int64Builder,
    timestamp: TimestampMillisecondBuilder,
    malformed: StringBuilder,
    malformed_key: BinaryBuilder,
    malformed_value: BinaryBuilder,
}

pub(super) fn fields() -> Vec<FieldRef> {
    vec![
        column("source_topic", DataType::Utf8),
        column("source_partition", DataType::Int32),
        column("source_offset", DataType::Int64),
        column("source_timestamp", time_type()),
        column("ingested_at", time_type()),
        column("malformed", DataType::Utf8),
        column("malformed_key", DataType::Binary),
        column("malformed_value", DataType::Binary),
    ]
}

impl SourceColumns {
    pub(super) fn with_capacity(partition: &SourcePartition, rows: usize) -> Self {
        Self {
            topic: partition.topic.clone(),
            partition: partition.partition,
            offset: Int64Builder::with_capacity(rows),
            timestamp: TimestampMillisecondBuilder::with_capacity(rows),
            malformed: StringBuilder::new(),
            malformed_key: BinaryBuilder::new(),
            malformed_value: BinaryBuilder::new(),
        }
    }

    pub(super) fn push(&mut self, origin: Origin<'_>, problem: Option<&DecodeError>) {
        self.offset.append_value(origin.offset);
        self.timestamp.append_option(origin.timestamp);
        self.malformed.append_option(problem.map(|error| error.message.as_str()));
        self.malformed_key.append_option(problem.and(origin.key));
        self.malformed_value.append_option(problem.and(origin.value));
    }

    pub(super) fn finish(mut self, ingested_at: Timestamp) -> Vec<ArrayRef> {
        let rows = self.offset.len();
        let ingested_at = TimestampMillisecondArray::from_value(ingested_at.epoch_millis(), rows);
        vec![
            array(StringArray::from_iter_values(std::iter::repeat_n(&self.topic, rows))),
            array(Int32Array::from_value(self.partition, rows)),
            array(self.offset.finish()),
            array(self.timestamp.finish().with_timezone("UTC")),
            array(ingested_at.with_timezone("UTC")),
            array(self.malformed.finish()),
            array(self.malformed_key.finish()),
            array(self.malformed_value.finish()),
        ]
    }
}
