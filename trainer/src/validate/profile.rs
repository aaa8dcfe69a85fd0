//! The words of a set of texts in a few numbers: how often they fall into each of so many buckets by their hash, and in which
//! scripts they are written. Two sets whose words differ differ in these.

use crate::train::WORDS;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use twox_hash::XxHash64;

const BUCKETS: usize = 128;
/// The words of a text behind so many bytes say nothing new.
const BYTES_PER_TEXT: usize = 600;

/// The words of texts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// How many texts.
    pub texts: u64,
    /// Words by bucket.
    pub words: Vec<u64>,
    /// Letters by script.
    pub scripts: BTreeMap<String, u64>,
}

impl Default for Profile {
    fn default() -> Self {
        Self { texts: 0, words: vec![0; BUCKETS], scripts: BTreeMap::new() }
    }
}

impl Profile {
    /// The words that a version learned from, where its manifest has them.
    pub fn of_version(manifest: &registry::Manifest) -> Option<Self> {
        serde_json::from_value(manifest.run.parameters.get(WORDS)?.clone()).ok()
    }

    /// Adds a text.
    pub fn add(&mut self, text: &str) {
        self.texts += 1;
        let text = &text[..text.floor_char_boundary(BYTES_PER_TEXT)];
        let mut letters = [0; SCRIPTS.len()];
        let mut word = String::new();
        for word_as_written in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
            word.clear();
            for c in word_as_written.chars() {
                letters[script_of(c)] += 1;
                word.extend(c.to_lowercase());
            }
            let hash = XxHash64::oneshot(0, word.as_bytes());
            self.words[(hash % BUCKETS as u64) as usize] += 1;
        }
        for (script, count) in SCRIPTS.iter().zip(letters).filter(|(_, count)| *count > 0) {
            *self.scripts.entry((*script).to_owned()).or_default() += count;
        }
    }

    /// Adds what another has.
    pub fn merge(&mut self, other: &Self) {
        self.texts += other.texts;
        self.words.iter_mut().zip(&other.words).for_each(|(own, other)| *own += other);
        for (script, count) in &other.scripts {
            *self.scripts.entry(script.clone()).or_default() += count;
        }
    }

    /// The population stability index of the words against those of a reference: the sum over buckets of (p - q) ln(p / q),
    /// with half a word added to each. None where either has no words, or was counted otherwise.
    pub fn shift_from(&self, reference: &Self) -> Option<f64> {
        let [own, other] = [self, reference].map(|profile| profile.words.iter().sum::<u64>());
        if own == 0 || other == 0 || self.words.len() != reference.words.len() {
            return None;
        }
        let share = |count: u64, all: u64| (count as f64 + 0.5) / (all as f64 + 0.5 * BUCKETS as f64);
        let parts = self.words.iter().zip(&reference.words).map(|(&count, &of_reference)| {
            let (p, q) = (share(count, own), share(of_reference, other));
            (p - q) * (p / q).ln()
        });
        Some(parts.sum())
    }

    /// The share of letters in each script, the largest first.
    pub fn script_shares(&self) -> Vec<(String, f64)> {
        let all: u64 = self.scripts.values().sum();
        let share = |(name, count): (&String, &u64)| (name.clone(), *count as f64 / all.max(1) as f64);
        let mut shares: Vec<_> = self.scripts.iter().map(share).collect();
        shares.sort_by(|one, other| other.1.total_cmp(&one.1));
        shares
    }
}

const SCRIPTS: [&str; 9] =
    ["Latin", "Greek", "Cyrillic", "Hebrew", "Arabic", "Devanagari", "Thai", "East Asian", "other"];

fn script_of(c: char) -> usize {
    match u32::from(c) {
        0..=0x24f | 0x1e00..=0x1eff => 0,
        0x370..=0x3ff => 1,
        0x400..=0x52f => 2,
        0x590..=0x5ff => 3,
        0x600..=0x6ff | 0x750..=0x77f | 0x8a0..=0x8ff | 0xfb50..=0xfdff | 0xfe70..=0xfeff => 4,
        0x900..=0x97f => 5,
        0xe00..=0xe7f => 6,
        0x1100..=0x11ff | 0x3040..=0x30ff | 0x3400..=0x9fff | 0xac00..=0xd7af | 0x20000..=0x3ffff => 7,
        _ => 8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(texts: &[&str]) -> Profile {
        let mut profile = Profile::default();
        texts.iter().for_each(|text| profile.add(text));
        profile
    }

    #[test]
    fn the_same_words_do_not_shift_and_others_do() {
        let english = of(&["the film was good and the cast was better"; 50]);
        let french = of(&["le film est bon et les acteurs sont meilleurs"; 50]);
        assert_eq!(english.shift_from(&english), Some(0.0));
        assert!(french.shift_from(&english).unwrap() > 1.0);
        assert_eq!(of(&["..."]).shift_from(&english), None);
        let mut both = english.clone();
        both.merge(&french);
        assert!(both.shift_from(&english).unwrap() < french.shift_from(&english).unwrap());
    }

    #[test]
    fn scripts_are_told_apart() {
        let shares = of(&["ดีมาก", "хорошо очень", "good"]).script_shares();
        assert_eq!(shares[0].0, "Cyrillic");
        let names: Vec<&str> = shares.iter().map(|(name, _)| name.as_str()).collect();
        assert!(names.contains(&"Thai") && names.contains(&"Latin"), "{names:?}");
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(of(&[&"ดี".repeat(1000)]).texts, 1);
    }
}
