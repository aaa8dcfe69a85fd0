//! Twenty thousand golden records, each broken in a few places: decoding never panics, an error names its cause in a short
//! sentence, and what still decodes can be written and read back.

use schemas::{Cause, DecodeError, Feedback, Prediction, Review};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs;
use std::path::Path;

const MUTANTS: u32 = 20_000;

/// What tends to break decoders, put where it does not belong.
const TOKENS: [&[u8]; 26] = [
    b"[",
    b"]",
    b"{",
    b"}",
    b"[[[[[[[[",
    b"{\"a\":",
    b"\"",
    b"\\",
    b"\\ud800",
    b"\\u0000",
    b",",
    b":",
    b"null",
    b"true",
    b"NaN",
    b"-",
    b"1e400",
    b"-1e-400",
    b"99999999999999999999",
    b"-9223372036854775808",
    b"\"text\"",
    b"\"review_id\": \" \",",
    b"\xff",
    b"\xed\xa0\x80",
    b"\0",
    b"\xef\xbb\xbf",
];

/// Marsaglia's xorshift64: the same mutants in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    fn range_in(&mut self, length: usize) -> std::ops::Range<usize> {
        let start = self.below(length + 1);
        start..(start + self.below(24)).min(length)
    }
}

fn mutant(random: &mut Random, records: &[Vec<u8>]) -> Vec<u8> {
    let mut record = records[random.below(records.len())].clone();
    for _ in 0..=random.below(3) {
        match random.below(7) {
            0 if !record.is_empty() => {
                let at = random.below(record.len());
                record[at] ^= 1 << random.below(8);
            }
            1 => drop(record.drain(random.range_in(record.len()))),
            2 => {
                let copied = record[random.range_in(record.len())].to_vec();
                let at = random.below(record.len() + 1);
                record.splice(at..at, copied);
            }
            3 => record.truncate(random.below(record.len() + 1)),
            4 => {
                let other = &records[random.below(records.len())];
                let (own, others) = (random.range_in(record.len()), random.range_in(other.len()));
                record.splice(own, other[others].iter().copied());
            }
            // In place of a value, so that types and ranges are tried more than syntax.
            5 => {
                let values: Vec<usize> = (0..record.len()).filter(|&i| record[i] == b':').collect();
                if !values.is_empty() {
                    let start = values[random.below(values.len())] + 1;
                    let length = record[start..].iter().position(|c| b",}\n".contains(c)).unwrap_or(0);
                    record.splice(start..start + length, TOKENS[random.below(TOKENS.len())].iter().copied());
                }
            }
            _ => {
                let at = random.below(record.len() + 1);
                record.splice(at..at, TOKENS[random.below(TOKENS.len())].iter().copied());
            }
        }
    }
    record
}

/// Counts the outcomes, so that a generator that tries too little is seen.
#[derive(Default)]
struct Outcomes(BTreeMap<&'static str, u32>);

impl Outcomes {
    fn hold<T: Serialize + PartialEq + Debug>(&mut self, record: &[u8], decode: fn(&[u8]) -> Result<T, DecodeError>) {
        let shown = || String::from_utf8_lossy(record);
        let outcome = match decode(record) {
            Ok(value) => {
                let written = serde_json::to_vec(&value).expect("a record is JSON");
                assert_eq!(decode(&written).as_ref(), Ok(&value), "{}", shown());
                "decoded"
            }
            Err(DecodeError { cause, field, message }) => {
                let names_its_field = message.starts_with(&format!("field `{field}` "));
                let has_no_field = field.is_empty() && message.starts_with("the record ");
                assert!(names_its_field || has_no_field, "{field}: {message}: {}", shown());
                assert!(message.len() < 250 && !message.contains('\n'), "{message}: {}", shown());
                cause.as_str()
            }
        };
        *self.0.entry(outcome).or_default() += 1;
    }
}

fn golden_records() -> Vec<Vec<u8>> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    let mut files: Vec<_> = ["review", "prediction", "feedback"]
        .into_iter()
        .flat_map(|kind| fs::read_dir(golden.join(kind).join("v1")).expect("there are golden files"))
        .map(|entry| entry.expect("a folder can be listed").path())
        .collect();
    files.sort();
    files.iter().map(|file| fs::read(file).expect("a file can be read")).collect()
}

#[test]
fn broken_records_are_refused_in_a_sentence_and_never_panic() {
    let records = golden_records();
    let mut random = Random(0x5eed_0f91_490a_11d5);
    let mut outcomes = Outcomes::default();
    for _ in 0..MUTANTS {
        let record = mutant(&mut random, &records);
        outcomes.hold(&record, Review::decode);
        outcomes.hold(&record, Prediction::decode);
        outcomes.hold(&record, Feedback::decode);
    }
    let causes =
        [Cause::Empty, Cause::NotUtf8, Cause::NotJson, Cause::MissingField, Cause::WrongType, Cause::InvalidValue];
    for outcome in causes.map(Cause::as_str).into_iter().chain(["decoded"]) {
        let count = outcomes.0.get(outcome).copied().unwrap_or(0);
        assert!(count >= 20, "only {count} of {MUTANTS} mutants are {outcome}: {:?}", outcomes.0);
    }
}
