//! One trial: fit on some rows, judged on others.

use super::space::Settings;
use super::texts::Texts;
use model::metrics::{Evaluation, Metrics};
use model::{Corpus, FitError, Scratch};

/// Rows that are vectorized at once.
const BATCH_ROWS: usize = 1024;

/// Fits the settings on rows and scores others with the model.
pub(super) fn run(
    texts: &Texts,
    (training, validation): (&[usize], &[usize]),
    settings: &Settings,
    memory_limit_bytes: u64,
) -> Result<Metrics, FitError> {
    let mut corpus = Corpus::new(settings.model.clone(), memory_limit_bytes)?;
    for places in training.chunks(BATCH_ROWS) {
        let batch: Vec<_> = places.iter().map(|&place| (texts.document(place), texts.rows()[place].label)).collect();
        corpus.push_batch(&batch)?;
    }
    let (model, _) = corpus.fit(&settings.fit, &mut |_| {})?;
    let mut scratch = Scratch::new();
    let mut evaluation = Evaluation::new();
    for &place in validation {
        evaluation.push(model.probability(&texts.document(place), &mut scratch), texts.rows()[place].label);
    }
    evaluation.metrics().ok_or(FitError::Empty)
}
