//! One alias, here and in MLflow. MLflow does not say who moved an alias or when, so beside each alias stands a tag of the
//! registered model with the line of our log that it was last made to follow. From the two it can be told who has changed
//! what since: only here, and MLflow is told; only there, and a line of the log follows it; both, and the log holds, whose
//! word has a name and a time, and which may be a rollback that nobody must undo.

use super::run::{SHA256_TAG, VERSION_TAG};
use super::{Error, Mirror, Synced};
use crate::{Alias, Author, LogEntry, Move};
use schemas::{ModelName, ModelVersion};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What became of an alias.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Agreement {
    /// Both say the same, or neither says anything that concerns the other.
    Same,
    /// MLflow's was moved.
    Pushed,
    /// Ours was moved.
    Adopted(LogLine),
    /// They differ, for a reason.
    Differ(String),
}

/// The number of a line, and its version.
pub(super) type LogLine = (u64, ModelVersion);

/// What MLflow says of a registered model.
pub(super) struct There {
    model: Value,
}

impl There {
    /// The version of MLflow's that an alias stands for.
    fn version(&self, alias: &Alias) -> Option<&str> {
        let aliases = self.model["aliases"].as_array()?;
        aliases.iter().find(|entry| entry["alias"] == alias.as_str())?["version"].as_str()
    }

    /// The line of our log that the alias was last made to follow: MLflow's version and the line's number.
    fn followed(&self, alias: &Alias) -> Option<(&str, u64)> {
        let key = tag_of(alias);
        let tag = self.model["tags"].as_array()?.iter().find(|tag| tag["key"] == key.as_str())?["value"].as_str()?;
        let (version, line) = tag.split_once('@')?;
        Some((version, line.parse().ok()?))
    }

    fn aliases(&self) -> impl Iterator<Item = Alias> {
        let entries = self.model["aliases"].as_array().map_or(&[][..], Vec::as_slice);
        entries.iter().filter_map(|entry| entry["alias"].as_str()?.parse().ok())
    }

    /// All that decides about an alias, to tell whether any of it has changed.
    pub(super) fn state(&self, alias: &Alias) -> Option<(String, Option<u64>)> {
        Some((self.version(alias)?.to_owned(), self.followed(alias).map(|(_, line)| line)))
    }
}

fn tag_of(alias: &Alias) -> String {
    format!("plaudit.alias.{alias}")
}

/// MLflow has letters, digits, hyphens and underscores, and keeps some names for itself.
pub(super) fn is_possible(alias: &Alias) -> bool {
    let fits = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-');
    alias.as_str().bytes().all(fits) && alias.as_str() != "latest"
}

impl Mirror {
    /// Brings all aliases together that either side has.
    pub(super) async fn agree_on_all(&self, name: &ModelName, synced: &mut Synced) -> Result<(), Error> {
        let there = self.look(name).await?;
        let aliases: BTreeSet<Alias> = self.registry.aliases(name).await?.into_keys().chain(there.aliases()).collect();
        for alias in aliases.into_iter().filter(is_possible) {
            match self.agree(name, &alias).await? {
                Agreement::Same => {}
                Agreement::Pushed => synced.pushed.push(alias),
                Agreement::Adopted(_) => synced.adopted.push(alias),
                Agreement::Differ(why) => tracing::warn!(model.name = %name, "{alias} of \"{name}\": {why}"),
            }
        }
        Ok(())
    }

    /// What MLflow says of the model; nothing where it doesn't know it.
    pub(super) async fn look(&self, name: &ModelName) -> Result<There, Error> {
        match self.client.get("registered-models/get", &[("name", name.as_str())]).await {
            Ok(answer) => Ok(There { model: answer["registered_model"].clone() }),
            Err(error) if error.is_absent() => Ok(There { model: Value::Null }),
            Err(error) => Err(error),
        }
    }

    /// Brings one alias together.
    pub(super) async fn agree(&self, name: &ModelName, alias: &Alias) -> Result<Agreement, Error> {
        loop {
            // The log before MLflow: what is written to both in between is then seen as done in MLflow alone, which the log's
            // own check of its last line tells apart.
            let log = self.registry.log(name).await?;
            let latest = log.iter().rfind(|entry| entry.alias() == Some(alias));
            let there = self.look(name).await?;
            let Some(version_there) = there.version(alias) else {
                return match latest {
                    Some(latest) if there.followed(alias).is_none_or(|(_, line)| line < latest.sequence) => {
                        self.push(name, alias, latest, &there).await
                    }
                    // Taken away in MLflow: an alias of ours is moved, never taken away.
                    _ => Ok(Agreement::Same),
                };
            };
            let ours = self.version_of_ours(name, version_there).await?;
            let followed = there.followed(alias);
            match (latest, ours) {
                (Some(latest), Some(ours)) if latest.version == ours => {
                    if followed != Some((version_there, latest.sequence)) {
                        self.note_followed(name, alias, version_there, latest.sequence).await?;
                    }
                    return Ok(Agreement::Same);
                }
                (Some(latest), _) if followed.is_none_or(|(_, line)| line < latest.sequence) => {
                    return self.push(name, alias, latest, &there).await;
                }
                (_, None) => {
                    let why = format!("MLflow has version {version_there} there, which is none of this registry's");
                    return Ok(Agreement::Differ(why));
                }
                (latest, Some(ours)) => {
                    let why = format!("set in MLflow at {}, to version {version_there} there", self.client.url());
                    let last = latest.map_or(0, |latest| latest.sequence);
                    let change = Move { alias: alias.clone(), version: ours, verdict: None, only_after: Some(last) };
                    let standing = self.registry.move_alias(name, change, &Author::new("MLflow", why)).await?;
                    // Somebody has moved it here meanwhile: look again.
                    if standing.entry.version != ours {
                        continue;
                    }
                    let line = standing.entry.sequence;
                    self.note_followed(name, alias, version_there, line).await?;
                    return Ok(Agreement::Adopted((line, ours)));
                }
            }
        }
    }

    async fn push(
        &self,
        name: &ModelName,
        alias: &Alias,
        latest: &LogEntry,
        there: &There,
    ) -> Result<Agreement, Error> {
        let Some(sent) = self.sent(name, latest.version).await? else {
            let why = format!("MLflow does not have {} yet; `plaudit models sync` sends it", latest.version);
            return Ok(Agreement::Differ(why));
        };
        if there.version(alias) != Some(&sent.version) {
            let body = json!({"name": name, "alias": alias, "version": sent.version});
            self.client.post("registered-models/alias", &body).await?;
        }
        self.note_followed(name, alias, &sent.version, latest.sequence).await?;
        Ok(Agreement::Pushed)
    }

    async fn note_followed(&self, name: &ModelName, alias: &Alias, version: &str, line: u64) -> Result<(), Error> {
        let body = json!({"name": name, "key": tag_of(alias), "value": format!("{version}@{line}")});
        self.client.post("registered-models/set-tag", &body).await?;
        Ok(())
    }

    /// Which version of ours a version of MLflow's is, by its tags; the bytes must be the same.
    async fn version_of_ours(&self, name: &ModelName, version: &str) -> Result<Option<ModelVersion>, Error> {
        let found = self.client.get("model-versions/get", &[("name", name.as_str()), ("version", version)]).await?;
        let tags = found["model_version"]["tags"].as_array().map_or(&[][..], Vec::as_slice);
        let tag = |key: &str| tags.iter().find(|tag| tag["key"] == key)?["value"].as_str();
        let (Some(Ok(ours)), Some(sha256)) = (tag(VERSION_TAG).map(str::parse::<ModelVersion>), tag(SHA256_TAG)) else {
            return Ok(None);
        };
        match self.registry.manifest(name, ours).await {
            Ok(manifest) => Ok(Some(ours).filter(|_| manifest.sha256 == sha256)),
            Err(crate::Error::Unknown { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
