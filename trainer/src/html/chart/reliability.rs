//! A reliability diagram: what was foretold beside what came, and how often it was foretold.

use super::axis::{Axis, short};
use super::figure::{Plot, nothing};
use crate::html::Markup;
use crate::report::grouped;

/// Predictions whose probabilities are near each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bin {
    /// From this probability,
    pub low: f64,
    /// to this one.
    pub high: f64,
    /// How many there are.
    pub rows: u64,
    /// Their mean probability.
    pub foretold: f64,
    /// The share of them that was positive.
    pub observed: f64,
}

/// A chart of bins. Honest probabilities lie on the diagonal.
#[derive(Debug, Clone, PartialEq)]
pub struct ReliabilityDiagram {
    /// What it shows.
    pub caption: String,
    /// The bins; empty ones are not drawn.
    pub bins: Vec<Bin>,
}

impl ReliabilityDiagram {
    const WIDTH: f64 = 420.0;
    const HEIGHT: f64 = 400.0;

    /// The chart.
    pub fn markup(&self) -> Markup {
        let bins: Vec<&Bin> = self.bins.iter().filter(|bin| bin.rows > 0).collect();
        let x = Axis::new("probability").from_to(0.0, 1.0);
        let y = Axis::new("share of positives").from_to(0.0, 1.0);
        let of_bins = || bins.iter().map(|bin| bin.foretold);
        let (Some(x_scale), Some(y_scale)) = (x.scale(of_bins()), y.scale(of_bins())) else {
            return nothing(&self.caption);
        };
        let mut plot = Plot::new(Self::WIDTH, Self::HEIGHT, (&x, x_scale), (&y, y_scale));
        let rows: u64 = bins.iter().map(|bin| bin.rows).sum();
        for bin in &bins {
            let share = bin.rows as f64 / rows as f64;
            let corners = (plot.point((bin.low, share)), plot.point((bin.high, share)));
            if let (Some(from), Some((right, _))) = corners {
                let says = format!("{} to {}: {} rows", short(bin.low), short(bin.high), grouped(bin.rows));
                plot.column(from, right, "bar pale s2", &says);
            }
        }
        let diagonal: Vec<_> = [(0.0, 0.0), (1.0, 1.0)].iter().filter_map(|&point| plot.point(point)).collect();
        plot.path(&diagonal, "line dashed guide");
        let placed: Vec<_> = bins.iter().filter_map(|bin| plot.point((bin.foretold, bin.observed))).collect();
        plot.path(&placed, "line s0");
        for (bin, at) in bins.iter().zip(placed) {
            let (foretold, observed) = (short(bin.foretold), short(bin.observed));
            let says = format!("foretold {foretold}, observed {observed}, {} rows", grouped(bin.rows));
            plot.dot(at, "dot s0", &says);
        }
        plot.finish(&self.caption, &[("observed", "s0"), ("share of the rows", "s2"), ("honest", "guide")])
    }
}
