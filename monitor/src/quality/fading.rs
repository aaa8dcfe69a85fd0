//! Figures in which the past fades.

use model::metrics::Confusion;
use schemas::Label;
use serde::{Deserialize, Serialize};

/// Sums that fade: `S_i = L_i + a S_(i-1)`, `B_i = 1 + a B_(i-1)`, and the figure is S/B (Gama, Sebastião & Rodrigues 2013, "On
/// evaluating stream learning algorithms", section 3). With a = 0.999 the last thousand count for two thirds. Two numbers take
/// the place of a window, and there is no edge at which a record drops out.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Fading {
    weight: f64,
    /// Negatives called negative, negatives called positive, positives called negative, positives called positive.
    cells: [f64; 4],
    surprise: f64,
    squares: f64,
    /// For each tenth of the probability: the sum of probabilities less the number of positives.
    surplus: [f64; BINS],
}

const BINS: usize = 10;

/// Figures that fade, as `model::metrics::Metrics` defines them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Faded {
    /// How many labelled predictions they are worth.
    pub weight: f64,
    /// Share of the right classes.
    pub accuracy: f64,
    /// Harmonic mean of precision and recall.
    pub f1: f64,
    /// Mean of the F1 of either class.
    pub macro_f1: f64,
    /// Mean of -ln p(true class).
    pub log_loss: f64,
    /// Mean of (p - y)².
    pub brier: f64,
    /// Expected calibration error over ten bins.
    pub ece: f64,
}

impl Fading {
    /// Adds a pair, after everything before it has faded by `factor`.
    pub fn add(&mut self, probability: f64, label: Label, factor: f64) {
        let sums = [&mut self.weight, &mut self.surprise, &mut self.squares];
        let sums = sums.into_iter().chain(&mut self.cells).chain(&mut self.surplus);
        sums.for_each(|sum| *sum *= factor);
        let is_positive = label.is_positive();
        let of_label = if is_positive { probability } else { 1.0 - probability };
        self.weight += 1.0;
        self.cells[2 * usize::from(is_positive) + usize::from(Label::from_probability(probability).is_positive())] +=
            1.0;
        self.surprise -= of_label.clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln();
        self.squares += (1.0 - of_label).powi(2);
        let bin = ((probability * BINS as f64).ceil() as usize).saturating_sub(1).min(BINS - 1);
        self.surplus[bin] += probability - f64::from(u8::from(is_positive));
    }

    /// The figures; none before the first pair.
    pub fn figures(&self) -> Option<Faded> {
        if self.weight <= 0.0 {
            return None;
        }
        // In millionths of a pair, so that the counts' own figures are these too.
        let [tn, fp, fn_, tp] = self.cells.map(|cell| (cell * 1e6).round() as u64);
        let confusion = Confusion { tn, fp, fn_, tp };
        Some(Faded {
            weight: self.weight,
            accuracy: confusion.accuracy(),
            f1: confusion.f1(),
            macro_f1: confusion.macro_f1(),
            log_loss: self.surprise / self.weight,
            brier: self.squares / self.weight,
            ece: self.surplus.iter().map(|surplus| surplus.abs()).sum::<f64>() / self.weight,
        })
    }
}
