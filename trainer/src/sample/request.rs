//! What is to be sampled, and how.

use super::SampleError;
use super::feedback::FeedbackLabels;
use super::quota::Size;
use super::strata::Stratify;
use feature_store::offline::{Field, ReadOptions, check_output, folder_of};
use serde::{Deserialize, Serialize};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Less could not even hold the buffers.
const LEAST_MEMORY_BYTES: u64 = 32 << 20;

/// Section `[sample]` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SampleConfig {
    /// What rows and keys in memory may come to.
    pub memory_limit_bytes: u64,
}

impl SampleConfig {
    /// What is wrong with the section, if anything.
    pub fn check(&self) -> Result<(), String> {
        check_memory("sample.memory_limit_bytes", self.memory_limit_bytes)
    }
}

fn check_memory(name: &str, bytes: u64) -> Result<(), String> {
    if bytes >= LEAST_MEMORY_BYTES {
        return Ok(());
    }
    Err(format!("{name} = {bytes} is too little: give {LEAST_MEMORY_BYTES} or more"))
}

/// A sample to be drawn.
#[derive(Debug, Clone)]
pub struct SampleRequest {
    /// Files of reviews, and folders of the written store.
    pub inputs: Vec<PathBuf>,
    /// Which of their columns are ours, and which rows count.
    pub read: ReadOptions,
    /// Labels that win over those of the rows.
    pub feedback: Option<FeedbackLabels>,
    /// How many rows stay.
    pub size: Size,
    /// What is balanced apart.
    pub stratify: Option<Stratify>,
    /// Further columns that the output has, as text.
    pub keep: Vec<String>,
    /// A Parquet file; it appears when it is whole.
    pub output: PathBuf,
    /// The folder for what memory does not hold; none for the output's.
    pub temp_dir: Option<PathBuf>,
    /// What rows and keys in memory may come to.
    pub memory_limit_bytes: u64,
}

impl SampleRequest {
    /// Refuses what makes no sense.
    pub(super) fn check(&self) -> Result<(), SampleError> {
        check_memory("the memory limit", self.memory_limit_bytes).map_err(SampleError::Setting)?;
        let Size { ratio, rows } = self.size;
        if ratio.is_nan() || ratio < 1.0 || ratio.is_infinite() {
            let problem = format!(
                "--ratio {ratio} makes no sense: give how many rows of the larger class stay for each of \
                the smaller, 1 or more"
            );
            return Err(SampleError::Setting(problem));
        }
        if rows.is_some_and(|rows| rows < 2) {
            return Err(SampleError::Setting("--rows must be 2 or more: one of each class".to_owned()));
        }
        if let Some(own) = self.keep.iter().find(|column| is_own(column)) {
            return Err(SampleError::Setting(format!(
                "--keep {own}: the sample has a column of this name in any case"
            )));
        }
        if let Some(other) = self.output.extension().filter(|extension| is_another_format(extension)) {
            return Err(SampleError::Setting(format!(
                "--output {}: a sample is Parquet, whose footer says how it was drawn, and no .{}: name it {}",
                self.output.display(),
                other.display(),
                self.output.with_extension("parquet").display()
            )));
        }
        Ok(check_output(&self.output, &self.inputs)?)
    }

    /// What is read of the files: the columns asked for, and that of the strata.
    pub(super) fn read_options(&self) -> ReadOptions {
        let mut extras = self.keep.clone();
        if let Some(Stratify::Column(column)) = &self.stratify
            && !extras.contains(column)
        {
            extras.push(column.clone());
        }
        ReadOptions { extras, ..self.read.clone() }
    }

    /// The folder for what memory does not hold.
    pub(super) fn folder(&self) -> &Path {
        self.temp_dir.as_deref().unwrap_or_else(|| folder_of(&self.output))
    }

    /// The inputs, for messages.
    pub(super) fn inputs_in_words(&self) -> String {
        match self.inputs.as_slice() {
            [] => "no file".to_owned(),
            [one] => one.display().to_string(),
            [first, others @ ..] => format!("{} and {} more", first.display(), others.len()),
        }
    }
}

/// Whether a file of this extension would be taken for something else than Parquet.
fn is_another_format(extension: &OsStr) -> bool {
    ["csv", "tsv", "json", "jsonl", "ndjson", "gz", "zst"].iter().any(|other| extension.eq_ignore_ascii_case(other))
}

/// Whether the output has a column of this name in any case.
pub(crate) fn is_own(column: &str) -> bool {
    Field::ALL.iter().any(|field| field.name() == column)
}
