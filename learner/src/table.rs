//! The coordinates of terms, however these are told apart.

use crate::cell::Cell;
use crate::exact::Exact;
use model::{ModelConfig, TermIndex};

/// Hashed terms have an array over all slots: no search, and new terms have their places already.
#[derive(Debug, Clone)]
pub(crate) enum Table {
    Hashed(Vec<Cell>),
    Exact(Exact),
}

impl Table {
    pub(crate) fn new(model: &ModelConfig, max_terms: usize) -> Self {
        match model.vectorizer.terms {
            TermIndex::Hashed => Self::Hashed(vec![Cell::default(); 1 << model.vectorizer.hash_bits]),
            TermIndex::Exact => Self::Exact(Exact::new(max_terms)),
        }
    }

    #[inline]
    pub(crate) fn at_mut(&mut self, place: u32) -> &mut Cell {
        match self {
            Self::Hashed(cells) => &mut cells[place as usize],
            Self::Exact(exact) => exact.at_mut(place),
        }
    }

    /// Lets a new term in; answers its place, if it is worth one.
    #[inline]
    pub(crate) fn admit(&mut self, index: u64, scale: f32) -> Option<u32> {
        let cell = Cell::of(scale, 0.0, 0.0);
        match self {
            Self::Hashed(cells) => {
                cells[index as usize] = cell;
                Some(index as u32)
            }
            Self::Exact(exact) => exact.admit(index, cell),
        }
    }

    /// Puts a term in that stands for itself, as those of a model.
    pub(crate) fn insert(&mut self, index: u64, cell: Cell) {
        match self {
            Self::Hashed(cells) => cells[index as usize] = cell,
            Self::Exact(exact) => {
                exact.insert(index, cell);
            }
        }
    }

    /// Forgets terms where there is no room for another one; answers whether it did. Places change then.
    pub(crate) fn make_room(&mut self) -> bool {
        match self {
            Self::Hashed(_) => false,
            Self::Exact(exact) => exact.make_room(),
        }
    }

    pub(crate) fn multiply_squares(&mut self, factor: f32) {
        let multiply = |cell: &mut Cell| cell.squares *= factor;
        match self {
            Self::Hashed(cells) => cells.iter_mut().for_each(multiply),
            Self::Exact(exact) => exact.cells_mut().for_each(multiply),
        }
    }

    /// The term at a place.
    pub(crate) fn term(&self, place: u32) -> (u64, Cell) {
        match self {
            Self::Hashed(cells) => (place.into(), cells[place as usize]),
            Self::Exact(exact) => exact.term(place),
        }
    }

    /// The known terms in ascending order of their indices.
    pub(crate) fn known(&self) -> Vec<(u64, Cell)> {
        match self {
            Self::Hashed(cells) => (0..).zip(cells.iter().copied()).filter(|(_, cell)| cell.scale > 0.0).collect(),
            Self::Exact(exact) => {
                let mut known: Vec<(u64, Cell)> = exact.iter().copied().collect();
                known.sort_unstable_by_key(|(key, _)| *key);
                known
            }
        }
    }

    /// How many terms are known.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Hashed(cells) => cells.iter().filter(|cell| cell.scale > 0.0).count(),
            Self::Exact(exact) => exact.len(),
        }
    }
}
