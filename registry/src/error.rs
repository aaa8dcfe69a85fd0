//! What can go wrong: each error is one sentence that names the thing and says what to do.

use crate::{Alias, LogEntry};
use bucket::Trouble;
use schemas::{ModelName, ModelVersion, Timestamp};
use std::error::Error as _;
use std::{fmt, io};

/// Why the registry could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is of no use.
    #[error("\"{url}\" is no model registry: {problem}")]
    Address {
        /// The address given.
        url: String,
        /// Why not, and what would be one.
        problem: String,
    },
    /// There is no such model, version or alias.
    #[error("no model version or alias \"{wanted}\" of \"{name}\" in {registry}: {existing}")]
    Unknown {
        /// The version or alias asked for.
        wanted: String,
        /// The model asked for.
        name: ModelName,
        /// Where was looked.
        registry: String,
        /// What there is.
        existing: Box<Existing>,
    },
    /// The alias has never stood for another version, or has been rolled back all the way.
    #[error("\"{alias}\" of \"{name}\" has no version before {current} to go back to: promote another version instead")]
    NothingBefore {
        /// The alias.
        alias: Alias,
        /// The model.
        name: ModelName,
        /// What the alias stands for.
        current: ModelVersion,
    },
    /// A file of the registry is not what it was when it was written.
    #[error("{path} {problem}: restore it from a backup")]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The version was deleted.
    #[error("{version} of \"{name}\" was deleted at {at} by {who}: train it again, or import it from an export")]
    Deleted {
        /// The model.
        name: ModelName,
        /// The version.
        version: ModelVersion,
        /// When.
        at: Timestamp,
        /// By whom.
        who: String,
    },
    /// An alias stands for the version that was to be deleted.
    #[error("{alias} of \"{name}\" is {version}, which is therefore kept: promote another version to {alias} first")]
    InUse {
        /// The alias.
        alias: Alias,
        /// The model.
        name: ModelName,
        /// The version.
        version: ModelVersion,
    },
    /// A tag or a description cannot be kept.
    #[error("{problem}")]
    Note {
        /// Why not.
        problem: String,
    },
    /// A file is no exported version, or not one that may be trusted.
    #[error("cannot import {path}: {problem}")]
    Package {
        /// The file.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The folder did not do what was asked of it.
    #[error("cannot {action} {path}: {cause}")]
    Store {
        /// `read`, `write`, `list`, `remove` or `create files in`.
        action: &'static str,
        /// The file or folder.
        path: String,
        /// The system's words and what helps.
        cause: String,
    },
}

impl Error {
    pub(crate) fn deleted(name: &ModelName, line: &LogEntry) -> Self {
        Self::Deleted { name: name.clone(), version: line.version, at: line.at, who: line.who.clone() }
    }

    pub(crate) fn store(action: &'static str, path: String, error: &object_store::Error) -> Self {
        let cause = match io_error_of(error) {
            Some(error) => with_advice(error),
            None => Trouble::of(error, "registry.url").cause,
        };
        Self::Store { action, path, cause }
    }
}

/// The store's own sentences repeat the path and hide the operating system's; the latter says what happened.
fn io_error_of(error: &object_store::Error) -> Option<&io::Error> {
    // A connection's errors are of the system too; they speak of no folder.
    if Trouble::is_certain(error) {
        return None;
    }
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(error);
        }
        source = error.source();
    }
    None
}

fn with_advice(error: &io::Error) -> String {
    let advice = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; free space there, or set registry.url to another folder"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "; give this user access, or set registry.url to another folder"
        }
        // A file that isn't there is no error to read: this is a folder that could not be made to write in.
        io::ErrorKind::NotFound => {
            "; the folder is not there and cannot be created, set registry.url to another folder"
        }
        io::ErrorKind::NotADirectory => "; a file is where a folder should be, set registry.url to a folder",
        _ => "",
    };
    format!("{error}{advice}")
}

/// What there is instead of what was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Existing {
    /// The versions of the model, ascending.
    pub versions: Vec<ModelVersion>,
    /// Its aliases.
    pub aliases: Vec<Alias>,
    /// The models of the registry; looked up only where this model has no version.
    pub models: Vec<ModelName>,
}

impl fmt::Display for Existing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.versions.is_empty() {
            return match self.models.as_slice() {
                [] => f.write_str("there are no models yet, `plaudit train --input FILE --promote` makes one"),
                [one] => write!(f, "there is no such model, only {one}"),
                several => {
                    write!(
                        f,
                        "there is no such model, only {}",
                        listed(several.iter().map(ModelName::to_string).collect())
                    )
                }
            };
        }
        // Beyond a handful the versions are a range to a reader.
        let mut names: Vec<String> = match self.versions.as_slice() {
            [first, .., last] if self.versions.len() > 5 => vec![format!("{first} to {last}")],
            few => few.iter().map(ModelVersion::to_string).collect(),
        };
        let single = names.len() + self.aliases.len() == 1 && self.versions.len() == 1;
        names.extend(self.aliases.iter().map(Alias::to_string));
        write!(f, "there {} {}", if single { "is" } else { "are" }, listed(names))?;
        match (self.aliases.as_slice(), self.versions.last()) {
            ([], Some(last)) => write!(f, ", and no alias: `plaudit models promote {last}` sets one"),
            _ => Ok(()),
        }
    }
}

/// `a, b and c`.
fn listed(mut names: Vec<String>) -> String {
    match names.pop() {
        Some(last) if names.is_empty() => last,
        Some(last) => format!("{} and {last}", names.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn existing(versions: &[u64], aliases: &[&str], models: &[&str]) -> String {
        Existing {
            versions: versions.iter().copied().map(ModelVersion).collect(),
            aliases: aliases.iter().map(|alias| alias.parse().unwrap()).collect(),
            models: models.iter().map(|name| name.parse().unwrap()).collect(),
        }
        .to_string()
    }

    #[test]
    fn what_there_is_reads_as_a_sentence() {
        assert_eq!(existing(&[1, 2], &["production"], &[]), "there are v1, v2 and production");
        assert_eq!(existing(&[1], &[], &[]), "there is v1, and no alias: `plaudit models promote v1` sets one");
        assert_eq!(
            existing(&[1, 2, 3, 4, 5, 6, 9], &["canary", "production"], &[]),
            "there are v1 to v9, canary and production"
        );
        assert_eq!(existing(&[], &[], &["a", "b"]), "there is no such model, only a and b");
        assert_eq!(existing(&[], &[], &["a"]), "there is no such model, only a");
        assert_eq!(
            existing(&[], &[], &[]),
            "there are no models yet, `plaudit train --input FILE --promote` makes one"
        );
    }

    #[test]
    fn a_full_disk_is_told_in_the_systems_words_with_advice() {
        let full = object_store::Error::Generic {
            store: "any",
            source: Box::new(io::Error::from(io::ErrorKind::StorageFull)),
        };
        let message = Error::store("write", "/models/x".into(), &full).to_string();
        assert!(message.starts_with("cannot write /models/x: no storage space; free space there"), "{message}");
    }
}
