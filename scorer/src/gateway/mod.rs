//! The gateway: predictions over HTTP, one review or a batch at a time, by the same model and the same function as the stream.
//! Every answer to a program is JSON, every error `{"detail": "…"}`. What a client sends is bounded in size, time and number;
//! what goes wrong in one request stays in it. How requests get here is `server`; the routes are below.

mod body;
mod compute;
mod config;
mod docs;
mod error;
mod observe;
mod openapi;
mod page;
mod predict;
mod reviews;
mod server;
mod status;

pub use config::GatewayConfig;
pub use server::BindError;

use crate::features::Features;
use crate::{LoadedModel, ModelHandle};
use axum::extract::Request;
use axum::routing::{get, post};
use axum::{Router, middleware};
use error::ApiError;
use std::sync::{Arc, OnceLock};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// The gateway. Clones are one gateway.
#[derive(Clone)]
pub struct Gateway {
    shared: Arc<Shared>,
}

struct Shared {
    config: GatewayConfig,
    model: OnceLock<ModelHandle>,
    features: Features,
    /// The memory for bodies, see [`body::BODIES_BYTES`].
    memory: Semaphore,
    /// One permit per core, for work that leaves the runtime's threads.
    cores: Arc<Semaphore>,
    openapi: serde_json::Value,
    /// Whether requests have spans.
    spans: bool,
}

impl Gateway {
    /// A gateway that answers 503 until it has a model. Telemetry, where it is wanted, has to be started before.
    pub fn new(config: GatewayConfig, features: Features) -> Self {
        crate::metrics::describe();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        // A body of the largest size must fit, however it is configured.
        let memory = body::BODIES_BYTES.max(config.max_body_bytes) / body::BYTES_PER_PERMIT + 1;
        let openapi = openapi::document(&config);
        let memory = Semaphore::new(memory.min(Semaphore::MAX_PERMITS));
        let cores = Arc::new(Semaphore::new(cores));
        let spans = observe::spans_are_exported();
        Self { shared: Arc::new(Shared { config, model: OnceLock::new(), features, memory, cores, openapi, spans }) }
    }

    /// Gives the gateway its model. Only the first handle counts: handles follow changes by themselves.
    pub fn set_model(&self, model: ModelHandle) {
        let _ = self.shared.model.set(model);
    }

    /// Takes the configured address, and says in the log which one it is.
    pub async fn bind(&self) -> Result<TcpListener, BindError> {
        server::bind(&self.shared.config.listen).await
    }

    /// Answers requests that come to `listener` until the token is cancelled; those in flight then are still answered, for
    /// as long as a request may take.
    pub async fn serve(&self, listener: TcpListener, token: CancellationToken) {
        server::serve(listener, router(self), token, self.shared.config.request_timeout()).await;
    }

    fn config(&self) -> &GatewayConfig {
        &self.shared.config
    }

    fn handle(&self) -> Result<&ModelHandle, ApiError> {
        self.shared.model.get().ok_or(ApiError::ModelNotLoaded)
    }

    fn model(&self) -> Result<Arc<LoadedModel>, ApiError> {
        self.handle().map(ModelHandle::current)
    }
}

/// The routes.
pub fn router(gateway: &Gateway) -> Router {
    Router::new()
        .route("/", get(page::page))
        .route("/predict", post(predict::predict))
        .route("/predict/batch", post(predict::predict_batch))
        .route("/health", get(status::health))
        .route("/health/live", get(status::live))
        .route("/health/ready", get(status::ready))
        .route("/info", get(status::info))
        .route("/metrics", get(status::metrics))
        .route("/openapi.json", get(openapi::openapi))
        .route("/docs", get(docs::page))
        .route("/docs/", get(docs::page_of_folder))
        .route("/docs/swagger-ui.css", get(docs::style))
        .route("/docs/swagger-ui-bundle.js", get(docs::script))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn_with_state(gateway.clone(), observe::observe))
        .with_state(gateway.clone())
}

async fn not_found(request: Request) -> ApiError {
    ApiError::NotFound { path: path_of(&request) }
}

async fn method_not_allowed(request: Request) -> ApiError {
    ApiError::MethodNotAllowed { method: request.method().to_string(), path: path_of(&request) }
}

/// Paths go into error messages; what is longer than any of ours needn't come back whole.
fn path_of(request: &Request) -> String {
    request.uri().path().chars().take(100).collect()
}
