//! What a retraining uses: which rows are learned from, which are compared on, with which settings. Made before anything is
//! written, and all that `--dry-run` does.

use super::census::{Census, minute_behind};
use super::production::{Production, Settings};
use super::{RetrainConfig, RetrainError};
use crate::report::grouped;
use crate::sample::ByClass;
use schemas::{ModelName, ModelVersion, Timestamp};
use serde::Serialize;
use std::fmt;
use std::ops::Range;

/// A part of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Part {
    /// From when on.
    pub from: Timestamp,
    /// Before when.
    pub until: Timestamp,
    /// Rows with a text, a label and a time.
    pub rows: ByClass,
}

/// What a retraining uses.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RetrainPlan {
    /// The model.
    pub name: ModelName,
    /// The version to be compared with; none where there is none.
    pub production: Option<ModelVersion>,
    /// Up to when that has learned, where it is known.
    pub production_learned_until: Option<Timestamp>,
    /// Where the settings come from.
    pub settings: String,
    /// Whether better ones are searched for first.
    pub tuned: bool,
    /// What is learned from, before copies of texts are left out.
    pub train: Part,
    /// What is compared on.
    pub test: Part,
    /// Of the larger class, the share of rows that are learned from, about.
    pub kept_of_larger_class: f64,
    /// The features that are joined.
    pub features: Vec<String>,
    /// What is good to know.
    pub notes: Vec<String>,
}

/// What a plan is made of.
pub(super) struct Draft<'a> {
    pub(super) name: &'a ModelName,
    pub(super) window: Range<Timestamp>,
    pub(super) production: Option<&'a Production>,
    pub(super) settings: &'a Settings,
    pub(super) tuned: bool,
    pub(super) notes: Vec<String>,
    pub(super) config: &'a RetrainConfig,
}

impl Draft<'_> {
    /// Divides the rows by time: the newest are compared on, and production has seen none of them where that can be.
    pub(super) fn plan(self, census: &Census) -> Result<RetrainPlan, RetrainError> {
        let Self { name, window, production, settings, tuned, mut notes, config } = self;
        if let Some((minute, rows)) = census.only_minute().filter(|(_, rows)| *rows > config.min_test_rows) {
            return Err(RetrainError::OneMinute { since: window.start, until: window.end, minute, rows });
        }
        let cut = census.newest(config.test_share).unwrap_or(window.start).max(window.start);
        let cut = unseen(cut, &window, production, census, config, &mut notes);
        let part = |time: Range<Timestamp>| Part { from: time.start, until: time.end, rows: census.rows(time) };
        let (train, test) = (part(window.start..cut), part(cut..window.end));
        let dropped = census.dropped.as_clause();
        train.check("learn from", config.min_train_rows, "retrain.min_train_rows", &dropped)?;
        test.check("compare on", config.min_test_rows, "retrain.min_test_rows", &dropped)?;
        let (smaller, larger) =
            (train.rows.negative.min(train.rows.positive), train.rows.negative.max(train.rows.positive));
        Ok(RetrainPlan {
            name: name.clone(),
            production: production.map(|production| production.version),
            production_learned_until: production.and_then(|production| production.learned_until),
            settings: settings.source.clone(),
            tuned,
            train,
            test,
            kept_of_larger_class: (smaller as f64 * config.max_ratio / larger as f64).min(1.0),
            features: settings.model.features.iter().map(|feature| feature.name.clone()).collect(),
            notes,
        })
    }
}

/// The begin of the newest part, moved behind what production has learned from where enough rows lie there.
fn unseen(
    cut: Timestamp,
    window: &Range<Timestamp>,
    production: Option<&Production>,
    census: &Census,
    config: &RetrainConfig,
    notes: &mut Vec<String>,
) -> Timestamp {
    let Some(Production { version, learned_until, .. }) = production else {
        notes.push("there is no version in production: the first one has nothing to hold against".to_owned());
        return cut;
    };
    let Some(until) = *learned_until else {
        notes.push(format!(
            "the manifest of {version} does not say up to when it learned: it may have seen rows that both are compared on, \
             which favours it"
        ));
        return cut;
    };
    if until < cut {
        return cut;
    }
    let behind = minute_behind(until);
    if behind < window.end && census.rows(behind..window.end).total() >= config.min_test_rows {
        notes.push(format!("the comparison begins behind the last row that {version} learned from, of {until}"));
        return behind;
    }
    notes.push(format!(
        "{version} has learned from rows up to {until}, and too few are newer: it has seen rows that both are compared on, \
         which favours it"
    ));
    cut
}

impl Part {
    /// Whether there are enough rows, and of both classes.
    pub(super) fn check(
        &self,
        purpose: &'static str,
        minimum: u64,
        key: &'static str,
        dropped: &str,
    ) -> Result<(), RetrainError> {
        let Self { from: since, until, rows } = *self;
        if rows.total() < minimum {
            let (rows, dropped) = (rows.total(), dropped.to_owned());
            return Err(RetrainError::TooFewRows { since, until, purpose, rows, minimum, key, dropped });
        }
        let class = match (rows.negative, rows.positive) {
            (0, _) => "positive",
            (_, 0) => "negative",
            _ => return Ok(()),
        };
        Err(RetrainError::OneClass { since, until, purpose, rows: rows.total(), class })
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, until, rows } = self;
        let (negative, positive) = (grouped(rows.negative), grouped(rows.positive));
        write!(f, "{from} to {until}, {negative} negative and {positive} positive rows")
    }
}

impl fmt::Display for RetrainPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let against = self.production.map_or("nothing yet".to_owned(), |version| version.to_string());
        writeln!(f, "model      {}", self.name)?;
        writeln!(
            f,
            "settings   of {}{}",
            self.settings,
            if self.tuned { ", and a search for better ones" } else { "" }
        )?;
        writeln!(f, "learn from {}", self.train)?;
        if self.kept_of_larger_class < 1.0 {
            writeln!(f, "           of the larger class about {:.1} %", self.kept_of_larger_class * 100.0)?;
        }
        writeln!(f, "compare on {}, with {against}", self.test)?;
        if !self.features.is_empty() {
            writeln!(f, "features   {}", self.features.join(", "))?;
        }
        self.notes.iter().try_for_each(|note| writeln!(f, "note       {note}"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{census, config};
    use super::*;

    const START: i64 = 29_000_000;

    fn minute(minute: i64) -> Timestamp {
        Timestamp::from_epoch_millis((START + minute) * 60_000).unwrap()
    }

    /// Ten rows each minute for a hundred minutes.
    fn census() -> Census {
        census::of_minutes((0..100).map(|minute| (START + minute, ByClass { negative: 2, positive: 8 })))
    }

    fn plan(
        learned_until: Option<Option<Timestamp>>,
        config: &RetrainConfig,
        census: &Census,
    ) -> Result<RetrainPlan, RetrainError> {
        let name = "sentiment".parse().unwrap();
        let production = learned_until.map(Production::sample);
        let settings = Settings {
            model: model::ModelConfig::default(),
            fit: model::FitConfig::default(),
            source: "the configuration".to_owned(),
        };
        let draft = Draft {
            name: &name,
            window: minute(-50)..minute(100),
            production: production.as_ref(),
            settings: &settings,
            tuned: false,
            notes: Vec::new(),
            config,
        };
        draft.plan(census)
    }

    fn few() -> RetrainConfig {
        RetrainConfig { min_train_rows: 100, min_test_rows: 50, ..config::sample() }
    }

    #[test]
    fn the_newest_share_is_compared_on() {
        let plan = plan(None, &few(), &census()).unwrap();
        assert_eq!((plan.train.from, plan.train.until, plan.test.until), (minute(-50), minute(80), minute(100)));
        assert_eq!((plan.train.rows, plan.test.rows.total()), (ByClass { negative: 160, positive: 640 }, 200));
        assert_eq!(plan.kept_of_larger_class, 0.75);
        assert!(plan.notes[0].contains("no version in production"));
    }

    #[test]
    fn what_production_has_learned_from_is_not_compared_on_where_that_can_be() {
        let cut = |learned_until| {
            let plan = plan(Some(learned_until), &few(), &census()).unwrap();
            (plan.test.from, plan.notes.join("; "))
        };
        assert_eq!(cut(Some(minute(70))), (minute(80), String::new()));
        let (from, notes) = cut(Some(minute(90)));
        assert_eq!(from, minute(91));
        assert!(notes.contains("begins behind the last row"), "{notes}");
        let (from, notes) = cut(Some(minute(97)));
        assert_eq!(from, minute(80));
        assert!(notes.contains("which favours it"), "{notes}");
        let (from, notes) = cut(None);
        assert_eq!(from, minute(80));
        assert!(notes.contains("does not say up to when"), "{notes}");
    }

    #[test]
    fn too_few_rows_or_one_class_is_said_with_the_part_and_the_key() {
        let error = |config: RetrainConfig, census| plan(None, &config, &census).unwrap_err().to_string();
        let message = error(RetrainConfig { min_train_rows: 801, ..few() }, census());
        assert!(message.contains("800 rows with a text and a label to learn from"), "{message}");
        assert!(message.contains("retrain.min_train_rows asks for 801"), "{message}");
        let message = error(RetrainConfig { min_test_rows: 201, ..few() }, census());
        assert!(message.contains("200 rows") && message.contains("to compare on"), "{message}");
        let one_class = (0..100).map(|minute| (START + minute, ByClass { negative: 0, positive: 9 }));
        let message = error(few(), census::of_minutes(one_class));
        assert!(message.contains("positive rows to learn from and none of the other class"), "{message}");
        let message = error(few(), census::of_minutes([]));
        assert!(message.contains("0 rows"), "{message}");
        let at_once = census::of_minutes([(START + 7, ByClass { negative: 100, positive: 900 })]);
        let message = error(few(), at_once);
        assert!(message.contains("1000 rows") && message.contains("are all of one minute"), "{message}");
    }
}
