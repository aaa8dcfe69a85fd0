//! Which rows are meant. A dataset says where rows come from and holds none of a file's, so it is cheap to clone, and
//! it can be read as often as its files can.

use feature_store::offline::{ReadOptions, Row};
use model::FeatureConfig;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// Rows of files, or rows at hand; all of them, or those that a rule keeps.
#[derive(Clone)]
pub struct Dataset {
    pub(crate) source: Source,
    keep: Option<Arc<Keep>>,
    origin: Option<Arc<Origin>>,
}

/// What the rows of passing files are, for messages and records that outlast them.
struct Origin {
    name: String,
    description: serde_json::Value,
}

type Keep = dyn Fn(&Row) -> bool + Send + Sync;

#[derive(Clone)]
pub(crate) enum Source {
    Files { paths: Vec<PathBuf>, options: ReadOptions },
    Rows { name: String, rows: Arc<[Row]> },
}

impl Dataset {
    /// The rows of files that meet the options' conditions.
    pub fn files(paths: Vec<PathBuf>, options: ReadOptions) -> Self {
        Self { source: Source::Files { paths, options }, keep: None, origin: None }
    }

    /// Rows at hand, with the values of the model's features in its order; the name stands where files have their paths.
    pub fn rows(name: impl Into<String>, rows: impl Into<Arc<[Row]>>) -> Self {
        Self { source: Source::Rows { name: name.into(), rows: rows.into() }, keep: None, origin: None }
    }

    /// Only the rows that the rule keeps. It must answer alike whenever it is asked about a row.
    pub fn keep(self, rule: impl Fn(&Row) -> bool + Send + Sync + 'static) -> Self {
        Self { keep: Some(Arc::new(rule)), ..self }
    }

    /// The files are passing: what is said of the rows, and written down of them, is this.
    pub(crate) fn known_as(self, name: String, description: serde_json::Value) -> Self {
        Self { origin: Some(Arc::new(Origin { name, description })), ..self }
    }

    pub(crate) fn keeps(&self, row: &Row) -> bool {
        self.keep.as_ref().is_none_or(|keep| keep(row))
    }

    /// Other files, by the same rule.
    pub(crate) fn of_files(&self, paths: Vec<PathBuf>, options: ReadOptions) -> Self {
        Self { source: Source::Files { paths, options }, ..self.clone() }
    }

    /// The same rows with the values of features. Rows at hand have those that they came with.
    pub(crate) fn with_features(mut self, features: &[FeatureConfig]) -> Self {
        if let Source::Files { options, .. } = &mut self.source {
            options.features = features.iter().map(|feature| feature.name.clone()).collect();
        }
        self
    }

    /// The same rows with the values of further columns. Rows at hand have those that they came with.
    pub(crate) fn with_extras(mut self, columns: Vec<String>) -> Self {
        if let Source::Files { options, .. } = &mut self.source {
            options.extras = columns;
        }
        self
    }

    /// Everything that says which rows are meant, for the record of a run.
    pub(crate) fn description(&self) -> serde_json::Value {
        if let Some(origin) = &self.origin {
            return origin.description.clone();
        }
        let mut description = serde_json::json!({"paths": self.paths()});
        if let Source::Files { options, .. } = &self.source {
            let columns = options.columns.mapped().map(|(field, column)| (field.name().to_owned(), column.into()));
            let conditions = options.conditions.iter().map(|c| format!("{}={}", c.column(), c.value()).into());
            description["columns"] = serde_json::Value::Object(columns.collect());
            description["where"] = serde_json::Value::Array(conditions.collect());
        }
        description
    }

    /// The files' paths as they were given, or the name.
    pub(crate) fn paths(&self) -> Vec<String> {
        if let Some(origin) = &self.origin {
            return vec![origin.name.clone()];
        }
        match &self.source {
            Source::Files { paths, .. } => paths.iter().map(|path| path.display().to_string()).collect(),
            Source::Rows { name, .. } => vec![name.clone()],
        }
    }
}

/// `a.csv and 2 more where lang=en and split=train since 2026-01-01T00:00:00.000Z`.
impl fmt::Display for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.paths().as_slice() {
            [] => f.write_str("no file")?,
            [one] => f.write_str(one)?,
            [first, others @ ..] => write!(f, "{first} and {} more", others.len())?,
        }
        if let Source::Files { options, .. } = &self.source {
            for (i, condition) in options.conditions.iter().enumerate() {
                let word = if i == 0 { "where" } else { "and" };
                write!(f, " {word} {}={}", condition.column(), condition.value())?;
            }
            for (word, time) in [("since", options.since), ("until", options.until)] {
                if let Some(time) = time {
                    write!(f, " {word} {time}")?;
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dataset({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use feature_store::offline::Condition;
    use schemas::Timestamp;

    #[test]
    fn a_dataset_is_named_by_its_files_and_conditions() {
        let options = ReadOptions {
            conditions: vec![Condition::new("lang", "en"), Condition::new("split", "train")],
            ..ReadOptions::default()
        };
        let paths = ["a.csv", "b.csv", "c.csv"].map(PathBuf::from).to_vec();
        assert_eq!(
            Dataset::files(paths.clone(), options).to_string(),
            "a.csv and 2 more where lang=en and split=train"
        );
        let until = Timestamp::parse("2026-01-01");
        let of_time = ReadOptions { until, ..ReadOptions::default() };
        assert_eq!(Dataset::files(paths, of_time).to_string(), "a.csv and 2 more until 2026-01-01T00:00:00.000Z");
        assert_eq!(Dataset::rows("generated reviews", vec![]).to_string(), "generated reviews");
        let passing = Dataset::files(vec![PathBuf::from("/tmp/x.parquet")], ReadOptions::default());
        let known = passing.known_as("offline/reviews".to_owned(), serde_json::json!({"since": "2026-01-01"}));
        assert_eq!(
            (known.to_string(), known.paths()),
            ("offline/reviews".to_owned(), vec!["offline/reviews".to_owned()])
        );
        assert_eq!(known.description(), serde_json::json!({"since": "2026-01-01"}));
    }
}
