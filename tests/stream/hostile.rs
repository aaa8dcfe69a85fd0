//! A hundred thousand records that no well-meaning producer sends.

use crate::harness::{Record, World, review};
use crate::header;
use std::collections::HashMap;

const RECORDS: usize = 100_000;

/// One hundred thousand of them come to some 60 MB.
const HUGE: usize = 1_000_000;

struct Random(u64);

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
fn hostile(i: usize, random: &mut Random) -> Vec<u8> {
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

#[test]
fn a_hundred_thousand_hostile_records_are_a_hundred_thousand_dead_letters_with_a_cause() {
    let world = World::new(1);
    let mut random = Random(7);
    let records: Vec<Vec<u8>> = (0..RECORDS).map(|i| hostile(i, &mut random)).collect();
    world.produce(records.iter().map(|bytes| Record { payload: Some(bytes), ..Record::default() }));

    let report = world.score_until_end();
    assert_eq!((&report["predictions"], &report["dead_letters"]), (&0.into(), &RECORDS.into()), "{report}");
    let mut causes: HashMap<String, usize> = HashMap::new();
    let mut found = vec![false; RECORDS];
    for letter in world.dead_letters() {
        let offset: usize = header(&letter, "__connect.errors.offset").unwrap().parse().unwrap();
        assert!(!std::mem::replace(&mut found[offset], true), "{offset} died twice");
        assert!(!header(&letter, "__streams.errors.message").unwrap().is_empty());
        *causes.entry(header(&letter, "plaudit.cause").unwrap()).or_default() += 1;
    }
    assert!(found.iter().all(|found| *found));
    let kinds = ["empty", "not_utf8", "not_json", "wrong_type", "missing_field"];
    assert!(kinds.iter().all(|kind| causes.contains_key(*kind)), "{causes:?}");
    assert!(!causes.contains_key("panic"), "{causes:?}");
}
