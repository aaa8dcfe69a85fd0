//! Parts of the predictions, as many as fit in memory and on a dashboard.

use super::{Outcome, QualityConfig, Recent, Scored};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// By what predictions are parted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SliceKind {
    /// Not at all.
    All,
    /// By the version of the model.
    Version,
    /// By the category of what is reviewed.
    Category,
    /// By who gave the label.
    Origin,
}

/// A part of the predictions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Slice {
    /// By what.
    pub kind: SliceKind,
    /// Which one.
    pub value: String,
}

/// The name of what has no slice of its own.
const OTHER: &str = "(other)";
/// A category's name is cut to so many bytes.
const NAME_BYTES: usize = 100;

impl Slice {
    fn new(kind: SliceKind, value: impl Into<String>) -> Self {
        let mut value = value.into();
        value.truncate(value.floor_char_boundary(NAME_BYTES));
        Self { kind, value }
    }

    /// The slices of a prediction.
    pub(super) fn of_prediction(scored: &Scored) -> Vec<Self> {
        let category = scored.category.as_deref().map(|category| Self::new(SliceKind::Category, category));
        let version = Self::new(SliceKind::Version, scored.version.to_string());
        [Self::new(SliceKind::All, ""), version].into_iter().chain(category).collect()
    }

    /// The slice of who gave the label.
    pub(super) fn of_origin(outcome: &Outcome) -> Self {
        let origin = match outcome.origin {
            schemas::Origin::User => "user",
            schemas::Origin::Rating => "rating",
            schemas::Origin::Annotator => "annotator",
        };
        Self::new(SliceKind::Origin, origin)
    }

    /// As alerts and reports name it.
    pub fn to_map(&self) -> BTreeMap<String, String> {
        let kind = match self.kind {
            SliceKind::All => return BTreeMap::new(),
            SliceKind::Version => "version",
            SliceKind::Category => "category",
            SliceKind::Origin => "origin",
        };
        BTreeMap::from([(kind.to_owned(), self.value.clone())])
    }
}

/// The state of each slice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Slices {
    max_versions: usize,
    max_categories: usize,
    /// In the order in which they came, but for versions: the one that scored last is last.
    slices: Vec<(Slice, Recent)>,
}

impl Slices {
    pub(super) fn new(config: &QualityConfig) -> Self {
        Self { max_versions: config.max_versions, max_categories: config.max_categories, slices: Vec::new() }
    }

    /// Makes room for a slice of a prediction, so that its labels find it. A new version is the one that matters: of too many the
    /// one that nothing was scored by for longest goes, and late labels do not bring it back.
    pub(super) fn open(&mut self, slice: Slice) {
        match (self.place(&slice), slice.kind) {
            (Some(place), SliceKind::Version) => {
                let last = self.slices.remove(place);
                self.slices.push(last);
            }
            (Some(_), _) => {}
            (None, SliceKind::Version) => {
                if self.of_kind(SliceKind::Version) >= self.max_versions
                    && let Some(oldest) = self.slices.iter().position(|(slice, _)| slice.kind == SliceKind::Version)
                {
                    self.slices.remove(oldest);
                }
                self.slices.push((slice, Recent::default()));
            }
            (None, SliceKind::Category) if self.of_kind(SliceKind::Category) >= self.max_categories => {
                let other = Slice::new(SliceKind::Category, OTHER);
                if self.place(&other).is_none() {
                    self.slices.push((other, Recent::default()));
                }
            }
            (None, _) => self.slices.push((slice, Recent::default())),
        }
    }

    /// The state of a slice, or of the one that it is part of where there are too many of its kind; none of a version that had to
    /// go.
    pub(super) fn at(&mut self, slice: &Slice) -> Option<&mut Recent> {
        let other = || self.place(&Slice::new(SliceKind::Category, OTHER));
        let place = self.place(slice).or_else(|| (slice.kind == SliceKind::Category).then(other).flatten())?;
        Some(&mut self.slices[place].1)
    }

    fn place(&self, slice: &Slice) -> Option<usize> {
        self.slices.iter().position(|(other, _)| other == slice)
    }

    fn of_kind(&self, kind: SliceKind) -> usize {
        self.slices.iter().filter(|(slice, _)| slice.kind == kind && slice.value != OTHER).count()
    }

    /// All, by kind and name.
    pub fn iter(&self) -> impl Iterator<Item = (&Slice, &Recent)> {
        let mut slices: Vec<_> = self.slices.iter().map(|(slice, state)| (slice, state)).collect();
        slices.sort_unstable_by_key(|(slice, _)| *slice);
        slices.into_iter()
    }
}
