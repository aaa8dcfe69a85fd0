//! The rows that the model gets most wrong: the wrong class, and the surer the worse.

use feature_store::offline::Row;
use schemas::Label;
use serde::Serialize;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// A row with the wrong class.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WorstError {
    /// The row's id, where it has one.
    pub review_id: Option<String>,
    /// The number of its file among those that were tested, from 1.
    pub file: usize,
    /// Its number in the file, from 1.
    pub row: u64,
    /// What it is.
    pub label: Label,
    /// P(positive).
    pub probability: f64,
    /// The headline, cut.
    pub title: Option<String>,
    /// The beginning of the text.
    pub text: String,
}

/// Texts of a report are cut to so many characters,
const TEXT_CHARACTERS: usize = 280;
/// and headlines to so many.
const TITLE_CHARACTERS: usize = 100;

impl WorstError {
    /// The probability of the class that it has.
    fn of_label(&self) -> f64 {
        if self.label.is_positive() { self.probability } else { 1.0 - self.probability }
    }

    /// The worst first; equal ones by their place.
    fn order(&self, other: &Self) -> Ordering {
        let place = |error: &Self| (error.file, error.row);
        self.of_label().total_cmp(&other.of_label()).then(place(self).cmp(&place(other)))
    }
}

/// A few of the worst so far.
pub(super) struct Worst {
    most: usize,
    /// The least bad on top, which makes room for a worse one.
    heap: BinaryHeap<Ranked>,
}

struct Ranked(WorstError);

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.order(&other.0)
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ranked {}

impl Worst {
    pub(super) fn new(most: usize) -> Self {
        Self { most, heap: BinaryHeap::new() }
    }

    pub(super) fn push(&mut self, row: &Row, probability: f64, label: Label) {
        if self.most == 0 || Label::from_probability(probability) == label {
            return;
        }
        let of_label = if label.is_positive() { probability } else { 1.0 - probability };
        // Most rows are not among the worst: their texts need not be copied to find that out.
        if self.heap.len() == self.most && self.heap.peek().is_some_and(|least| of_label > least.0.of_label()) {
            return;
        }
        self.insert(WorstError {
            review_id: row.review_id.clone(),
            file: row.position.file + 1,
            row: row.position.row,
            label,
            probability,
            title: row.title.as_deref().map(|title| cut(title, TITLE_CHARACTERS)),
            text: cut(row.text.as_deref().unwrap_or_default(), TEXT_CHARACTERS),
        });
    }

    pub(super) fn merge(&mut self, other: Self) {
        other.heap.into_iter().for_each(|error| self.insert(error.0));
    }

    fn insert(&mut self, error: WorstError) {
        self.heap.push(Ranked(error));
        if self.heap.len() > self.most {
            self.heap.pop();
        }
    }

    /// The worst first.
    pub(super) fn finish(self) -> Vec<WorstError> {
        self.heap.into_sorted_vec().into_iter().map(|error| error.0).collect()
    }
}

fn cut(text: &str, most: usize) -> String {
    let text = text.trim();
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    }
}
