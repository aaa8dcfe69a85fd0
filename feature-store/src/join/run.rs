//! A join from beginning to end: every file is opened first, so that a wrong one costs no time; then view after view; then
//! the output.

use super::budget::Budget;
use super::columns::Kind;
use super::feature_rows::FeatureRows;
use super::history::{self, History};
use super::input::{Input, Reading};
use super::key::{Keys, SHARDS};
use super::latest::Latest;
use super::output::{self, Partial};
use super::report::{JoinReport, ViewReport};
use super::results::Results;
use super::slots::Wanted;
use super::spill::Partitions;
use super::{JoinError, JoinProgress, JoinRequest, JoinView};
use crate::offline::{ReadOptions, folder_of};
use crate::views::{EntityKind, View};
use std::collections::BTreeMap;

/// A view whose files are open.
enum Source {
    Ready {
        features: FeatureRows,
        ttl_millis: Option<i64>,
    },
    /// Without events of its own, those of the input.
    History {
        view: View,
        events: Option<Input>,
    },
}

/// Makes a join, on all cores. Nothing stands at the output's path unless all of it does.
pub fn join(request: &JoinRequest, progress: &JoinProgress) -> Result<JoinReport, JoinError> {
    request.check()?;
    join_within(request, progress)
}

/// Makes a join within whatever memory.
pub(super) fn join_within(request: &JoinRequest, progress: &JoinProgress) -> Result<JoinReport, JoinError> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let reading = Reading { keys: Keys::new(), known_from: None, threads, progress };
    let mut sources = Vec::with_capacity(request.views.len());
    for view in &request.views {
        sources.push((view.name(), Source::open(view, request, reading)?));
    }
    let partial = Partial::create(&request.output)?;
    let input = Input::open(&request.input, &request.read, reading)?;
    if let Input::Parquet(rows) = &input {
        let columns: Vec<_> = sources.iter().flat_map(|(name, source)| source.columns(name)).collect();
        rows.check_columns(&output::feature_fields(&columns))?;
    }
    let note = input.sample_note()?;
    let folder = request.temp_dir.as_deref().unwrap_or_else(|| folder_of(&request.output));
    let budget = Budget::new(request.memory_limit_bytes, threads, sources.len(), folder.to_owned());

    let read = match &input {
        Input::Parquet(_) => ReadOptions { columns: request.read.columns.clone(), ..ReadOptions::default() },
        Input::Text(_) => ReadOptions::default(),
    };
    let mut report = JoinReport { rows: 0, views: BTreeMap::new(), spilled_bytes: 0, read };
    let mut results = Vec::with_capacity(sources.len());
    for (name, source) in sources {
        let wanted = Partitions::new(SHARDS, Wanted::BYTES, budget.wanted_spill());
        let reading = Reading { known_from: source.known_from(request), ..reading };
        let mut of_view = input.wanted(source.entity(), &wanted, reading)?;
        let columns = source.columns(name);
        let result = Results::new(columns, input.numbered_rows(), budget.range_bytes(), budget.results_spill());
        let (found, spilled_bytes) = source.find(&input, &wanted, &result, &budget, reading)?;
        of_view.add(&found);
        report.spilled_bytes += spilled_bytes + wanted.spilled_bytes() + result.spilled_bytes();
        report.views.insert(name.to_owned(), of_view);
        results.push(result);
    }
    report.rows = output::write(&input, note.as_deref(), &mut results, partial, progress)?;
    Ok(report)
}

impl Source {
    fn open(view: &JoinView, request: &JoinRequest, reading: Reading<'_>) -> Result<Self, JoinError> {
        Ok(match view {
            JoinView::Ready(view) => Self::Ready { features: FeatureRows::open(view)?, ttl_millis: view.ttl_millis },
            JoinView::History { view, files } => {
                // Which rows are joined says nothing about which are history: all are.
                let read = ReadOptions { conditions: Vec::new(), since: None, until: None, ..request.read.clone() };
                let files = match files {
                    None if read == request.read => None,
                    files => Some(files.as_ref().unwrap_or(&request.input)),
                };
                let events = files.map(|files| Input::open(files, &read, reading)).transpose()?;
                Self::History { view: view.clone(), events }
            }
        })
    }

    fn entity(&self) -> EntityKind {
        match self {
            Self::Ready { features, .. } => features.entity,
            Self::History { view, .. } => view.entity(),
        }
    }

    /// The column that says from when on rows could be known. Ready rows say from when on they are true, and nothing else.
    fn known_from<'a>(&self, request: &'a JoinRequest) -> Option<&'a str> {
        request.known_from.as_deref().filter(|_| matches!(self, Self::History { .. }))
    }

    /// The columns of the output, by their full names.
    fn columns(&self, name: &str) -> Vec<(String, Kind)> {
        match self {
            Self::Ready { features, .. } => {
                features.features().iter().map(|(feature, kind)| (format!("{name}.{feature}"), *kind)).collect()
            }
            Self::History { view, .. } => history::kinds(view),
        }
    }

    fn find(
        &self,
        input: &Input,
        wanted: &Partitions,
        results: &Results,
        budget: &Budget,
        reading: Reading<'_>,
    ) -> Result<(ViewReport, u64), JoinError> {
        match self {
            Self::Ready { features, ttl_millis } => {
                Latest { wanted, features, ttl_millis: *ttl_millis, results, budget }.find(reading)
            }
            Self::History { view, events } => {
                let events = events.as_ref().unwrap_or(input);
                History { view, wanted, events, results, budget }.find(reading)
            }
        }
    }
}
