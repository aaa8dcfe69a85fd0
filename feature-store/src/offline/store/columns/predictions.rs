//! The columns of a prediction. What is an object in the record is a struct here; the features, whose names are
//! configuration, are a map, so that a new one changes no schema.

use super::{array, column, time_type};
use arrow_array::builder::{
    Float64Builder, Int32Builder, Int64Builder, MapBuilder, MapFieldNames, NullBufferBuilder, StringBuilder,
    TimestampMillisecondBuilder,
};
use arrow_array::{ArrayRef, StructArray};
use arrow_schema::{DataType, Field, FieldRef, Fields};
use schemas::{FeaturesStatus, Prediction};
use std::sync::Arc;

pub(super) struct PredictionColumns {
    present: NullBufferBuilder,
    review_id: StringBuilder,
    sentiment: StringBuilder,
    confidence: Float64Builder,
    probability: Float64Builder,
    model_name: StringBuilder,
    model_version: StringBuilder,
    model_update: Int64Builder,
    features: MapBuilder<StringBuilder, Float64Builder>,
    features_status: StringBuilder,
    source_topic: StringBuilder,
    source_partition: Int32Builder,
    source_offset: Int64Builder,
    created_at: TimestampMillisecondBuilder,
    scored_at: TimestampMillisecondBuilder,
}

impl Default for PredictionColumns {
    fn default() -> Self {
        Self {
            present: NullBufferBuilder::new(1024),
            review_id: StringBuilder::new(),
            sentiment: StringBuilder::new(),
            confidence: Float64Builder::new(),
            probability: Float64Builder::new(),
            model_name: StringBuilder::new(),
            model_version: StringBuilder::new(),
            model_update: Int64Builder::new(),
            features: MapBuilder::new(Some(map_names()), StringBuilder::new(), Float64Builder::new()),
            features_status: StringBuilder::new(),
            source_topic: StringBuilder::new(),
            source_partition: Int32Builder::new(),
            source_offset: Int64Builder::new(),
            created_at: TimestampMillisecondBuilder::new(),
            scored_at: TimestampMillisecondBuilder::new(),
        }
    }
}

/// As Parquet names them.
fn map_names() -> MapFieldNames {
    MapFieldNames { entry: "key_value".to_owned(), key: "key".to_owned(), value: "value".to_owned() }
}

fn model_fields() -> Fields {
    Fields::from(vec![
        column("name", DataType::Utf8),
        column("version", DataType::Utf8),
        column("update", DataType::Int64),
    ])
}

fn source_fields() -> Fields {
    Fields::from(vec![
        column("topic", DataType::Utf8),
        column("partition", DataType::Int32),
        column("offset", DataType::Int64),
    ])
}

fn features_type() -> DataType {
    let names = map_names();
    let key = Field::new(names.key, DataType::Utf8, false);
    let value = Field::new(names.value, DataType::Float64, true);
    let entry = Field::new(names.entry, DataType::Struct(Fields::from(vec![key, value])), false);
    DataType::Map(Arc::new(entry), false)
}

pub(super) fn fields() -> Vec<FieldRef> {
    vec![
        column("review_id", DataType::Utf8),
        column("sentiment", DataType::Utf8),
        column("confidence", DataType::Float64),
        column("probability", DataType::Float64),
        column("model", DataType::Struct(model_fields())),
        column("features", features_type()),
        column("features_status", DataType::Utf8),
        column("source", DataType::Struct(source_fields())),
        column("created_at", time_type()),
        column("scored_at", time_type()),
    ]
}

impl PredictionColumns {
    pub(super) fn push(&mut self, prediction: Option<&Prediction>) {
        self.present.append(prediction.is_some());
        self.review_id.append_option(prediction.map(|prediction| prediction.review_id.0.as_str()));
        self.sentiment.append_option(prediction.map(|prediction| prediction.sentiment.as_str()));
        self.confidence.append_option(prediction.map(|prediction| prediction.confidence));
        self.probability.append_option(prediction.map(|prediction| prediction.probability));
        self.model_name.append_option(prediction.map(|prediction| prediction.model.name.as_str()));
        self.model_version.append_option(prediction.map(|prediction| prediction.model.version.to_string()));
        // Nobody makes updates beyond what a signed number holds, and few readers know unsigned ones.
        let update = |prediction: &Prediction| i64::try_from(prediction.model.update).unwrap_or(i64::MAX);
        self.model_update.append_option(prediction.map(update));
        if let Some(prediction) = prediction {
            for (name, value) in &prediction.features {
                self.features.keys().append_value(name);
                self.features.values().append_value(*value);
            }
        }
        self.features.append(prediction.is_some()).expect("a key was added for each value");
        self.features_status.append_option(prediction.map(|prediction| status_name(prediction.features_status)));
        self.source_topic.append_option(prediction.map(|prediction| prediction.source.topic.as_str()));
        self.source_partition.append_option(prediction.map(|prediction| prediction.source.partition));
        self.source_offset.append_option(prediction.map(|prediction| prediction.source.offset));
        self.created_at.append_option(prediction.map(|prediction| prediction.created_at.epoch_millis()));
        self.scored_at.append_option(prediction.map(|prediction| prediction.scored_at.epoch_millis()));
    }

    pub(super) fn finish(mut self) -> Vec<ArrayRef> {
        let present = self.present.finish();
        let model = vec![
            array(self.model_name.finish()),
            array(self.model_version.finish()),
            array(self.model_update.finish()),
        ];
        let source = vec![
            array(self.source_topic.finish()),
            array(self.source_partition.finish()),
            array(self.source_offset.finish()),
        ];
        vec![
            array(self.review_id.finish()),
            array(self.sentiment.finish()),
            array(self.confidence.finish()),
            array(self.probability.finish()),
            array(StructArray::new(model_fields(), model, present.clone())),
            array(self.features.finish()),
            array(self.features_status.finish()),
            array(StructArray::new(source_fields(), source, present)),
            array(self.created_at.finish().with_timezone("UTC")),
            array(self.scored_at.finish().with_timezone("UTC")),
        ]
    }
}

/// As it stands in the record.
fn status_name(status: FeaturesStatus) -> &'static str {
    match status {
        FeaturesStatus::None => "none",
        FeaturesStatus::Present => "present",
        FeaturesStatus::Missing => "missing",
        FeaturesStatus::Stale => "stale",
        FeaturesStatus::Unavailable => "unavailable",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_record() {
        use FeaturesStatus as Status;
        for status in [Status::None, Status::Present, Status::Missing, Status::Stale, Status::Unavailable] {
            assert_eq!(serde_json::to_value(status).unwrap(), status_name(status));
        }
    }
}
