//! The folder of a run, for rows on their way. It goes with the run; what a killed process left is removed by the next run that
//! keeps its rows in the same place.

use super::RetrainError;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const PREFIX: &str = "plaudit-retrain-";
/// The file that its process holds locked for as long as it lives.
const ALIVE: &str = "alive";

/// A folder of a run that goes on.
pub(super) struct Workspace {
    folder: TempDir,
    /// Let go behind the folder.
    _alive: File,
}

impl Workspace {
    /// Makes one within a folder, by default the system's for temporary files.
    pub(super) fn create(within: &str) -> Result<Self, RetrainError> {
        let within = if within.is_empty() { std::env::temp_dir() } else { PathBuf::from(within) };
        let made = make(&within);
        made.map_err(|source| RetrainError::Temporary { folder: within, source })
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }
}

fn make(within: &Path) -> io::Result<Workspace> {
    for left in fs::read_dir(within)?.flatten() {
        let is_of_a_run = left.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        if is_of_a_run && is_left(&left.path()) {
            tracing::info!("removing `{}`, which a killed retraining has left", left.path().display());
            // Somebody else's is for them to remove.
            let _ = fs::remove_dir_all(left.path());
        }
    }
    let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(within)?;
    // It gets its name when it is locked: whoever finds it unlocked finds a dead process's.
    let unnamed = folder.path().join(".alive");
    let alive = File::create(&unnamed)?;
    alive.lock()?;
    fs::rename(&unnamed, folder.path().join(ALIVE))?;
    Ok(Workspace { folder, _alive: alive })
}

/// Whether nobody holds it any more.
fn is_left(folder: &Path) -> bool {
    File::open(folder.join(ALIVE)).is_ok_and(|alive| alive.try_lock().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_run_left_goes_and_what_a_living_one_holds_stays() {
        let within = tempfile::tempdir().unwrap();
        let path = within.path().to_str().unwrap();
        let living = Workspace::create(path).unwrap();
        fs::write(living.path().join("rows"), "rows").unwrap();
        // As a killed process leaves it: all is there, and no lock is held.
        let left = within.path().join("plaudit-retrain-left");
        fs::create_dir(&left).unwrap();
        fs::write(left.join("rows"), "rows").unwrap();
        fs::write(left.join(ALIVE), "").unwrap();
        let other = within.path().join("another");
        fs::create_dir(&other).unwrap();

        let next = Workspace::create(path).unwrap();
        assert!(!left.exists() && other.exists());
        assert!(living.path().join("rows").exists() && next.path().exists());
        let of_living = living.path().to_owned();
        drop((living, next));
        assert!(!of_living.exists());
    }

    #[test]
    fn a_folder_that_is_not_there_is_named_with_its_key() {
        let error = Workspace::create("/no/such/folder").err().unwrap().to_string();
        assert!(error.contains("/no/such/folder") && error.contains("retrain.temp_dir"), "{error}");
    }
}
