//! A hundred thousand records that no well-meaning producer sends.

use crate::harness::{Record, World};
use crate::header;
use crate::support::hostile::{Random, hostile};
use std::collections::HashMap;

const RECORDS: usize = 100_000;

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
