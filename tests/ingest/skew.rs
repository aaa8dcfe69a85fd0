//! What serving saw is what training gets: reviews go through score and ingest, day by day, and are joined with their own past
//! afterwards. Each prediction's recorded features equal the joined ones to the last bit, save where ingest lagged behind; of
//! those the test knows which they are and what they had to be.

use crate::harness::{PATIENCE, World, report};
use feature_store::offline::{ReadOptions, ReviewFiles};
use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};
use schemas::{Prediction, Rating, Review, ReviewId, Timestamp, Topics};
use service::kafka::admin::{TopicSpec, create_topics};
use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

const PARTITIONS: i32 = 3;
const DAY_MILLIS: i64 = 86_400_000;
/// 2024-05-01.
const FIRST_DAY: i64 = 1_714_521_600_000;
const NAMES: [&str; 4] =
    ["product_stats.rating_count", "product_stats.rating_mean", "user_stats.rating_count", "user_stats.rating_mean"];

/// The values of [`NAMES`]; none where nothing is known.
type Values = [Option<f64>; 4];

/// Reviews of eight days, several a day of each product; a tenth has no rating, a tenth no user, and a tenth a blank one.
fn generated() -> Vec<Vec<Review>> {
    let mut state = 7_u64;
    let mut below = |bound: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % bound
    };
    let mut review = |day: i64, i: i64| Review {
        review_id: ReviewId(format!("{day}-{i}")),
        product_id: Some(format!("product-{}", below(40))),
        user_id: match below(10) {
            0 => None,
            1 => Some(" ".to_owned()),
            _ => Some(format!("user-{}", below(150))),
        },
        title: None,
        text: if below(2) == 0 { "a good product" } else { "a bad product" }.to_owned(),
        rating: (below(10) > 0).then(|| Rating::new(1.0 + below(9) as f64 / 2.0).unwrap()),
        // Some at the very same moment, others within the day.
        created_at: Timestamp::from_epoch_millis(FIRST_DAY + day * DAY_MILLIS + below(4) as i64 * 6 * 3_600_000)
            .unwrap(),
    };
    (0..8).map(|day| (0..150).map(|i| review(day, i)).collect()).collect()
}

/// Number and sum of the ratings that ingest has applied, by entity.
#[derive(Default)]
struct Applied(HashMap<(&'static str, String), (f64, f64)>);

impl Applied {
    fn add(&mut self, review: &Review) {
        let Some(rating) = review.rating else { return };
        for entity in entities(review).into_iter().flatten() {
            let (count, sum) = self.0.entry(entity).or_default();
            *count += 1.0;
            *sum += rating.stars();
        }
    }

    fn values(&self, review: &Review) -> Values {
        let [product, user] = entities(review).map(|entity| self.0.get(&entity?).copied());
        let of = |stats: Option<(f64, f64)>| [stats.map(|(count, _)| count), stats.map(|(count, sum)| sum / count)];
        let ([a, b], [c, d]) = (of(product), of(user));
        [a, b, c, d]
    }
}

fn entities(review: &Review) -> [Option<(&'static str, String)>; 2] {
    // A blank id names nobody.
    let named = |id: &Option<String>| id.clone().filter(|id| !id.trim().is_empty());
    [named(&review.product_id).map(|id| ("product", id)), named(&review.user_id).map(|id| ("user", id))]
}

struct Skew {
    world: World,
}

impl Skew {
    fn new() -> Self {
        let mut world = World::new(PARTITIONS);
        let redis = std::env::var("PLAUDIT_TEST_REDIS").expect("PLAUDIT_TEST_REDIS is not set: run dev/test");
        let topics = [Topics::dead_letters_of(&world.topics.reviews), world.topics.drift.clone()];
        // Reviews of any time are kept.
        let config = BTreeMap::from([("retention.ms".to_owned(), "-1".to_owned())]);
        let spec = |name| TopicSpec { name, partitions: 1, replication: 1, config: config.clone() };
        create_topics(&world.kafka, &topics.map(spec)).unwrap();
        let project = format!("{}-{}", world.kafka.group, Timestamp::now().epoch_millis());
        world.settings.extend([
            format!("redis.url={redis}"),
            "redis.deadline_ms=5000".to_owned(),
            format!("features.project={project}"),
            format!("registry.url={}", world.folder.path().join("registry").display()),
        ]);
        let skew = Self { world };
        skew.train();
        skew
    }

    fn path(&self, name: &str) -> PathBuf {
        self.world.folder.path().join(name)
    }

    fn train(&self) {
        let path = self.path("train.jsonl");
        let mut file = std::fs::File::create(&path).unwrap();
        for i in 0..200 {
            let (word, label) = if i % 2 == 0 { ("good", 1) } else { ("bad", 0) };
            writeln!(file, r#"{{"text": "a {word} product, number {i}", "label": {label}}}"#).unwrap();
        }
        self.run("train", &["--input", path.to_str().unwrap(), "--promote"]);
    }

    fn run(&self, verb: &str, arguments: &[&str]) -> serde_json::Value {
        report(&self.world.plaudit(verb).args(arguments).arg("--json").output().unwrap())
    }

    fn produce(&self, reviews: &[Review]) {
        for partition in 0..PARTITIONS {
            let of_partition = reviews.iter().skip(partition as usize).step_by(PARTITIONS as usize);
            let values = of_partition.map(|review| serde_json::to_vec(review).unwrap());
            self.world.produce(&self.world.topics.reviews, partition, values);
        }
    }

    /// What each prediction says that it was made with.
    fn recorded(&self) -> HashMap<String, Values> {
        let topic = &self.world.topics.predictions;
        let mut settings = self.world.kafka.consumer("skew");
        settings.set("enable.partition.eof", "true");
        let consumer: BaseConsumer = settings.create().unwrap();
        let mut partitions = TopicPartitionList::new();
        for partition in 0..PARTITIONS {
            partitions.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
        }
        consumer.assign(&partitions).unwrap();
        let (mut ended, mut recorded, began) = (0, HashMap::new(), Instant::now());
        while ended < PARTITIONS {
            assert!(began.elapsed() < PATIENCE, "the predictions do not come to an end");
            match consumer.poll(PATIENCE) {
                None => {}
                Some(Err(KafkaError::PartitionEOF(_))) => ended += 1,
                Some(message) => {
                    let prediction = Prediction::decode(message.unwrap().payload().unwrap()).unwrap();
                    let values = NAMES.map(|name| prediction.features.get(name).copied());
                    assert_eq!(recorded.insert(prediction.review_id.0, values), None);
                }
            }
        }
        recorded
    }

    /// What the join in the offline store gives each review.
    fn joined(&self) -> HashMap<String, Values> {
        let (store, joined) = (self.world.offline().join("reviews"), self.path("joined.parquet"));
        let mut join = self.world.plaudit("features");
        join.args(["join", "--input", store.to_str().unwrap(), "--output", joined.to_str().unwrap(), "--json"]);
        report(&join.output().unwrap());
        let options = ReadOptions { features: NAMES.map(str::to_owned).to_vec(), ..ReadOptions::default() };
        let mut files = ReviewFiles::open(&[joined], &options).unwrap();
        let mut rows = HashMap::new();
        while let Some(batch) = files.next_batch().unwrap() {
            for row in batch {
                let values: Values = std::array::from_fn(|i| Some(row.features[i]).filter(|value| !value.is_nan()));
                assert_eq!(rows.insert(row.review_id.unwrap(), values), None);
            }
        }
        rows
    }
}

/// Scores each part before it is ingested, and the last one before the one before it is; answers how many predictions of each
/// part saw less than the join because of that.
fn assert_no_skew(parts: &[Vec<Review>]) -> Vec<usize> {
    let skew = Skew::new();
    let mut applied = Applied::default();
    let mut expected: HashMap<String, Values> = HashMap::new();
    for (number, part) in parts.iter().enumerate() {
        skew.produce(part);
        skew.run("score", &["--until-end"]);
        for review in part {
            expected.insert(review.review_id.0.clone(), applied.values(review));
        }
        // Ingest lags behind by one part once.
        if number + 2 != parts.len() {
            skew.run("ingest", &["--until-end"]);
            parts[first_unseen(number, parts)..=number].iter().flatten().for_each(|review| applied.add(review));
        }
    }
    let (recorded, joined) = (skew.recorded(), skew.joined());
    let reviews: usize = parts.iter().map(Vec::len).sum();
    assert_eq!((recorded.len(), joined.len()), (reviews, reviews));
    assert!(recorded.values().any(|values| values.iter().all(Option::is_some)), "no review had all features");

    let mut ratings: HashMap<(&str, String), Vec<(usize, Timestamp)>> = HashMap::new();
    for (number, review) in parts.iter().enumerate().flat_map(|(i, part)| part.iter().map(move |review| (i, review))) {
        for entity in entities(review).into_iter().flatten().filter(|_| review.rating.is_some()) {
            ratings.entry(entity).or_default().push((number, review.created_at));
        }
    }
    let lagged = |number: usize, review: &&Review| {
        let id = &review.review_id.0;
        assert_eq!(recorded[id], expected[id], "what was recorded of {id} is not what ingest had applied");
        let differs = recorded[id] != joined[id];
        // Whatever differs has a rating of its product or user between the last ingest and itself, and nothing else does.
        let unseen = first_unseen(number, parts)..=number;
        let of_entity = entities(review).into_iter().flatten().filter_map(|entity| ratings.get(&entity)).flatten();
        let has_cause = of_entity.filter(|(part, _)| unseen.contains(part)).any(|(_, time)| *time < review.created_at);
        assert_eq!(differs, has_cause, "{id}: recorded {:?}, joined {:?}", recorded[id], joined[id]);
        differs
    };
    parts.iter().enumerate().map(|(i, part)| part.iter().filter(|review| lagged(i, review)).count()).collect()
}

/// The first part that ingest had not applied when this one was scored.
fn first_unseen(number: usize, parts: &[Vec<Review>]) -> usize {
    if number + 1 == parts.len() { number - 1 } else { number }
}

#[test]
fn what_serving_saw_is_what_the_join_gives_but_for_the_lag_of_ingest() {
    let days = generated();
    let lagged = assert_no_skew(&days);
    // Within a day, ratings of its morning are not ingested when its evening is scored.
    let (_, in_step) = lagged.split_last().unwrap();
    assert!(in_step.iter().zip(&days).all(|(&lagged, day)| 0 < lagged && lagged < day.len()), "{lagged:?}");
}

#[cfg(feature = "real-reviews")]
#[test]
fn what_serving_saw_of_a_week_of_real_reviews_is_what_the_join_gives() {
    let folder = std::env::var("PLAUDIT_TEST_DATA").expect("PLAUDIT_TEST_DATA names a folder of real reviews");
    let columns =
        [("created_at", "timestamp_ms"), ("rating", "stars")].map(|(field, column)| format!("{field}={column}"));
    let options =
        ReadOptions { columns: columns.iter().map(|pair| pair.parse().unwrap()).collect(), ..ReadOptions::default() };
    let mut files = ReviewFiles::open(&[PathBuf::from(folder).join("amazon_stream.parquet")], &options).unwrap();
    let mut by_day: BTreeMap<i64, Vec<Review>> = BTreeMap::new();
    while let Some(batch) = files.next_batch().unwrap() {
        for row in batch {
            let review = Review {
                review_id: ReviewId(row.review_id.unwrap()),
                product_id: row.product_id,
                user_id: row.user_id,
                title: row.title,
                text: row.text.unwrap_or_default(),
                rating: row.rating,
                created_at: row.created_at.unwrap(),
            };
            if review.check().is_ok() {
                by_day.entry(review.created_at.epoch_millis()).or_default().push(review);
            }
        }
    }
    // The seven days in a row that have most, and what came before them.
    let days: Vec<Vec<Review>> = by_day.into_values().collect();
    let start = (0..days.len() - 7).max_by_key(|&i| days[i..i + 7].iter().map(Vec::len).sum::<usize>()).unwrap();
    let (past, rest) = days.split_at(start);
    let past: Vec<Review> = past.iter().flatten().rev().take(20_000).cloned().collect();
    let parts: Vec<Vec<Review>> = std::iter::once(past).chain(rest[..7].iter().cloned()).collect();
    let lagged = assert_no_skew(&parts);
    // Reviews have days and no hours there: in the week, only the day that was scored before the one before it was ingested
    // can differ.
    assert_eq!(lagged[1..7], [0; 6]);
}
