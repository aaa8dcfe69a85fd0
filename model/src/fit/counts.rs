//! The rows as they are read: how often each holds its terms. Which terms count, and how much, shows when all rows are there.

use super::matrix::Matrix;
use crate::config::{ModelConfig, TermIndex};
use crate::terms::{Document, Terms};
use schemas::Label;
use std::ops::Range;

/// Rows of terms with their counts. Behind a row's terms stands an entry for each feature that has a value.
pub(super) struct Counts {
    /// Columns are slots, or the upper halves of keys.
    pub(super) rows: Matrix,
    /// The lower halves of keys; empty where terms are hashed.
    pub(super) lower: Vec<u32>,
    /// How many of a row's terms, the first ones, are of its title; empty where that doesn't matter.
    pub(super) titles: Vec<u32>,
    /// How many of a row's entries, the last ones, stand for features.
    pub(super) features: Vec<u8>,
}

impl Counts {
    pub(super) fn new() -> Self {
        Self { rows: Matrix::new(), lower: Vec::new(), titles: Vec::new(), features: Vec::new() }
    }

    /// The rows of these documents.
    pub(super) fn of(config: &ModelConfig, documents: &[(Document<'_>, Label)], terms: &mut Terms) -> Self {
        let mut counts = Self::new();
        for (document, _) in documents {
            counts.push(config, document, terms);
        }
        counts
    }

    fn push(&mut self, config: &ModelConfig, document: &Document<'_>, terms: &mut Terms) {
        if config.vectorizer.title_weight != 1.0 {
            let title = Document { title: document.title, text: "", features: &[] };
            let terms = match config.vectorizer.terms {
                TermIndex::Hashed => terms.read(config, &title).len(),
                TermIndex::Exact => terms.read_keys(config, &title).len(),
            };
            self.titles.push(terms as u32);
        }
        match config.vectorizer.terms {
            TermIndex::Hashed => {
                terms.read(config, document).iter().for_each(|term| self.rows.push(term.of, term.count as f32));
            }
            TermIndex::Exact => {
                for &(key, count) in terms.read_keys(config, document) {
                    self.rows.push((key >> 32) as u32, count as f32);
                    self.lower.push(key as u32);
                }
            }
        }
        let mut features = 0;
        for (feature, &value) in config.features.iter().zip(document.features) {
            if feature.takes(value) {
                features += 1;
                self.rows.push(0, 0.0);
                if config.vectorizer.terms == TermIndex::Exact {
                    self.lower.push(0);
                }
            }
        }
        self.features.push(features);
        self.rows.end_row();
    }

    /// Puts the rows of `other` behind its own.
    pub(super) fn append(&mut self, other: &Self) {
        self.rows.append(&other.rows);
        self.lower.extend_from_slice(&other.lower);
        self.titles.extend_from_slice(&other.titles);
        self.features.extend_from_slice(&other.features);
    }

    pub(super) fn bytes(&self) -> u64 {
        self.rows.bytes() + (4 * (self.lower.capacity() + self.titles.capacity()) + self.features.capacity()) as u64
    }

    /// The entries of a row's terms.
    #[inline]
    pub(super) fn terms(&self, row: usize) -> Range<usize> {
        let entries = self.rows.entries_of(row);
        entries.start..entries.end - usize::from(self.features[row])
    }

    /// A term as all of its entries have it: its slot, or its key.
    #[inline]
    pub(super) fn term(&self, entry: usize) -> u64 {
        let column = u64::from(self.rows.columns()[entry]);
        match self.lower.get(entry) {
            Some(&lower) => column << 32 | u64::from(lower),
            None => column,
        }
    }
}
