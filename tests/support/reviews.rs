//! Reviews that are made up: to train a model on in a moment, and to score.

use std::fmt::Write;
use std::path::Path;

/// A file of labelled reviews, in JSON Lines, in which one word is good and one is bad.
pub fn write_labelled(path: &Path, count: usize, good: &str, bad: &str) {
    let mut lines = String::new();
    for i in 0..count {
        let (word, label) = if i % 2 == 0 { (good, 1) } else { (bad, 0) };
        writeln!(lines, r#"{{"text": "a {word} product, number {i}", "label": {label}}}"#).unwrap();
    }
    std::fs::write(path, lines).unwrap();
}

/// A review as JSON.
pub fn review(id: &str, text: &str) -> Vec<u8> {
    serde_json::to_vec(&serde_json::json!({"review_id": id, "text": text, "created_at": "2024-05-01T10:00:00Z"}))
        .unwrap()
}

/// Letters that no compression makes shorter, and always the same.
pub fn noise(length: usize) -> String {
    let mut random = 1_u64;
    let mut letter = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'a' + ((random >> 33) % 26) as u8)
    };
    (0..length).map(|_| letter()).collect()
}
