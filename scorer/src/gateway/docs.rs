//! `GET /docs`, also as `/docs/`: Swagger UI over `/openapi.json`. Everything it loads comes from this process, and the page's content security
//! policy holds it to that.

use axum::http::{HeaderName, header};
use axum::response::{Html, IntoResponse};

/// Pages load nothing from elsewhere. Swagger UI draws icons from `data:` addresses and styles elements as it goes.
pub(super) const OWN_CONTENT_ONLY: (HeaderName, &str) = (
    header::CONTENT_SECURITY_POLICY,
    "default-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'",
);

pub(super) async fn page() -> impl IntoResponse {
    ([OWN_CONTENT_ONLY], Html(include_str!("docs.html")))
}

/// The same for a browser that takes `/docs/` for a folder: what the page loads lies beside that, not in it.
pub(super) async fn page_of_folder() -> impl IntoResponse {
    let page = ["docs/", "openapi.json"].iter().fold(include_str!("docs.html").to_owned(), |page, link| {
        page.replace(&format!("\"{link}"), &format!("\"../{link}"))
    });
    ([OWN_CONTENT_ONLY], Html(page))
}

pub(super) async fn style() -> impl IntoResponse {
    gzipped("text/css; charset=utf-8", include_bytes!(concat!(env!("OUT_DIR"), "/swagger-ui.css.gz")))
}

pub(super) async fn script() -> impl IntoResponse {
    gzipped("text/javascript; charset=utf-8", include_bytes!(concat!(env!("OUT_DIR"), "/swagger-ui-bundle.js.gz")))
}

/// Browsers all take gzip, and only they ask for these files.
fn gzipped(content_type: &'static str, bytes: &'static [u8]) -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CONTENT_ENCODING, "gzip"),
        (header::CACHE_CONTROL, "public, max-age=86400"),
    ];
    (headers, bytes)
}
