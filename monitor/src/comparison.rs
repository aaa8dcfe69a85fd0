//! A window beside its reference: every distance in one place.

use crate::distance::{Distance, KolmogorovSmirnov, jensen_shannon, psi};
use crate::reference::Reference;
use crate::shift::Shift;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How far the numbers of a window are from those of the reference.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Gap {
    /// The population stability index.
    pub psi: Distance,
    /// The divergence of Jensen and Shannon.
    pub jensen_shannon: Distance,
    /// The test of Kolmogorov and Smirnov over the bins, those without a number left out.
    pub kolmogorov_smirnov: KolmogorovSmirnov,
}

/// How far a window is from its reference. What either lacks is left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The records of the window.
    pub records: u64,
    /// The scores.
    pub scores: Option<Gap>,
    /// Each feature.
    pub features: BTreeMap<String, Gap>,
    /// The words: their population stability index.
    pub words: Option<Distance>,
    /// The share of words that the model does not know: by how many deviations it lies above the reference's, and how many
    /// are normal.
    pub unknown_words: Option<Distance>,
    /// What explains the scores.
    pub shift: Option<Shift>,
}

/// Three deviations: one in 740 above, by chance.
const DEVIATIONS: f64 = 3.0;

impl Comparison {
    /// Compares. A threshold is passed with the chance `alpha` where nothing has changed; features share it (Bonferroni), so that
    /// many of them raise no more false alarms than one.
    pub fn of(window: &Reference, reference: &Reference, alpha: f64) -> Self {
        let scores = window.scores();
        let of_features = alpha / reference.features.len().max(1) as f64;
        let features = reference.features.iter().filter_map(|(name, reference)| {
            let gap = gap(&window.features.get(name)?.counts(), &reference.counts(), of_features)?;
            Some((name.clone(), gap))
        });
        let unknown_words = window.unknown_words.deviations_above(&reference.unknown_words);
        Self {
            records: scores.iter().sum(),
            scores: gap(&scores, &reference.scores(), alpha),
            features: features.collect(),
            words: window.words.shift_from(&reference.words, alpha),
            unknown_words: unknown_words.map(|value| Distance { value, threshold: DEVIATIONS }),
            shift: Shift::of(window, reference, alpha),
        }
    }
}

/// The missing numbers are the last bin.
fn gap(window: &[u64], reference: &[u64], alpha: f64) -> Option<Gap> {
    let numbers = |counts: &[u64]| counts[..counts.len().saturating_sub(1)].to_vec();
    Some(Gap {
        psi: psi(window, reference, alpha, [1.0; 2])?,
        jensen_shannon: jensen_shannon(window, reference, alpha)?,
        kolmogorov_smirnov: KolmogorovSmirnov::of_counts(&numbers(window), &numbers(reference)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use crate::reference::ReferenceBuilder;
    use schemas::Label;

    fn record(random: &mut Random, mean_rating: f64) -> (f64, Label, BTreeMap<String, f64>) {
        let uniform = random.below(1_000_000) as f64 / 1e6;
        let label = if random.below(10) < 7 { Label::Positive } else { Label::Negative };
        let mut features = BTreeMap::from([("rating".to_owned(), mean_rating + uniform)]);
        if random.below(4) > 0 {
            features.insert("count".to_owned(), random.below(50) as f64);
        }
        (uniform, label, features)
    }

    #[test]
    fn what_changed_is_found_and_what_did_not_is_not() {
        let mut random = Random::new(5);
        let mut builder = ReferenceBuilder::new();
        for _ in 0..5000 {
            let (score, label, features) = record(&mut random, 3.0);
            builder.add(score, Some(label), &features, Some("a good book of few words"));
            builder.add_unknown_words(random.below(3), 6);
        }
        let reference = builder.finish();
        let mut window = reference.empty_window();
        for _ in 0..1000 {
            let (score, label, features) = record(&mut random, 3.3);
            window.add_score(score, Some(label));
            window.add_features(&features);
            window.words.add("a good phone of few words");
            window.unknown_words.add(1 + random.below(3), 6);
        }
        let found = Comparison::of(&window, &reference, 0.001);
        assert_eq!(found.records, 1000);
        assert!(!found.scores.unwrap().psi.is_beyond(), "{found:?}");
        let of = |name: &str| found.features[name];
        assert!(of("rating").psi.is_beyond() && of("rating").jensen_shannon.is_beyond());
        assert!(of("rating").kolmogorov_smirnov.p_value < 1e-9);
        assert!(!of("count").psi.is_beyond() && of("count").kolmogorov_smirnov.p_value > 0.001);
        assert!(found.words.unwrap().is_beyond() && found.unknown_words.unwrap().is_beyond());
        let again: Comparison = serde_json::from_str(&serde_json::to_string(&found).unwrap()).unwrap();
        assert_eq!(again, found);
    }

    #[test]
    fn a_reference_is_small_and_survives_writing() {
        let mut random = Random::new(6);
        let mut builder = ReferenceBuilder::new();
        for i in 0..30_000_u64 {
            let (score, label, features) = record(&mut random, 3.0);
            builder.add(score, (i % 3 == 0).then_some(label), &features, Some(&format!("text {} of {i}", i * 7919)));
        }
        let reference = builder.finish();
        let json = serde_json::to_string(&reference).unwrap();
        assert!(json.len() < 8 * 1024, "{} bytes", json.len());
        assert_eq!(serde_json::from_str::<Reference>(&json).unwrap(), reference);
    }
}
