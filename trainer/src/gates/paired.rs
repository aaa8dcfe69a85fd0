//! Two versions on the same rows, in one pass over them.

use crate::dataset::Dataset;
use crate::error::Error;
use crate::evaluation::{MAX_SLICES, SliceBy, SliceKey};
use crate::examples::{Example, example};
use crate::holdout::Holdout;
use crate::pass::Pass;
use crate::progress::Progress;
use crate::sampled::beside;
use feature_store::offline::Row;
use model::{Document, FeatureConfig, KeepRates, Model, Scratch};
use schemas::Label;
use std::borrow::Cow;
use std::collections::HashMap;

/// Who meets whom, and on which rows.
pub(crate) struct Duel<'a> {
    pub(crate) champion: &'a Model,
    pub(crate) challenger: &'a Model,
    pub(crate) dataset: &'a Dataset,
    /// Only what this holds, where the test is a part of the training data.
    pub(crate) holdout: Option<Holdout>,
    pub(crate) slices: &'a [SliceBy],
}

/// What came of it: for each row its label and both probabilities.
#[derive(Default)]
pub(crate) struct Paired {
    pub(super) labels: Vec<Label>,
    pub(super) champion: Side,
    pub(super) challenger: Side,
    pub(super) slices: Vec<Grouping>,
}

impl Paired {
    pub(super) fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }
}

/// The probabilities of one version, row by row.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Side(Vec<f64>);

impl Side {
    pub(super) fn at(&self, row: u32) -> f64 {
        self.0[row as usize]
    }

    pub(super) fn probabilities(&self) -> impl Iterator<Item = f64> + '_ {
        self.0.iter().copied()
    }

    /// Those of some rows.
    pub(super) fn of(&self, rows: &[u32]) -> Self {
        Self(rows.iter().map(|&row| self.at(row)).collect())
    }
}

impl FromIterator<f64> for Side {
    fn from_iter<T: IntoIterator<Item = f64>>(probabilities: T) -> Self {
        Self(probabilities.into_iter().collect())
    }
}

/// Rows put together by one kind of slices.
pub(super) struct Grouping {
    pub(super) by: SliceBy,
    /// Its place among the further columns that are read.
    extra: Option<usize>,
    numbers: HashMap<SliceKey, u32>,
    /// The slice of each row.
    of_rows: Vec<u32>,
}

impl Grouping {
    fn all(kinds: &[SliceBy]) -> Vec<Self> {
        let mut extras = 0;
        let grouping = |by: &SliceBy| {
            let extra = by.extra_column().map(|_| extras);
            extras += usize::from(extra.is_some());
            Self { extra, ..Self::of(by) }
        };
        kinds.iter().map(grouping).collect()
    }

    pub(super) fn of(by: &SliceBy) -> Self {
        Self { by: by.clone(), extra: None, numbers: HashMap::new(), of_rows: Vec::new() }
    }

    fn push(&mut self, row: &Row) -> Result<(), Error> {
        let extra = self.extra.and_then(|place| row.extras.get(place)?.as_deref());
        self.push_key(self.by.key(row, extra))
    }

    fn push_key(&mut self, key: SliceKey) -> Result<(), Error> {
        let next = self.numbers.len() as u32;
        let number = *self.numbers.entry(key).or_insert(next);
        if self.numbers.len() > MAX_SLICES {
            return Err(Error::TooManySlices { by: self.by.to_string() });
        }
        self.of_rows.push(number);
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn push_value(&mut self, value: &str) {
        self.push_key(SliceKey::Text(value.to_owned())).expect("there are few slices");
    }

    /// The slices with at least so many rows, by name, each with its rows.
    pub(super) fn slices(&self, min_rows: u64) -> Vec<(String, Vec<u32>)> {
        let mut rows = vec![Vec::new(); self.numbers.len()];
        (0_u32..).zip(&self.of_rows).for_each(|(row, &slice)| rows[slice as usize].push(row));
        let slices =
            self.numbers.iter().map(|(key, &number)| (self.by.name(key), std::mem::take(&mut rows[number as usize])));
        let mut slices: Vec<_> = slices.filter(|(_, rows)| rows.len() as u64 >= min_rows.max(1)).collect();
        slices.sort_unstable();
        slices
    }
}

/// Scores every row with both, on all cores.
pub(crate) fn compare(duel: &Duel<'_>, progress: &mut dyn FnMut(Progress)) -> Result<Paired, Error> {
    let features = Features::of(duel);
    let extras = duel.slices.iter().filter_map(SliceBy::extra_column).map(str::to_owned).collect();
    let dataset = duel.dataset.clone().with_features(&features.read).with_extras(extras);
    let mut paired = Paired { slices: Grouping::all(duel.slices), ..Paired::default() };
    let pass = Pass::open(&dataset)?;
    // As the report of a test has it: what the rows are a sample of is no fault of either.
    let of_test = pass.keep_rates()?;
    let (champion, challenger) = (on(duel.champion, of_test)?, on(duel.challenger, of_test)?);
    let duel = &Duel { champion: &champion, challenger: &challenger, ..*duel };
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    let mut scratches: Vec<Scratch> = (0..cores).map(|_| Scratch::new()).collect();
    pass.run(|rows, position| {
        let mut examples = Vec::with_capacity(rows.len());
        for row in rows {
            let Ok(example) = example(row) else { continue };
            if duel.holdout.is_none_or(|holdout| holdout.holds_document(&example.document)) {
                paired.labels.push(example.label);
                paired.slices.iter_mut().try_for_each(|slices| slices.push(row))?;
                examples.push(example);
            }
        }
        let share = examples.len().div_ceil(cores).max(1);
        std::thread::scope(|scope| {
            let parts: Vec<_> = examples
                .chunks(share)
                .zip(&mut scratches)
                .map(|(examples, scratch)| {
                    let features = &features;
                    scope.spawn(move || {
                        examples.iter().map(|one| features.score(duel, one, scratch)).collect::<Vec<_>>()
                    })
                })
                .collect();
            for (champion, challenger) in parts.into_iter().flat_map(|part| part.join().expect("scoring doesn't panic"))
            {
                paired.champion.0.push(champion);
                paired.challenger.0.push(challenger);
            }
        });
        let (bytes_read, total_bytes) = (position.bytes_read, position.total_bytes);
        progress(Progress::Testing { rows: paired.labels.len() as u64, bytes_read, total_bytes });
        Ok(())
    })?;
    Ok(paired)
}

/// The model as it scores rows that were kept at such rates.
fn on(model: &Model, rates: KeepRates) -> Result<Cow<'_, Model>, Error> {
    if rates == KeepRates::ALL {
        return Ok(Cow::Borrowed(model));
    }
    Ok(Cow::Owned(model.clone().with_keep_rates(beside(model.keep_rates(), rates))?))
}

/// The features that rows are read with, and where each version finds its own among them.
struct Features {
    /// Those of the challenger, and then those that the champion alone has.
    read: Vec<FeatureConfig>,
    /// For each feature of the champion its place.
    of_champion: Vec<usize>,
}

impl Features {
    fn of(duel: &Duel<'_>) -> Self {
        let mut read = duel.challenger.features().to_vec();
        let mut place = |feature: &FeatureConfig| {
            read.iter().position(|other| other.name == feature.name).unwrap_or_else(|| {
                read.push(feature.clone());
                read.len() - 1
            })
        };
        let of_champion = duel.champion.features().iter().map(&mut place).collect();
        Self { read, of_champion }
    }

    /// What the champion and the challenger say.
    fn score(&self, duel: &Duel<'_>, example: &Example<'_>, scratch: &mut Scratch) -> (f64, f64) {
        let document = &example.document;
        let value = |&place: &usize| document.features.get(place).copied().unwrap_or(f64::NAN);
        let of_champion: Vec<f64> = self.of_champion.iter().map(value).collect();
        let champion = duel.champion.probability(&Document { features: &of_champion, ..*document }, scratch);
        (champion, duel.challenger.probability(document, scratch))
    }
}
