//! The flags of the search for settings that `plaudit train --tune` begins with.

use std::path::PathBuf;
use trainer::{Goal, TuneRequest, Validation};

/// `--tune` and what goes with it: `#[command(flatten)] tune: TuneArgs`.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Search for settings")]
pub struct TuneArgs {
    /// First search for better settings on the training rows; the test is not looked at
    #[arg(long)]
    tune: bool,
    /// How many settings to try, those of the configuration among them
    #[arg(long, value_name = "N", default_value_t = 30, requires = "tune", allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    trials: u32,
    /// Which training rows judge: the last fifth in time, or a fifth by the hash of the text; auto is time where all rows have one
    #[arg(long, value_name = "auto|time|hash", default_value = "auto", requires = "tune")]
    validation: Validation,
    /// The figure that decides: log_loss, brier, roc_auc, pr_auc, accuracy, f1 or macro_f1
    #[arg(long, value_name = "FIGURE", default_value = "log_loss", requires = "tune")]
    tune_for: Goal,
    /// The folder of the journal, with which a search that was ended goes on, and of the page. One in plaudit-tuning otherwise
    #[arg(long, value_name = "FOLDER", requires = "tune")]
    tuning: Option<PathBuf>,
}

impl TuneArgs {
    /// The search, where one is asked for.
    pub fn request(&self) -> Option<TuneRequest> {
        self.tune.then(|| TuneRequest {
            trials: self.trials,
            validation: self.validation,
            goal: self.tune_for,
            folder: self.tuning.clone(),
            is_passing: false,
        })
    }
}
