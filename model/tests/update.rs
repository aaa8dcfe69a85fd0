//! Updates: what goes in comes out, what stands between two models makes the one of the other, and nothing else is taken for an
//! update.

#![expect(clippy::unwrap_used, reason = "in a test every failure is the test's")]

use model::{
    Base, Corpus, Document, FeatureConfig, FeaturePart, FitConfig, KeepRates, Model, ModelConfig, NotApplied, Parts,
    Standard, TermIndex, TermPart, Transform, Update, UpdateError, UpdatedModel, sha256_hex,
};
use schemas::{Label, ModelVersion};
use std::sync::LazyLock;

fn base() -> Base {
    Base { version: ModelVersion(3), sha256: sha256_hex(b"an artifact") }
}

fn model(terms: TermIndex) -> Model {
    let feature = |name: &str| FeatureConfig { name: name.to_owned(), transform: Transform::None };
    let mut config = ModelConfig { features: vec![feature("a.b"), feature("a.c")], ..ModelConfig::default() };
    config.vectorizer.min_df = 1;
    config.vectorizer.hash_bits = 12;
    config.vectorizer.terms = terms;
    let mut corpus = Corpus::new(config, 1 << 30).unwrap();
    for (text, label) in [("good as gold", Label::Positive), ("bad as lead", Label::Negative)].repeat(20) {
        corpus.push_batch(&[(Document { title: Some("so"), text, features: &[1.0, 2.0] }, label)]).unwrap();
    }
    let model = corpus.fit(&FitConfig::default(), &mut |_| {}).unwrap().0;
    model.with_keep_rates(KeepRates { negative: 1.0, positive: 0.25 }).unwrap()
}

/// Numbers that look random and are the same each time (Steele, Lea, Flood: SplitMix, OOPSLA 2014).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ mixed >> 31) % sides
    }

    fn weight(&mut self) -> f32 {
        // Both zeros come up, which are equal and not the same.
        [0.0, -0.0, self.roll(2000) as f32 / 100.0 - 10.0][self.roll(3) as usize]
    }

    /// Some terms go, some come, some change.
    fn change(&mut self, parts: &mut Parts) {
        let is_hashed = parts.config.vectorizer.terms == TermIndex::Hashed;
        let (goes, changes, new) = (self.roll(3), self.roll(4), self.roll(6));
        parts.terms.retain(|_| goes == 0 || self.roll(8) > 0);
        for term in &mut parts.terms {
            if changes > 0 && self.roll(4) < changes {
                term.weight = self.weight();
            }
        }
        for _ in 0..new {
            let index = self.roll(if is_hashed { 1 << 12 } else { u64::MAX });
            if let Err(place) = parts.terms.binary_search_by_key(&index, |term| term.index) {
                parts.terms.insert(place, TermPart { index, scale: 0.5, weight: self.weight() });
            }
        }
        parts.documents += self.roll(100);
        parts.bias = self.weight().into();
        parts.keep_rates = KeepRates::ALL;
        let standard = Standard { mean: self.weight().into(), scale: 1.5 };
        parts.features[0] = FeaturePart { standard, weight: self.weight().into() };
    }
}

#[test]
fn what_stands_between_two_models_makes_the_one_of_the_other_to_the_bit() {
    for terms in [TermIndex::Hashed, TermIndex::Exact] {
        let first = model(terms);
        let mut updated = UpdatedModel::new(base(), 0, &first);
        let mut parts = first.to_parts();
        let mut dice = Dice(7);
        for number in 1..400 {
            let before = parts.clone();
            dice.change(&mut parts);
            let update = Update::between(base(), number, &before, &parts).unwrap();
            let bytes = update.to_bytes();
            let read = Update::from_bytes(&bytes).unwrap();
            assert_eq!(read.to_bytes(), bytes);
            updated.apply(&read).unwrap();
            let learned = Model::from_parts(parts.clone()).unwrap();
            assert_eq!(updated.to_model().unwrap().to_bytes(), learned.to_bytes(), "after update {number}");
            assert_eq!(updated.number(), number);
        }
    }
}

#[test]
fn an_update_names_what_changed_and_nothing_else() {
    let before = model(TermIndex::Hashed).to_parts();
    let mut after = before.clone();
    after.terms[1].weight = -after.terms[1].weight;
    let gone = after.terms.remove(3);
    let update = Update::between(base(), 1, &before, &after).unwrap();
    assert_eq!(update.terms, [after.terms[1]]);
    assert_eq!(update.removed, [gone.index]);
    let other = model(TermIndex::Exact).to_parts();
    assert!(Update::between(base(), 1, &before, &other).unwrap_err().to_string().contains("in another way"));
}

static UPDATE: LazyLock<Update> = LazyLock::new(|| {
    let before = model(TermIndex::Exact).to_parts();
    let mut after = before.clone();
    Dice(1).change(&mut after);
    after.terms[2].weight = 0.75;
    after.terms.remove(0);
    Update::between(base(), 5, &before, &after).unwrap()
});

fn update() -> Update {
    UPDATE.clone()
}

#[test]
fn only_the_next_update_of_the_same_base_is_applied() {
    let mut updated = UpdatedModel::new(base(), 4, &model(TermIndex::Exact));
    let before = updated.clone();
    let with = |change: &dyn Fn(&mut Update)| {
        let mut update = update();
        change(&mut update);
        update
    };
    let other = Base { sha256: sha256_hex(b"another artifact"), ..base() };
    let of_another = updated.apply(&with(&|update| update.base = other.clone())).unwrap_err();
    assert!(matches!(of_another, NotApplied::OtherBase { number: 5, .. }), "{of_another}");
    assert_eq!(updated.apply(&with(&|update| update.number = 4)), Err(NotApplied::Old { number: 4, at: 4 }));
    assert_eq!(updated.apply(&with(&|update| update.number = 6)), Err(NotApplied::Gap { number: 6, at: 4 }));
    let unfit = updated.apply(&with(&|update| update.features.truncate(1))).unwrap_err();
    assert_eq!(unfit.to_string(), "update 5 does not fit its model: model.features are 2, and the update has 1");
    assert_eq!(updated, before);
    updated.apply(&update()).unwrap();
    assert_eq!(updated.number(), 5);

    let mut hashed = UpdatedModel::new(base(), 4, &model(TermIndex::Hashed));
    assert!(hashed.apply(&update()).unwrap_err().to_string().contains("slots beyond 2^12"));
}

#[test]
fn bytes_that_were_changed_or_cut_off_are_refused() {
    let bytes = update().to_bytes();
    for end in 0..bytes.len() {
        let refusal = Update::from_bytes(&bytes[..end]).unwrap_err();
        assert!(matches!(refusal, UpdateError::Damaged | UpdateError::Foreign), "{end}: {refusal}");
    }
    for place in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[place] ^= 1 << (place % 8);
        Update::from_bytes(&changed).unwrap_err();
    }
    assert_eq!(Update::from_bytes(b"{\"update\": 5}"), Err(UpdateError::Foreign));
    assert_eq!(Update::from_bytes(&[&bytes[..], b"x"].concat()), Err(UpdateError::Damaged));
}

/// The bytes with `change` applied and a checksum that is right.
fn with_checksum(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = update().to_bytes();
    bytes.truncate(bytes.len() - 64);
    change(&mut bytes);
    let checksum = sha256_hex(&bytes);
    bytes.extend_from_slice(checksum.as_bytes());
    bytes
}

#[test]
fn a_newer_format_is_told_from_a_damaged_one() {
    let newer = with_checksum(|bytes| bytes[8..12].copy_from_slice(&2_u32.to_le_bytes()));
    let refusal = Update::from_bytes(&newer).unwrap_err();
    assert_eq!(refusal, UpdateError::NewerFormat { found: 2 });
    assert!(refusal.to_string().contains("use a newer plaudit"));
}

#[test]
fn whatever_lengths_say_nothing_breaks_and_no_memory_is_taken_for_it() {
    let content = update().to_bytes().len() - 64;
    for place in 12..content {
        for value in [0, 1, 4, 8, 0x7f, 0xff] {
            let hostile = with_checksum(|bytes| bytes[place] = value);
            // Each is refused, or is another update that makes sense.
            if let Ok(update) = Update::from_bytes(&hostile) {
                assert_eq!(Update::from_bytes(&update.to_bytes()), Ok(update));
            }
        }
        let hostile = with_checksum(|bytes| bytes.truncate(place));
        assert!(matches!(Update::from_bytes(&hostile), Err(UpdateError::Invalid { .. })), "cut at {place}");
    }
}

#[test]
fn contents_that_make_no_sense_are_refused() {
    let refusal = |change: &dyn Fn(&mut Update)| {
        let mut update = update();
        change(&mut update);
        Update::from_bytes(&update.to_bytes()).unwrap_err().to_string()
    };
    for number in [f64::NAN, f64::INFINITY, 1e6] {
        assert!(refusal(&|update| update.bias = number).contains("out of its range"));
        assert!(refusal(&|update| update.terms[0].weight = number as f32).contains("out of its range"));
        assert!(refusal(&|update| update.features[0].weight = number).contains("out of its range"));
    }
    assert!(refusal(&|update| update.terms[0].scale = 0.0).contains("out of its range"));
    assert!(refusal(&|update| update.features[1].standard.scale = 0.0).contains("out of its range"));
    assert!(refusal(&|update| update.keep_rates.positive = 0.0).contains("keep_rates"));
    assert!(refusal(&|update| update.number = 0).contains("number is 0"));
    assert!(refusal(&|update| update.base.version = ModelVersion(0)).contains("names no version"));
    assert!(refusal(&|update| update.terms.swap(0, 1)).contains("ascending"));
    assert!(refusal(&|update| update.removed.push(update.removed[0])).contains("ascending"));
    assert!(refusal(&|update| update.removed = vec![update.terms[1].index]).contains("changes a term and removes it"));
}
