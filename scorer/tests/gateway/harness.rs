//! A gateway over a model that knows a dozen words.

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt;
use model::{Corpus, Document, FitConfig, Model, ModelConfig};
use schemas::{Label, ModelRef, ModelVersion, Timestamp};
use scorer::gateway::{Gateway, GatewayConfig, router};
use scorer::{FeatureInputs, LoadedModel, ModelHandle, features::Features};
use serde_json::Value;
use tower::ServiceExt;

pub fn config() -> GatewayConfig {
    GatewayConfig {
        listen: "127.0.0.1:0".into(),
        max_text_characters: 5000,
        max_batch: 100,
        max_body_bytes: 1 << 20,
        request_timeout_ms: 10_000,
    }
}

pub fn loaded() -> LoadedModel {
    let model = fitted();
    LoadedModel {
        inputs: FeatureInputs::of(&model),
        model,
        reference: ModelRef { name: "sentiment".parse().unwrap(), version: ModelVersion(3), update: 0 },
        sha256: "5a1e".into(),
        created_at: Timestamp::from_epoch_millis(0).unwrap(),
        metrics: serde_json::Map::from_iter([("accuracy".to_owned(), Value::from(0.9))]),
    }
}

fn fitted() -> Model {
    let mut config = ModelConfig::default();
    config.vectorizer.hash_bits = 12;
    let mut corpus = Corpus::new(config, 1 << 30).unwrap();
    let rows = [
        ("great product, love it", Label::Positive),
        ("great quality, works well", Label::Positive),
        ("love the quality", Label::Positive),
        ("awful product, hate it", Label::Negative),
        ("awful quality, broke at once", Label::Negative),
        ("hate the waste", Label::Negative),
    ];
    let rows = rows.map(|(text, label)| (Document { title: None, text, features: &[] }, label));
    corpus.push_batch(&rows).unwrap();
    corpus.fit(&FitConfig::default(), &mut |_| {}).unwrap().0
}

pub fn gateway() -> Gateway {
    gateway_with(config())
}

pub fn gateway_with(config: GatewayConfig) -> Gateway {
    let gateway = Gateway::new(config, Features::none());
    gateway.set_model(ModelHandle::fixed(loaded()));
    gateway
}

pub fn gateway_without_model() -> Gateway {
    Gateway::new(config(), Features::none())
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn json(&self) -> Value {
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/json");
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The sentence of an error that has this status.
    pub fn detail(&self, status: u16) -> String {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        let json = self.json();
        assert_eq!(json.as_object().unwrap().len(), 1, "{json}");
        json["detail"].as_str().unwrap().to_owned()
    }
}

pub async fn send(gateway: &Gateway, request: Request<Body>) -> Answer {
    let response = router(gateway).oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes().to_vec();
    Answer { status: parts.status, headers: parts.headers, body }
}

pub async fn get(gateway: &Gateway, path: &str) -> Answer {
    send(gateway, Request::get(path).body(Body::empty()).unwrap()).await
}

pub async fn post(gateway: &Gateway, path: &str, body: impl Into<Body>) -> Answer {
    let request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
    send(gateway, request.body(body.into()).unwrap()).await
}
