//! One text, one answer.

use model::{Contribution, Document, FeatureContribution, Field, Scratch};
use schemas::ModelRef;
use scorer::{LoadedModel, score};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// As many terms are shown to people; JSON holds them all.
const TERMS_SHOWN: usize = 10;

/// A prediction, or why there is none.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Answer<'a> {
    Prediction {
        text: &'a str,
        sentiment: &'a str,
        confidence: f64,
        probability: f64,
        model: &'a ModelRef,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        features: &'a BTreeMap<String, f64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        explanation: Option<Explanation>,
    },
    Refusal {
        text: &'a str,
        error: &'static str,
    },
}

/// What carried the prediction: the bias, the keep rates and the contributions of terms and features sum to its log-odds.
#[derive(Serialize)]
pub struct Explanation {
    bias: f64,
    #[serde(skip_serializing_if = "is_zero")]
    keep_rates: f64,
    terms: Vec<Contribution>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    features: Vec<FeatureContribution>,
}

/// A model that answers.
pub struct Predictor<'a> {
    model: &'a LoadedModel,
    features: BTreeMap<String, f64>,
    explain: bool,
    scratch: Scratch,
}

impl<'a> Predictor<'a> {
    /// `features` are the values of the features that are not missing.
    pub fn new(model: &'a LoadedModel, features: BTreeMap<String, f64>, explain: bool) -> Self {
        Self { model, features, explain, scratch: Scratch::new() }
    }

    pub fn answer<'t>(&'t mut self, text: &'t str) -> Answer<'t> {
        if text.trim().is_empty() {
            return Answer::Refusal { text, error: "the text is empty" };
        }
        let inputs = &self.model.inputs;
        let values = inputs.values(inputs.names().map(|name| self.features.get(name).copied()));
        let document = Document { title: None, text, features: &values };
        let scored = score(self.model, &document, &mut self.scratch);
        let explanation = self.explain.then(|| {
            let model::Explanation { bias, keep_rates, terms, features, .. } =
                self.model.model.explain(&document, &mut self.scratch);
            Explanation { bias, keep_rates, terms, features }
        });
        Answer::Prediction {
            text,
            sentiment: scored.sentiment,
            confidence: scored.confidence,
            probability: scored.probability,
            model: &self.model.reference,
            features: &self.features,
            explanation,
        }
    }
}

impl Answer<'_> {
    pub fn is_prediction(&self) -> bool {
        matches!(self, Self::Prediction { .. })
    }
}

/// `positive  0.9731  Great product`, and the terms below it.
impl fmt::Display for Answer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refusal { error, .. } => write!(f, "-  -  {error}"),
            Self::Prediction { text, sentiment, confidence, explanation, .. } => {
                write!(f, "{sentiment}  {confidence:.4}  {text}")?;
                explanation.iter().try_for_each(|explanation| write!(f, "{explanation}"))
            }
        }
    }
}

fn is_zero(number: &f64) -> bool {
    *number == 0.0
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n  {:+.4}  (bias)", self.bias)?;
        if !is_zero(&self.keep_rates) {
            write!(f, "\n  {:+.4}  (keep rates of the sample)", self.keep_rates)?;
        }
        for FeatureContribution { feature, value, contribution } in &self.features {
            let value = value.map_or_else(|| "(missing)".to_owned(), |value| format!("= {value}"));
            write!(f, "\n  {contribution:+.4}  {feature} {value}")?;
        }
        for Contribution { term, field, count, contribution } in self.terms.iter().take(TERMS_SHOWN) {
            let times = if *count > 1 { format!(" x {count}") } else { String::new() };
            let place = match field {
                Field::Text => "",
                Field::Title => " in the title",
                Field::Opening => " among the first words",
                Field::Ending => " among the last words",
            };
            write!(f, "\n  {contribution:+.4}  {term}{times}{place}")?;
        }
        match self.terms.get(TERMS_SHOWN..) {
            Some(others) if !others.is_empty() => {
                let sum: f64 = others.iter().map(|other| other.contribution).sum();
                write!(f, "\n  {sum:+.4}  ({} more terms)", others.len())
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Corpus, FeatureConfig, FitConfig, ModelConfig, Transform};
    use schemas::{Label, ModelVersion, Timestamp};
    use scorer::FeatureInputs;

    fn model() -> LoadedModel {
        model_with(Vec::new())
    }

    fn model_with(features: Vec<FeatureConfig>) -> LoadedModel {
        let mut corpus = Corpus::new(ModelConfig { features, ..ModelConfig::default() }, 1 << 30).unwrap();
        for _ in 0..5 {
            let document = |text, features| Document { title: None, text, features };
            corpus
                .push_batch(&[
                    (document("lovely kettle", &[4.0]), Label::Positive),
                    (document("awful kettle", &[2.0]), Label::Negative),
                ])
                .unwrap();
        }
        let model = corpus.fit(&FitConfig::default(), &mut |_| {}).unwrap().0;
        LoadedModel {
            inputs: FeatureInputs::of(&model),
            model,
            reference: ModelRef { name: "sentiment".parse().unwrap(), version: ModelVersion(1), update: 0 },
            sha256: String::new(),
            created_at: Timestamp::now(),
            metrics: serde_json::Map::new(),
        }
    }

    #[test]
    fn an_answer_names_class_confidence_and_model() {
        let model = model();
        let mut predictor = Predictor::new(&model, BTreeMap::new(), false);
        let json = serde_json::to_value(predictor.answer("an awful thing")).unwrap();
        assert_eq!((&json["sentiment"], &json["model"]["version"]), (&"negative".into(), &"v1".into()));
        assert_eq!(json["confidence"].as_f64().unwrap(), 1.0 - json["probability"].as_f64().unwrap());
        assert!(json.get("explanation").is_none());
        assert!(predictor.answer("a lovely thing").to_string().starts_with("positive  0."));
    }

    #[test]
    fn an_explanation_sums_to_the_log_odds() {
        let model = model();
        let json =
            serde_json::to_value(Predictor::new(&model, BTreeMap::new(), true).answer("a lovely kettle")).unwrap();
        let terms = json["explanation"]["terms"].as_array().unwrap();
        let sum = terms.iter().map(|term| term["contribution"].as_f64().unwrap()).sum::<f64>();
        let log_odds = sum + json["explanation"]["bias"].as_f64().unwrap();
        let probability = json["probability"].as_f64().unwrap();
        assert!((1.0 / (1.0 + (-log_odds).exp()) - probability).abs() < 1e-6, "{json}");
        assert!(Predictor::new(&model, BTreeMap::new(), true).answer("lovely").to_string().contains("  lovely"));
    }

    #[test]
    fn a_blank_text_gets_an_error_in_its_place() {
        let model = model();
        let json = serde_json::to_value(Predictor::new(&model, BTreeMap::new(), true).answer("  ")).unwrap();
        assert_eq!(json, serde_json::json!({"text": "  ", "error": "the text is empty"}));
    }

    #[test]
    fn features_move_the_answer_and_stand_in_it_with_what_they_added() {
        let name = "product_stats.rating_mean".to_owned();
        let model = model_with(vec![FeatureConfig { name: name.clone(), transform: Transform::None }]);
        let answer = |features: &[(String, f64)]| {
            let mut predictor = Predictor::new(&model, features.iter().cloned().collect(), true);
            serde_json::to_value(predictor.answer("a kettle")).unwrap()
        };
        let (without, with) = (answer(&[]), answer(&[(name.clone(), 4.5)]));
        assert!(with["probability"].as_f64() > without["probability"].as_f64(), "{with}");
        assert_eq!(with["features"], serde_json::json!({&name: 4.5}));
        assert_eq!(with["explanation"]["features"][0]["value"], 4.5);
        assert!(without.get("features").is_none());
        let missing = serde_json::json!([{"feature": name, "value": null, "contribution": 0.0}]);
        assert_eq!(without["explanation"]["features"], missing);
        let page = Predictor::new(&model, BTreeMap::from([(name, 4.5)]), true).answer("a kettle").to_string();
        assert!(page.contains("  product_stats.rating_mean = 4.5"), "{page}");
    }
}
