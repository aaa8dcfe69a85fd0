//! What a learner has done when it ends.

use super::tally::Outcomes;
use schemas::ModelVersion;
use serde::Serialize;
use std::fmt;

/// What a run of the service did.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct LearnReport {
    /// What it went on from; none where it ended before it began.
    pub version: Option<ModelVersion>,
    /// The number of the last update.
    pub update: u64,
    /// Updates that this run has published.
    pub updates: u64,
    /// Records that were read and committed, of all three topics.
    pub records: u64,
    /// Labels of which became something.
    pub labels: u64,
    /// Those that moved the weights.
    pub learned: u64,
    /// All of them by what became of them.
    pub outcomes: Outcomes,
    /// Labels that wait for their review, or for what was scored of it.
    pub waiting: usize,
    /// Records that were taken once more, to be where the process before was.
    pub relearned: u64,
    /// How long it took.
    pub seconds: f64,
    /// Labels per second.
    pub labels_per_second: f64,
}

impl fmt::Display for LearnReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = self.version.map_or_else(|| "none".to_owned(), |version| version.to_string());
        writeln!(f, "model         {version}, update {}", self.update)?;
        writeln!(f, "updates       {}", self.updates)?;
        writeln!(f, "records       {}", self.records)?;
        writeln!(f, "labels        {}", self.labels)?;
        for (outcome, labels) in self.outcomes.iter() {
            writeln!(f, "              {labels} {outcome}")?;
        }
        writeln!(f, "waiting       {}", self.waiting)?;
        writeln!(f, "seconds       {:.3}", self.seconds)?;
        write!(f, "labels/s      {:.0}", self.labels_per_second)
    }
}
