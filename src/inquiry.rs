//! The flags of every verb that tests a model: what the test finds out, and where its page goes.

use feature_store::offline::OutputError;
use model::metrics::{Objective, Resampling};
use std::path::PathBuf;
use trainer::{Inquiry, PageFile, SliceBy};

/// What a test finds out beside its figures: `#[command(flatten)] inquiry: InquiryArgs`.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Test")]
pub struct InquiryArgs {
    /// Figures of parts of the rows: product_id, month, length, rating or a column such as category; repeat for more
    #[arg(long, value_name = "WHAT")]
    slice_by: Vec<SliceBy>,
    /// Slices with fewer rows are named, without figures
    #[arg(long, value_name = "N", default_value_t = 30)]
    min_slice_rows: u64,
    /// Choose a threshold: f1, macro_f1, accuracy, precision=0.95 (the most recall with it) or recall=0.95
    #[arg(long, value_name = "FIGURE")]
    threshold_for: Option<Objective>,
    /// How often rows are drawn anew for the intervals; 0 for none
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    resamples: u32,
    /// Show so many terms with most weight either way
    #[arg(long, value_name = "N", value_parser = few)]
    terms: Option<usize>,
    /// Show so many of the rows that are most wrong
    #[arg(long, value_name = "N", value_parser = few)]
    errors: Option<usize>,
    /// Write a page with charts to this file, which needs no other
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
}

/// So many terms or rows can be read, and held while all are looked at.
fn few(argument: &str) -> Result<usize, String> {
    match argument.parse() {
        Ok(number) if number <= 10_000 => Ok(number),
        _ => Err("give a number from 0 to 10000".to_owned()),
    }
}

/// Terms and rows that are shown where nobody says how many.
const TERMS: usize = 15;
const ERRORS: usize = 10;

impl InquiryArgs {
    /// What the test is to find out; terms and rows unasked where there is a page for them, or where the test is the purpose.
    pub fn inquiry(&self, seed: u64, is_purpose: bool) -> Inquiry {
        let shows = is_purpose || self.report.is_some();
        let or = |asked: Option<usize>, else_: usize| asked.unwrap_or(if shows { else_ } else { 0 });
        Inquiry {
            resampling: Resampling { resamples: self.resamples, seed },
            slices: self.slice_by.clone(),
            min_slice_rows: self.min_slice_rows,
            objective: self.threshold_for,
            terms: or(self.terms, TERMS),
            errors: or(self.errors, ERRORS),
        }
    }

    /// Whether anything is asked that only a test can answer.
    pub fn is_asked(&self) -> bool {
        self.report.is_some() || !self.slice_by.is_empty() || self.threshold_for.is_some()
    }

    /// The file of the page, made before the work.
    pub fn page(&self) -> Result<Option<PageFile>, OutputError> {
        self.report.as_ref().map(PageFile::create).transpose()
    }
}
