//! What the model holds for its terms, however these are told apart.

use crate::config::{ModelConfig, VectorizerConfig};
use crate::slots::{Slot, Slots};
use crate::terms::{Document, Occurrences, Terms};
use crate::vocabulary::Vocabulary;

/// The known terms with their scales and weights.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Table {
    Hashed(Slots),
    Exact(Vocabulary),
}

impl Table {
    /// The known terms of a document, by their places.
    #[inline]
    pub(crate) fn read<'t>(
        &self,
        config: &ModelConfig,
        document: &Document<'_>,
        terms: &'t mut Terms,
    ) -> &'t [Occurrences] {
        match self {
            Self::Hashed(slots) => terms.read_known(config, document, slots),
            Self::Exact(vocabulary) => terms.read_vocabulary(config, document, vocabulary),
        }
    }

    /// The place of a key, if it is known.
    pub(crate) fn place(&self, config: &VectorizerConfig, key: u64) -> Option<u32> {
        match self {
            Self::Hashed(slots) => {
                let (place, is_known) = slots.place((key >> config.shift()) as u32);
                is_known.then_some(place)
            }
            Self::Exact(vocabulary) => vocabulary.place(key),
        }
    }

    /// The values with their places.
    pub(crate) fn values(&self) -> impl Iterator<Item = (u32, Slot)> + '_ {
        let terms = match self {
            Self::Hashed(slots) => slots.len(),
            Self::Exact(vocabulary) => vocabulary.len(),
        };
        (0..terms as u32).map(|place| (place, self.at(place)))
    }

    /// The value at a place.
    pub(crate) fn at(&self, place: u32) -> Slot {
        match self {
            Self::Hashed(slots) => slots.at(place),
            Self::Exact(vocabulary) => vocabulary.at(place),
        }
    }
}
