//! What writers that were killed leave on a disk: files that were being written under another name, `<part>.parquet#<number>`,
//! before they would have been linked to their own. They hold nothing that Kafka doesn't, and no reader takes them for parts.

use std::path::Path;
use std::time::Duration;

/// Nobody writes one file for this long.
const OLD: Duration = Duration::from_secs(24 * 60 * 60);

/// Removes those of long ago below a folder; answers how many. What can't be removed stays, and does no harm.
pub(super) fn remove(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let mut removed = 0;
    for entry in entries.flatten() {
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_dir() {
            removed += remove(&entry.path());
            continue;
        }
        let is_old = metadata.modified().ok().and_then(|time| time.elapsed().ok()).is_some_and(|age| age >= OLD);
        if is_old && is_leftover(&entry.file_name().to_string_lossy()) && std::fs::remove_file(entry.path()).is_ok() {
            removed += 1;
        }
    }
    removed
}

fn is_leftover(name: &str) -> bool {
    name.split_once(".parquet#")
        .is_some_and(|(_, number)| !number.is_empty() && number.bytes().all(|c| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_old_leftovers_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join("topic=a/partition=0");
        std::fs::create_dir_all(&below).unwrap();
        let old = std::time::SystemTime::now() - 2 * OLD;
        for (name, modified) in [
            ("00000000000000000000.parquet#1", old),
            ("00000000000000000000.parquet", old),
            ("00000000000000000007.parquet#2", std::time::SystemTime::now()),
            ("notes.parquet#x", old),
        ] {
            let file = std::fs::File::create(below.join(name)).unwrap();
            file.set_modified(modified).unwrap();
        }
        assert_eq!(remove(folder.path()), 1);
        let mut left: Vec<_> =
            std::fs::read_dir(&below).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        left.sort();
        assert_eq!(left, ["00000000000000000000.parquet", "00000000000000000007.parquet#2", "notes.parquet#x"]);
    }
}
