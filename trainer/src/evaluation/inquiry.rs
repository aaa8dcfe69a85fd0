//! What is asked of a test.

use super::slicing::SliceBy;
use model::metrics::{Objective, Resampling};

/// What a test is to find out beside its figures.
#[derive(Debug, Clone, PartialEq)]
pub struct Inquiry {
    /// How intervals are made; none are where nothing is resampled.
    pub resampling: Resampling,
    /// By what rows are put together.
    pub slices: Vec<SliceBy>,
    /// A slice with fewer rows says nothing: it is named, without figures.
    pub min_slice_rows: u64,
    /// What a threshold is to be chosen for.
    pub objective: Option<Objective>,
    /// So many terms with most weight either way.
    pub terms: usize,
    /// So many of the rows that are most wrong.
    pub errors: usize,
}

impl Default for Inquiry {
    /// What every test tells: intervals and curves.
    fn default() -> Self {
        Self {
            resampling: Resampling { resamples: 1000, seed: 42 },
            slices: Vec::new(),
            min_slice_rows: 30,
            objective: None,
            terms: 0,
            errors: 0,
        }
    }
}

impl Inquiry {
    /// The further columns that slices need.
    pub(crate) fn extra_columns(&self) -> Vec<String> {
        self.slices.iter().filter_map(SliceBy::extra_column).map(str::to_owned).collect()
    }
}
