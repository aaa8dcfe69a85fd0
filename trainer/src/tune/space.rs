//! The settings that are searched: those that matter, each over the values that have been good somewhere. A trial's
//! settings follow from the seed and its number alone, so that a search that goes on draws what it would have drawn.

use super::texts::mixed;
use model::{FitConfig, ModelConfig, Punctuation, Stemming, Weighting};
use serde_json::Value;
use std::collections::BTreeMap;

/// One trial's settings.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Settings {
    pub(super) model: ModelConfig,
    pub(super) fit: FitConfig,
}

impl Settings {
    /// The settings of the first so many trials: those that were given, then drawn ones, no two alike.
    pub(super) fn of_trials(given: &Settings, trials: u32) -> Vec<Settings> {
        let mut all = vec![given.clone()];
        let mut number = 0;
        while all.len() < trials as usize {
            number += 1;
            let drawn = given.drawn(number);
            // A space that is nearly used up repeats itself now and then.
            if !all.contains(&drawn) || number > 100 * trials {
                all.push(drawn);
            }
        }
        all
    }

    fn drawn(&self, number: u32) -> Self {
        let mut random = Random::new(self.fit.seed, number);
        let mut drawn = self.clone();
        let Self { model, fit } = &mut drawn;
        let vectorizer = &mut model.vectorizer;
        vectorizer.ngrams = random.one_of(&[1, 2, 2, 3, 3, 4]);
        vectorizer.weighting = random.one_of(&[Weighting::Binary, Weighting::Tf, Weighting::TfIdf, Weighting::TfIdf]);
        let sublinear_tf = random.one_of(&[false, true]);
        if vectorizer.weighting != Weighting::Binary {
            vectorizer.sublinear_tf = sublinear_tf;
        }
        vectorizer.min_df = random.one_of(&[1, 2, 2, 3, 5]);
        model.cleaning.punctuation = random.one_of(&[Punctuation::Drop, Punctuation::Keep]);
        model.cleaning.stemming = random.one_of(&[Stemming::None, Stemming::None, Stemming::None, Stemming::Porter]);
        if model.cleaning.lowercase {
            model.cleaning.mark_negated = random.one_of(&[false, true]);
        }
        vectorizer.naive_bayes = random.one_of(&[false, true]);
        vectorizer.skip_bigrams = random.one_of(&[false, false, true]);
        let characters = random.one_of(&[0, 0, 0, 5]);
        if characters == 0 || characters >= vectorizer.char_ngrams_min {
            vectorizer.char_ngrams_max = characters;
        }
        let edge = random.one_of(&[0, 0, 30]);
        (vectorizer.first_words, vectorizer.last_words) = (edge, edge);
        vectorizer.title_weight = random.one_of(&[1.0, 1.0, 2.0]);
        fit.c = rounded(random.logarithmic(0.3, 300.0));
        drawn
    }

    /// The keys that differ from others, with their values here, as the configuration names them; null is the default.
    pub(super) fn changes(&self, from: &Settings) -> BTreeMap<String, Value> {
        let (mut mine, others) = (self.flat(), from.flat());
        // Keys that have their default are not written by all sections.
        let of_default = |key: &String| (!mine.contains_key(key)).then(|| (key.clone(), Value::Null));
        let defaults: Vec<_> = others.keys().filter_map(of_default).collect();
        mine.extend(defaults);
        mine.into_iter().filter(|(key, value)| others.get(key) != Some(value)).collect()
    }

    /// Every key with its value.
    pub(super) fn flat(&self) -> BTreeMap<String, Value> {
        let mut flat = BTreeMap::new();
        for (section, value) in
            [("model", serde_json::to_value(&self.model)), ("train", serde_json::to_value(&self.fit))]
        {
            flatten(section.to_owned(), value.unwrap_or_default(), &mut flat);
        }
        flat
    }
}

fn flatten(key: String, value: Value, into: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(entries) => {
            entries.into_iter().for_each(|(name, value)| flatten(format!("{key}.{name}"), value, into));
        }
        value => {
            into.insert(key, value);
        }
    }
}

/// Two digits: more than the data can tell apart, and readable.
fn rounded(number: f64) -> f64 {
    let unit = 10_f64.powf(number.log10().floor() - 1.0);
    // Through text, so that 0.30000000000000004 doesn't come of it.
    format!("{:.6}", (number / unit).round() * unit).parse().unwrap_or(number)
}

struct Random(u64);

impl Random {
    fn new(seed: u64, number: u32) -> Self {
        Self(mixed(seed ^ mixed(u64::from(number))))
    }

    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        (mixed(self.0) >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    fn one_of<T: Copy>(&mut self, values: &[T]) -> T {
        values[(self.unit() * values.len() as f64) as usize]
    }

    fn logarithmic(&mut self, low: f64, high: f64) -> f64 {
        (low.ln() + self.unit() * (high / low).ln()).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given() -> Settings {
        Settings { model: ModelConfig::default(), fit: FitConfig::default() }
    }

    #[test]
    fn every_trial_is_sound_and_no_two_are_alike() {
        let trials = Settings::of_trials(&given(), 200);
        assert_eq!((trials.len(), &trials[0]), (200, &given()));
        for (i, settings) in trials.iter().enumerate() {
            assert!(settings.model.check().is_ok() && settings.fit.check().is_ok(), "{settings:?}");
            assert!(!trials[..i].contains(settings));
        }
    }

    #[test]
    fn trials_depend_on_the_seed_and_their_number_alone() {
        assert_eq!(Settings::of_trials(&given(), 20), Settings::of_trials(&given(), 40)[..20]);
        let mut other = given();
        other.fit.seed = 7;
        assert_ne!(Settings::of_trials(&other, 5)[1].fit.c, Settings::of_trials(&given(), 5)[1].fit.c);
    }

    #[test]
    fn changes_are_named_as_in_the_configuration() {
        let mut changed = given();
        changed.fit.c = 3.5;
        changed.model.vectorizer.ngrams = 4;
        let changes = changed.changes(&given());
        assert_eq!(changes.keys().collect::<Vec<_>>(), ["model.vectorizer.ngrams", "train.c"]);
        assert_eq!(changes["train.c"], 3.5);
        assert!(given().changes(&given()).is_empty());
    }

    #[test]
    fn a_drawn_number_has_two_digits() {
        assert_eq!([0.31234, 4.56, 123.4, 296.0].map(rounded), [0.31, 4.6, 120.0, 300.0]);
    }
}
