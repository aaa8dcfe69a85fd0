//! A figure of weighted rows: as often as the bootstrap has drawn them.

use super::config::GateFigure;
use super::paired::Side;
use model::metrics::{Confusion, Evaluation, Metrics};
use schemas::Label;

/// The rows of one version, made ready for being weighed again and again.
pub(super) struct Weighable<'a> {
    figure: GateFigure,
    side: &'a Side,
    labels: &'a [Label],
    /// Places in ascending order of the probability, for what ranks.
    order: Vec<u32>,
    /// What each row adds to a loss.
    losses: Vec<f64>,
}

impl<'a> Weighable<'a> {
    pub(super) fn new(figure: GateFigure, side: &'a Side, labels: &'a [Label]) -> Self {
        let mut order = Vec::new();
        if matches!(figure, GateFigure::RocAuc | GateFigure::PrAuc) {
            order.extend(0..labels.len() as u32);
            order.sort_unstable_by(|&one, &other| side.at(one).total_cmp(&side.at(other)));
        }
        let mut losses = Vec::new();
        if figure.is_a_loss() {
            losses
                .extend(side.probabilities().zip(labels).map(|(probability, &label)| loss(figure, probability, label)));
        }
        Self { figure, side, labels, order, losses }
    }

    pub(super) fn is_a_loss(&self) -> bool {
        self.figure.is_a_loss()
    }

    /// The figure of rows that occur so and so often; none where they have none.
    pub(super) fn weighed(&self, counts: &[u32]) -> Option<f64> {
        match self.figure {
            GateFigure::RocAuc => self.roc_auc(counts),
            GateFigure::PrAuc => self.pr_auc(counts),
            figure if figure.is_a_loss() => {
                let sum: f64 = self.losses.iter().zip(counts).map(|(loss, &count)| loss * f64::from(count)).sum();
                let rows: u64 = counts.iter().map(|&count| u64::from(count)).sum();
                (rows > 0).then(|| sum / rows as f64)
            }
            figure => of_confusion(figure, &self.confusion(counts)),
        }
    }

    fn confusion(&self, counts: &[u32]) -> Confusion {
        let mut confusion = Confusion { tn: 0, fp: 0, fn_: 0, tp: 0 };
        for ((probability, label), &count) in self.side.probabilities().zip(self.labels).zip(counts) {
            let cell = match (label, Label::from_probability(probability)) {
                (Label::Negative, Label::Negative) => &mut confusion.tn,
                (Label::Negative, Label::Positive) => &mut confusion.fp,
                (Label::Positive, Label::Negative) => &mut confusion.fn_,
                (Label::Positive, Label::Positive) => &mut confusion.tp,
            };
            *cell += u64::from(count);
        }
        confusion
    }

    /// The share of pairs of a positive and a negative row that are in the right order; a tie is half a pair.
    fn roc_auc(&self, counts: &[u32]) -> Option<f64> {
        let (mut negatives, mut positives, mut twice_won) = (0_u64, 0_u64, 0_u128);
        for tied in self.ties() {
            let (tied_negatives, tied_positives) = self.classes(tied, counts);
            twice_won += u128::from(tied_positives) * u128::from(2 * negatives + tied_negatives);
            negatives += tied_negatives;
            positives += tied_positives;
        }
        let pairs = 2.0 * negatives as f64 * positives as f64;
        (pairs > 0.0).then(|| twice_won as f64 / pairs)
    }

    /// The average precision: of each step in recall, from the highest probability down.
    fn pr_auc(&self, counts: &[u32]) -> Option<f64> {
        let (mut negatives, mut positives, mut area) = (0_u64, 0_u64, 0.0);
        for tied in self.ties().rev() {
            let (tied_negatives, tied_positives) = self.classes(tied, counts);
            negatives += tied_negatives;
            positives += tied_positives;
            if tied_positives > 0 {
                area += tied_positives as f64 * (positives as f64 / (positives + negatives) as f64);
            }
        }
        (negatives > 0 && positives > 0).then(|| area / positives as f64)
    }

    /// The places of each probability, in ascending order of these.
    fn ties(&self) -> impl DoubleEndedIterator<Item = &[u32]> {
        self.order.chunk_by(|&one, &other| self.side.at(one) == self.side.at(other))
    }

    /// How often negative and positive rows occur among some.
    fn classes(&self, rows: &[u32], counts: &[u32]) -> (u64, u64) {
        rows.iter().fold((0, 0), |(negatives, positives), &row| {
            let count = u64::from(counts[row as usize]);
            match self.labels[row as usize] {
                Label::Negative => (negatives + count, positives),
                Label::Positive => (negatives, positives + count),
            }
        })
    }
}

/// The figure of all rows, each once.
pub(super) fn of_all(figure: GateFigure, evaluation: &Evaluation) -> Option<f64> {
    let metrics = evaluation.metrics()?;
    let Metrics { roc_auc, pr_auc, log_loss, brier, ece, .. } = metrics;
    match figure {
        GateFigure::RocAuc => roc_auc,
        GateFigure::PrAuc => pr_auc,
        GateFigure::LogLoss => Some(log_loss),
        GateFigure::Brier => Some(brier),
        GateFigure::Ece => Some(ece),
        figure => of_confusion(figure, &metrics.confusion),
    }
}

fn of_confusion(figure: GateFigure, confusion: &Confusion) -> Option<f64> {
    let rows = confusion.tn + confusion.fp + confusion.fn_ + confusion.tp;
    if rows == 0 {
        return None;
    }
    match figure {
        GateFigure::Accuracy => Some(confusion.accuracy()),
        GateFigure::Precision => Some(confusion.precision()),
        GateFigure::Recall => Some(confusion.recall()),
        GateFigure::F1 => Some(confusion.f1()),
        GateFigure::MacroF1 => Some(confusion.macro_f1()),
        _ => None,
    }
}

/// What a row adds to a loss; a probability is kept away from 0 and 1 as the log loss of a test has it.
fn loss(figure: GateFigure, probability: f64, label: Label) -> f64 {
    let of_truth = if label.is_positive() { probability } else { 1.0 - probability };
    match figure {
        GateFigure::LogLoss => -of_truth.clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln(),
        _ => (1.0 - of_truth).powi(2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_occur_so_often_have_the_figure_of_so_many_rows() {
        let probabilities = [0.9, 0.6, 0.5, 0.5, 0.2, 0.1, 0.7];
        let labels = [true, false, true, false, false, true, true];
        let labels = labels.map(|is_positive| if is_positive { Label::Positive } else { Label::Negative });
        let side = Side::from_iter(probabilities);
        for counts in [[1; 7], [2, 1, 0, 3, 1, 4, 0]] {
            let mut repeated = Evaluation::new();
            for ((probability, label), count) in side.probabilities().zip(labels).zip(counts) {
                (0..count).for_each(|_| repeated.push(probability, label));
            }
            for figure in [
                GateFigure::Accuracy,
                GateFigure::Precision,
                GateFigure::Recall,
                GateFigure::F1,
                GateFigure::MacroF1,
                GateFigure::RocAuc,
                GateFigure::PrAuc,
                GateFigure::LogLoss,
                GateFigure::Brier,
            ] {
                let weighed = Weighable::new(figure, &side, &labels).weighed(&counts).unwrap();
                let expected = of_all(figure, &repeated).unwrap();
                assert!((weighed - expected).abs() < 1e-12, "{}: {weighed} {expected}", figure.name());
            }
        }
        assert_eq!(Weighable::new(GateFigure::RocAuc, &side, &labels).weighed(&[1, 0, 0, 0, 0, 0, 0]), None);
    }
}
