//! Less memory changes the time alone.

use crate::files::{Folder, Review, note, request, sample, skewed};
use trainer::sample::SampleRequest;

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
