//! The few calls of MLflow's REST API, with their errors in words.

use super::{Error, MlflowConfig};
use bytes::Bytes;
use reqwest::{Method, RequestBuilder, Url};
use serde_json::{Value, json};
use std::time::Duration;

/// A server that is there answers to a connection at once.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Uploads have the time of one request for each so many bytes.
const BYTES_PER_TIMEOUT: usize = 10 << 20;

/// An answer to any of our calls is far shorter.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// A server, and how it is asked.
#[derive(Debug, Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    /// Ends with a slash.
    base: Url,
    authorization: Authorization,
    timeout: Duration,
}

#[derive(Clone)]
enum Authorization {
    None,
    Basic { user: String, password: String },
    Bearer(String),
}

/// Secrets are shown to nobody.
impl std::fmt::Debug for Authorization {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authorization")
    }
}

impl Client {
    pub(super) fn new(config: &MlflowConfig) -> Result<Self, Error> {
        let unusable = |cause: String| Error::Unusable { url: config.url.clone(), cause };
        config.check().map_err(unusable)?;
        let base = format!("{}/", config.url.trim_end_matches('/'));
        let base = Url::parse(&base).map_err(|error| unusable(error.to_string()))?;
        let http = reqwest::Client::builder().connect_timeout(CONNECT_TIMEOUT).build();
        let authorization = match (config.token.as_str(), config.user.as_str()) {
            ("", "") => Authorization::None,
            ("", user) => Authorization::Basic { user: user.to_owned(), password: config.password.clone() },
            (token, _) => Authorization::Bearer(token.to_owned()),
        };
        Ok(Self {
            http: http.map_err(|error| unusable(words(&error)))?,
            base,
            authorization,
            timeout: Duration::from_secs(config.timeout_seconds),
        })
    }

    /// Where the server is, for messages and records.
    pub(super) fn url(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    pub(super) async fn get(&self, endpoint: &str, query: &[(&str, &str)]) -> Result<Value, Error> {
        let mut url = self.api(endpoint)?;
        url.query_pairs_mut().extend_pairs(query);
        self.ask(endpoint, self.http.get(url).timeout(self.timeout)).await
    }

    pub(super) async fn post(&self, endpoint: &str, body: &Value) -> Result<Value, Error> {
        self.send_json(Method::POST, endpoint, body).await
    }

    pub(super) async fn patch(&self, endpoint: &str, body: &Value) -> Result<Value, Error> {
        self.send_json(Method::PATCH, endpoint, body).await
    }

    async fn send_json(&self, method: Method, endpoint: &str, body: &Value) -> Result<Value, Error> {
        let request = self.http.request(method, self.api(endpoint)?).timeout(self.timeout);
        self.ask(endpoint, request.header("content-type", "application/json").body(body.to_string())).await
    }

    /// Puts a file where an artifact URI of the server points. Only a server that takes artifacts itself can be given any.
    pub(super) async fn upload(&self, artifact_uri: &str, path: &str, bytes: Bytes) -> Result<(), Error> {
        let Some(place) = artifact_uri.strip_prefix("mlflow-artifacts:") else {
            return Err(Error::ArtifactsElsewhere { url: self.url().to_owned(), uri: artifact_uri.to_owned() });
        };
        // With a host it is `mlflow-artifacts://host/path`.
        let place = match place.strip_prefix("//") {
            Some(place) => place.split_once('/').map_or("", |(_, place)| place),
            None => place.trim_start_matches('/'),
        };
        let url = self.join(&format!("api/2.0/mlflow-artifacts/artifacts/{place}/{path}"))?;
        let parts = u32::try_from(bytes.len() / BYTES_PER_TIMEOUT).unwrap_or(u32::MAX).saturating_add(1);
        let request = self.http.put(url).timeout(self.timeout.saturating_mul(parts));
        self.ask("mlflow-artifacts", request.header("content-type", "application/octet-stream").body(bytes)).await?;
        Ok(())
    }

    fn api(&self, endpoint: &str) -> Result<Url, Error> {
        self.join(&format!("api/2.0/mlflow/{endpoint}"))
    }

    fn join(&self, path: &str) -> Result<Url, Error> {
        self.base.join(path).map_err(|error| Error::Unusable { url: self.url().to_owned(), cause: error.to_string() })
    }

    async fn ask(&self, endpoint: &str, request: RequestBuilder) -> Result<Value, Error> {
        let request = match &self.authorization {
            Authorization::None => request,
            Authorization::Basic { user, password } => request.basic_auth(user, Some(password)),
            Authorization::Bearer(token) => request.bearer_auth(token),
        };
        let unreachable =
            |error: reqwest::Error| Error::Unreachable { url: self.url().to_owned(), cause: words(&error) };
        let mut response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            answer.extend_from_slice(&chunk);
            if answer.len() > MAX_ANSWER_BYTES {
                let cause = format!("its answer to {endpoint} does not end");
                return Err(Error::Unreachable { url: self.url().to_owned(), cause });
            }
        }
        if status.is_success() {
            return Ok(serde_json::from_slice(&answer).unwrap_or_else(|_| json!({})));
        }
        let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
        let said = |key: &str| answer[key].as_str().map(str::to_owned);
        Err(Error::Refused {
            url: self.url().to_owned(),
            endpoint: endpoint.to_owned(),
            status: status.as_u16(),
            code: said("error_code").unwrap_or_default(),
            message: said("message").unwrap_or_else(|| status.canonical_reason().unwrap_or("no reason").to_owned()),
        })
    }
}

/// The innermost cause says what happened; the client's own sentence repeats the URL.
fn words(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it takes longer than mlflow.timeout_seconds".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(behind) = cause.source() {
        cause = behind;
    }
    cause.to_string()
}
