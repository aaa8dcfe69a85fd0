//! Counts of numbers in bins.

use super::Sample;
use serde::{Deserialize, Serialize};

/// How many numbers lie between which edges, and how many are missing.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct Histogram {
    /// Ascending. Bin i goes from edge i - 1 up to below edge i; the first and the last are open.
    edges: Vec<f64>,
    /// One more than edges.
    bins: Vec<u64>,
    missing: u64,
}

/// As it is read, before it is looked at.
#[derive(Deserialize)]
struct Written {
    edges: Vec<f64>,
    bins: Vec<u64>,
    missing: u64,
}

impl TryFrom<Written> for Histogram {
    type Error = String;
    fn try_from(Written { edges, bins, missing }: Written) -> Result<Self, String> {
        let is_empty = edges.is_empty() && bins.is_empty();
        if !is_empty && bins.len() != edges.len() + 1 {
            return Err(format!("a histogram of {} edges has {} bins", edges.len(), bins.len()));
        }
        if !edges.is_sorted_by(|one, next| one < next) {
            return Err("a histogram's edges do not ascend".to_owned());
        }
        Ok(Self { edges, bins, missing })
    }
}

impl Histogram {
    /// The counts of a sample, between edges in any order.
    pub fn of(edges: &[f64], sample: &Sample) -> Self {
        let mut edges: Vec<f64> = edges.iter().copied().filter(|edge| edge.is_finite()).collect();
        edges.sort_unstable_by(f64::total_cmp);
        edges.dedup();
        let bins = vec![0; edges.len() + 1];
        let mut histogram = Self { edges, bins, missing: sample.missing_of_kept() };
        sample.values().iter().for_each(|&value| histogram.add(value));
        histogram
    }

    /// Edges that part the values into about `bins` of equal size. Values that are very common have fewer.
    pub fn quantile_edges(values: &mut [f64], bins: usize) -> Vec<f64> {
        values.sort_unstable_by(f64::total_cmp);
        let Some(least) = values.first().copied() else { return Vec::new() };
        let edges = (1..bins).map(|i| values[i * values.len() / bins]);
        // Nothing lies below the least value.
        let mut edges: Vec<f64> = edges.filter(|&edge| edge > least).collect();
        edges.dedup();
        edges
    }

    /// Adds a number; one that is none is missing.
    pub fn add(&mut self, value: f64) {
        if !value.is_finite() {
            self.missing += 1;
            return;
        }
        if self.bins.is_empty() {
            self.bins.push(0);
        }
        self.bins[self.edges.partition_point(|&edge| edge <= value)] += 1;
    }

    /// The same bins with nothing in them.
    pub fn emptied(&self) -> Self {
        Self { edges: self.edges.clone(), bins: vec![0; self.edges.len() + 1], missing: 0 }
    }

    /// The counts, those that are missing last.
    pub fn counts(&self) -> Vec<u64> {
        let bins = if self.bins.is_empty() { &[0][..] } else { &self.bins };
        bins.iter().copied().chain([self.missing]).collect()
    }

    /// How many numbers, the missing ones left out.
    pub fn numbers(&self) -> u64 {
        self.bins.iter().sum()
    }

    /// How many of them lie at or above an edge.
    pub fn numbers_from(&self, edge: f64) -> u64 {
        self.bins.iter().skip(self.edges.partition_point(|&other| other < edge) + 1).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(values: &[f64]) -> Sample {
        let mut sample = Sample::default();
        values.iter().for_each(|&value| sample.add(value));
        sample
    }

    #[test]
    fn a_bin_holds_its_lower_edge() {
        let histogram = Histogram::of(&[0.5, 0.2], &sample(&[0.1, 0.2, 0.3, 0.5, 0.9, f64::NAN]));
        assert_eq!(histogram.counts(), [1, 2, 2, 1]);
        assert_eq!((histogram.numbers(), histogram.numbers_from(0.5)), (5, 2));
        let mut window = histogram.emptied();
        window.add(f64::INFINITY);
        assert_eq!(window.counts(), [0, 0, 0, 1], "a window misses what a reference misses");
    }

    #[test]
    fn quantiles_part_values_evenly_and_a_common_value_has_one_bin() {
        let mut values: Vec<f64> = (0..100).map(f64::from).collect();
        assert_eq!(Histogram::quantile_edges(&mut values, 4), [25.0, 50.0, 75.0]);
        assert_eq!(Histogram::quantile_edges(&mut [1.0; 50], 4), [0.0; 0]);
        let mut mostly_zero = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 3.0, 4.0];
        assert_eq!(Histogram::quantile_edges(&mut mostly_zero, 4), [3.0]);
    }

    #[test]
    fn a_damaged_one_is_refused() {
        for text in [
            r#"{"edges":[1],"bins":[1],"missing":0}"#,
            r#"{"edges":[2,1],"bins":[1,1,1],"missing":0}"#,
            r#"{"edges":[1,1],"bins":[1,1,1],"missing":0}"#,
        ] {
            serde_json::from_str::<Histogram>(text).unwrap_err();
        }
        let whole: Histogram = serde_json::from_str(r#"{"edges":[1,2],"bins":[1,1,1],"missing":4}"#).unwrap();
        assert_eq!(whole.counts(), [1, 1, 1, 4]);
    }
}
