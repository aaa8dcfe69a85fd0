//! `POST /predict/batch`.

use crate::harness::{config, gateway, gateway_with, loaded, post};
use model::{Document, Scratch};
use scorer::GatewayConfig;
use serde_json::{Value, json};

#[tokio::test]
async fn predictions_come_in_the_order_of_the_reviews() {
    let body = json!({"reviews": [{"text": "awful", "review_id": "a"}, {"text": "great", "review_id": "b"}]});
    let json = post(&gateway(), "/predict/batch", body.to_string()).await.json();
    let predictions = json["predictions"].as_array().unwrap();
    let seen: Vec<_> = predictions.iter().map(|p| (p["review_id"].as_str(), p["sentiment"].as_str())).collect();
    assert_eq!(seen, [(Some("a"), Some("negative")), (Some("b"), Some("positive"))]);
}

#[tokio::test]
async fn a_large_batch_has_the_answers_of_single_predictions_to_the_last_bit() {
    let texts: Vec<String> =
        (0..100).map(|i| format!("{} great {}", "awful ".repeat(i), "padding ".repeat(100))).collect();
    let reviews: Vec<Value> = texts.iter().map(|text| json!({ "text": text })).collect();
    let body = json!({ "reviews": reviews }).to_string();
    assert!(body.len() > 64 * 1024, "large enough to leave the runtime");
    let answer = post(&gateway(), "/predict/batch", body).await;
    let (loaded, mut scratch) = (loaded(), Scratch::new());
    let mut rest = answer.text();
    for text in &texts {
        let expected = scorer::score(&loaded, &Document { title: None, text, features: &[] }, &mut scratch);
        let written = format!("\"probability\":{},", Value::from(expected.probability));
        let at = rest.find(&written).unwrap_or_else(|| panic!("{written} is missing in {rest}"));
        rest = &rest[at + written.len()..];
    }
}

#[tokio::test]
async fn an_empty_batch_has_no_predictions() {
    let answer = post(&gateway(), "/predict/batch", r#"{"reviews": []}"#).await;
    assert_eq!(answer.text(), r#"{"predictions":[]}"#);
}

#[tokio::test]
async fn an_error_names_the_review_it_is_about() {
    let gateway = gateway();
    let body = r#"{"reviews": [{"text": "great"}, {"text": " "}]}"#;
    let answer = post(&gateway, "/predict/batch", body).await;
    assert_eq!(answer.detail(400), "reviews[1]: Input text cannot be empty.");
    let body = r#"{"reviews": [{"text": "great"}, {"text": 5}]}"#;
    let answer = post(&gateway, "/predict/batch", body).await;
    assert_eq!(
        answer.detail(422),
        "The body does not fit: `reviews[1].text`: invalid type: integer `5`, expected a string."
    );
}

#[tokio::test]
async fn too_many_reviews_are_refused() {
    let gateway = gateway_with(GatewayConfig { max_batch: 2, ..config() });
    let body = r#"{"reviews": [{"text": "a"}, {"text": "b"}, {"text": "c"}]}"#;
    let detail = post(&gateway, "/predict/batch", body).await.detail(400);
    assert_eq!(detail, "The batch holds more than 2 reviews: send it in parts.");
    let body = r#"{"reviews": [{"text": "a"}, {"text": "b"}]}"#;
    assert_eq!(post(&gateway, "/predict/batch", body).await.status, 200);
}

#[tokio::test]
async fn what_lies_beyond_the_largest_batch_is_not_read() {
    let gateway = gateway_with(GatewayConfig { max_batch: 2, ..config() });
    let two = r#"{"reviews": [{"text": "a"}, {"text": "b"}"#;
    for rest in [", {\"text\": 5}]}", ", no JSON", ", {\"text\": \"c\"}, {"] {
        let detail = post(&gateway, "/predict/batch", format!("{two}{rest}")).await.detail(400);
        assert_eq!(detail, "The batch holds more than 2 reviews: send it in parts.", "{rest}");
    }
    for cut_off in ["", ", "] {
        let detail = post(&gateway, "/predict/batch", format!("{two}{cut_off}")).await.detail(400);
        assert!(detail.starts_with("The body is not valid JSON: EOF while parsing"), "{detail}");
    }
}

#[tokio::test]
async fn a_body_that_is_no_batch_is_told_why() {
    for (body, reason) in [
        ("{}", "missing field `reviews`"),
        (r#"{"reviews": [], "reviews": []}"#, "duplicate field `reviews`"),
        ("7", "invalid type: integer `7`, expected an object with the field `reviews`"),
        (r#"{"reviews": {"text": "a"}}"#, "`reviews`: invalid type: map, expected an array"),
        (r#"{"reviews": ["a"]}"#, "`reviews[0]`: invalid type: string \"a\", expected an object with the field `text`"),
    ] {
        let detail = post(&gateway(), "/predict/batch", body).await.detail(422);
        assert_eq!(detail, format!("The body does not fit: {reason}."), "{body}");
    }
}
