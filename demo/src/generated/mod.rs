//! Reviews that nobody wrote: a seeded grammar of English product reviews, for whoever wants to see the system work before
//! bringing data. Products differ in quality and users in leniency, so that features mean something; texts praise and
//! complain at once, negate, digress, mistype and sometimes carry stars that contradict them, so that accuracy means
//! something. Review number `i` of a seed is always the same review.

mod grammar;
mod noise;
mod phrases;
mod random;

use grammar::{Mood, Writer};
use noise::Habits;
use random::Random;
use schemas::{Rating, Review, ReviewId, Timestamp};

const PRODUCTS: usize = 400;
const USERS: usize = 6_000;
/// 2025-01-01T00:00:00Z.
const FIRST_MILLIS: i64 = 1_735_689_600_000;
/// Ten minutes between one review and the next: 40,000 of them fill nine months.
const STEP_MILLIS: i64 = 600_000;

/// The endless sequence of generated reviews, in order of time.
#[derive(Debug, Clone)]
pub struct GeneratedReviews {
    seed: u64,
    next: u64,
}

impl GeneratedReviews {
    /// The reviews of `seed`, from number `first` on.
    pub fn new(seed: u64, first: u64) -> Self {
        Self { seed, next: first }
    }
}

impl Iterator for GeneratedReviews {
    type Item = Review;

    fn next(&mut self) -> Option<Review> {
        let review = review(self.seed, self.next);
        self.next += 1;
        Some(review)
    }
}

/// Review number `index` of `seed`.
fn review(seed: u64, index: u64) -> Review {
    let mut random = Random::at(seed, index);
    // The square makes some products and users far more common than others.
    let product = Product::of(seed, (random.unit().powi(2) * PRODUCTS as f64) as usize);
    let user = User::of(seed, (random.unit().powi(2) * USERS as f64) as usize);
    let satisfaction = 3.45 + product.quality + user.leniency + 0.9 * random.normal();
    let stars = match satisfaction.round().clamp(1.0, 5.0) {
        // Some take one star for the best mark.
        stars if random.chance(0.02) => 6.0 - stars,
        stars => stars,
    };

    let sentences = 2 + random.below(user.sentences);
    let mut writer =
        Writer { kind: product.kind, noun: product.noun, mood: Mood::of(satisfaction), random: &mut random };
    let title = writer.title();
    let body = writer.sentences(sentences);
    let text = noise::written(&body, user.habits, satisfaction >= 3.0, &mut random);
    let jitter = random.below(STEP_MILLIS as usize) as i64;

    Review {
        review_id: ReviewId(format!("generated-{seed}-{index}")),
        product_id: Some(product.id),
        // Some buy as guests.
        user_id: (!random.chance(0.03)).then_some(user.id),
        title: (!random.chance(0.2)).then_some(title),
        text,
        rating: Rating::new(stars),
        created_at: Timestamp::from_epoch_millis(FIRST_MILLIS.saturating_add(index as i64 * STEP_MILLIS + jitter))
            .expect("a demo ends before the year 9999"),
    }
}

struct Product {
    id: String,
    kind: &'static phrases::Kind,
    noun: &'static str,
    /// Stars above or below the average of all products.
    quality: f64,
}

impl Product {
    fn of(seed: u64, number: usize) -> Self {
        let mut random = Random::at(seed ^ 0x0070_726f_6475_6374, number as u64);
        let kind = &phrases::KINDS[random.below(phrases::KINDS.len())];
        Self { id: format!("product-{number}"), kind, noun: random.pick(kind.nouns), quality: 0.8 * random.normal() }
    }
}

struct User {
    id: String,
    /// Stars that this user gives above or below what others give.
    leniency: f64,
    /// The most sentences of a review.
    sentences: usize,
    habits: Habits,
}

impl User {
    fn of(seed: u64, number: usize) -> Self {
        let mut random = Random::at(seed ^ 0x7573_6572, number as u64);
        let is_careless = random.chance(0.3);
        Self {
            id: format!("user-{number}"),
            leniency: 0.5 * random.normal(),
            sentences: random.pick(&[3, 5, 6, 8, 12, 20]),
            habits: Habits {
                typos: if is_careless { 0.03 } else { 0.003 },
                lower_case: random.chance(0.15),
                emoji: random.pick(&[0.0, 0.0, 0.1, 0.5]),
                markup: random.chance(0.1),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::metrics::{Evaluation, Metrics};
    use model::{Corpus, Document, FitConfig, ModelConfig, Scratch};
    use schemas::Label;
    use std::collections::{BTreeMap, HashSet};

    fn labelled<'a>(reviews: &'a [Review]) -> Vec<(Document<'a>, Label)> {
        let labelled = |review: &Review| review.rating?.label();
        let document =
            |review: &'a Review| Document { title: review.title.as_deref(), text: &review.text, features: &[] };
        reviews.iter().filter_map(|review| Some((document(review), labelled(review)?))).collect()
    }

    fn accuracy_of_a_linear_model(seed: u64) -> Metrics {
        let reviews: Vec<Review> = GeneratedReviews::new(seed, 0).take(14_000).collect();
        let (first, second) = reviews.split_at(10_000);
        let fit = FitConfig::default();
        let mut corpus = Corpus::new(ModelConfig::default(), fit.memory_limit_bytes).unwrap();
        corpus.push_batch(&labelled(first)).unwrap();
        let (model, _) = corpus.fit(&fit, &mut |_| {}).unwrap();
        let mut evaluation = Evaluation::new();
        let mut scratch = Scratch::new();
        for (document, label) in labelled(second) {
            evaluation.push(model.probability(&document, &mut scratch), label);
        }
        evaluation.metrics().unwrap()
    }

    #[test]
    fn a_linear_model_is_mostly_right_and_never_always() {
        let metrics = accuracy_of_a_linear_model(42);
        assert!((0.88..0.95).contains(&metrics.accuracy), "{metrics:?}");
        assert!(metrics.macro_f1 > 0.80, "{metrics:?}");
    }

    #[test]
    fn a_seed_gives_the_same_reviews_from_any_number_on() {
        let all: Vec<Review> = GeneratedReviews::new(7, 0).take(50).collect();
        let later: Vec<Review> = GeneratedReviews::new(7, 20).take(30).collect();
        assert_eq!(all[20..], later);
        assert_ne!(GeneratedReviews::new(8, 0).next().unwrap().text, all[0].text);
    }

    #[test]
    fn reviews_are_sound_and_in_order_of_time() {
        let reviews: Vec<Review> = GeneratedReviews::new(1, 0).take(2_000).collect();
        assert!(reviews.iter().all(|review| review.check().is_ok()));
        assert!(reviews.is_sorted_by_key(|review| review.created_at));
        let texts: HashSet<&str> = reviews.iter().map(|review| review.text.as_str()).collect();
        assert!(texts.len() > 1_990, "{} different texts", texts.len());
    }

    #[test]
    fn products_differ_in_what_they_are_rated() {
        let mut ratings: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for review in GeneratedReviews::new(3, 0).take(20_000) {
            ratings.entry(review.product_id.unwrap()).or_default().push(review.rating.unwrap().stars());
        }
        let mean = |stars: &Vec<f64>| stars.iter().sum::<f64>() / stars.len() as f64;
        let means: Vec<f64> = ratings.values().filter(|stars| stars.len() >= 30).map(mean).collect();
        let (worst, best) =
            means.iter().fold((5.0_f64, 1.0_f64), |(low, high), mean| (low.min(*mean), high.max(*mean)));
        assert!(means.len() > 100 && worst < 2.5 && best > 4.3, "{} products, {worst} to {best}", means.len());
    }

    #[test]
    fn cleaning_has_work_to_do() {
        let texts: Vec<String> = GeneratedReviews::new(5, 0).take(2_000).map(|review| review.text).collect();
        for trace in ["<br />", "&amp;", "http", "@", "👍", "NOT"] {
            assert!(texts.iter().any(|text| text.contains(trace)), "no text holds {trace}");
        }
    }
}
