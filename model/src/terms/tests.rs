use super::*;
use crate::config::VectorizerConfig;
use std::collections::HashMap;

fn read(config: &ModelConfig, title: Option<&str>, text: &str) -> HashMap<u32, u32> {
    let mut terms = Terms::new();
    terms.read(config, &Document { title, text, features: &[] }).iter().map(|term| (term.of, term.count)).collect()
}

fn config(ngrams: u8) -> ModelConfig {
    ModelConfig { vectorizer: VectorizerConfig { ngrams, ..VectorizerConfig::default() }, ..ModelConfig::default() }
}

#[test]
fn a_document_of_n_words_has_the_ngrams_up_to_the_longest() {
    // a, b, c, ab, bc, abc.
    assert_eq!(read(&config(3), None, "aa bb cc").len(), 6);
    assert_eq!(read(&config(1), None, "aa bb cc").len(), 3);
    assert_eq!(read(&config(4), None, "aa bb").len(), 3);
}

#[test]
fn repeated_terms_are_counted() {
    let counts = read(&config(1), None, "so so so good");
    assert_eq!(counts.len(), 2);
    assert_eq!(counts.values().sum::<u32>(), 4);
}

#[test]
fn word_order_makes_other_bigrams_and_the_same_words() {
    let forth = read(&config(2), None, "not good");
    let back = read(&config(2), None, "good not");
    assert_eq!(forth.keys().filter(|slot| back.contains_key(slot)).count(), 2);
}

#[test]
fn title_and_text_have_terms_of_their_own() {
    let in_title = read(&config(1), Some("great"), "");
    let in_text = read(&config(1), None, "great");
    assert!(in_title.keys().all(|slot| !in_text.contains_key(slot)));
    assert_eq!(read(&config(1), Some("great"), "great").len(), 2);
}

#[test]
fn a_document_with_many_terms_counts_each_as_a_map_does_and_the_next_one_starts_afresh() {
    let words: Vec<String> = (0..30_000).map(|i| format!("w{}", i % 20_000)).collect();
    let text = words.join(" ");
    let config = config(1);
    let mut expected: HashMap<u32, u32> = HashMap::new();
    let document = Document { title: None, text: &text, features: &[] };
    for_each_term(&config, &document, &mut Words::new(), |key, _| {
        *expected.entry((key >> config.vectorizer.shift()) as u32).or_default() += 1;
    });
    let mut terms = Terms::new();
    for _ in 0..2 {
        let found = terms.read(&config, &document);
        assert_eq!(found.len(), expected.len());
        assert!(found.iter().all(|term| expected[&term.of] == term.count));
    }
    assert_eq!(terms.read(&config, &Document { title: None, text: "one two", features: &[] }).len(), 2);
}

#[test]
fn what_a_giant_document_took_is_given_back_with_the_next_one() {
    let giant = (0..300_000).map(|i| format!("w{i}")).collect::<Vec<_>>().join(" ");
    let mut terms = Terms::new();
    let read = |terms: &mut Terms, text| terms.read(&config(1), &Document { title: None, text, features: &[] }).len();
    read(&mut terms, &giant);
    assert!(terms.slots.capacity() >= 300_000 && terms.found.capacity() > 64 * Terms::INITIAL_CAPACITY);
    assert_eq!(read(&mut terms, "one two"), 2);
    let held = [terms.slots.capacity(), terms.found.capacity(), terms.index.entries.len()];
    assert_eq!(held, [Terms::INITIAL_CAPACITY, Terms::INITIAL_CAPACITY, FoundIndex::INITIAL_ENTRIES]);
}

#[test]
fn the_slots_of_format_version_1_never_change() {
    // Whatever changes these numbers makes every stored model score nonsense: raise the format version with it.
    let document = Document { title: None, text: "not a good product 😀", features: &[] };
    let mut slots = Vec::new();
    for_each_term(&config(2), &document, &mut Words::new(), |key, _| slots.push((key >> 42) as u32));
    assert_eq!(slots, GOLDEN_SLOTS);
}

const GOLDEN_SLOTS: [u32; 9] = [3482823, 2591955, 1309580, 125496, 1279092, 682262, 2267846, 3063055, 3409317];

/// A title and a text with every kind of term.
fn with_all_kinds() -> ModelConfig {
    let mut config = config(2);
    config.cleaning.mark_negated = true;
    config.vectorizer.skip_bigrams = true;
    config.vectorizer.char_ngrams_min = 3;
    config.vectorizer.char_ngrams_max = 4;
    config.vectorizer.first_words = 2;
    config.vectorizer.last_words = 1;
    config
}

#[test]
fn the_keys_of_format_version_3_never_change() {
    let document = Document { title: Some("Ça va"), text: "not good, really", features: &[] };
    let mut keys = Vec::new();
    for_each_term(&with_all_kinds(), &document, &mut Words::new(), |key, _| keys.push(key));
    let all = keys.iter().fold(0, |all, key| mix(all ^ key));
    assert_eq!((keys.len(), keys[0], keys[keys.len() - 1], all), GOLDEN_KEYS);
}

/// Computed apart from this code, by the words of docs/MODEL.md.
const GOLDEN_KEYS: (usize, u64, u64, u64) = (42, 13076589592107070909, 17350441178505940310, 7323972627552174539);

#[test]
fn each_kind_of_term_stands_apart() {
    let keys = |config: &ModelConfig| {
        let document = Document { title: Some("good really"), text: "good really good", features: &[] };
        let mut keys = Vec::new();
        for_each_term(config, &document, &mut Words::new(), |key, _| keys.push(key));
        keys.sort_unstable();
        keys.dedup();
        keys.len()
    };
    let plain = config(2);
    // good, really, good really in the title; good, really, good really, really good in the text.
    assert_eq!(keys(&plain), 7);
    let with = |change: fn(&mut VectorizerConfig)| {
        let mut config = plain.clone();
        change(&mut config.vectorizer);
        keys(&config)
    };
    assert_eq!(with(|vectorizer| vectorizer.skip_bigrams = true), 7 + 1);
    assert_eq!(with(|vectorizer| vectorizer.first_words = 2), 7 + 3);
    assert_eq!(with(|vectorizer| vectorizer.last_words = 9), 7 + 4);
    assert_eq!(with(|vectorizer| (vectorizer.first_words, vectorizer.last_words) = (1, 1)), 7 + 2);
    // <good>: 4 of three characters; <really>: 6.
    let characters = |vectorizer: &mut VectorizerConfig| vectorizer.char_ngrams_max = 3;
    assert_eq!(with(characters), 7 + 2 * (4 + 6));
}

#[test]
fn slots_are_the_upper_bits_of_keys() {
    let document = Document { title: Some("Ça va"), text: "not good, really not good", features: &[] };
    let mut terms = Terms::new();
    let config = with_all_kinds();
    let keys: Vec<(u32, u32)> = terms
        .read_keys(&config, &document)
        .iter()
        .map(|&(key, count)| ((key >> config.vectorizer.shift()) as u32, count))
        .collect();
    let slots: Vec<(u32, u32)> = terms.read(&config, &document).iter().map(|term| (term.of, term.count)).collect();
    assert_eq!(keys, slots);
}

#[test]
fn hashing_at_once_gives_the_keys_that_are_emitted_one_by_one() {
    let words = ["not", "a", "good", "product", "at", "all"];
    for ngrams in 1..=VectorizerConfig::MAX_NGRAMS {
        for length in 0..=words.len() {
            let (config, text) = (config(ngrams), words[..length].join(" "));
            let document = Document { title: Some("very good"), text: &text, features: &[] };
            let (mut one_by_one, mut at_once) = (Vec::new(), Vec::new());
            for_each_term(&config, &document, &mut Words::new(), |key, _| one_by_one.push(key));
            hash_terms(&config, &document, &mut Words::new(), &mut at_once);
            assert_eq!(at_once, one_by_one, "{ngrams} {text}");
        }
    }
}
