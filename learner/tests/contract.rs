//! What every rule of learning promises, on hashed and on exact terms, from nothing and from a batch model.

#![expect(clippy::unwrap_used, reason = "in a test every failure is the test's")]

use learner::{Algorithm, CheckpointError, Example, LearnConfig, Learner, Refusal};
use model::{
    Corpus, Document, FeatureConfig, FitConfig, Model, ModelConfig, Scratch, TermIndex, Transform, VectorizerConfig,
};
use schemas::{Label, Origin, Timestamp};

/// Distance of probabilities that the rounding of a bias to f32 may make.
const ROUNDING: f64 = 1e-6;

const ALGORITHMS: [Algorithm; 3] = [Algorithm::Ftrl, Algorithm::Adagrad, Algorithm::Sgd];
const INDICES: [TermIndex; 2] = [TermIndex::Hashed, TermIndex::Exact];

/// A labelled review that is made up.
struct Review {
    title: Option<String>,
    text: String,
    features: [f64; 2],
    label: Label,
    user: String,
    product: String,
    millis: i64,
}

/// Numbers that look like chance, the same ones each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// Reviews whose words and first feature tell their label most of the time; words get more as time goes on.
fn reviews(seed: u64, count: u64) -> Vec<Review> {
    let mut chance = Chance(seed);
    (0..count)
        .map(|i| {
            let is_positive = chance.below(10) < 7;
            let word = |chance: &mut Chance| match chance.below(5) {
                0 => format!("{}{}", if is_positive { "good" } else { "bad" }, chance.below(5)),
                1 => format!("rare{}", chance.below(50 + i)),
                _ => format!("word{}", chance.below(40)),
            };
            let words: Vec<String> = (0..3 + chance.below(12)).map(|_| word(&mut chance)).collect();
            let mean = if is_positive { 4.0 } else { 2.0 } + chance.below(100) as f64 / 50.0;
            Review {
                title: (chance.below(3) > 0).then(|| word(&mut chance)),
                text: words.join(" "),
                features: [mean, if chance.below(4) == 0 { f64::NAN } else { chance.below(1000) as f64 }],
                label: if is_positive { Label::Positive } else { Label::Negative },
                user: format!("u{}", chance.below(20)),
                product: format!("p{}", chance.below(5)),
                millis: i as i64 * 3_600_000,
            }
        })
        .collect()
}

fn model_config(terms: TermIndex) -> ModelConfig {
    let feature = |name: &str, transform| FeatureConfig { name: name.to_owned(), transform };
    ModelConfig {
        vectorizer: VectorizerConfig { terms, hash_bits: 12, ngrams: 2, ..VectorizerConfig::default() },
        features: vec![feature("a.mean", Transform::None), feature("a.count", Transform::Log1p)],
        ..ModelConfig::default()
    }
}

/// Small enough for terms to be forgotten and evidence to decay in a test.
fn config(algorithm: Algorithm) -> LearnConfig {
    let mut config = LearnConfig { algorithm, max_terms: 2000, half_life_labels: 50, ..LearnConfig::default() };
    if algorithm == Algorithm::Sgd {
        config.l2 = 0.001;
    }
    config
}

fn batch_model(terms: TermIndex) -> Model {
    let mut corpus = Corpus::new(model_config(terms), 1 << 30).unwrap();
    for review in &reviews(7, 300) {
        corpus.push_batch(&[(document(review), review.label)]).unwrap();
    }
    corpus.fit(&FitConfig::default(), &mut |_| {}).unwrap().0
}

/// Every way to begin.
fn learners() -> Vec<Learner> {
    let mut learners = Vec::new();
    for algorithm in ALGORITHMS {
        for terms in INDICES {
            learners.push(Learner::new(config(algorithm), model_config(terms)).unwrap());
            learners.push(Learner::from_model(config(algorithm), &batch_model(terms)).unwrap());
        }
    }
    learners
}

fn document(review: &Review) -> Document<'_> {
    Document { title: review.title.as_deref(), text: &review.text, features: &review.features }
}

fn example(review: &Review) -> Example<'_> {
    Example {
        document: document(review),
        label: review.label,
        origin: Origin::Rating,
        user_id: Some(&review.user),
        product_id: Some(&review.product),
        time: Timestamp::from_epoch_millis(review.millis).unwrap(),
    }
}

fn learn(learner: &mut Learner, reviews: &[Review]) -> Vec<f64> {
    let mut scratch = Scratch::new();
    reviews.iter().map(|review| learner.learn(&example(review), &mut scratch).probability).collect()
}

#[test]
fn every_rule_learns() {
    for mut learner in learners() {
        let reviews = reviews(1, 600);
        let probabilities = learn(&mut learner, &reviews);
        let right = |(probability, review): (&f64, &Review)| Label::from_probability(*probability) == review.label;
        let late = probabilities.iter().zip(&reviews).skip(300).filter(|&(p, review)| right((p, review))).count();
        assert!(late >= 285, "{late} of 300 with {:?}", learner.model().vectorizer.terms);
    }
}

#[test]
fn the_same_labels_give_the_same_weights_to_the_bit() {
    let again = learners();
    for (mut one, mut other) in learners().into_iter().zip(again) {
        learn(&mut one, &reviews(2, 300));
        learn(&mut other, &reviews(2, 300));
        assert!(one.to_bytes() == other.to_bytes());
    }
}

#[test]
fn a_checkpoint_goes_on_as_if_nothing_had_been() {
    let reviews = reviews(3, 400);
    for (number, undisturbed) in learners().into_iter().enumerate() {
        let algorithm = ALGORITHMS[number / 4];
        let mut whole = undisturbed.clone();
        let probabilities = learn(&mut whole, &reviews);
        let mut chance = Chance(number as u64);
        let mut cut = undisturbed;
        let (mut done, mut seen) = (0, Vec::new());
        while done < reviews.len() {
            let next = (done + 1 + chance.below(120) as usize).min(reviews.len());
            seen.extend(learn(&mut cut, &reviews[done..next]));
            done = next;
            cut = Learner::from_bytes(config(algorithm), &cut.to_bytes()).unwrap();
        }
        assert!(seen == probabilities && cut.to_bytes() == whole.to_bytes(), "{algorithm:?}, {number}");
    }
}

#[test]
fn what_is_published_scores_as_the_learner_does_to_the_bit() {
    let mut scratch = Scratch::new();
    for mut learner in learners() {
        learn(&mut learner, &reviews(4, 300));
        let model = Model::from_bytes(&learner.to_model().unwrap().to_bytes()).unwrap();
        for review in &reviews(5, 100) {
            let ours = learner.probability(&document(review), &mut scratch);
            assert_eq!(ours.to_bits(), model.probability(&document(review), &mut scratch).to_bits());
            let lesson = learner.clone().learn(&example(review), &mut scratch);
            assert_eq!(lesson.probability.to_bits(), ours.to_bits());
        }
    }
}

#[test]
fn a_batch_model_is_where_it_goes_on_from() {
    let mut scratch = Scratch::new();
    for terms in INDICES {
        let keep_rates = model::KeepRates { negative: 1.0, positive: 0.25 };
        let model = batch_model(terms).with_keep_rates(keep_rates).unwrap();
        let learner = Learner::from_model(config(Algorithm::Ftrl), &model).unwrap();
        for review in &reviews(6, 50) {
            let (ours, batch) = (
                learner.probability(&document(review), &mut scratch),
                model.probability(&document(review), &mut scratch),
            );
            assert!((ours - batch).abs() < ROUNDING, "{ours} {batch}");
        }
    }
}

#[test]
fn nothing_that_comes_in_makes_a_weight_that_is_no_number() {
    let mut scratch = Scratch::new();
    let long = "many words make a long text ".repeat(20_000);
    let texts = ["", "\u{0}", "é\u{301}\u{200b}", &long, "x", "!!! ???"];
    let values = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN, f64::MIN_POSITIVE, -0.0, -1.0, 1e300];
    for mut learner in learners() {
        let mut chance = Chance(11);
        for round in 0..200 {
            let features = [values[chance.below(9) as usize], values[chance.below(9) as usize]];
            // The long one is slow.
            let text = texts[if round % 50 == 0 { 3 } else { chance.below(6) as usize % 3 }];
            let label = if chance.below(2) == 0 { Label::Negative } else { Label::Positive };
            let example = Example {
                document: Document { title: None, text, features: &features },
                label,
                origin: Origin::User,
                user_id: None,
                product_id: None,
                time: Timestamp::from_epoch_millis(0).unwrap(),
            };
            assert!((0.0..=1.0).contains(&learner.learn(&example, &mut scratch).probability));
        }
        // Both refuse what is no number.
        learner.to_model().unwrap();
        assert!(learner.to_bytes().len() > 100);
    }
}

#[test]
fn memory_is_bounded_whatever_words_come() {
    let mut learner = Learner::new(config(Algorithm::Ftrl), model_config(TermIndex::Exact)).unwrap();
    let mut most = 0;
    for part in reviews(8, 3000).chunks(100) {
        learn(&mut learner, part);
        most = most.max(learner.terms());
    }
    assert!((1500..=2000).contains(&most), "{most}");
}

#[test]
fn a_label_that_weighs_nothing_moves_nothing() {
    for algorithm in ALGORITHMS {
        let mut config = config(algorithm);
        config.origin_weights.user = 0.0;
        let mut learner = Learner::from_model(config, &batch_model(TermIndex::Hashed)).unwrap();
        let before = learner.to_model().unwrap();
        let reviews = reviews(9, 20);
        for review in &reviews {
            let of_user = Example { origin: Origin::User, ..example(review) };
            learner.learn(&of_user, &mut Scratch::new());
        }
        let weights = |model: &Model| model.to_parts().terms.iter().filter(|term| term.weight != 0.0).count();
        assert_eq!(weights(&learner.to_model().unwrap()), weights(&before));
        assert_eq!(learner.to_model().unwrap().to_parts().bias, before.to_parts().bias);
    }
}

#[test]
fn a_flood_of_labels_is_bounded_and_seen() {
    let mut config = config(Algorithm::Ftrl);
    config.limits.user_per_day = 3.0;
    config.limits.quarantine_after = 10;
    let mut learner = Learner::new(config, model_config(TermIndex::Hashed)).unwrap();
    learn(&mut learner, &reviews(10, 300));
    let mut scratch = Scratch::new();
    let target = Document { title: None, text: "good1 good2 word3", features: &[] };
    let before = learner.probability(&target, &mut scratch);
    let mut refusals = std::collections::BTreeMap::new();
    for _ in 0..1000 {
        let lie = Example {
            document: target,
            label: Label::Negative,
            origin: Origin::User,
            user_id: Some("flood"),
            product_id: None,
            time: Timestamp::from_epoch_millis(301 * 3_600_000).unwrap(),
        };
        *refusals.entry(learner.learn(&lie, &mut scratch).refusal).or_insert(0) += 1;
    }
    let after = learner.probability(&target, &mut scratch);
    assert!(refusals[&None] < 20 && refusals[&Some(Refusal::UserLimit)] == 9, "{refusals:?}");
    assert!(refusals[&Some(Refusal::UserQuarantine)] > 950, "{refusals:?}");
    assert!(before > 0.9 && after < before && after > 0.01, "{before} {after}");
    assert_eq!((learner.influence().user_quarantines, learner.influence().users_in_quarantine), (1, 1));
}

#[test]
fn a_damaged_or_foreign_checkpoint_is_refused() {
    let mut learner = Learner::new(config(Algorithm::Ftrl), model_config(TermIndex::Exact)).unwrap();
    learn(&mut learner, &reviews(12, 50));
    let bytes = learner.to_bytes();
    let refusal = |bytes: &[u8]| Learner::from_bytes(config(Algorithm::Ftrl), bytes).unwrap_err();
    assert_eq!(refusal(b"something else"), CheckpointError::Foreign);
    for place in (8..bytes.len()).step_by(bytes.len() / 97) {
        let mut damaged = bytes.clone();
        damaged[place] ^= 1;
        let refusal = refusal(&damaged);
        let is_told = matches!(refusal, CheckpointError::Damaged | CheckpointError::NewerFormat { .. });
        assert!(is_told, "{place}: {refusal}");
        assert!(Learner::from_bytes(config(Algorithm::Ftrl), &bytes[..place]).is_err());
    }
    let other = Learner::from_bytes(config(Algorithm::Sgd), &bytes).unwrap_err().to_string();
    assert!(other.contains("learn.algorithm = Ftrl, which is Sgd now"), "{other}");
}
