//! The threshold that serves a purpose best, among all that tell the tested rows apart. It is chosen on the rows on which
//! its figures are measured, so that these flatter a little: another test is its judge.

use super::confusion::Confusion;
use super::evaluation::Evaluation;
use super::ranking::Thresholds;
use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// What a threshold is chosen for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Objective {
    /// The highest F1.
    F1,
    /// The highest mean of the F1 of either class.
    MacroF1,
    /// The highest accuracy.
    Accuracy,
    /// The highest recall with at least this precision.
    Precision(f64),
    /// The highest precision with at least this recall.
    Recall(f64),
}

impl Objective {
    /// What is maximized, and what it must not fall below.
    fn score(self, confusion: &Confusion) -> Option<f64> {
        match self {
            Self::F1 => Some(confusion.f1()),
            Self::MacroF1 => Some(confusion.macro_f1()),
            Self::Accuracy => Some(confusion.accuracy()),
            Self::Precision(least) => (confusion.precision() >= least).then(|| confusion.recall()),
            Self::Recall(least) => (confusion.recall() >= least).then(|| confusion.precision()),
        }
    }
}

impl FromStr for Objective {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let least = |share: &str| match share.parse::<f64>() {
            Ok(share) if share > 0.0 && share <= 1.0 => Ok(share),
            _ => Err(format!("`{share}` is no share: give a number above 0 and up to 1, such as 0.95")),
        };
        match text.split_once('=') {
            None if text == "f1" => Ok(Self::F1),
            None if text == "macro_f1" => Ok(Self::MacroF1),
            None if text == "accuracy" => Ok(Self::Accuracy),
            Some(("precision", share)) => Ok(Self::Precision(least(share)?)),
            Some(("recall", share)) => Ok(Self::Recall(least(share)?)),
            _ => Err("give f1, macro_f1, accuracy, precision=SHARE or recall=SHARE".to_owned()),
        }
    }
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::F1 => f.write_str("f1"),
            Self::MacroF1 => f.write_str("macro_f1"),
            Self::Accuracy => f.write_str("accuracy"),
            Self::Precision(least) => write!(f, "precision={least}"),
            Self::Recall(least) => write!(f, "recall={least}"),
        }
    }
}

impl Serialize for Objective {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A threshold and what it makes of the tested rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ChosenThreshold {
    /// What it was chosen for.
    pub objective: Objective,
    /// Positive is what has this probability or a higher one; none where no threshold reaches what was asked for.
    pub threshold: Option<f64>,
    /// The figures at the threshold.
    #[serde(flatten)]
    pub figures: Option<FiguresAtThreshold>,
}

/// What calling rows positive from a threshold on comes to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct FiguresAtThreshold {
    /// Share of the right classes.
    pub accuracy: f64,
    /// Share of the truly positive among those called positive.
    pub precision: f64,
    /// Share of those called positive among the truly positive.
    pub recall: f64,
    /// Harmonic mean of both.
    pub f1: f64,
    /// Mean of the F1 of either class.
    pub macro_f1: f64,
    /// Right and wrong.
    pub confusion: Confusion,
}

impl Evaluation {
    /// The best threshold among the probabilities that occur; of equal ones that which is nearest to one half.
    pub fn threshold_for(&self, objective: Objective) -> ChosenThreshold {
        let (negatives, positives) = self.sorted();
        let (all_negatives, all_positives) = (negatives.len() as u64, positives.len() as u64);
        let mut best: Option<(f64, f64, Confusion)> = None;
        for threshold in Thresholds::new(&negatives, &positives) {
            let (fp, tp) = (threshold.negatives_so_far as u64, threshold.positives_so_far as u64);
            let confusion = Confusion { tn: all_negatives - fp, fp, fn_: all_positives - tp, tp };
            let at = threshold.probability;
            let is_better = |score: f64| {
                best.is_none_or(|(known, known_at, _)| {
                    score > known || (score == known && (at - 0.5).abs() < (known_at - 0.5).abs())
                })
            };
            if let Some(score) = objective.score(&confusion).filter(|&score| is_better(score)) {
                best = Some((score, at, confusion));
            }
        }
        ChosenThreshold {
            objective,
            threshold: best.map(|(_, at, _)| at),
            figures: best.map(|(_, _, confusion)| FiguresAtThreshold {
                accuracy: confusion.accuracy(),
                precision: confusion.precision(),
                recall: confusion.recall(),
                f1: confusion.f1(),
                macro_f1: confusion.macro_f1(),
                confusion,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::Label::{self, Negative, Positive};

    fn chosen(pairs: &[(f64, Label)], objective: &str) -> ChosenThreshold {
        let mut evaluation = Evaluation::new();
        pairs.iter().for_each(|&(probability, label)| evaluation.push(probability, label));
        evaluation.threshold_for(objective.parse().unwrap())
    }

    const PAIRS: [(f64, Label); 6] =
        [(0.9, Positive), (0.8, Positive), (0.7, Negative), (0.6, Positive), (0.4, Negative), (0.2, Negative)];

    #[test]
    fn thresholds_by_hand() {
        assert_eq!(chosen(&PAIRS, "f1").threshold, Some(0.6));
        // 0.8 and 0.6 both leave one error; the latter is nearer to one half.
        assert_eq!(chosen(&PAIRS, "accuracy").threshold, Some(0.6));
        assert_eq!(chosen(&PAIRS, "precision=1").threshold, Some(0.8));
        let recall = chosen(&PAIRS, "recall=1");
        assert_eq!((recall.threshold, recall.figures.unwrap().precision), (Some(0.6), 0.75));
    }

    #[test]
    fn what_no_threshold_reaches_has_none() {
        let chosen = chosen(&[(0.3, Positive), (0.9, Negative)], "precision=0.95");
        assert_eq!((chosen.threshold, chosen.figures), (None, None));
        let json = serde_json::to_value(chosen).unwrap();
        assert_eq!(json, serde_json::json!({"objective": "precision=0.95", "threshold": null}));
    }

    #[test]
    fn objectives_are_read_as_they_are_written() {
        for text in ["f1", "macro_f1", "accuracy", "precision=0.95", "recall=0.9"] {
            assert_eq!(text.parse::<Objective>().unwrap().to_string(), text);
        }
        for wrong in ["precision", "recall=2", "precision=0", "precision=NaN", "auc", "f1=0.3", ""] {
            assert!(wrong.parse::<Objective>().is_err(), "{wrong}");
        }
    }
}
