//! The words of a set of texts in a few numbers: how often they fall into each of so many buckets by their hash, and in which
//! scripts they are written. Two sets whose words differ differ in these.

use crate::distance::{Distance, psi};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use twox_hash::XxHash64;

const BUCKETS: usize = 128;
/// The words of a text behind so many bytes say nothing new.
const BYTES_PER_TEXT: usize = 600;

/// The words of texts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Words {
    /// How many texts.
    pub texts: u64,
    /// Words by bucket.
    pub words: Vec<u64>,
    /// Letters by script.
    pub scripts: BTreeMap<String, u64>,
    /// How words go together in texts; versions from before it was counted lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    together: Option<Together>,
}

/// With n_b the words of a text in bucket b and n all of them: the sums over texts of n_b², n_b n and n².
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Together {
    bucket_bucket: Vec<u64>,
    bucket_text: Vec<u64>,
    text_text: u64,
}

impl Default for Together {
    fn default() -> Self {
        Self { bucket_bucket: vec![0; BUCKETS], bucket_text: vec![0; BUCKETS], text_text: 0 }
    }
}

impl Default for Words {
    fn default() -> Self {
        Self { texts: 0, words: vec![0; BUCKETS], scripts: BTreeMap::new(), together: Some(Together::default()) }
    }
}

impl Words {
    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.texts == 0
    }

    /// Adds a text.
    pub fn add(&mut self, text: &str) {
        self.texts += 1;
        let text = &text[..text.floor_char_boundary(BYTES_PER_TEXT)];
        let mut letters = [0; SCRIPTS.len()];
        let mut of_text = [0_u64; BUCKETS];
        let mut word = String::new();
        for word_as_written in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
            word.clear();
            for c in word_as_written.chars() {
                letters[script_of(c)] += 1;
                word.extend(c.to_lowercase());
            }
            let hash = XxHash64::oneshot(0, word.as_bytes());
            of_text[(hash % BUCKETS as u64) as usize] += 1;
        }
        self.words.iter_mut().zip(of_text).for_each(|(own, count)| *own += count);
        if let Some(together) = &mut self.together {
            let all: u64 = of_text.iter().sum();
            together.bucket_bucket.iter_mut().zip(of_text).for_each(|(sum, count)| *sum += count * count);
            together.bucket_text.iter_mut().zip(of_text).for_each(|(sum, count)| *sum += count * all);
            together.text_text += all * all;
        }
        for (script, count) in SCRIPTS.iter().zip(letters).filter(|(_, count)| *count > 0) {
            *self.scripts.entry((*script).to_owned()).or_default() += count;
        }
    }

    /// Adds what another has.
    pub fn merge(&mut self, other: &Self) {
        self.texts += other.texts;
        add_each(&mut self.words, &other.words);
        for (script, count) in &other.scripts {
            *self.scripts.entry(script.clone()).or_default() += count;
        }
        self.together = self.together.take().zip(other.together.as_ref()).map(|(mut own, other)| {
            add_each(&mut own.bucket_bucket, &other.bucket_bucket);
            add_each(&mut own.bucket_text, &other.bucket_text);
            own.text_text += other.text_text;
            own
        });
    }

    /// The population stability index of the words against those of a reference, and what it may be by chance. None where
    /// either has no words, or was counted otherwise.
    pub fn shift_from(&self, reference: &Self, alpha: f64) -> Option<Distance> {
        let own = self.clusters();
        // A reference that does not say has texts like these.
        let clusters = [own, reference.clusters().or(own)].map(|clusters| clusters.unwrap_or(1.0));
        psi(&self.words, &reference.words, alpha, clusters)
    }

    /// By how much more the counts vary than those of as many words that know nothing of each other, on average over the
    /// buckets: `1/(B-1) sum over b of (sum over texts of (n_b - p_b n)^2) / (N p_b)`, the first-order correction of Rao & Scott
    /// 1981 ("The analysis of categorical data from complex sample surveys"). A text is a cluster.
    fn clusters(&self) -> Option<f64> {
        let together = self.together.as_ref()?;
        let all = self.words.iter().sum::<u64>() as f64;
        let counts = self.words.iter().zip(&together.bucket_bucket).zip(&together.bucket_text);
        let parts = counts.filter(|((count, _), _)| **count > 0).map(|((&count, &bucket), &text)| {
            let p = count as f64 / all;
            let squares = bucket as f64 - 2.0 * p * text as f64 + p * p * together.text_text as f64;
            squares.max(0.0) / (all * p)
        });
        let (sum, buckets) = parts.fold((0.0, 0), |(sum, buckets), part| (sum + part, buckets + 1));
        (buckets > 1).then(|| (sum / f64::from(buckets - 1)).max(1.0))
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

fn add_each(own: &mut [u64], other: &[u64]) {
    own.iter_mut().zip(other).for_each(|(own, other)| *own += other);
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

    fn of(texts: &[&str]) -> Words {
        let mut words = Words::default();
        texts.iter().for_each(|text| words.add(text));
        words
    }

    fn shift(one: &Words, other: &Words) -> f64 {
        one.shift_from(other, 0.001).unwrap().value
    }

    #[test]
    fn the_same_words_do_not_shift_and_others_do() {
        let english = of(&["the film was good and the cast was better"; 50]);
        let french = of(&["le film est bon et les acteurs sont meilleurs"; 50]);
        assert_eq!(shift(&english, &english), 0.0);
        assert!(shift(&french, &english) > 1.0);
        assert_eq!(of(&["..."]).shift_from(&english, 0.001), None);
        let mut both = english.clone();
        both.merge(&french);
        assert!(shift(&both, &english) < shift(&french, &english));
    }

    #[test]
    fn texts_that_repeat_a_word_vary_more() {
        let texts: Vec<String> = (0..600).map(|i| format!("w{}", i % 50)).collect();
        let single: Vec<&str> = texts.iter().map(String::as_str).collect();
        let repeated: Vec<String> = texts.iter().map(|word| format!("{word} {word} {word} {word}")).collect();
        let repeated: Vec<&str> = repeated.iter().map(String::as_str).collect();
        let (single, repeated) = (of(&single).clusters().unwrap(), of(&repeated).clusters().unwrap());
        assert!((single - 1.0).abs() < 0.05, "{single}");
        assert!((repeated - 4.0).abs() < 0.2, "four words of a text tell as much as one: {repeated}");
    }

    #[test]
    fn words_from_before_clusters_were_counted_are_read() {
        let mut old = serde_json::to_value(of(&["a good film", "a bad film"])).unwrap();
        old.as_object_mut().unwrap().remove("together");
        let old: Words = serde_json::from_value(old).unwrap();
        let new = of(&["a good film", "a bad film"]);
        assert_eq!(new.shift_from(&old, 0.01), new.shift_from(&new, 0.01));
        let mut merged = new;
        merged.merge(&old);
        assert_eq!((merged.texts, merged.clusters()), (4, None));
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
