//! Less memory changes the time alone.

use crate::files::{Folder, Review, note, request, rows, sample, skewed};
use trainer::sample::{SampleRequest, Stratify};

/// Reviews of some size, the positive ones first: what the first pass expects of the rest is wrong.
fn large(count: usize) -> Vec<Review> {
    let mut reviews = skewed(count);
    reviews.sort_by_key(|review| review.rating.is_none_or(|rating| rating < 4.0));
    for (i, review) in reviews.iter_mut().enumerate() {
        if let Some(text) = review.text.as_mut().filter(|text| text.starts_with("review")) {
            text.push_str(&format!("{i:02000}"));
        }
    }
    reviews
}

#[test]
fn a_quarter_of_the_memory_makes_the_same_file() {
    let folder = Folder::new();
    let input = folder.parquet("reviews.parquet", &large(30_000));
    let of = |name: &str, memory_limit_bytes| {
        let request = SampleRequest { memory_limit_bytes, ..request(std::slice::from_ref(&input), &folder.path(name)) };
        (sample(&request).unwrap(), std::fs::read(request.output).unwrap())
    };
    let (report, bytes) = of("much.parquet", 512 << 20);
    assert_eq!((report.passes, report.spilled_bytes), (1, 0));
    let (report, of_little) = of("little.parquet", 32 << 20);
    assert!(report.passes == 2 && report.spilled_bytes > 0, "{report:?}");
    assert!(bytes == of_little, "{} bytes and {}", bytes.len(), of_little.len());
    assert!(note(&folder.path("little.parquet")).rows.total() > 3000);
    assert_eq!(folder.names(), ["little.parquet", "much.parquet", "reviews.parquet"]);
}

#[test]
fn strata_that_come_late_lose_no_row_to_a_small_memory() {
    let folder = Folder::new();
    // By time; of the later half a third is negative, of the earlier one hardly any.
    let mut reviews = large(40_000);
    reviews.retain(|review| review.rating.is_some() && review.created_at.is_some());
    let mut times: Vec<_> = reviews.iter().map(|review| review.created_at).collect();
    times.sort_unstable();
    let half = reviews.len() / 2;
    for (i, (review, time)) in reviews.iter_mut().zip(times).enumerate() {
        review.created_at = time;
        review.rating = Some(if i % (if i < half { 100 } else { 3 }) == 0 { 1.0 } else { 5.0 });
    }
    let input = folder.parquet("reviews.parquet", &reviews);
    let of = |name: &str, memory_limit_bytes| {
        let stratify = Some(Stratify::Month);
        let request =
            SampleRequest { memory_limit_bytes, stratify, ..request(std::slice::from_ref(&input), &folder.path(name)) };
        (sample(&request).unwrap(), std::fs::read(request.output).unwrap())
    };
    let (report, bytes) = of("much.parquet", 512 << 20);
    assert_eq!((report.passes, rows(&folder.path("much.parquet")).len() as u64), (1, report.rows.total()));
    for _ in 0..3 {
        assert!(of("little.parquet", 32 << 20).1 == bytes, "another file of less memory");
    }
}
