//! Files of reviews to sample, and samples read back.

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use feature_store::offline::{ReadOptions, ReviewFiles, Row};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use trainer::sample::{SampleError, SampleNote, SampleProgress, SampleReport, SampleRequest, Size};

/// A folder of files that are gone with it.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Every name in it.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.0.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Reviews as Parquet, with small row groups.
    pub fn parquet(&self, name: &str, reviews: &[Review]) -> PathBuf {
        let path = self.path(name);
        let texts =
            |of: fn(&Review) -> Option<&str>| -> ArrayRef { Arc::new(reviews.iter().map(of).collect::<StringArray>()) };
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("review_id", texts(|review| Some(&review.id))),
            ("user_id", texts(|review| review.user.as_deref())),
            ("category", texts(|review| review.category)),
            ("title", texts(|review| review.title.as_deref())),
            ("text", texts(|review| review.text.as_deref())),
            ("rating", Arc::new(reviews.iter().map(|review| review.rating).collect::<Float64Array>())),
            ("helpful", Arc::new(reviews.iter().map(|review| Some(review.helpful)).collect::<Int64Array>())),
            (
                "created_at",
                Arc::new(
                    reviews
                        .iter()
                        .map(|review| review.created_at)
                        .collect::<TimestampMillisecondArray>()
                        .with_timezone("UTC"),
                ),
            ),
        ];
        let batch =
            RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)))
                .unwrap();
        let properties = WriterProperties::builder().set_max_row_group_row_count(Some(500)).build();
        let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        path
    }
}

/// A review as files have it.
#[derive(Debug, Clone, Default)]
pub struct Review {
    pub id: String,
    pub user: Option<String>,
    pub category: Option<&'static str>,
    pub title: Option<String>,
    pub text: Option<String>,
    pub rating: Option<f64>,
    pub helpful: i64,
    pub created_at: Option<i64>,
}

const DAY: i64 = 86_400_000;
/// 2024-01-01.
const START: i64 = 1_704_067_200_000;

/// Reviews of which one in eight is negative, one in ten repeats the text of an earlier one, some with another label, and some
/// cannot be used.
pub fn skewed(count: usize) -> Vec<Review> {
    let mut state = 7_u64;
    let mut random = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let categories = [Some("books"), Some("music"), None, Some("it's \\ odd")];
    (0..count)
        .map(|i| {
            let text = match random(10) {
                0 => format!("copied text {}", random(count as u64 / 40 + 1)),
                _ => format!("review {i} says this: {} ดีมาก", random(1 << 30)),
            };
            let text = match random(50) {
                0 => None,
                1 => Some([" ", "", "\u{a0}\n", "\u{2003}"][random(4) as usize].to_owned()),
                _ => Some(text),
            };
            let rating = match random(16) {
                0 => Some(1.0),
                1 => Some(2.0),
                2 => Some(3.0),
                3 => None,
                4 => Some(f64::NAN),
                5 => Some(9.0),
                _ => Some(4.0 + (random(2) as f64)),
            };
            Review {
                id: if random(30) == 0 { " ".to_owned() } else { format!("r{i}") },
                user: (random(4) > 0).then(|| format!("u{}", random(100))),
                category: categories[random(4) as usize],
                title: (random(3) > 0).then(|| format!("title {}", random(9))),
                text,
                rating,
                helpful: random(1000) as i64,
                created_at: (random(20) > 0).then(|| START + random(200) as i64 * DAY / 2),
            }
        })
        .collect()
}

/// A sample of files, balanced one to one.
pub fn request(inputs: &[PathBuf], output: &Path) -> SampleRequest {
    SampleRequest {
        inputs: inputs.to_vec(),
        read: ReadOptions::default(),
        feedback: None,
        output: output.to_owned(),
        size: Size { ratio: 1.0, rows: None },
        stratify: None,
        keep: Vec::new(),
        temp_dir: None,
        memory_limit_bytes: 64 << 20,
    }
}

pub fn sample(request: &SampleRequest) -> Result<SampleReport, SampleError> {
    trainer::sample::sample(request, &SampleProgress::default())
}

/// The rows of a sample.
pub fn rows(path: &Path) -> Vec<Row> {
    let mut files = ReviewFiles::open(&[path.to_owned()], &ReadOptions::default()).unwrap();
    let mut rows = Vec::new();
    while let Some(batch) = files.next_batch().unwrap() {
        rows.extend(batch);
    }
    rows
}

/// What a sample says of itself.
pub fn note(path: &Path) -> SampleNote {
    let files = ReviewFiles::open(&[path.to_owned()], &ReadOptions::default()).unwrap();
    serde_json::from_str(files.samples()[0].1.as_deref().unwrap()).unwrap()
}
