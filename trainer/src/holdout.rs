//! A test set cut out of the training data. The text decides by its hash, and where it is blank the title: copies of a text
//! stand on one side, and the same rows are held out however often, in whatever order and on whatever engine they are read.

use crate::error::Error;
use model::Document;
use std::str::FromStr;
use twox_hash::XxHash64;

/// The share of the texts that is held out: above 0 and below 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Holdout(f64);

impl Holdout {
    /// A holdout of this share.
    pub fn new(share: f64) -> Result<Self, Error> {
        if share > 0.0 && share < 1.0 { Ok(Self(share)) } else { Err(Error::NoHoldout { share }) }
    }

    /// The share.
    pub fn share(self) -> f64 {
        self.0
    }

    /// Whether a text is held out.
    pub fn holds(self, text: &str) -> bool {
        unit_hash(text) < self.0
    }

    /// Whether a document is held out: by its text, or by its title where the text is blank.
    pub fn holds_document(self, document: &Document<'_>) -> bool {
        let is_blank = document.text.trim().is_empty();
        self.holds(document.title.filter(|_| is_blank).unwrap_or(document.text))
    }
}

impl FromStr for Holdout {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let share = text.parse().map_err(|_| format!("`{text}` is no share of the rows: give a number such as 0.2"))?;
        Self::new(share).map_err(|error| error.to_string())
    }
}

/// Another one than that by which a sample is drawn: the rows of a sample that are left of the larger class have the least hashes by
/// that, and all of them would be held out.
const HASH_SEED: u64 = 44;

/// `(XXH64(utf8, seed 44) >>> 11) * 2^-53`: from 0 up to, not including, 1.
fn unit_hash(text: &str) -> f64 {
    (XxHash64::oneshot(HASH_SEED, text.as_bytes()) >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_share_between_0_and_1_is_a_holdout() {
        for share in [0.0, 1.0, -0.1, 1.5, f64::NAN] {
            assert!(matches!(Holdout::new(share), Err(Error::NoHoldout { .. })), "{share}");
        }
        assert_eq!("0.2".parse::<Holdout>().unwrap().share(), 0.2);
        assert!("a fifth".parse::<Holdout>().is_err_and(|error| error.contains("`a fifth`")));
    }

    #[test]
    fn the_hash_is_that_of_other_engines() {
        // Python: (xxhash.xxh64_intdigest(text.encode(), seed=44) >> 11) * 2.0**-53
        assert_eq!(unit_hash(""), 0.2662833574424244);
        assert_eq!(unit_hash("a fine film"), 0.776880165376837);
        assert_eq!(unit_hash("ดีมาก"), 0.776850162873951);
    }

    #[test]
    fn the_title_decides_where_the_text_is_blank_and_only_there() {
        let holdout = Holdout::new(0.2).unwrap();
        for i in 0..1_000 {
            let words = format!("text {i}");
            let held = holdout.holds(&words);
            for text in ["", " \n"] {
                assert_eq!(holdout.holds_document(&Document { title: Some(&words), text, features: &[] }), held);
            }
            assert_eq!(holdout.holds_document(&Document { title: Some("any"), text: &words, features: &[] }), held);
            assert_eq!(holdout.holds_document(&Document { title: None, text: &words, features: &[] }), held);
        }
    }

    #[test]
    fn about_the_share_is_held_out() {
        let holdout = Holdout::new(0.2).unwrap();
        let held = (0..10_000).filter(|i| holdout.holds(&format!("text {i}"))).count();
        assert!((1_880..2_120).contains(&held), "{held}");
    }

    #[test]
    fn of_a_sample_the_same_share_is_held_out() {
        let holdout = Holdout::new(0.2).unwrap();
        let of_sample = |text: &String| XxHash64::oneshot(42, text.as_bytes()) < u64::MAX / 10;
        let sample: Vec<String> = (0..100_000).map(|i| format!("text {i}")).filter(of_sample).collect();
        let held = sample.iter().filter(|text| holdout.holds(text)).count() as f64 / sample.len() as f64;
        assert!((held - 0.2).abs() < 0.02, "{held}");
    }
}
