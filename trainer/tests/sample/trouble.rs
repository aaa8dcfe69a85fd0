//! What goes wrong: one sentence that names the file, and no output.

use crate::files::{Folder, Review, request, sample, skewed};
use std::path::PathBuf;
use trainer::sample::{SampleRequest, Size, Stratify};

/// Why there is no sample; nothing of one is left.
fn refusal(folder: &Folder, request: &SampleRequest) -> String {
    let before = folder.names();
    let message = sample(request).unwrap_err().to_string();
    assert_eq!(folder.names(), before, "{message}");
    assert!(!message.contains('\n'), "{message}");
    message
}

fn refusal_of(folder: &Folder, input: PathBuf) -> String {
    let message = refusal(folder, &request(std::slice::from_ref(&input), &folder.path("sample.parquet")));
    assert!(message.contains(input.to_str().unwrap()), "{message}");
    message
}

#[test]
fn a_damaged_parquet_file() {
    let folder = Folder::new();
    let input = folder.parquet("reviews.parquet", &skewed(3000));
    let bytes = std::fs::read(&input).unwrap();
    // The footer.
    let mut damaged = bytes.clone();
    let end = damaged.len();
    damaged[end - 400..end - 20].fill(0xff);
    assert!(refusal_of(&folder, folder.write("footer.parquet", &damaged)).contains("as Parquet"));
    assert!(refusal_of(&folder, folder.write("cut.parquet", &bytes[..end / 2])).contains("as Parquet"));
    // A page in the middle, which is met when half of the rows have been read.
    let mut damaged = bytes;
    damaged[end / 2..end / 2 + 3000].fill(0xff);
    assert!(refusal_of(&folder, folder.write("page.parquet", &damaged)).contains("as Parquet"));
}

#[test]
fn labels_of_one_class_only() {
    let folder = Folder::new();
    let positive: Vec<Review> =
        skewed(500).into_iter().filter(|review| review.rating.is_none_or(|r| r > 2.0)).collect();
    let message = refusal_of(&folder, folder.parquet("reviews.parquet", &positive));
    assert!(message.contains("positive texts and none of the other class; rows left out:"), "{message}");
    let unrated: Vec<Review> = positive.into_iter().map(|review| Review { rating: None, ..review }).collect();
    let message = refusal_of(&folder, folder.parquet("unrated.parquet", &unrated));
    assert!(message.contains("no row with a text and a label"), "{message}");
}

#[test]
fn ragged_rows_and_ratings_that_are_none_cost_their_rows_alone() {
    let folder = Folder::new();
    let csv = "text,rating\nbad,1\nragged,5,6\nshort\nfine,5\nodd,NaN\nodder,many\nneutral,3\n";
    let report = sample(&request(&[folder.write("reviews.csv", csv)], &folder.path("sample.parquet"))).unwrap();
    assert_eq!(report.rows.total(), 2);
    assert_eq!(report.dropped_reasons["unreadable_row"], 2);
    assert_eq!(report.dropped_reasons["unreadable_rating"], 2);
}

#[test]
fn a_text_of_a_hundred_megabytes_is_a_row_like_any_other() {
    let folder = Folder::new();
    let mut reviews = skewed(200);
    for review in reviews.iter_mut().filter(|review| review.rating == Some(1.0)).take(1) {
        review.text = Some("very bad ".repeat(100_000_000 / 9));
    }
    let input = folder.parquet("reviews.parquet", &reviews);
    let report = sample(&request(&[input], &folder.path("sample.parquet"))).unwrap();
    assert!(report.rows.total() > 20);
    assert!(crate::files::rows(&report.output).iter().any(|row| row.text.as_ref().unwrap().len() > 99_000_000));

    let line = serde_json::json!({"text": "bad ".repeat(25_000_000), "rating": 1});
    let lines = format!("{{\"text\": \"poor\", \"rating\": 1}}\n{line}\n{{\"text\": \"good\", \"rating\": 5}}\n");
    let report = sample(&request(&[folder.write("long.jsonl", lines)], &folder.path("lines.parquet"))).unwrap();
    assert_eq!((report.rows.total(), report.dropped_reasons["unreadable_row"]), (2, 1));
}

#[test]
fn settings_that_make_no_sense() {
    let folder = Folder::new();
    let input = folder.parquet("reviews.parquet", &skewed(500));
    let sound = request(std::slice::from_ref(&input), &folder.path("sample.parquet"));
    let cases = [
        (SampleRequest { size: Size { ratio: 0.5, rows: None }, ..sound.clone() }, "--ratio 0.5"),
        (SampleRequest { size: Size { ratio: f64::NAN, rows: None }, ..sound.clone() }, "--ratio NaN"),
        (SampleRequest { size: Size { ratio: 1.0, rows: Some(1) }, ..sound.clone() }, "--rows"),
        (SampleRequest { stratify: Some(Stratify::Column("lang".to_owned())), ..sound.clone() }, "no column `lang`"),
        (SampleRequest { keep: vec!["text".to_owned()], ..sound.clone() }, "--keep text"),
        (SampleRequest { memory_limit_bytes: 1 << 20, ..sound.clone() }, "memory limit"),
        (SampleRequest { output: input, ..sound.clone() }, "one of the files that are read"),
        (SampleRequest { output: "/nowhere/at/all.parquet".into(), ..sound.clone() }, "/nowhere/at/all.parquet"),
        (SampleRequest { inputs: Vec::new(), ..sound }, "no input file"),
    ];
    for (request, expected) in cases {
        let message = refusal(&folder, &request);
        assert!(message.contains(expected), "{message}");
    }
    let unlabelled = folder.write("unlabelled.csv", "text\nfine\n");
    assert!(refusal_of(&folder, unlabelled).contains("no column `label` and no column `rating`"));
}

#[test]
fn a_sample_is_no_csv() {
    let folder = Folder::new();
    let input = folder.parquet("reviews.parquet", &skewed(300));
    let message = refusal(&folder, &request(&[input], &folder.path("golden.csv")));
    assert!(message.contains("golden.csv: a sample is Parquet") && message.contains("golden.parquet"), "{message}");
}
