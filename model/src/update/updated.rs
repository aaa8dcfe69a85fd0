//! A model that is kept up to date: which version it began with, the number of the update that it is at, and its parts.

use super::{Base, Update};
use crate::config::ConfigError;
use crate::parts::Parts;
use crate::scoring::Model;

/// A version and the updates since, as far as they have come.
#[derive(Debug, Clone, PartialEq)]
pub struct UpdatedModel {
    base: Base,
    number: u64,
    parts: Parts,
}

/// Why an update was not applied; nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotApplied {
    /// It goes on from another version.
    #[error("update {number} is of {}, not of {}", other.version, base.version)]
    OtherBase {
        /// Its number.
        number: u64,
        /// What it goes on from.
        other: Base,
        /// What is kept up to date here.
        base: Base,
    },
    /// It, or a later one, is in the model already.
    #[error("update {number} is not behind {at}")]
    Old {
        /// Its number.
        number: u64,
        /// What the model is at.
        at: u64,
    },
    /// Others come before it.
    #[error("update {number} does not follow {at}: those between are missing")]
    Gap {
        /// Its number.
        number: u64,
        /// What the model is at.
        at: u64,
    },
    /// It changes what this model does not have.
    #[error("update {number} does not fit its model: {error}")]
    Unfit {
        /// Its number.
        number: u64,
        /// What does not fit.
        error: ConfigError,
    },
}

impl UpdatedModel {
    /// A model at an update: at 0 the version as it was trained, else a snapshot.
    pub fn new(base: Base, number: u64, model: &Model) -> Self {
        Self { base, number, parts: model.to_parts() }
    }

    /// Applies the next update.
    pub fn apply(&mut self, update: &Update) -> Result<(), NotApplied> {
        let (number, at) = (update.number, self.number);
        if update.base != self.base {
            return Err(NotApplied::OtherBase { number, other: update.base.clone(), base: self.base.clone() });
        }
        if number <= at {
            return Err(NotApplied::Old { number, at });
        }
        if number != at + 1 {
            return Err(NotApplied::Gap { number, at });
        }
        self.parts.apply(update).map_err(|error| NotApplied::Unfit { number, error })?;
        self.number = number;
        Ok(())
    }

    /// The model as it is now.
    pub fn to_model(&self) -> Result<Model, ConfigError> {
        Model::from_parts(self.parts.clone())
    }

    /// The version that it began with.
    pub fn base(&self) -> &Base {
        &self.base
    }

    /// The last update that is in it; 0 before the first.
    pub fn number(&self) -> u64 {
        self.number
    }
}
