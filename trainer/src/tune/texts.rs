//! The training rows in memory, as each trial reads them anew with other settings. They take half of the memory that
//! training may take at most; where they would take more, the rows are thinned out by the hash of their text, so that the
//! same ones stay however they are ordered, and copies of a text stand or fall together.

use crate::examples::Example;
use model::Document;
use schemas::Label;
use twox_hash::XxHash64;

/// Another one than that by which a test is held out: what is left of the training rows must be spread over the whole range.
const HASH_SEED: u64 = 43;

/// Rows to search on.
pub(super) struct Texts {
    bytes: Vec<u8>,
    rows: Vec<TextRow>,
    /// Row by row.
    features: Vec<f64>,
    feature_count: usize,
    limit_bytes: u64,
    /// Of the rows with a text and a label, which share of the hashes is kept.
    share: f64,
    /// How many rows there were before any was thinned out.
    pub(super) seen: u64,
}

/// A row: where its texts stand, and what else is known of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct TextRow {
    start: usize,
    title_end: Option<usize>,
    end: usize,
    pub(super) label: Label,
    pub(super) created_at: Option<i64>,
    /// Of the text, or of the title where the text is blank.
    pub(super) hash: u64,
}

impl Texts {
    pub(super) fn new(limit_bytes: u64, feature_count: usize) -> Self {
        let (bytes, rows, features) = (Vec::new(), Vec::new(), Vec::new());
        Self { bytes, rows, features, feature_count, limit_bytes, share: 1.0, seen: 0 }
    }

    pub(super) fn push(&mut self, example: &Example<'_>) {
        let Document { title, text, features } = example.document;
        self.seen += 1;
        let is_blank = text.trim().is_empty();
        let hash = XxHash64::oneshot(HASH_SEED, title.filter(|_| is_blank).unwrap_or(text).as_bytes());
        if unit(hash) >= self.share {
            return;
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(title.unwrap_or_default().as_bytes());
        let title_end = title.map(|_| self.bytes.len());
        self.bytes.extend_from_slice(text.as_bytes());
        let created_at = example.created_at.map(|time| time.epoch_millis());
        self.rows.push(TextRow { start, title_end, end: self.bytes.len(), label: example.label, created_at, hash });
        let values = features.iter().copied().chain(std::iter::repeat(f64::NAN));
        self.features.extend(values.take(self.feature_count));
        while self.used() > self.limit_bytes && self.rows.len() > 1 {
            self.thin_out();
        }
    }

    /// Keeps the half with the lower hashes.
    fn thin_out(&mut self) {
        self.share /= 2.0;
        let (mut kept, mut end) = (0, 0);
        for place in 0..self.rows.len() {
            let row = self.rows[place];
            if unit(row.hash) >= self.share {
                continue;
            }
            self.bytes.copy_within(row.start..row.end, end);
            let shift = row.start - end;
            let title_end = row.title_end.map(|title_end| title_end - shift);
            self.rows[kept] = TextRow { start: end, title_end, end: row.end - shift, ..row };
            let features = place * self.feature_count..(place + 1) * self.feature_count;
            self.features.copy_within(features, kept * self.feature_count);
            end = row.end - shift;
            kept += 1;
        }
        self.rows.truncate(kept);
        self.bytes.truncate(end);
        self.features.truncate(kept * self.feature_count);
    }

    /// What the rows take.
    pub(super) fn used(&self) -> u64 {
        (self.bytes.len() + self.rows.len() * size_of::<TextRow>() + self.features.len() * 8) as u64
    }

    pub(super) fn rows(&self) -> &[TextRow] {
        &self.rows
    }

    pub(super) fn document(&self, place: usize) -> Document<'_> {
        let row = self.rows[place];
        let text = |range: std::ops::Range<usize>| {
            std::str::from_utf8(&self.bytes[range]).expect("what was copied from a text is a text")
        };
        Document {
            title: row.title_end.map(|end| text(row.start..end)),
            text: text(row.title_end.unwrap_or(row.start)..row.end),
            features: &self.features[place * self.feature_count..(place + 1) * self.feature_count],
        }
    }

    /// One number that another set of rows, or another order of them, doesn't have.
    pub(super) fn fingerprint(&self) -> u64 {
        self.rows.iter().enumerate().fold(self.seen, |before, (place, row)| {
            let Document { title, features, .. } = self.document(place);
            let of_row =
                row.hash ^ mixed(row.created_at.unwrap_or(i64::MIN) as u64 ^ u64::from(row.label.is_positive()));
            let of_title = title.map_or(0, |title| XxHash64::oneshot(HASH_SEED, title.as_bytes()));
            let whole = features.iter().fold(of_row ^ mixed(of_title), |sum, value| mixed(sum ^ value.to_bits()));
            mixed(before ^ whole)
        })
    }
}

/// From 0 up to, not including, 1.
fn unit(hash: u64) -> f64 {
    (hash >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
}

/// The finalizer of SplitMix64: numbers that say nothing of the number that they are made of.
pub(super) fn mixed(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::Timestamp;

    fn texts(limit_bytes: u64, rows: impl Iterator<Item = u64>) -> Texts {
        let mut texts = Texts::new(limit_bytes, 1);
        for i in rows {
            let (title, text) = (format!("title {i}"), format!("text number {i}"));
            texts.push(&Example {
                document: Document { title: (i % 2 == 0).then_some(&title), text: &text, features: &[i as f64] },
                label: if i % 3 == 0 { Label::Positive } else { Label::Negative },
                created_at: Timestamp::from_epoch_millis(i as i64),
                is_repaired: false,
            });
        }
        texts
    }

    #[test]
    fn rows_come_back_as_they_were() {
        let texts = texts(u64::MAX, 0..100);
        for i in 0..100 {
            let document = texts.document(i);
            assert_eq!(document.title, (i % 2 == 0).then(|| format!("title {i}")).as_deref());
            assert_eq!((document.text, document.features), (format!("text number {i}").as_str(), &[i as f64][..]));
            assert_eq!(texts.rows()[i].created_at, Some(i as i64));
        }
    }

    #[test]
    fn rows_that_take_too_much_are_thinned_out_alike_in_any_order() {
        const LIMIT: u64 = 20_000;
        let (forth, back) = (texts(LIMIT, 0..5000), texts(LIMIT, (0..5000).rev()));
        assert!(forth.used() <= LIMIT && forth.seen == 5000);
        assert!((50..300).contains(&forth.rows().len()), "{}", forth.rows().len());
        let sorted = |texts: &Texts| {
            let mut all: Vec<String> = (0..texts.rows().len())
                .map(|place| format!("{:?} {:?}", texts.document(place), texts.rows()[place].label))
                .collect();
            all.sort_unstable();
            all
        };
        assert_eq!(sorted(&forth), sorted(&back));
        assert!(sorted(&forth).iter().all(|row| row.contains("number")));
    }

    #[test]
    fn other_rows_have_another_fingerprint() {
        let of = |rows| texts(u64::MAX, rows).fingerprint();
        assert_eq!(of(0..50), of(0..50));
        assert_ne!(of(0..50), of(0..51));
        assert_ne!(of(0..50), of(1..51));
        let of_one = |title, feature| {
            let mut texts = Texts::new(u64::MAX, 1);
            let document = Document { title, text: "good", features: &[feature] };
            texts.push(&Example { document, label: Label::Positive, created_at: None, is_repaired: false });
            texts.fingerprint()
        };
        assert_eq!(of_one(Some("a"), 1.0), of_one(Some("a"), 1.0));
        assert_ne!(of_one(Some("a"), 1.0), of_one(Some("b"), 1.0));
        assert_ne!(of_one(Some("a"), 1.0), of_one(Some("a"), 2.0));
    }
}
