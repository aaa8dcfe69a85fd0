//! Following an alias. Services ask once a second, for days, and almost always nothing has changed: then two looks at the
//! log's end answer, however long the log is.

use crate::{Error, Reference, Registry};
use schemas::{ModelName, ModelVersion};

/// Answers what a reference means, again and again.
#[derive(Debug)]
pub struct Follower {
    registry: Registry,
    name: ModelName,
    reference: Reference,
    known: Option<Known>,
}

#[derive(Debug)]
struct Known {
    version: ModelVersion,
    /// The log's last line when the version was resolved, and what identifies that line's file.
    last_line: u64,
    identity: Option<String>,
}

impl Follower {
    pub(crate) fn new(registry: Registry, name: ModelName, reference: Reference) -> Self {
        Self { registry, name, reference, known: None }
    }

    /// The version that the reference means now. An error leaves the follower as it was: ask again later.
    pub async fn version(&mut self) -> Result<ModelVersion, Error> {
        if let Some(known) = &self.known
            && self.still_holds(known).await?
        {
            return Ok(known.version);
        }
        // Looked at before resolving: a line added in between is then seen as a change next time, at worst once too often.
        let last_line = self.registry.log_length(&self.name).await?;
        let identity = self.registry.line_identity(&self.name, last_line).await?;
        let version = self.registry.resolve(&self.name, &self.reference).await?;
        self.known = Some(Known { version, last_line, identity });
        Ok(version)
    }

    async fn still_holds(&self, known: &Known) -> Result<bool, Error> {
        if matches!(self.reference, Reference::Version(_)) {
            return Ok(true);
        }
        // The last line's file is looked at too, because a registry may be removed and made anew under a running service.
        let next = self.registry.line_identity(&self.name, known.last_line + 1).await?;
        let last = self.registry.line_identity(&self.name, known.last_line).await?;
        Ok(next.is_none() && last == known.identity)
    }
}
