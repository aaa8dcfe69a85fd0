//! What a run did.

use super::ownership::Owned;
use super::work::{Outcome, ScoredBatch};
use crate::metrics;
use model::metrics::{Evaluation, Metrics};
use rdkafka::Message;
use rdkafka::message::BorrowedMessage;
use schemas::Label;
use serde::Serialize;
use service::kafka::headers;
use service::latency::{Latencies, Quantiles};
use service::telemetry::propagation;
use std::ops::Range;
use std::time::{Duration, Instant};
use tracing::Span;

/// What a run did, in the words of the command line.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct StreamReport {
    /// Reviews that were read and dealt with.
    pub records: u64,
    /// Predictions that were committed.
    pub predictions: u64,
    /// Dead letters that were committed.
    pub dead_letters: u64,
    /// Reviews that were deleted before they were read.
    pub lost_records: u64,
    /// From the start to the end.
    pub seconds: f64,
    /// Records over seconds.
    pub records_per_second: f64,
    /// From the moment a record was read to the commit of its transaction.
    pub latency_ms: Option<Quantiles>,
    /// Quality, where labels came along.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Metrics>,
}

/// What was committed so far.
pub(super) struct Tally {
    predictions: u64,
    dead_letters: u64,
    lost_records: u64,
    latencies: Latencies,
    evaluation: Evaluation,
}

impl Tally {
    pub(super) fn new() -> Self {
        Self {
            predictions: 0,
            dead_letters: 0,
            lost_records: 0,
            latencies: Latencies::new(),
            evaluation: Evaluation::new(),
        }
    }

    /// Counts the part of a batch that was just committed; answers how many records of it were.
    pub(super) fn add(&mut self, scored: &ScoredBatch<'_>, part: &Range<usize>, owned: &Owned) -> usize {
        let before = self.records();
        let mut by_label = [0_u64; 2];
        let committed = Instant::now();
        let mut outcomes = scored.outcomes().enumerate();
        for (partition, run) in scored.batch.runs() {
            let is_owned = scored.batch.is_owned(partition, owned);
            for (taken, (i, (outcome, _))) in run.iter().zip(outcomes.by_ref()) {
                if !is_owned || !part.contains(&i) {
                    continue;
                }
                self.latencies.push(committed.duration_since(taken.at));
                match outcome {
                    Outcome::Prediction(ready) => {
                        by_label[usize::from(ready.label.is_positive())] += 1;
                        if let Some((probability, label)) = ready.labelled {
                            self.evaluation.push(probability, label);
                        }
                    }
                    Outcome::DeadLetter(letter) => {
                        self.dead_letters += 1;
                        metrics::count_dead_letter(letter.cause.as_str());
                    }
                }
            }
        }
        let lost = if part.start == 0 { &scored.batch.lost[..] } else { &[] };
        for range in lost.iter().filter(|range| scored.batch.is_owned(range.partition, owned)) {
            self.lost_records += range.records();
            metrics::count_lost_records(range.records());
        }
        for label in [Label::Negative, Label::Positive] {
            let predictions = by_label[usize::from(label.is_positive())];
            self.predictions += predictions;
            metrics::count_stream_predictions(label, predictions);
        }
        (self.records() - before) as usize
    }

    fn records(&self) -> u64 {
        self.predictions + self.dead_letters
    }

    pub(super) fn finish(&self, elapsed: Duration) -> StreamReport {
        let records = self.records();
        let seconds = elapsed.as_secs_f64();
        StreamReport {
            records,
            predictions: self.predictions,
            dead_letters: self.dead_letters,
            lost_records: self.lost_records,
            seconds,
            records_per_second: if seconds > 0.0 { records as f64 / seconds } else { 0.0 },
            latency_ms: self.latencies.quantiles(),
            metrics: self.evaluation.metrics(),
        }
    }
}

/// A span for a record that came with a trace, and what it came with. A record without one costs nothing.
pub(super) fn process_span<'m>(message: &'m BorrowedMessage<'_>, topic: &str) -> Option<(Span, &'m str)> {
    let incoming = headers::traceparent(message.headers()?)?;
    let span = tracing::info_span!(
        "process",
        otel.name = format_args!("process {topic}"),
        otel.kind = "consumer",
        messaging.system = "kafka",
        messaging.operation.name = "process",
        messaging.operation.type = "process",
        messaging.destination.name = topic,
        messaging.destination.partition.id = message.partition(),
        messaging.kafka.offset = message.offset(),
    );
    propagation::set_parent(&span, incoming);
    Some((span, incoming))
}
