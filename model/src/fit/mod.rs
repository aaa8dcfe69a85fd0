//! Documents and labels to a model: a sparse matrix in memory, term weights, and logistic regression on it.

mod corpus;
mod logistic;
mod matrix;

pub use corpus::{Corpus, FitError, FitReport};
pub use logistic::FitProgress;
