//! The flags of every verb that reads files of reviews: which files, which of their columns are ours, which rows count.

use feature_store::offline::{ColumnPair, Condition, ReadOptions};
use schemas::Timestamp;
use std::path::PathBuf;

/// `--input`, `--column` and `--where`: `#[command(flatten)] files: FileArgs`.
#[derive(Debug, Clone, clap::Args)]
pub struct FileArgs {
    /// Parquet, CSV or JSON Lines, plain or .gz or .zst; one file or more
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pub input: Vec<PathBuf>,
    #[command(flatten)]
    pub rows: RowArgs,
}

/// `--column` and `--where` alone, for verbs whose files come under other flags.
#[derive(Debug, Clone, clap::Args)]
pub struct RowArgs {
    /// Our field and the column of the files that holds it, such as rating=stars; repeat for more
    #[arg(long = "column", value_name = "OURS=THEIRS")]
    pub columns: Vec<ColumnPair>,
    /// Only rows whose column has this value, such as split=train; of several, all must hold
    #[arg(long = "where", value_name = "COL=VALUE")]
    pub conditions: Vec<Condition>,
    /// Only rows whose created_at is this or later: a date, RFC 3339, or so long ago, such as 90d or 36h
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub since: Option<Timestamp>,
    /// Only rows whose created_at is before this
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub until: Option<Timestamp>,
}

impl RowArgs {
    /// What the reader of files is told.
    pub fn options(&self) -> ReadOptions {
        self.options_where(&self.conditions)
    }

    /// The same columns, other rows.
    pub fn options_where(&self, conditions: &[Condition]) -> ReadOptions {
        ReadOptions {
            columns: self.columns.iter().cloned().collect(),
            conditions: conditions.to_vec(),
            since: self.since,
            until: self.until,
            ..ReadOptions::default()
        }
    }
}

/// A moment as people name it: `2024-05-01`, RFC 3339, or how long ago it was, `90d` or `36h`.
pub fn moment(text: &str) -> Result<Timestamp, String> {
    let ago = |unit: char, millis: i64| {
        let count: u32 = text.trim().strip_suffix(unit)?.trim().parse().ok()?;
        Timestamp::from_epoch_millis(Timestamp::now().epoch_millis() - i64::from(count) * millis)
    };
    ago('d', 86_400_000).or_else(|| ago('h', 3_600_000)).or_else(|| Timestamp::parse(text)).ok_or_else(|| {
        "give a date such as 2024-05-01, a time in RFC 3339, or so long ago, such as 90d or 36h".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use feature_store::offline::Field;

    #[derive(Parser)]
    struct Verb {
        #[command(flatten)]
        files: FileArgs,
    }

    #[test]
    fn several_files_columns_and_conditions_come_through() {
        let line = "verb --input a.csv b.csv --column rating=stars --input c.csv --column text=body --where lang=en --where x=";
        let files = Verb::parse_from(line.split(' ')).files;
        assert_eq!(files.input, ["a.csv", "b.csv", "c.csv"].map(PathBuf::from));
        let options = files.rows.options();
        assert_eq!(options.columns.column_of(Field::Rating), "stars");
        assert_eq!(options.columns.column_of(Field::Text), "body");
        assert_eq!(options.conditions, [Condition::new("lang", "en"), Condition::new("x", "")]);
    }

    #[test]
    fn a_moment_is_a_date_or_so_long_ago() {
        assert_eq!(moment("2024-05-01").unwrap().to_string(), "2024-05-01T00:00:00.000Z");
        let days = (Timestamp::now().epoch_millis() - moment("90d").unwrap().epoch_millis()) as f64 / 86_400_000.0;
        assert!((days - 90.0).abs() < 0.01, "{days}");
        for text in ["", "d", "-3d", "90 days ago", "99999999999d"] {
            assert!(moment(text).is_err(), "{text}");
        }
    }

    #[test]
    fn no_file_or_a_bad_pair_is_wrong_usage() {
        for line in ["verb", "verb --input", "verb --input a.csv --column stars", "verb --input a.csv --where split"] {
            assert!(Verb::try_parse_from(line.split(' ')).is_err_and(|error| error.exit_code() == 2), "{line}");
        }
    }
}
