//! One core's share of a test: scores rows and collects what is asked for. The shares are put together at the end, in
//! whatever order: nothing depends on it.

use super::findings::Findings;
use super::inquiry::Inquiry;
use super::slices::Slicer;
use super::worst::Worst;
use crate::error::Error;
use crate::examples::Example;
use feature_store::offline::Row;
use model::metrics::{Evaluation, Metrics};
use model::{HeavyTerms, Model, Scratch};

/// Points of a curve: enough for a page, few enough for a table.
const CURVE_POINTS: usize = 100;

/// Buffers and what has been collected.
pub(crate) struct Examiner {
    scratch: Scratch,
    evaluation: Evaluation,
    slicers: Vec<Slicer>,
    terms: HeavyTerms,
    worst: Worst,
}

impl Examiner {
    pub(crate) fn new(model: &Model, inquiry: &Inquiry) -> Self {
        Self {
            scratch: Scratch::new(),
            evaluation: Evaluation::new(),
            slicers: Slicer::all(&inquiry.slices),
            terms: model.heavy_terms(inquiry.terms),
            worst: Worst::new(inquiry.errors),
        }
    }

    pub(crate) fn examine(&mut self, model: &Model, row: &Row, example: &Example<'_>) {
        let probability = model.probability(&example.document, &mut self.scratch);
        self.evaluation.push(probability, example.label);
        for slicer in &mut self.slicers {
            slicer.push(row, probability, example.label);
        }
        self.terms.look_in(model, &example.document);
        self.worst.push(row, probability, example.label);
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.evaluation.merge(other.evaluation);
        for (slicer, of_other) in self.slicers.iter_mut().zip(other.slicers) {
            slicer.merge(of_other);
        }
        self.terms.merge(other.terms);
        self.worst.merge(other.worst);
    }

    /// The figures and all else; none where no row was examined.
    pub(crate) fn finish(self, inquiry: &Inquiry) -> Result<Option<(Metrics, Findings)>, Error> {
        let Self { evaluation, slicers, terms, worst, .. } = self;
        let Some(metrics) = evaluation.metrics() else { return Ok(None) };
        let slices = slicers.into_iter().map(|slicer| slicer.finish(inquiry.min_slice_rows));
        let findings = Findings {
            intervals: evaluation.intervals(inquiry.resampling),
            curves: evaluation.curves(CURVE_POINTS),
            threshold: inquiry.objective.map(|objective| evaluation.threshold_for(objective)),
            slices: slices.collect::<Result<_, _>>().map_err(|by| Error::TooManySlices { by: by.to_string() })?,
            terms: terms.named(inquiry.terms),
            errors: worst.finish(),
        };
        Ok(Some((metrics, findings)))
    }
}
