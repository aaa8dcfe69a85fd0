//! The features that a model takes, from those at hand to its own order. What belongs to a feature is found once, when the
//! model is loaded, and where it stands once in a batch: a record costs one look-up for each feature, and no memory.

use crate::metrics;
use ::metrics::Counter;
use feature_store::online::Features;
use feature_store::views::FeatureNames;
use model::{FeatureConfig, MAX_FEATURES, Model};
use std::collections::BTreeSet;
use std::ops::Deref;

/// The features that a model takes, in its order.
#[derive(Debug)]
pub struct FeatureInputs(Vec<Input>);

#[derive(Debug)]
struct Input {
    feature: FeatureConfig,
    missing: Counter,
}

/// The values of a model's features for one review, in its order; NaN for what is missing.
#[derive(Debug, Clone, Copy)]
pub struct FeatureValues {
    values: [f64; MAX_FEATURES],
    features: usize,
}

/// Where a model's features stand in the batches of a store, in the model's order.
#[derive(Debug)]
pub(crate) struct FeatureColumns(Vec<Option<usize>>);

impl FeatureInputs {
    /// Those of a model. Telemetry, where missing values are to be counted, has to be started before.
    pub fn of(model: &Model) -> Self {
        let input = |feature: &FeatureConfig| Input {
            feature: feature.clone(),
            missing: metrics::missing_feature(&feature.name),
        };
        Self(model.features().iter().map(input).collect())
    }

    /// The values that the model takes of those at hand, which come in its order. What it misses counts as the model says,
    /// and in a metric.
    pub fn values(&self, at_hand: impl IntoIterator<Item = Option<f64>>) -> FeatureValues {
        let mut values = [f64::NAN; MAX_FEATURES];
        for ((value, Input { feature, missing }), found) in values.iter_mut().zip(&self.0).zip(at_hand) {
            match found {
                Some(found) if feature.takes(found) => *value = found,
                _ => missing.increment(1),
            }
        }
        FeatureValues { values, features: self.0.len() }
    }

    /// Where the model's features stand among those of a batch that was read.
    pub(crate) fn columns(&self, names: &FeatureNames) -> FeatureColumns {
        FeatureColumns(self.names().map(|name| names.place(name)).collect())
    }

    /// The values that the model takes of those that were read for a review.
    pub(crate) fn values_of(&self, read: Features<'_>, columns: &FeatureColumns) -> FeatureValues {
        self.values(columns.0.iter().map(|column| column.and_then(|column| read.at(column))))
    }

    /// The names of those that are not among the given ones.
    pub fn beyond<'a>(&'a self, given: &BTreeSet<String>) -> Vec<&'a str> {
        self.names().filter(|name| !given.contains(*name)).collect()
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|input| input.feature.name.as_str())
    }
}

impl Deref for FeatureValues {
    type Target = [f64];

    fn deref(&self) -> &[f64] {
        &self.values[..self.features]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Corpus, Document, FitConfig, ModelConfig, Transform};
    use schemas::Label;

    fn inputs() -> FeatureInputs {
        let feature = |name: &str, transform| FeatureConfig { name: name.to_owned(), transform };
        let mut config = ModelConfig {
            features: vec![feature("b.count", Transform::Log1p), feature("a.mean", Transform::None)],
            ..ModelConfig::default()
        };
        config.vectorizer.min_df = 1;
        let mut corpus = Corpus::new(config, 1 << 30).unwrap();
        let document = |text| Document { title: None, text, features: &[1.0, 2.0] };
        corpus.push_batch(&[(document("great"), Label::Positive), (document("awful"), Label::Negative)]).unwrap();
        FeatureInputs::of(&corpus.fit(&FitConfig::default(), &mut |_| {}).unwrap().0)
    }

    fn values(at_hand: &[(&str, f64)]) -> Vec<Option<f64>> {
        let inputs = inputs();
        let of = |name| at_hand.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        inputs.values(inputs.names().map(of)).iter().map(|value| value.is_finite().then_some(*value)).collect()
    }

    #[test]
    fn values_come_in_the_models_order_and_others_are_left_out() {
        assert_eq!(values(&[("a.mean", 4.5), ("b.count", 7.0), ("c.other", 1.0)]), [Some(7.0), Some(4.5)]);
    }

    #[test]
    fn what_is_absent_or_no_value_of_its_feature_is_missing() {
        assert_eq!(values(&[("a.mean", -2.0)]), [None, Some(-2.0)]);
        assert_eq!(values(&[("a.mean", f64::INFINITY), ("b.count", -2.0)]), [None, None]);
    }

    #[test]
    fn features_that_nobody_gives_are_named() {
        let given = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(inputs().beyond(&given(&[])), ["b.count", "a.mean"]);
        assert_eq!(inputs().beyond(&given(&["a.mean", "c.other"])), ["b.count"]);
        assert!(inputs().beyond(&given(&["a.mean", "b.count"])).is_empty());
    }
}
