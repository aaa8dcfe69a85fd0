//! Which half of its files a row belongs to: the first is for training, the second is replayed. By time where the files
//! have times, so that the model never sees the future; by a hash of the id where they have none. Either way the same rows
//! fall on the same side every time, whatever the order in which they are read.

use feature_store::offline::Row;
use std::cmp::Ordering;
use trainer::Holdout;

/// A side of the split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Half {
    /// For training.
    First,
    /// For the replay.
    Second,
}

/// The rule that tells the halves apart.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Split {
    /// Rows before a moment are first. Where many rows share that moment, as they do when times are mere days, the hash
    /// sends as many of them to the first half as it takes to make the halves equal.
    ByTime {
        /// Epoch milliseconds.
        median_millis: i64,
        /// Which of the rows at the very moment are first; none where the rows before it are half of all.
        first_of_ties: Option<Holdout>,
    },
    /// Half of all hashes are first.
    ByHash,
}

impl Split {
    /// The rule for rows with these times; by hash when there are none.
    pub(crate) fn of_times(mut millis: Vec<i64>) -> Self {
        if millis.is_empty() {
            return Self::ByHash;
        }
        let half = millis.len() / 2;
        let (before, median, _) = millis.select_nth_unstable(half);
        let median_millis = *median;
        let earlier = before.iter().filter(|time| **time < median_millis).count();
        let ties = millis.iter().filter(|time| **time == median_millis).count();
        // The row in the middle is a tie itself, so the share is below 1; a share of 0 is no holdout.
        Self::ByTime { median_millis, first_of_ties: Holdout::new((half - earlier) as f64 / ties as f64).ok() }
    }

    /// Where a row belongs. A row without a time, in files that have times, goes by its hash.
    pub(crate) fn half_of(&self, row: &Row) -> Half {
        let first = match (self, row.created_at) {
            (Self::ByTime { median_millis, first_of_ties }, Some(time)) => {
                match time.epoch_millis().cmp(median_millis) {
                    Ordering::Less => return Half::First,
                    Ordering::Greater => return Half::Second,
                    Ordering::Equal => *first_of_ties,
                }
            }
            _ => Some(Holdout::new(0.5).expect("a half is a share")),
        };
        let identity = row.review_id.as_deref().or(row.text.as_deref()).or(row.title.as_deref()).unwrap_or_default();
        if first.is_some_and(|first| first.holds(identity)) { Half::First } else { Half::Second }
    }

    /// The rule in words, for the report.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::ByTime { .. } => "time",
            Self::ByHash => "hash",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use feature_store::offline::RowPosition;
    use schemas::Timestamp;

    fn row(id: u64, millis: Option<i64>) -> Row {
        Row {
            review_id: Some(format!("r{id}")),
            product_id: None,
            user_id: None,
            title: None,
            text: Some("text".to_owned()),
            rating: None,
            created_at: millis.and_then(Timestamp::from_epoch_millis),
            label: None,
            features: Vec::new(),
            extras: Vec::new(),
            problems: Vec::new(),
            position: RowPosition { file: 0, row: id },
        }
    }

    fn first_of(split: &Split, rows: &[Row]) -> usize {
        rows.iter().filter(|row| split.half_of(row) == Half::First).count()
    }

    #[test]
    fn the_earlier_half_is_first() {
        let split = Split::of_times(vec![40, 10, 30, 20]);
        let halves = [10, 20, 30, 40].map(|time| split.half_of(&row(1, Some(time))));
        assert_eq!(halves, [Half::First, Half::First, Half::Second, Half::Second]);
    }

    #[test]
    fn rows_of_one_day_are_split_all_the_same() {
        let rows: Vec<Row> = (0..4_000).map(|id| row(id, Some(86_400_000))).collect();
        let split = Split::of_times(rows.iter().filter_map(|row| row.created_at).map(|t| t.epoch_millis()).collect());
        let first = first_of(&split, &rows);
        assert!((1_900..2_100).contains(&first), "{first}");
    }

    #[test]
    fn ties_at_the_median_fill_up_the_first_half() {
        // 1,000 before, 8,000 at the median, 1,000 after: half of the ties are first.
        let time_of = |id: u64| match id {
            0..1_000 => 1,
            1_000..9_000 => 2,
            _ => 3,
        };
        let rows: Vec<Row> = (0..10_000).map(|id| row(id, Some(time_of(id)))).collect();
        let split = Split::of_times((0..10_000).map(time_of).collect());
        let first = first_of(&split, &rows);
        assert!((4_800..5_200).contains(&first), "{first}");
        assert_eq!(first_of(&split, &rows[..1_000]), 1_000);
        assert_eq!(first_of(&split, &rows[9_000..]), 0);
    }

    #[test]
    fn without_times_half_of_the_ids_are_first_and_stay_there() {
        let rows: Vec<Row> = (0..4_000).map(|id| row(id, None)).collect();
        let split = Split::of_times(Vec::new());
        assert_eq!(split, Split::ByHash);
        let first = first_of(&split, &rows);
        assert!((1_900..2_100).contains(&first), "{first}");
        assert_eq!(first, first_of(&split, &rows));
    }
}
