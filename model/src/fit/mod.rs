//! Documents and labels to a model: a sparse matrix in memory, term weights, and logistic regression on it.

mod columns;
mod corpus;
mod counts;
mod elastic_net;
mod logistic;
mod loss;
mod matrix;
#[cfg(test)]
mod problems;
mod solution;
mod transposed;

pub use corpus::{Corpus, FitError, FitReport};
pub use solution::FitProgress;
