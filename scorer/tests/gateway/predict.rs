//! `POST /predict`.

use crate::harness::{gateway, loaded, post};
use model::{Document, Scratch};
use serde_json::{Value, json};

#[tokio::test]
async fn a_text_is_enough() {
    let answer = post(&gateway(), "/predict", r#"{"text": "great quality"}"#).await;
    assert_eq!(answer.status, 200);
    let json = answer.json();
    assert_eq!(json["sentiment"], "positive");
    assert_eq!(json["confidence"], json["probability"]);
    assert_eq!(json["model_name"], "sentiment");
    assert_eq!((&json["model_version"], &json["model_update"]), (&"v3".into(), &0.into()));
    assert_eq!(json.as_object().unwrap().len(), 6, "nothing is there that nobody asked for: {json}");
}

#[tokio::test]
async fn confidence_is_that_of_the_label_given() {
    let json = post(&gateway(), "/predict", r#"{"text": "awful"}"#).await.json();
    let (confidence, probability) = (json["confidence"].as_f64().unwrap(), json["probability"].as_f64().unwrap());
    assert_eq!(json["sentiment"], "negative");
    assert!(probability < 0.5);
    assert_eq!(confidence, 1.0 - probability);
}

#[tokio::test]
async fn the_title_counts_and_the_id_comes_back() {
    let gateway = gateway();
    let without = post(&gateway, "/predict", r#"{"text": "it came on monday"}"#).await.json();
    let review =
        json!({"text": "it came on monday", "title": "great", "product_id": "p", "user_id": "u", "review_id": "r 1"});
    let with = post(&gateway, "/predict", review.to_string()).await.json();
    assert_eq!(with["review_id"], "r 1");
    assert_eq!(without.get("review_id"), None);
    let mut scratch = Scratch::new();
    let document = Document { title: Some("great"), text: "it came on monday", features: &[] };
    assert_eq!(with["probability"], scorer::score(&loaded(), &document, &mut scratch).probability);
}

#[tokio::test]
async fn the_answer_is_that_of_the_shared_function_to_the_last_bit() {
    let (gateway, loaded) = (gateway(), loaded());
    let mut scratch = Scratch::new();
    for text in [
        "great",
        "great but awful, hate it",
        "nothing known",
        "รักมาก great 👍",
        "love\u{200b}love <b>awful</b> &amp; broke",
    ] {
        let answer = post(&gateway, "/predict", json!({ "text": text }).to_string()).await;
        let expected = scorer::score(&loaded, &Document { title: None, text, features: &[] }, &mut scratch);
        // As text: the shortest digits that read back as the same double.
        let written = format!("\"probability\":{}", Value::from(expected.probability));
        assert!(answer.text().contains(&written), "{text}: {} lacks {written}", answer.text());
    }
}

#[tokio::test]
async fn a_title_makes_up_for_a_blank_text() {
    let answer = post(&gateway(), "/predict", r#"{"text": " ", "title": "great"}"#).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn unknown_fields_and_nulls_are_ignored() {
    let body = r#"{"stars": [1, {"a": 2}], "text": "great", "title": null, "review_id": null}"#;
    assert_eq!(post(&gateway(), "/predict", body).await.status, 200);
}

#[tokio::test]
async fn length_counts_characters_and_not_bytes() {
    let gateway = gateway();
    let longest = "é".repeat(5000);
    assert_eq!(post(&gateway, "/predict", json!({ "text": longest }).to_string()).await.status, 200);
    let longer = "é".repeat(5001);
    let answer = post(&gateway, "/predict", json!({ "text": longer }).to_string()).await;
    assert_eq!(answer.detail(400), "Input text exceeds maximum length of 5000 characters.");
    let answer = post(&gateway, "/predict", json!({ "text": "fine", "title": longer }).to_string()).await;
    assert_eq!(answer.detail(400), "Input title exceeds maximum length of 5000 characters.");
}

#[tokio::test]
async fn a_text_far_too_long_gets_the_same_answer() {
    // Long enough to be read off the runtime.
    let answer = post(&gateway(), "/predict", json!({ "text": "a".repeat(500_000) }).to_string()).await;
    assert_eq!(answer.detail(400), "Input text exceeds maximum length of 5000 characters.");
}
