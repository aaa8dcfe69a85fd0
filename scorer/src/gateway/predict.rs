//! `POST /predict` and `POST /predict/batch`. A batch is all or nothing: every review is checked before the first is scored,
//! and an error names the review it is about.

use super::body::{self, Body};
use super::error::ApiError;
use super::{Gateway, compute, reviews};
use crate::inputs::FeatureColumns;
use crate::{LoadedModel, metrics};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use feature_store::online::{FeatureBatch, Features};
use model::{Document, Scratch};
use schemars::JsonSchema;
use schemas::{FeaturesStatus, ModelName, ModelVersion};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;

/// A review to predict. Unknown fields are ignored.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(expecting = "an object with the field `text`")]
pub(super) struct PredictRequest {
    /// The body of the review; not blank, unless the title isn't.
    #[schemars(example = "Battery lasts for days, and the screen is gorgeous.")]
    text: String,
    /// The headline.
    #[serde(default)]
    title: Option<String>,
    /// What is reviewed: its features are read from the online store, where there is one.
    #[serde(default)]
    product_id: Option<String>,
    /// Who reviews: their features are read from the online store, where there is one.
    #[serde(default)]
    user_id: Option<String>,
    /// Comes back with the prediction.
    #[serde(default)]
    review_id: Option<String>,
}

impl PredictRequest {
    fn check(&self, limit: usize) -> Result<(), ApiError> {
        let title = self.title.as_deref().unwrap_or_default();
        if self.text.trim().is_empty() && title.trim().is_empty() {
            return Err(ApiError::TextEmpty);
        }
        // Counting is for those that may be too long: there are never more characters than bytes.
        let is_longer = |text: &str| text.len() > limit && text.chars().count() > limit;
        if is_longer(&self.text) {
            return Err(ApiError::TextTooLong { limit });
        }
        if is_longer(title) {
            return Err(ApiError::TitleTooLong { limit });
        }
        Ok(())
    }

    fn document<'a>(&'a self, features: &'a [f64]) -> Document<'a> {
        Document { title: self.title.as_deref(), text: &self.text, features }
    }

    fn entities(&self) -> (Option<&str>, Option<&str>) {
        (self.product_id.as_deref(), self.user_id.as_deref())
    }
}

/// The prediction for one review.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct PredictResponse<'a> {
    /// The name of the label that is more probable.
    sentiment: &'a str,
    /// The probability of that label.
    #[schemars(range(min = 0.5, max = 1.0))]
    confidence: f64,
    /// The probability of the positive label.
    #[schemars(range(min = 0.0, max = 1.0))]
    probability: f64,
    /// The model that made it.
    model_name: &'a ModelName,
    /// The version of that model.
    model_version: ModelVersion,
    /// The online update that the version was at; 0 as trained.
    model_update: u64,
    /// As it stood in the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    review_id: Option<&'a str>,
    /// The values that the online store held of the product and the user, by name.
    #[serde(skip_serializing_if = "Features::is_empty")]
    #[schemars(with = "BTreeMap<String, f64>")]
    features: Features<'a>,
    /// How those values came to be; absent without an online store, or when the request names no product or user.
    #[serde(skip_serializing_if = "is_none")]
    features_status: FeaturesStatus,
}

fn is_none(status: &FeaturesStatus) -> bool {
    *status == FeaturesStatus::None
}

/// Reviews to predict in one call.
#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "the shape for the API's description; [`reviews`] reads it")]
pub(super) struct BatchRequest {
    reviews: Vec<PredictRequest>,
}

/// The predictions, in the order of the reviews.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct BatchResponse<'a> {
    predictions: Vec<PredictResponse<'a>>,
}

pub(super) async fn predict(State(gateway): State<Gateway>, request: Request) -> Result<Response, ApiError> {
    let model = gateway.model()?;
    let body = Body::read(&gateway, request).await?;
    let review = body.parsed(&gateway, |bytes| body::parse(bytes, PhantomData::<PredictRequest>)).await?;
    review.check(gateway.config().max_text_characters)?;
    let features = gateway.shared.features.read(&[review.entities()]).await;
    let columns = model.inputs.columns(features.names());
    let work =
        move || compute::with_scratch(|scratch| json(&predict_one(&model, &review, features.of(0), &columns, scratch)));
    compute::run(&gateway, body.len(), work).await
}

pub(super) async fn predict_batch(State(gateway): State<Gateway>, request: Request) -> Result<Response, ApiError> {
    let model = gateway.model()?;
    let body = Body::read(&gateway, request).await?;
    let limit = gateway.config().max_batch;
    let reviews = body.parsed(&gateway, move |bytes| reviews::parse(bytes, limit)).await?;
    for (index, review) in reviews.iter().enumerate() {
        let checked = review.check(gateway.config().max_text_characters);
        checked.map_err(|error| ApiError::Review { index, error: Box::new(error) })?;
    }
    let entities: Vec<_> = reviews.iter().map(PredictRequest::entities).collect();
    let features = gateway.shared.features.read(&entities).await;
    let work = move || compute::with_scratch(|scratch| json(&predict_many(&model, &reviews, &features, scratch)));
    compute::run(&gateway, body.len(), work).await
}

fn predict_many<'a>(
    model: &'a Arc<LoadedModel>,
    reviews: &'a [PredictRequest],
    features: &'a FeatureBatch,
    scratch: &mut Scratch,
) -> BatchResponse<'a> {
    let columns = model.inputs.columns(features.names());
    let each = reviews.iter().zip(features.iter());
    BatchResponse {
        predictions: each.map(|(review, found)| predict_one(model, review, found, &columns, scratch)).collect(),
    }
}

fn predict_one<'a>(
    model: &'a LoadedModel,
    review: &'a PredictRequest,
    features: Features<'a>,
    columns: &FeatureColumns,
    scratch: &mut Scratch,
) -> PredictResponse<'a> {
    let values = model.inputs.values_of(features, columns);
    let scored = crate::score(model, &review.document(&values), scratch);
    metrics::count_gateway_prediction(scored.label);
    PredictResponse {
        sentiment: scored.sentiment,
        confidence: scored.confidence,
        probability: scored.probability,
        model_name: &model.reference.name,
        model_version: model.reference.version,
        model_update: model.reference.update,
        review_id: review.review_id.as_deref(),
        features_status: features.status,
        features,
    }
}

fn json(value: &impl Serialize) -> Response {
    let bytes = serde_json::to_vec(value).expect("a prediction has text keys and finite numbers only");
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], bytes).into_response()
}
