//! A row on its way to the sample, as bytes: what the output has of it, and in front of that what decides whether it stays.

use super::keys::Key;
use feature_store::offline::{Place, RowRef};
use schemas::{Label, Rating, Timestamp};
use std::borrow::Cow;

/// Texts in the order of the output's columns.
pub(super) const TEXTS: usize = 5;
const ABSENT: u32 = u32::MAX;
const HEAD: usize = 4 + 8 + 4 + 8;

/// Appends a row.
pub(super) fn write(key: &Key, row: &RowRef<'_>, bytes: &mut Vec<u8>) {
    let start = bytes.len();
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&key.hash.to_le_bytes());
    bytes.extend_from_slice(&key.place.input.to_le_bytes());
    bytes.extend_from_slice(&key.place.row.to_le_bytes());
    bytes.push(u8::from(key.cell.is_positive));
    bytes.extend_from_slice(&row.rating.map_or(f64::NAN, Rating::stars).to_le_bytes());
    bytes.extend_from_slice(&row.created_at.map_or(i64::MIN, Timestamp::epoch_millis).to_le_bytes());
    let texts = [&row.review_id, &row.product_id, &row.user_id, &row.title, &row.text];
    for text in texts.into_iter().chain(&row.extras) {
        write_text(text, bytes);
    }
    for value in &row.features {
        bytes.extend_from_slice(&value.to_le_bytes());
    }
    let length = (bytes.len() - start) as u32;
    bytes[start..start + 4].copy_from_slice(&length.to_le_bytes());
}

fn write_text(text: &Option<Cow<'_, str>>, bytes: &mut Vec<u8>) {
    let length = text.as_ref().map_or(ABSENT, |text| text.len() as u32);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(text.as_ref().map_or(&[][..], |text| text.as_bytes()));
}

/// A row among bytes that were written.
#[derive(Clone, Copy)]
pub(super) struct Record<'b> {
    pub(super) hash: u64,
    pub(super) place: Place,
    rest: &'b [u8],
}

impl<'b> Record<'b> {
    /// The rows among bytes.
    pub(super) fn read_all(bytes: &'b [u8]) -> impl Iterator<Item = Self> {
        let mut rest = bytes;
        std::iter::from_fn(move || {
            let length = u32::from_le_bytes(*rest.first_chunk::<4>()?) as usize;
            let (record, behind) = rest.split_at_checked(length)?;
            rest = behind;
            let mut head = Cursor(record.get(4..HEAD)?);
            let hash = u64::from_le_bytes(head.take());
            let place = Place { input: u32::from_le_bytes(head.take()), row: u64::from_le_bytes(head.take()) };
            Some(Self { hash, place, rest: record.get(HEAD..)? })
        })
    }

    /// Its values, in the order in which they are asked for: [`Values::head`], every text, every number.
    pub(super) fn values(&self) -> Values<'b> {
        Values(Cursor(self.rest))
    }
}

/// The values of a row.
pub(super) struct Values<'b>(Cursor<'b>);

impl<'b> Values<'b> {
    /// Label, rating and time.
    pub(super) fn head(&mut self) -> (Label, Option<f64>, Option<i64>) {
        let [label] = self.0.take();
        let rating = f64::from_le_bytes(self.0.take());
        let time = i64::from_le_bytes(self.0.take());
        let label = if label == 1 { Label::Positive } else { Label::Negative };
        (label, (!rating.is_nan()).then_some(rating), (time != i64::MIN).then_some(time))
    }

    /// The next text.
    pub(super) fn text(&mut self) -> Option<&'b str> {
        let length = u32::from_le_bytes(self.0.take());
        if length == ABSENT {
            return None;
        }
        let bytes = self.0.bytes(length as usize);
        // They were written from a text.
        Some(std::str::from_utf8(bytes).unwrap_or_default())
    }

    /// The next number.
    pub(super) fn number(&mut self) -> f64 {
        f64::from_le_bytes(self.0.take())
    }
}

#[derive(Clone, Copy)]
struct Cursor<'b>(&'b [u8]);

impl<'b> Cursor<'b> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let bytes = self.bytes(N);
        std::array::from_fn(|i| bytes.get(i).copied().unwrap_or(0))
    }

    fn bytes(&mut self, length: usize) -> &'b [u8] {
        let (bytes, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::keys::Cell;
    use feature_store::offline::RowPosition;

    #[test]
    fn rows_survive_their_bytes() {
        let row = RowRef {
            review_id: Some("r1".into()),
            product_id: None,
            user_id: Some("".into()),
            title: None,
            text: Some("ดีมาก".into()),
            rating: Rating::new(4.5),
            created_at: None,
            label: None,
            features: vec![1.5, f64::NAN],
            extras: vec![Some("books".into()), None],
            problems: Vec::new(),
            position: RowPosition { file: 0, row: 7 },
        };
        let key = Key {
            hash: 9,
            time: 0,
            others: 0,
            cell: Cell { stratum: 3, is_positive: true },
            place: Place { input: 2, row: 7 },
        };
        let mut bytes = Vec::new();
        write(&key, &row, &mut bytes);
        write(&Key { hash: 10, ..key }, &row, &mut bytes);
        let records: Vec<_> = Record::read_all(&bytes).collect();
        assert_eq!(records.iter().map(|record| record.hash).collect::<Vec<_>>(), [9, 10]);
        assert_eq!(records[1].place, key.place);
        let mut values = records[1].values();
        assert_eq!(values.head(), (Label::Positive, Some(4.5), None));
        let texts: Vec<_> = (0..TEXTS + 2).map(|_| values.text()).collect();
        assert_eq!(texts, [Some("r1"), None, Some(""), None, Some("ดีมาก"), Some("books"), None]);
        assert!(values.number() == 1.5 && values.number().is_nan());
    }
}
