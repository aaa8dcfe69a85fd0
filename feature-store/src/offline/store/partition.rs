//! Names in the store. A partition of a topic has a folder, `<dataset>/topic=<topic>/partition=<partition>`, and a part file
//! in it has the first offset of its range for a name, so that two writers of one range write one file.
//!
//! The folders are named as Hive names partitions, and not after the columns `source_topic` and `source_partition` that
//! every row has: pyarrow, and pandas with it, refuses a column that stands both in the path and in the file.

use super::Dataset;
use object_store::path::Path;
use std::fmt;

/// A partition of a topic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourcePartition {
    /// The topic's name.
    pub topic: String,
    /// The partition's number.
    pub partition: i32,
}

impl SourcePartition {
    /// The partition of this topic with this number.
    pub fn new(topic: impl Into<String>, partition: i32) -> Self {
        Self { topic: topic.into(), partition }
    }

    pub(super) fn folder(&self, dataset: Dataset) -> Path {
        Path::from(format!("{dataset}/topic={}/partition={}", self.topic, self.partition))
    }
}

impl fmt::Display for SourcePartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.topic, self.partition)
    }
}

/// A file's name: of a part as it was written, or of one that was compacted, which also names its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PartName {
    pub(super) first: i64,
    pub(super) next: Option<i64>,
}

impl PartName {
    pub(super) fn of(name: &str) -> Option<Self> {
        let stem = name.strip_suffix(".parquet")?;
        let (first, next) = match stem.split_once('-') {
            Some((first, next)) => (number(first)?, Some(number(next)?)),
            None => (number(stem)?, None),
        };
        next.is_none_or(|next| next > first).then_some(Self { first, next })
    }

    pub(super) fn within(self, folder: &Path) -> Path {
        folder.clone().join(match self.next {
            None => format!("{:020}.parquet", self.first),
            Some(next) => format!("{:020}-{next:020}.parquet", self.first),
        })
    }
}

/// As many digits as the largest number has, so that names sort as numbers do.
fn number(digits: &str) -> Option<i64> {
    (digits.len() == 20 && digits.bytes().all(|c| c.is_ascii_digit())).then(|| digits.parse().ok())?
}

/// The partition and the name of a part that stands at this path; none for files that are none of ours.
pub(super) fn place_of(dataset: Dataset, path: &Path) -> Option<(SourcePartition, PartName)> {
    let mut parts = path.parts();
    let mut next = || parts.next();
    (next()?.as_ref() == dataset.name()).then_some(())?;
    let topic = next()?.as_ref().strip_prefix("topic=")?.to_owned();
    let partition = next()?.as_ref().strip_prefix("partition=")?.parse().ok()?;
    let name = PartName::of(next()?.as_ref())?;
    next().is_none().then_some((SourcePartition { topic, partition }, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_found_again_by_its_path() {
        let partition = SourcePartition::new("shop.reviews-v2", 11);
        let folder = partition.folder(Dataset::Reviews);
        assert_eq!(folder.as_ref(), "reviews/topic=shop.reviews-v2/partition=11");
        for (name, file) in [
            (PartName { first: 0, next: None }, "00000000000000000000.parquet"),
            (PartName { first: 7, next: Some(1_000) }, "00000000000000000007-00000000000000001000.parquet"),
            (PartName { first: i64::MAX, next: None }, "09223372036854775807.parquet"),
        ] {
            let path = name.within(&folder);
            assert_eq!(path.filename(), Some(file));
            assert_eq!(place_of(Dataset::Reviews, &path), Some((partition.clone(), name)));
            assert_eq!(place_of(Dataset::Feedback, &path), None);
        }
    }

    #[test]
    fn foreign_files_are_none_of_ours() {
        for path in [
            "reviews/00000000000000000000.parquet",
            "reviews/topic=a/partition=x/00000000000000000000.parquet",
            "reviews/topic=a/partition=0/0.parquet",
            "reviews/topic=a/partition=0/00000000000000000000.parquet#1",
            "reviews/topic=a/partition=0/00000000000000000009-00000000000000000009.parquet",
            "reviews/topic=a/partition=0/sub/00000000000000000000.parquet",
            "reviews/topic=a/partition=0/_SUCCESS",
        ] {
            assert_eq!(place_of(Dataset::Reviews, &Path::from(path)), None, "{path}");
        }
    }
}
