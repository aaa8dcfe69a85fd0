//! Features of products and users in the score, with a real Redis, whose address is in `PLAUDIT_TEST_REDIS`.

use crate::harness::{Record, Running, World, wait_for};
use crate::http;
use feature_store::online::{OnlineStore, RedisConfig, ReviewEntities, Update};
use feature_store::views::FeaturesConfig;
use schemas::{FeaturesStatus, Prediction, Rating, Source, Timestamp};
use serde_json::{Value, json};
use std::fmt::Write;
use std::net::TcpListener;
use std::process::{Command, Stdio};

/// What the model takes: a mean, a count, and one that no view has.
const FEATURES: &str = r#"["product_stats.rating_mean", {name = "user_stats.rating_count", transform = "log1p"}]"#;

/// The features that the model is trained with tell the class; so do its words.
fn train(world: &World, features: &str) {
    let mut csv = "text,label,product_stats.rating_mean,user_stats.rating_count,others.rating_mean\n".to_owned();
    for i in 0..200 {
        let (word, mean) = if i % 2 == 0 { ("good", "4.5") } else { ("bad", "2.5") };
        let mean = if i % 5 == 0 { "" } else { mean };
        writeln!(csv, "a {word} product number {},{},{mean},{},1.5", i / 2, (i + 1) % 2, i % 7).unwrap();
    }
    let path = world.path("joined.csv");
    std::fs::write(&path, csv).unwrap();
    let mut train = world.plaudit("train");
    train.args(["--input", &path, "--json", "--set", &format!("model.features={features}")]);
    train.args(["--promote", "--force", "--reason", "other features"]);
    let output = train.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// What a product and a user have got, in a project that no other test has.
struct Store {
    url: String,
    project: String,
}

impl Store {
    fn with_ratings(world: &World, ratings: &[(&str, &str, f64)]) -> Self {
        let url = std::env::var("PLAUDIT_TEST_REDIS").expect("PLAUDIT_TEST_REDIS is not set: run dev/test");
        let project = world.kafka.group.clone() + &Timestamp::now().epoch_millis().to_string();
        let features = FeaturesConfig { project: project.clone(), ..FeaturesConfig::default() };
        let config = RedisConfig { url: url.clone(), deadline_ms: 10_000, ..RedisConfig::default() };
        let applied = async {
            let store = OnlineStore::connect(&config, &features.parse().unwrap()).await.unwrap();
            for (offset, (product, user, stars)) in (0..).zip(ratings) {
                let record = Source { topic: "ratings".to_owned(), partition: 0, offset };
                let entities = ReviewEntities { product_id: Some(product), user_id: Some(user) };
                let rating = Rating::new(*stars).unwrap();
                let updates: Vec<_> = Update::of_rating(entities, rating, Timestamp::now(), &record).collect();
                store.apply(&updates).await.unwrap();
            }
        };
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(applied);
        Self { url, project }
    }

    fn reads_from(&self, command: &mut Command) {
        let Self { url, project } = self;
        for setting in [&format!("redis.url={url}"), &format!("features.project={project}"), "redis.deadline_ms=10000"]
        {
            command.args(["--set", setting]);
        }
    }
}

/// A review's JSON, with its product and user.
fn review_of(id: usize, product: Option<&str>, user: Option<&str>) -> Value {
    let text = if id.is_multiple_of(3) { "a good product" } else { "a bad product" };
    json!({"review_id": format!("r-{id}"), "text": text, "product_id": product, "user_id": user,
           "created_at": "2024-05-01T10:00:00Z"})
}

fn score(world: &World, reviews: &[Value], settings: impl Fn(&mut Command)) -> Vec<Prediction> {
    let bodies: Vec<(&str, Vec<u8>)> = reviews
        .iter()
        .map(|review| (review["review_id"].as_str().unwrap(), serde_json::to_vec(review).unwrap()))
        .collect();
    world.produce(bodies.iter().map(|(id, body)| Record { key: Some(id), payload: Some(body), ..Record::default() }));
    let mut command = world.plaudit("score");
    settings(&mut command);
    let output = command.args(["--until-end", "--json"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut predictions = world.predictions();
    let place = |prediction: &Prediction| prediction.review_id.0[2..].parse::<usize>().unwrap();
    predictions.sort_by_key(place);
    predictions
}

#[test]
fn stream_gateway_and_predict_weigh_the_values_of_the_record_to_the_last_bit() {
    let world = World::new(2);
    train(&world, FEATURES);
    let store = Store::with_ratings(&world, &[("p", "u", 5.0), ("p", "v", 3.5), ("q", "u", 1.0)]);
    let of =
        [(None, None), (Some("p"), Some("u")), (Some("q"), None), (Some("p"), Some("nobody")), (Some("none"), None)];
    let reviews: Vec<Value> = (0..50).map(|i| review_of(i, of[i % 5].0, of[i % 5].1)).collect();
    let predictions = score(&world, &reviews, |command| store.reads_from(command));
    assert_eq!(predictions.len(), 50);
    let used = |place: usize, name: &str| predictions[place].features.get(name).copied();
    assert_eq!((used(1, "product_stats.rating_mean"), used(1, "user_stats.rating_count")), (Some(4.25), Some(2.0)));
    assert_eq!((used(2, "product_stats.rating_mean"), used(2, "user_stats.rating_count")), (Some(1.0), None));
    assert_eq!(predictions[3].features_status, FeaturesStatus::Missing);
    // The same text by the good product and by the bad one.
    assert_eq!(reviews[1]["text"], reviews[2]["text"]);
    let [good, bad] = [predictions[1].probability, predictions[2].probability];
    assert!(good > 100.0 * bad, "{good} by the good product, {bad} by the bad one");

    let mut command = world.plaudit("serve");
    store.reads_from(&mut command);
    let (_gateway, address) =
        Running::start_and_wait_for(command.args(["--listen", "127.0.0.1:0"]), "listening on http://");
    let address: String = address.chars().take_while(|c| c.is_ascii_digit() || matches!(c, '.' | ':')).collect();
    let answers = http::post(&address, "/predict/batch", &json!({"reviews": reviews}));
    for (prediction, answer) in predictions.iter().zip(answers["predictions"].as_array().unwrap()) {
        assert_eq!(
            answer["probability"].as_f64().unwrap().to_bits(),
            prediction.probability.to_bits(),
            "{prediction:?}"
        );
        assert_eq!(answer.get("features").cloned().unwrap_or(json!({})), json!(prediction.features));
    }
    let (status, metrics) = http::get(&address, "/metrics");
    assert_eq!(status, 200);
    // Of each five reviews, product and user are known for two and one.
    for (feature, missing) in [("product_stats.rating_mean", 20), ("user_stats.rating_count", 40)] {
        let line = format!("plaudit_features_missing_total{{feature=\"{feature}\"}} {missing}");
        assert!(metrics.lines().any(|found| found == line), "{line} is not in {metrics}");
    }

    // What stands in the record is all that a replay needs.
    for (review, prediction) in reviews.iter().zip(&predictions).take(5) {
        let mut predict = world.plaudit("predict");
        for name in ["product_stats.rating_mean", "user_stats.rating_count"] {
            if let Some(value) = prediction.features.get(name) {
                predict.args(["--feature", &format!("{name}={value}")]);
            }
        }
        let output = predict.args([review["text"].as_str().unwrap(), "--json"]).output().unwrap();
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        let probability = answer[0]["probability"].as_f64().unwrap();
        assert_eq!(probability.to_bits(), prediction.probability.to_bits(), "{prediction:?}");
    }
}

#[test]
fn without_a_store_the_features_count_as_their_means_and_the_log_says_so() {
    let world = World::new(1);
    train(&world, FEATURES);
    let reviews = [review_of(0, Some("p"), Some("u")), review_of(1, None, None)];
    let predictions = score(&world, &reviews, |_| ());
    assert_eq!(predictions.len(), 2);
    assert!(predictions.iter().all(|prediction| prediction.features.is_empty()));
    assert_eq!([&predictions[0].sentiment, &predictions[1].sentiment], ["positive", "negative"]);

    let mut command = world.plaudit("score");
    let (scorer, rest) = Running::start_and_wait_for(command.stdout(Stdio::null()), "takes features that no view");
    assert!(rest.contains("product_stats.rating_mean, user_stats.rating_count"), "{rest}");
    drop(scorer);
}

/// A port that nobody listens on.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn a_store_that_is_away_at_the_start_costs_a_status_and_is_read_once_it_is_there() {
    let world = World::new(1);
    train(&world, FEATURES);
    let (port, reviews) = (free_port(), [review_of(0, Some("p"), Some("u")), review_of(1, None, None)]);
    let url = format!("redis.url=redis://127.0.0.1:{port}");
    let predictions = score(&world, &reviews, |command| {
        command.args(["--set", &url]);
    });
    let statuses: Vec<_> = predictions.iter().map(|prediction| prediction.features_status).collect();
    assert_eq!(statuses, [FeaturesStatus::Unavailable, FeaturesStatus::None]);

    let mut command = world.plaudit("serve");
    command.args(["--listen", "127.0.0.1:0", "--set", &url, "--set", "redis.deadline_ms=2000"]);
    let log = world.path("log");
    command.stderr(std::fs::File::create(&log).unwrap());
    let _gateway = Running(command.spawn().unwrap());
    let said = || std::fs::read_to_string(&log).unwrap();
    wait_for("the gateway", || said().contains("listening on http://"));
    let warnings = said().lines().filter(|line| line.contains("redis.url")).map(str::to_owned).collect::<Vec<_>>();
    assert!(matches!(&warnings[..], [one] if one.contains(&port.to_string())), "{warnings:?}");
    let address: String = said().split_once("listening on http://").unwrap().1.to_owned();
    let address: String = address.chars().take_while(|c| c.is_ascii_digit() || matches!(c, '.' | ':')).collect();
    let status = || http::post(&address, "/predict", &reviews[0])["features_status"].as_str().unwrap().to_owned();
    assert_eq!(status(), "unavailable");
    assert!(http::get(&address, "/metrics").1.lines().any(|line| line == "plaudit_features_circuit_open 1"));

    let mut redis = Command::new("redis-server");
    redis.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", ""]);
    let _redis = Running::start(redis.stdin(Stdio::null()).stdout(Stdio::null()));
    wait_for("the features", || status() == "missing");
    assert!(http::get(&address, "/metrics").1.lines().any(|line| line == "plaudit_features_circuit_open 0"));
}

#[test]
fn a_store_that_refuses_what_is_configured_ends_the_start() {
    let world = World::new(1);
    let url = std::env::var("PLAUDIT_TEST_REDIS").expect("PLAUDIT_TEST_REDIS is not set: run dev/test");
    let wrong = url.replace("redis://", "redis://nobody:wrong@");
    for verb in ["score", "serve"] {
        let mut command = world.plaudit(verb);
        command.args(["--set", &format!("redis.url={wrong}"), "--set", "gateway.listen=127.0.0.1:0"]);
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("correct redis.url") && !said.contains("wrong@"), "{said}");
    }
}

#[test]
fn a_feature_that_no_view_has_is_named_when_its_model_comes_into_service() {
    let world = World::new(1);
    let store = Store::with_ratings(&world, &[]);
    let mut command = world.plaudit("serve");
    store.reads_from(&mut command);
    command.args(["--listen", "127.0.0.1:0"]);
    let mut gateway = command.spawn().unwrap();
    let lines = std::io::BufRead::lines(std::io::BufReader::new(gateway.stderr.take().unwrap()));
    let gateway = Running(gateway);
    let (sender, said) = std::sync::mpsc::channel();
    std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
    let mut log = String::new();
    let mut has_said = |text: &str| {
        log.extend(said.try_iter());
        log.contains(text)
    };
    wait_for("the gateway", || has_said("listening on http://"));
    assert!(!has_said("takes features that no view"));
    train(&world, r#"["product_stats.rating_mean", "others.rating_mean"]"#);
    wait_for("the warning", || has_said("takes features that no view of an online store gives"));
    assert!(has_said("missing: others.rating_mean (see"), "what the views have is not named");
    drop(gateway);
}
