//! Files in a bucket are files like any other.

use crate::s3::Bucket;
use crate::world::{World, reviews};

#[test]
fn files_in_a_bucket_are_read_like_files_on_a_disk() {
    let bucket = Bucket::start();
    let mut world = World::new();
    world.environment = bucket.environment();
    let input = world.reviews("reviews.jsonl", 40_000);
    // Large enough for several reads of a block.
    world.json(&["sample", "--input", &input, "--ratio", "7", "--output", &world.path("all.parquet")]);
    let all = std::fs::read(world.path("all.parquet")).unwrap();
    bucket.put("/bucket/of/parquet/all.parquet", &all);
    bucket.put("/bucket/of/lines/a.jsonl", reviews(40_000).as_bytes());
    bucket.put("/bucket/of/lines/notes.txt", b"no reviews");

    let sample = |input: &str, output: &str| {
        world.json(&["sample", "--input", input, "--output", &world.path(output)])["rows"].clone()
    };
    let expected = sample(&input, "here.parquet");
    assert_eq!(sample("s3://bucket/of/lines", "lines.parquet"), expected);
    assert_eq!(sample("s3://bucket/of/lines/a.jsonl", "one.parquet"), expected);
    assert_eq!(sample("s3://bucket/of/parquet/", "parquet.parquet")["negative"], expected["negative"]);
    let trained = world.json(&["train", "--input", "s3://bucket/of/parquet/all.parquet", "--holdout", "0.2"]);
    assert!(trained["rows"]["test"].as_u64().unwrap() > 1000);

    let said = world.fails(1, &["sample", "--input", "s3://bucket/nothing", "--output", &world.path("x.parquet")]);
    assert!(said.contains("there is no file `s3://bucket/nothing`"), "{said}");
}

#[test]
fn files_in_a_bucket_are_joined_like_files_on_a_disk() {
    let bucket = Bucket::start();
    let mut world = World::new();
    world.environment = bucket.environment();
    let rows: String = (0..300)
        .map(|row| {
            let (product, rating, minute) = (row % 7, 1 + row % 5, row % 60);
            format!(
                "{{\"text\": \"text {row}\", \"product_id\": \"p{product}\", \"user_id\": \"u{row}\", \"rating\": {rating}, \
                 \"created_at\": \"2024-05-{:02}T10:{minute:02}:00Z\"}}\n",
                1 + row / 12
            )
        })
        .collect();
    let lines = world.write("rows.jsonl", &rows);
    let join = |flags: &[&str], output: &str| {
        let output = world.path(output);
        let mut report = world.json(&[&["features", "join"], flags, &["--output", &output]].concat());
        (report["views"].take(), std::fs::read(output).unwrap())
    };
    let expected = join(&["--input", &lines], "here.parquet");
    assert!(expected.0["product_stats"]["matched"].as_u64().unwrap() > 200, "{}", expected.0);
    bucket.put("/bucket/of/lines/rows.jsonl", rows.as_bytes());
    bucket.put("/bucket/of/parquet/a/rows.parquet", &expected.1);

    assert_eq!(join(&["--input", "s3://bucket/of/lines"], "lines.parquet"), expected);
    let of_bucket = join(&["--input", &lines, "--history", "s3://bucket/of/parquet/"], "history.parquet");
    assert_eq!(of_bucket, expected);
    let flags = ["--input", &lines, "--features", "product_stats=s3://bucket/of/parquet", "--event-time", "created_at"];
    let names = ["--feature", "product_stats.rating"];
    let (of_bucket, _) = join(&[&flags[..], &names].concat(), "ready.parquet");
    assert_eq!(of_bucket["product_stats"]["matched"], expected.0["product_stats"]["matched"]);
    let said = world.fails(1, &["features", "join", "--input", "s3://bucket/nothing", "--output", &world.path("x")]);
    assert!(said.contains("there is no file `s3://bucket/nothing`"), "{said}");
}
