//! Reviews as a shop has them, short ones with titles: Amazon's where the folder of test data is at hand, else generated ones.

use demo::GeneratedReviews;
use feature_store::offline::{ReadOptions, ReviewFiles};
use std::path::PathBuf;

/// As many are generated.
const REVIEWS: usize = 100_000;

pub struct ProductReview {
    pub title: Option<String>,
    pub text: String,
}

/// From `amazon_stream.parquet` in `PLAUDIT_TEST_DATA`, else generated.
pub fn product_reviews() -> Vec<ProductReview> {
    let folder = std::env::var_os("PLAUDIT_TEST_DATA").map_or_else(PathBuf::new, PathBuf::from);
    let amazon = folder.join("amazon_stream.parquet");
    let (reviews, origin) = if amazon.is_file() {
        (read(&amazon), "Amazon reviews".to_owned())
    } else {
        let generated = GeneratedReviews::new(3, 0).take(REVIEWS);
        let reviews = generated.map(|review| ProductReview { title: review.title, text: review.text }).collect();
        (reviews, format!("generated reviews: there is no {}", amazon.display()))
    };
    let size = |review: &ProductReview| review.text.len() + review.title.as_ref().map_or(0, String::len);
    let bytes = reviews.iter().map(size).sum::<usize>() / reviews.len();
    crate::figures::say(&format!("{} product reviews of {bytes} bytes on average ({origin})", reviews.len()));
    reviews
}

fn read(path: &PathBuf) -> Vec<ProductReview> {
    let mut files =
        ReviewFiles::open(std::slice::from_ref(path), &ReadOptions::default()).expect("the file can be read");
    let mut reviews = Vec::new();
    while let Some(batch) = files.next_batch().expect("the file can be read") {
        let texts = batch.into_iter().filter_map(|row| Some(ProductReview { title: row.title, text: row.text? }));
        reviews.extend(texts.filter(|review| !review.text.trim().is_empty()));
    }
    reviews
}
