//! What the gates say of two versions on the same rows.

use super::config::{Gate, GateTest, Must, PromotionConfig};
use super::figure::of_all;
use super::paired::Paired;
use super::significance::{Pair, at_most, disagreements, p_value};
use model::metrics::Evaluation;
use registry::{GateOutcome, Verdict};
use schemas::ModelVersion;

/// Every gate on its rows.
pub(crate) fn judge(paired: &Paired, config: &PromotionConfig, champion: ModelVersion) -> Verdict {
    let Paired { labels, champion: of_champion, challenger: of_challenger, slices } = paired;
    let mut gates = Vec::new();
    for gate in &config.gates {
        match &gate.slice {
            None => {
                let pair = Pair { labels, champion: of_champion, challenger: of_challenger };
                gates.push(outcome(gate, None, pair, config));
            }
            Some(slice) => {
                let grouping = slices.iter().find(|grouping| grouping.by.to_string() == *slice);
                let slices = grouping.map(|grouping| grouping.slices(config.min_slice_rows)).unwrap_or_default();
                if slices.is_empty() {
                    gates.push(not_judged(gate, slice, config));
                }
                // Of many slices one looks worse by chance alone: together they have the alpha of one (Bonferroni).
                let config = PromotionConfig { alpha: config.alpha / slices.len().max(1) as f64, ..config.clone() };
                for (name, rows) in slices {
                    let labels: Vec<_> = rows.iter().map(|&row| labels[row as usize]).collect();
                    let (champion, challenger) = (of_champion.of(&rows), of_challenger.of(&rows));
                    let pair = Pair { labels: &labels, champion: &champion, challenger: &challenger };
                    gates.push(outcome(gate, Some(format!("{slice}={name}")), pair, &config));
                }
            }
        }
    }
    Verdict {
        passed: gates.iter().all(|gate| gate.passed),
        forced: false,
        champion: Some(champion),
        rows: labels.len() as u64,
        gates,
        reason: None,
    }
}

fn outcome(gate: &Gate, slice: Option<String>, pair: Pair<'_>, config: &PromotionConfig) -> GateOutcome {
    let figure = |side: &super::paired::Side| {
        let mut evaluation = Evaluation::new();
        side.probabilities().zip(pair.labels).for_each(|(probability, label)| evaluation.push(probability, *label));
        of_all(gate.metric, &evaluation)
    };
    let (champion, challenger) = (figure(pair.champion), figure(pair.challenger));
    let (p_value, passed) = match (champion, challenger) {
        (Some(champion), Some(challenger)) => {
            let gain = if gate.metric.is_a_loss() { champion - challenger } else { challenger - champion };
            decide(gate, gain, pair, config)
        }
        // A slice of one class has no AUC, for neither of them: nothing is lost.
        _ => (None, gate.must == Must::Hold),
    };
    let least_p = 1.0 / f64::from(PromotionConfig::MAX_RESAMPLES + 1);
    let is_hopeless = gate.test == GateTest::Bootstrap && config.alpha <= least_p;
    let note = is_hopeless.then(|| {
        format!(
            "no bootstrap can tell at an alpha of {:e}: take fewer slices, by promotion.min_slice_rows, or no test",
            config.alpha
        )
    });
    GateOutcome {
        gate: gate.to_string(),
        metric: gate.metric.name().to_owned(),
        slice,
        rows: pair.labels.len() as u64,
        champion,
        challenger,
        p_value,
        passed: passed && !is_hopeless,
        note,
    }
}

/// A gate on slices none of which has enough rows: nothing is lost, and nothing is shown to be better.
fn not_judged(gate: &Gate, slice: &str, config: &PromotionConfig) -> GateOutcome {
    GateOutcome {
        gate: gate.to_string(),
        metric: gate.metric.name().to_owned(),
        slice: Some(slice.to_owned()),
        rows: 0,
        champion: None,
        challenger: None,
        p_value: None,
        passed: gate.must == Must::Hold,
        note: Some(format!("not judged, no slice has {} rows (promotion.min_slice_rows)", config.min_slice_rows)),
    }
}

/// The p-value, where a test was asked for, and whether the gate holds.
fn decide(gate: &Gate, gain: f64, pair: Pair<'_>, config: &PromotionConfig) -> (Option<f64>, bool) {
    // What two sums leave of equal figures is no loss.
    const ROUNDING: f64 = 1e-12;
    let is_significant = |p: f64| p < config.alpha;
    match (gate.must, gate.test) {
        (Must::Hold, GateTest::None) => (None, gain >= -gate.by - ROUNDING),
        (Must::Beat, GateTest::None) => (None, gain >= gate.by - ROUNDING && gain > ROUNDING),
        (Must::Hold, GateTest::Bootstrap) => {
            let p = p_value(gate.metric, pair, config, |gain| gain >= -gate.by - ROUNDING);
            (Some(p), !is_significant(p))
        }
        (Must::Beat, GateTest::Bootstrap) => {
            let p = p_value(gate.metric, pair, config, |gain| gain <= gate.by + ROUNDING);
            (Some(p), is_significant(p))
        }
        (must, GateTest::Mcnemar) => {
            let (won, lost) = disagreements(pair);
            // How likely the challenger is to win so few, or so many, if both are equally good.
            let p = if must == Must::Hold { at_most(won, lost) } else { at_most(lost, won) };
            (Some(p), is_significant(p) == (must == Must::Beat))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::config::GateFigure;
    use super::super::paired::{Grouping, Side};
    use super::*;
    use crate::evaluation::SliceBy;
    use schemas::Label;

    /// A thousand rows; the challenger has every `of_challenger`th wrong, the champion every tenth.
    fn paired(of_challenger: usize) -> Paired {
        let labels: Vec<Label> =
            (0..1000).map(|row| if row % 2 == 0 { Label::Positive } else { Label::Negative }).collect();
        let side = |wrong_of: usize| {
            let says = |(row, label): (usize, &Label)| {
                let is_right = (row * 7919 % 1000) % wrong_of != 0;
                if label.is_positive() == is_right { 0.9 } else { 0.1 }
            };
            labels.iter().enumerate().map(says).collect::<Side>()
        };
        let (champion, challenger) = (side(10), side(of_challenger));
        Paired { labels, champion, challenger, slices: Vec::new() }
    }

    fn verdict(of_challenger: usize, must: Must, metric: GateFigure, by: f64, test: GateTest) -> GateOutcome {
        let gate = Gate { metric, must, by, test, slice: None };
        let config = PromotionConfig { gates: vec![gate], ..PromotionConfig::default() };
        let verdict = judge(&paired(of_challenger), &config, ModelVersion(1));
        assert_eq!((verdict.passed, verdict.rows), (verdict.gates[0].passed, 1000));
        verdict.gates[0].clone()
    }

    #[test]
    fn a_worse_challenger_fails_by_every_test_and_a_better_one_passes() {
        let (hold, beat) = (Must::Hold, Must::Beat);
        let (accuracy, log_loss) = (GateFigure::Accuracy, GateFigure::LogLoss);
        // Wrong are of ten, of five and of twenty.
        for (of_challenger, held, beaten) in [(10, true, false), (5, false, false), (20, true, true)] {
            for test in [GateTest::None, GateTest::Mcnemar, GateTest::Bootstrap] {
                assert_eq!(verdict(of_challenger, hold, accuracy, 0.0, test).passed, held, "{of_challenger} {test:?}");
                assert_eq!(
                    verdict(of_challenger, beat, accuracy, 0.0, test).passed,
                    beaten,
                    "{of_challenger} {test:?}"
                );
            }
            assert_eq!(verdict(of_challenger, hold, log_loss, 0.0, GateTest::Bootstrap).passed, held);
        }
    }

    #[test]
    fn a_margin_is_what_may_be_lost_or_must_be_gained() {
        let (accuracy, none) = (GateFigure::Accuracy, GateTest::None);
        assert!(verdict(5, Must::Hold, accuracy, 0.1, none).passed, "0.9 to 0.8");
        assert!(!verdict(5, Must::Hold, accuracy, 0.09, none).passed);
        assert!(verdict(20, Must::Beat, accuracy, 0.05, none).passed, "0.9 to 0.95");
        assert!(!verdict(20, Must::Beat, accuracy, 0.06, none).passed);
    }

    #[test]
    fn the_outcome_names_both_figures_and_how_likely_chance_is() {
        let outcome = verdict(5, Must::Hold, GateFigure::Accuracy, 0.0, GateTest::Mcnemar);
        assert_eq!((outcome.champion, outcome.challenger), (Some(0.9), Some(0.8)));
        assert!(outcome.p_value.is_some_and(|p| p < 1e-9), "{outcome:?}");
        assert_eq!(outcome.gate, "accuracy may not be significantly worse (McNemar)");
    }

    /// The thousand rows, put together by a column into slices of equal size.
    fn sliced(of_challenger: usize, slices: usize, must: Must, min_slice_rows: u64) -> Verdict {
        let mut grouping = Grouping::of(&SliceBy::Column("shop".to_owned()));
        let mut paired = paired(of_challenger);
        for row in 0..paired.labels.len() {
            grouping.push_value(&format!("shop {}", row * slices / 1000));
        }
        paired.slices.push(grouping);
        let slice = Some("shop".to_owned());
        let gate = Gate { metric: GateFigure::LogLoss, must, by: 0.0, test: GateTest::Bootstrap, slice };
        let config = PromotionConfig { gates: vec![gate], min_slice_rows, ..PromotionConfig::default() };
        judge(&paired, &config, ModelVersion(1))
    }

    #[test]
    fn a_gate_on_many_slices_can_fail() {
        // Of ten rows each, the challenger has all wrong.
        let verdict = sliced(1, 100, Must::Hold, 5);
        assert_eq!((verdict.gates.len(), verdict.passed), (100, false));
        assert!(sliced(10, 100, Must::Hold, 5).passed, "it is as good");
    }

    #[test]
    fn a_gate_whose_slices_are_all_too_small_says_so() {
        let verdict = sliced(10, 100, Must::Hold, 50);
        let note = verdict.gates[0].note.as_deref().unwrap_or_default();
        assert!(verdict.passed && note.contains("no slice has 50 rows"), "{verdict:?}");
        assert!(!sliced(20, 100, Must::Beat, 50).passed, "nothing was shown to be better");
    }
}
