//! The pages for people, and the document that describes the API.

use crate::harness::{config, gateway, gateway_with, gateway_without_model, get, send};
use axum::body::Body;
use axum::http::{Request, header};
use scorer::GatewayConfig;
use serde_json::Value;
use std::io::Read;

/// Every route that programs call, with its method. The others are pages and their parts.
const API: [(&str, &str); 7] = [
    ("/predict", "post"),
    ("/predict/batch", "post"),
    ("/health", "get"),
    ("/health/live", "get"),
    ("/health/ready", "get"),
    ("/info", "get"),
    ("/metrics", "get"),
];

#[tokio::test]
async fn the_document_has_every_route_of_the_api_and_no_other() {
    let gateway = gateway();
    let document = get(&gateway, "/openapi.json").await.json();
    assert_eq!(document["openapi"], "3.1.0");
    let mut documented: Vec<(String, String)> = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        documented.extend(methods.as_object().unwrap().keys().map(|method| (path.clone(), method.clone())));
    }
    let mut expected = API.map(|(path, method)| (path.to_owned(), method.to_owned()));
    expected.sort();
    documented.sort();
    assert_eq!(documented, expected);
    for (path, method) in API {
        let request = Request::builder().method(method.to_uppercase().as_str()).uri(path).body(Body::empty()).unwrap();
        let status = send(&gateway, request).await.status;
        assert!(status != 404 && status != 405, "{method} {path} is documented and answers {status}");
        let operation = &document["paths"][path][method];
        assert!(operation["responses"]["200"]["description"].is_string(), "{operation}");
        assert!(operation["summary"].is_string() && operation["operationId"].is_string(), "{operation}");
        assert_eq!(operation["requestBody"].is_object(), method == "post", "{operation}");
    }
}

#[tokio::test]
async fn every_reference_in_the_document_resolves() {
    let document = get(&gateway(), "/openapi.json").await.json();
    let mut seen = 0;
    visit(&document, &mut |value| {
        if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            seen += 1;
            let pointer = reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference} is outside the document"));
            assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
        }
    });
    assert!(seen >= 10, "the document uses references: {seen}");
}

fn visit(value: &Value, look: &mut impl FnMut(&Value)) {
    look(value);
    match value {
        Value::Array(items) => items.iter().for_each(|item| visit(item, look)),
        Value::Object(fields) => fields.values().for_each(|field| visit(field, look)),
        _ => {}
    }
}

#[tokio::test]
async fn the_document_tells_fields_and_limits() {
    let gateway = gateway_with(GatewayConfig { max_text_characters: 77, max_batch: 5, ..config() });
    let document = get(&gateway, "/openapi.json").await.json();
    let schemas = &document["components"]["schemas"];
    assert_eq!(schemas["PredictRequest"]["required"], serde_json::json!(["text"]));
    assert_eq!(schemas["PredictRequest"]["properties"]["text"]["maxLength"], 77);
    assert_eq!(schemas["BatchRequest"]["properties"]["reviews"]["maxItems"], 5);
    let required = schemas["PredictResponse"]["required"].as_array().unwrap();
    for always in ["sentiment", "confidence", "probability", "model_name", "model_version", "model_update"] {
        assert!(required.contains(&always.into()), "{always} in {required:?}");
    }
    assert!(!required.contains(&"review_id".into()), "{required:?}");
    assert!(schemas["ErrorResponse"]["properties"]["detail"].is_object());
}

#[tokio::test]
async fn examples_show_the_model_in_use() {
    let document = get(&gateway(), "/openapi.json").await.json();
    let schemas = &document["components"]["schemas"];
    let field = &schemas["PredictResponse"]["properties"]["model_name"];
    assert!(field["$ref"] == "#/components/schemas/ModelName" || field["allOf"].is_array(), "{field}");
    assert_eq!(schemas["ModelName"]["examples"], serde_json::json!(["sentiment"]));
    assert_eq!(schemas["ModelVersion"]["examples"], serde_json::json!(["v3"]));
    let document = get(&gateway_without_model(), "/openapi.json").await.json();
    assert!(document["components"]["schemas"]["ModelName"].get("examples").is_none());
}

#[tokio::test]
async fn pages_load_nothing_from_elsewhere() {
    let gateway = gateway();
    for path in ["/", "/docs", "/docs/"] {
        let page = get(&gateway, path).await;
        assert_eq!(page.status, 200);
        assert_eq!(page.headers[header::CONTENT_TYPE], "text/html; charset=utf-8");
        for elsewhere in ["http://", "https://", "src=\"//", "href=\"//", "@import"] {
            assert!(!page.text().contains(elsewhere), "{path} has {elsewhere}");
        }
        let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'self'"), "{policy}");
        assert_links_lead_somewhere(path, page.text()).await;
    }
}

async fn assert_links_lead_somewhere(path: &str, page: &str) {
    let gateway = gateway();
    let mut links = 0;
    for attribute in ["src=\"", "href=\"", "fetch(\"", "url: \""] {
        for after in page.split(attribute).skip(1) {
            let link = after.split('"').next().unwrap();
            if link.starts_with("data:") {
                continue;
            }
            links += 1;
            // Links are relative, so that the gateway may stand under any prefix.
            let above = if path.ends_with("docs/") { "../" } else { "" };
            let link = link.strip_prefix(above).unwrap_or_else(|| panic!("{path} links to {link}"));
            let status = get(&gateway, &format!("/{link}")).await.status;
            assert_ne!(status, 404, "{link}");
        }
    }
    assert!(links >= 3, "the page has links: {links}");
}

#[tokio::test]
async fn swagger_ui_comes_whole() {
    let gateway = gateway();
    for (path, content_type, content) in [
        ("/docs/swagger-ui-bundle.js", "text/javascript; charset=utf-8", "SwaggerUIBundle"),
        ("/docs/swagger-ui.css", "text/css; charset=utf-8", ".swagger-ui"),
    ] {
        let answer = get(&gateway, path).await;
        assert_eq!(answer.headers[header::CONTENT_TYPE], content_type);
        assert_eq!(answer.headers[header::CONTENT_ENCODING], "gzip");
        let mut text = String::new();
        // The decoder checks length and checksum.
        flate2::read::GzDecoder::new(answer.body.as_slice()).read_to_string(&mut text).unwrap();
        assert!(text.contains(content), "{path}");
    }
}
