//! Predictions to bytes: what those of one model and topic share is encoded once, and no string of theirs is copied first. The
//! bytes are the ones that serde gives for [`Prediction`](super::Prediction).

use super::FeaturesStatus;
use crate::{ModelRef, ReviewId, Timestamp};
use serde::Serialize;

/// Encodes predictions of one model for records of one topic.
pub struct PredictionEncoder {
    model: Vec<u8>,
    topic: Vec<u8>,
}

/// What one prediction says that others don't; the fields are those of [`Prediction`](super::Prediction).
#[expect(missing_docs, reason = "they stand at Prediction")]
pub struct PredictionParts<'a, F> {
    pub review_id: &'a ReviewId,
    pub sentiment: &'a str,
    pub confidence: f64,
    pub probability: f64,
    /// An object of numbers by name.
    pub features: F,
    pub features_status: FeaturesStatus,
    pub partition: i32,
    pub offset: i64,
    pub created_at: Timestamp,
    pub scored_at: Timestamp,
}

impl PredictionEncoder {
    /// For a model and a topic.
    pub fn new(model: &ModelRef, topic: &str) -> Self {
        let mut encoder = Self { model: Vec::new(), topic: Vec::new() };
        append(&mut encoder.model, model);
        append(&mut encoder.topic, topic);
        encoder
    }

    /// Appends the JSON of a prediction.
    pub fn encode<F: Serialize>(&self, parts: &PredictionParts<'_, F>, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"review_id\":");
        append(out, parts.review_id);
        out.extend_from_slice(b",\"sentiment\":");
        append(out, parts.sentiment);
        out.extend_from_slice(b",\"confidence\":");
        append(out, &parts.confidence);
        out.extend_from_slice(b",\"probability\":");
        append(out, &parts.probability);
        out.extend_from_slice(b",\"model\":");
        out.extend_from_slice(&self.model);
        out.extend_from_slice(b",\"features\":");
        append(out, &parts.features);
        out.extend_from_slice(b",\"features_status\":");
        append(out, &parts.features_status);
        out.extend_from_slice(b",\"source\":{\"topic\":");
        out.extend_from_slice(&self.topic);
        out.extend_from_slice(b",\"partition\":");
        append(out, &parts.partition);
        out.extend_from_slice(b",\"offset\":");
        append(out, &parts.offset);
        out.extend_from_slice(b"},\"created_at\":");
        append(out, &parts.created_at);
        out.extend_from_slice(b",\"scored_at\":");
        append(out, &parts.scored_at);
        out.push(b'}');
    }
}

fn append<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    serde_json::to_writer(out, value).expect("what a prediction holds is JSON, and memory takes it");
}

#[cfg(test)]
mod tests {
    use super::super::{Prediction, Source};
    use super::*;
    use crate::ModelVersion;
    use std::collections::BTreeMap;

    #[test]
    fn the_bytes_are_those_of_serde() {
        let model = ModelRef { name: "senti-ment".parse().unwrap(), version: ModelVersion(7), update: 41 };
        let values = [("product_stats.rating_mean", 4.25), ("\"odd\" name", -0.0)];
        let values = values.map(|(name, value)| (name.to_owned(), value));
        for (review_id, topic, features, probability) in [
            ("r1", "reviews", BTreeMap::new(), 0.75),
            ("\"quoted\"\n\u{1F600}", "rev\"iews", BTreeMap::from(values), 1.0),
            ("r", "t", BTreeMap::new(), 5e-324),
        ] {
            let prediction = Prediction {
                review_id: ReviewId(review_id.to_owned()),
                sentiment: "po\\sitive".to_owned(),
                confidence: 0.1 + 0.2,
                probability,
                model: model.clone(),
                features,
                features_status: FeaturesStatus::Stale,
                source: Source { topic: topic.to_owned(), partition: i32::MAX, offset: i64::MAX },
                created_at: Timestamp::parse("1969-12-31T23:59:59.999Z").unwrap(),
                scored_at: Timestamp::parse("2024-02-29T10:00:00Z").unwrap(),
            };
            let mut bytes = b"before".to_vec();
            let parts = PredictionParts {
                review_id: &prediction.review_id,
                sentiment: &prediction.sentiment,
                confidence: prediction.confidence,
                probability,
                features: &prediction.features,
                features_status: prediction.features_status,
                partition: prediction.source.partition,
                offset: prediction.source.offset,
                created_at: prediction.created_at,
                scored_at: prediction.scored_at,
            };
            PredictionEncoder::new(&model, topic).encode(&parts, &mut bytes);
            let expected = serde_json::to_string(&prediction).unwrap();
            assert_eq!(String::from_utf8(bytes).unwrap(), format!("before{expected}"));
        }
    }
}
