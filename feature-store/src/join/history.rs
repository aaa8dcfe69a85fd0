//! The join with history: events of each entity go through the very aggregates that serve, in the order of time, or in that
//! in which they could be known; each row sees their values as they stood before it.

use super::budget::Budget;
use super::columns::Kind;
use super::input::{EventRecord, Input, Reading};
use super::key::SHARDS;
use super::report::ViewReport;
use super::results::{Payload, ResultWriter, Results};
use super::scan::in_parallel;
use super::slots::Wanted;
use super::sorted::{Sorted, sort};
use super::spill::Partitions;
use super::{JoinError, Stage};
use crate::views::{Event, State, View};
use schemas::Timestamp;

/// One view's join.
pub(super) struct History<'a> {
    pub(super) view: &'a View,
    pub(super) wanted: &'a Partitions,
    pub(super) events: &'a Input,
    pub(super) results: &'a Results,
    pub(super) budget: &'a Budget,
}

/// The columns of a view.
pub(super) fn kinds(view: &View) -> Vec<(String, Kind)> {
    let kind = |is_whole| if is_whole { Kind::Integer } else { Kind::Number };
    let of_feature =
        |feature: &crate::views::Feature| (feature.full_name().to_owned(), kind(feature.aggregate().is_whole()));
    view.features().iter().map(of_feature).collect()
}

impl History<'_> {
    /// Finds the values of every row; the bytes that were spilled on the way come with the counts.
    pub(super) fn find(&self, reading: Reading<'_>) -> Result<(ViewReport, u64), JoinError> {
        let events = Partitions::new(SHARDS, EventRecord::BYTES, self.budget.history_spill());
        self.events.events(self.view, &events, reading)?;
        reading.progress.begin(Stage::Matching, SHARDS as u64);
        let make = || (self.results.writer(), ViewReport::default());
        let works = in_parallel(reading.threads, SHARDS, make, |(writer, report), shard| {
            let memory = self.budget.matching_bytes / reading.threads / 2;
            let wanted = sort::<{ Wanted::BYTES }>(self.wanted, shard, memory, self.budget, reading)?;
            let events = sort::<{ EventRecord::BYTES }>(&events, shard, memory, self.budget, reading)?;
            self.merge(wanted, events, writer, report)?;
            reading.progress.advance(1)
        })?;
        let mut total = ViewReport::default();
        for (writer, report) in works {
            writer.finish()?;
            total.add(&report);
        }
        Ok((total, events.spilled_bytes()))
    }

    fn merge(
        &self,
        mut wanted: Sorted<{ Wanted::BYTES }>,
        mut events: Sorted<{ EventRecord::BYTES }>,
        writer: &mut ResultWriter<'_>,
        report: &mut ViewReport,
    ) -> Result<(), JoinError> {
        let payload = Payload { features: self.view.features().len() };
        let whole: Vec<bool> = self.view.features().iter().map(|feature| feature.aggregate().is_whole()).collect();
        let mut bytes = vec![0; payload.bytes()];
        let mut state = State::new(self.view);
        let mut key = None;
        let mut event = events.next()?.map(|record| EventRecord::read(&record));
        while let Some(record) = wanted.next()? {
            let row = Wanted::from_bytes(&record);
            if key.replace(row.key) != Some(row.key) {
                state = State::new(self.view);
            }
            while let Some(EventRecord { known, event_time, value }) =
                event.take_if(|event| (event.known.key, event.known.time) < (row.key, row.time))
            {
                let event_time = Timestamp::from_epoch_millis(event_time);
                if let Some(event_time) = event_time.filter(|_| known.key == row.key) {
                    state.apply(self.view, &Event { value, event_time });
                }
                event = events.next()?.map(|record| EventRecord::read(&record));
            }
            let Some(latest) = state.event_time() else {
                report.missing += 1;
                continue;
            };
            let age = row.time.saturating_sub(latest.epoch_millis());
            if self.view.ttl_millis().is_some_and(|ttl| age > ttl) {
                report.stale += 1;
                continue;
            }
            report.matched += 1;
            for (feature, value) in state.values(self.view).into_iter().enumerate() {
                let bits = if whole[feature] { (value as i64).cast_unsigned() } else { value.to_bits() };
                payload.set(&mut bytes, feature, Some(bits));
            }
            writer.push(row.row, &bytes)?;
        }
        Ok(())
    }
}
