//! Which dead letters were replayed: a record in their own partition, written in the transaction that sent them. It has no key
//! and no payload; one header lists the offsets, as `3-17,20`. Kafka deletes it no sooner than the letters before it.

use super::headers::REPLAYED;
use super::offset_set::OffsetSet;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::BaseRecord;

/// The marker for letters of one partition, whose offsets ascend.
pub(super) fn record<'t>(topic: &'t str, partition: i32, offsets: &[i64]) -> BaseRecord<'t, [u8], [u8]> {
    let ranges = to_text(offsets);
    let headers = OwnedHeaders::new_with_capacity(1).insert(Header { key: REPLAYED, value: Some(&ranges) });
    BaseRecord::to(topic).partition(partition).headers(headers)
}

/// Adds the offsets that a marker lists. It speaks of letters before its own offset only, and none lie before `start`.
pub(super) fn add(replayed: &mut OffsetSet, text: &str, start: i64, own_offset: i64) {
    for range in text.split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        if let (Ok(first), Ok(last)) = (first.parse::<i64>(), last.parse::<i64>()) {
            replayed.insert_range(first.max(start)..=last.min(own_offset - 1));
        }
    }
}

fn to_text(offsets: &[i64]) -> String {
    let mut text = String::new();
    for run in offsets.chunk_by(|one, next| one + 1 == *next) {
        if !text.is_empty() {
            text.push(',');
        }
        match run {
            [first, .., last] => text.push_str(&format!("{first}-{last}")),
            one => one.iter().for_each(|offset| text.push_str(&offset.to_string())),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, start: i64, own_offset: i64) -> Vec<i64> {
        let mut replayed = OffsetSet::default();
        add(&mut replayed, text, start, own_offset);
        (0..200).filter(|offset| replayed.contains(*offset)).collect()
    }

    #[test]
    fn offsets_come_back_from_their_text() {
        let offsets = [3, 4, 5, 7, 9, 10, 150];
        assert_eq!(to_text(&offsets), "3-5,7,9-10,150");
        assert_eq!(read(&to_text(&offsets), 0, 151), offsets);
    }

    #[test]
    fn a_marker_speaks_of_what_lies_before_it() {
        assert_eq!(read("3-9223372036854775807", 5, 8), [5, 6, 7]);
        assert!(read("9-3,x,-,4-y", 0, 100).is_empty());
    }
}
