//! The registry's log, written and read: aliases moved, versions tagged, described and deleted.

use crate::log::{Aliases, deletion};
use crate::notes::check_text;
use crate::registry::{CONCURRENT_READS, artifact_path, json, log_folder};
use crate::store::numbered;
use crate::{Action, Alias, Error, LogEntry, Notes, Reference, Registry, Standing, Tag, Verdict};
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use schemas::{ModelName, ModelVersion, Timestamp};
use std::collections::BTreeMap;

/// Who does something, and why, for the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Author {
    /// Who.
    pub who: String,
    /// Their reason.
    pub why: String,
}

impl Author {
    /// Somebody with a reason.
    pub fn new(who: impl Into<String>, why: impl Into<String>) -> Self {
        Self { who: who.into(), why: why.into() }
    }
}

/// An alias to be moved to a version.
#[derive(Debug, Clone, PartialEq)]
pub struct Move {
    /// The alias.
    pub alias: Alias,
    /// The version.
    pub version: ModelVersion,
    /// The comparison that the choice stands on, where there was one.
    pub verdict: Option<Verdict>,
    /// Only while this is the number of the alias' last line (0: none): somebody else's word since then holds.
    pub only_after: Option<u64>,
}

/// What the log as it stands makes of a request.
enum Decision {
    /// A new line.
    Write(ModelVersion, Action),
    /// The line that says so already.
    Stands(LogEntry),
    /// Nothing can be done.
    Refuse(Error),
    /// There is no such thing.
    Unknown(Reference),
}

impl Registry {
    /// Makes `alias` stand for `version`, and writes down who did it and why. The version's artifact is checked first, so
    /// that no alias is moved to a model that cannot be loaded. An alias that stands for it already gets no second line.
    pub async fn set_alias(
        &self,
        name: &ModelName,
        alias: &Alias,
        version: ModelVersion,
        who: &str,
        why: &str,
    ) -> Result<Standing, Error> {
        let change = Move { alias: alias.clone(), version, verdict: None, only_after: None };
        self.move_alias(name, change, &Author::new(who, why)).await
    }

    /// The same with what the choice stands on, or only if nobody else has moved the alias since.
    pub async fn move_alias(&self, name: &ModelName, change: Move, author: &Author) -> Result<Standing, Error> {
        let Move { alias, version, verdict, only_after } = change;
        let verdict = verdict.map(Box::new);
        self.append(name, author, |entries| {
            let latest = entries.iter().rfind(|entry| entry.alias() == Some(&alias));
            if let Some(deletion) = deletion(entries, version) {
                return Decision::Refuse(Error::deleted(name, deletion));
            }
            let is_late = only_after.is_some_and(|last| last != latest.map_or(0, |entry| entry.sequence));
            let previous = Aliases::after(entries).current(&alias);
            match latest {
                Some(entry) if is_late || previous == Some(version) => Decision::Stands(entry.clone()),
                _ => {
                    let alias = alias.clone();
                    Decision::Write(version, Action::Set { alias, previous, verdict: verdict.clone() })
                }
            }
        })
        .await
    }

    /// What an alias stands for, if anything, and the number of the last line about it, 0 where there is none:
    /// [`Move::only_after`] takes that of whoever moves the alias for what they saw.
    pub async fn holder(&self, name: &ModelName, alias: &Alias) -> Result<(Option<ModelVersion>, u64), Error> {
        let entries = self.log(name).await?;
        let last = entries.iter().rfind(|entry| entry.alias() == Some(alias));
        Ok((Aliases::after(&entries).current(alias), last.map_or(0, |entry| entry.sequence)))
    }

    /// Makes `alias` stand for what it stood for before its current version. Doing so again goes one step further back, and
    /// after the first version there is nothing left; a version that was rolled back is never returned to.
    pub async fn rollback(&self, name: &ModelName, alias: &Alias, who: &str, why: &str) -> Result<LogEntry, Error> {
        let author = Author::new(who, why);
        let standing = self.append(name, &author, |entries| {
            let aliases = Aliases::after(entries);
            let previous = aliases.current(alias);
            let alias = alias.clone();
            match (aliases.before(&alias), previous) {
                (Some(version), _) => Decision::Write(version, Action::Rollback { alias, previous }),
                (None, Some(current)) => Decision::Refuse(Error::NothingBefore { alias, name: name.clone(), current }),
                (None, None) => Decision::Unknown(alias.into()),
            }
        });
        Ok(standing.await?.entry)
    }

    /// Gives a version a tag, or takes one away. What is so already gets no second line.
    pub async fn tag(
        &self,
        name: &ModelName,
        version: ModelVersion,
        tag: Tag,
        author: &Author,
    ) -> Result<Standing, Error> {
        let Tag { key, value } = tag;
        self.note(
            name,
            version,
            Action::Tag { key: key.clone(), value },
            author,
            |action| matches!(action, Action::Tag { key: other, .. } if *other == key),
        )
        .await
    }

    /// Describes a version, in place of what was said of it before.
    pub async fn describe(
        &self,
        name: &ModelName,
        version: ModelVersion,
        text: &str,
        author: &Author,
    ) -> Result<Standing, Error> {
        check_text(text, "a description").map_err(|problem| Error::Note { problem })?;
        let action = Action::Describe { text: text.to_owned() };
        self.note(name, version, action, author, |action| matches!(action, Action::Describe { .. })).await
    }

    async fn note(
        &self,
        name: &ModelName,
        version: ModelVersion,
        action: Action,
        author: &Author,
        is_about_the_same: impl Fn(&Action) -> bool,
    ) -> Result<Standing, Error> {
        self.manifest(name, version).await?;
        self.append(name, author, |entries| {
            if let Some(deletion) = deletion(entries, version) {
                return Decision::Refuse(Error::deleted(name, deletion));
            }
            let said = entries.iter().rfind(|entry| entry.version == version && is_about_the_same(&entry.action));
            match said.filter(|entry| entry.action == action) {
                Some(entry) => Decision::Stands(entry.clone()),
                None => Decision::Write(version, action.clone()),
            }
        })
        .await
    }

    /// Deletes a version that no alias stands for: its number is never used again, its manifest stays for who asks what it
    /// was, and its bytes go unless another version has the same.
    pub async fn delete(&self, name: &ModelName, version: ModelVersion, author: &Author) -> Result<Standing, Error> {
        let manifest = self.manifest(name, version).await?;
        let standing = self.append(name, author, |entries| {
            if let Some(deletion) = deletion(entries, version) {
                return Decision::Stands(deletion.clone());
            }
            match Aliases::after(entries).of(version) {
                Some(alias) => Decision::Refuse(Error::InUse { alias: alias.clone(), name: name.clone(), version }),
                None => Decision::Write(version, Action::Delete),
            }
        });
        let standing = standing.await?;
        let path = artifact_path(name, &manifest.sha256);
        let is_needed = async || {
            let versions = self.versions(name).await?;
            Ok::<_, Error>(versions.iter().any(|other| other.sha256 == manifest.sha256))
        };
        if !is_needed().await?
            && let Some(bytes) = self.store.read(&path).await?
        {
            self.store.remove(&path).await?;
            // The same bytes may have been registered meanwhile, by whoever found them here.
            if is_needed().await? {
                self.store.write(&path, bytes).await?;
            }
        }
        Ok(standing)
    }

    /// What every alias of a model stands for.
    pub async fn aliases(&self, name: &ModelName) -> Result<BTreeMap<Alias, ModelVersion>, Error> {
        Ok(Aliases::after(&self.log(name).await?).into_current())
    }

    /// The tags and descriptions of a model's versions.
    pub async fn notes(&self, name: &ModelName) -> Result<BTreeMap<ModelVersion, Notes>, Error> {
        Ok(Notes::after(&self.log(name).await?))
    }

    /// Every line of a model's log, in order.
    pub async fn log(&self, name: &ModelName) -> Result<Vec<LogEntry>, Error> {
        let folder = log_folder(name);
        let last = self.log_length(name).await?;
        // Read by number and not as listed: a listing may miss a line that is written meanwhile and show the next.
        let lines = (1..=last).map(|sequence| self.line(numbered(&folder, sequence), sequence));
        stream::iter(lines).buffered(CONCURRENT_READS).try_collect().await
    }

    /// The version that a reference means now.
    pub async fn resolve(&self, name: &ModelName, reference: &Reference) -> Result<ModelVersion, Error> {
        match reference {
            Reference::Version(version) => {
                let version = self.manifest(name, *version).await?.version;
                match deletion(&self.log(name).await?, version) {
                    Some(deletion) => Err(Error::deleted(name, deletion)),
                    None => Ok(version),
                }
            }
            Reference::Alias(alias) => match Aliases::after(&self.log(name).await?).current(alias) {
                Some(version) => Ok(version),
                None => Err(self.unknown(name, reference).await?),
            },
        }
    }

    /// Adds the line that `decide` makes of the lines that there are.
    async fn append(
        &self,
        name: &ModelName,
        author: &Author,
        decide: impl Fn(&[LogEntry]) -> Decision,
    ) -> Result<Standing, Error> {
        let mut taken = 0;
        loop {
            let entries = self.log(name).await?;
            if (entries.len() as u64) < taken {
                let path = self.store.display(&numbered(&log_folder(name), taken));
                let cause = "what stands there is no line of the log; remove it".into();
                return Err(Error::Store { action: "write", path, cause });
            }
            let (version, action) = match decide(&entries) {
                Decision::Write(version, action) => (version, action),
                Decision::Stands(entry) => return Ok(Standing { entry, is_new: false }),
                Decision::Refuse(error) => return Err(error),
                Decision::Unknown(reference) => return Err(self.unknown(name, &reference).await?),
            };
            if matches!(action, Action::Set { .. } | Action::Rollback { .. }) {
                self.artifact(name, version).await?;
            }
            let Author { who, why } = author.clone();
            let entry =
                LogEntry { sequence: entries.len() as u64 + 1, action, version, who, why, at: Timestamp::now() };
            if self.store.create(&numbered(&log_folder(name), entry.sequence), json(&entry)).await? {
                return Ok(Standing { entry, is_new: true });
            }
            // Another writer took the line: what it says may change what ours has to say.
            taken = entry.sequence;
        }
    }

    async fn line(&self, path: Path, sequence: u64) -> Result<LogEntry, Error> {
        let damaged = |problem: String| Error::Damaged { path: self.store.display(&path), problem };
        let bytes = self.store.read(&path).await?;
        let bytes = bytes.ok_or_else(|| damaged("is missing, but later lines of the log are there".into()))?;
        let entry: LogEntry = self.parse(&path, &bytes)?;
        if entry.sequence != sequence {
            return Err(damaged(format!("is line {} of the log", entry.sequence)));
        }
        Ok(entry)
    }
}
