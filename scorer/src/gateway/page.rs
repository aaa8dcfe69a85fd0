//! `GET /`: a page where a person writes a review and sees the prediction. One file, no internet.

use super::docs::OWN_CONTENT_ONLY;
use axum::response::{Html, IntoResponse};

pub(super) async fn page() -> impl IntoResponse {
    ([OWN_CONTENT_ONLY], Html(include_str!("page.html")))
}
