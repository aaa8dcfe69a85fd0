//! One document and a loaded model make a score. The stream and the gateway both call this function and nothing else, so that
//! they answer the same to the last bit.

use crate::LoadedModel;
use model::{Document, Scratch};
use schemas::Label;

/// What the model says about a document.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored<'model> {
    /// The class that is more probable.
    pub label: Label,
    /// The name the model has for it.
    pub sentiment: &'model str,
    /// The probability of that class, 0.5 to 1.
    pub confidence: f64,
    /// The probability of the positive class.
    pub probability: f64,
}

/// Scores one document; `scratch` is reused from call to call, one per thread.
pub fn score<'model>(model: &'model LoadedModel, document: &Document<'_>, scratch: &mut Scratch) -> Scored<'model> {
    let probability = model.model.probability(document, scratch);
    let label = Label::from_probability(probability);
    let confidence = if label.is_positive() { probability } else { 1.0 - probability };
    Scored { label, sentiment: model.model.label_name(label), confidence, probability }
}
