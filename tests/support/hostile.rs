//! Records that no well-meaning producer sends: random bytes, truncated JSON, huge fields, deep nesting, wrong types, lone
//! surrogates.

use super::reviews::review;

/// A hundred thousand records with such ones among them come to some 60 MB.
const HUGE: usize = 1_000_000;

/// A seed, and what follows from it.
pub struct Random(pub u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.below(256) as u8).collect()
    }
}

/// A record that is no review, whatever it looks like.
pub fn hostile(i: usize, random: &mut Random) -> Vec<u8> {
    let whole = review(&format!("r-{i}"), "a good product that \u{1F600} has 12 words, \"quotes\" and a \\ in it");
    match i % 10 {
        0 => {
            let length = random.below(300);
            random.bytes(length)
        }
        1 => whole[..1 + random.below(whole.len() - 1)].to_vec(),
        2 if i % 2_000 == 2 => {
            format!(r#"{{"review_id": "r", "text": "{}", "created_at": "x"}}"#, "a ".repeat(HUGE / 2)).into_bytes()
        }
        2 => format!(r#"{{"review_id": "r", "text": "good", "created_at": 0, "rating": "{}"}}"#, "5".repeat(2_000))
            .into_bytes(),
        3 => ["[", "{\"a\":", "[{\"text\":"][random.below(3)].repeat(1 + random.below(500)).into_bytes(),
        4 => {
            let wrong =
                ["5", "null", "[]", "{}", "true", "1e999", "-0.0", "[\"good\"]", "{\"$oid\": 1}"][random.below(9)];
            format!(r#"{{"review_id": "r-{i}", "text": {wrong}, "created_at": 0}}"#).into_bytes()
        }
        5 => {
            let lone = ["\\ud800", "\\udc00", "\\ud83d\\ud83d", "\\ude00\\ud83d", "\\uD8"][random.below(5)];
            format!(r#"{{"review_id": "r-{i}", "text": "good {lone} product", "created_at": 0}}"#).into_bytes()
        }
        6 => {
            let time =
                ["\"yesterday\"", "1e300", "-99999999999999999999", "\"2024-13-45\"", "[]", "null"][random.below(6)];
            format!(r#"{{"review_id": "r-{i}", "text": "good", "created_at": {time}}}"#).into_bytes()
        }
        7 => {
            let mut broken = whole;
            let at = broken.len() / 2;
            broken[at] = [0xC0, 0xFF, 0xF5, 0xED, 0x80][random.below(5)];
            broken
        }
        8 => {
            let field = ["review_id", "text", "created_at"][random.below(3)];
            let mut document: serde_json::Value = serde_json::from_slice(&whole).unwrap();
            document.as_object_mut().unwrap().remove(field);
            document.to_string().into_bytes()
        }
        _ => [&b""[..], b" ", b"null", b"0", b"\"text\"", b"[]", b"{}", b"\0", b"\xEF\xBB\xBF", b"}{"]
            [random.below(10)]
        .to_vec(),
    }
}
