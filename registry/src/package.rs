//! One version in a file, to be carried to another registry: a tar archive of three plain files, of which nothing is ever
//! unpacked to a disk. What is read is checked by name, kind, size and checksum before anything is believed.

use crate::registry::{json, sha256_of};
use crate::{Author, Error, Manifest, Notes, Registry, Tag};
use bytes::Bytes;
use schemas::{ModelName, ModelVersion};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

const MANIFEST: &str = "manifest.json";
const NOTES: &str = "notes.json";
const MODEL: &str = "model.safetensors";

/// Manifests and notes are read whole before anything is known of them; real ones have a few thousand bytes.
const MAX_JSON_BYTES: u64 = 16 << 20;

/// Who loads models refuses larger ones.
const MAX_MODEL_BYTES: u64 = 1 << 30;

/// A version as it was exported.
#[derive(Debug, Clone, PartialEq)]
pub struct Package {
    /// What the version was and how it was made.
    pub manifest: Manifest,
    /// What people wrote beside it.
    pub notes: Notes,
    /// The model's bytes.
    pub artifact: Bytes,
}

impl Package {
    /// Writes the archive. Whether a file gets its name only when it is whole is for who opens it to see to.
    pub fn write(&self, to: impl Write) -> io::Result<()> {
        let mut archive = tar::Builder::new(to);
        let seconds = self.manifest.created_at.epoch_millis().max(0).unsigned_abs() / 1000;
        // The manifest goes first: whoever reads knows then what to expect of the model.
        for (name, bytes) in
            [(MANIFEST, json(&self.manifest)), (NOTES, json(&self.notes)), (MODEL, self.artifact.clone())]
        {
            let mut header = tar::Header::new_ustar();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            header.set_mtime(seconds);
            header.set_entry_type(tar::EntryType::Regular);
            archive.append_data(&mut header, name, &bytes[..])?;
        }
        archive.into_inner()?.flush()
    }

    /// Reads an archive that may come from anywhere.
    pub async fn read(path: &Path) -> Result<Self, Error> {
        let refused = |problem: String| Error::Package { path: path.display().to_string(), problem };
        let (file, shown) = (path.to_owned(), path.display().to_string());
        let reading = tokio::task::spawn_blocking(move || {
            let file = File::open(&file).map_err(|error| error.to_string())?;
            Self::read_from(file)
        });
        let package = reading.await.expect("reading an archive doesn't panic").map_err(refused)?;
        if sha256_of(package.artifact.clone()).await != package.manifest.sha256 {
            let problem = "the model in it does not have the sha256 of its manifest: export it again".to_owned();
            return Err(Error::Package { path: shown, problem });
        }
        Ok(package)
    }

    fn read_from(from: impl Read) -> Result<Self, String> {
        let mut archive = tar::Archive::new(from);
        // Raw: the formats' extensions (long names, sparse files) could ask for any amount of memory, and we write none.
        let mut entries = archive.entries().map_err(|error| error.to_string())?.raw(true);
        let mut next = |name: &str, limit: u64| -> Result<Bytes, String> {
            let entry = entries.next().ok_or_else(|| format!("it ends where {name} should stand"))?;
            let mut entry = entry.map_err(|error| format!("it is no tar archive ({error})"))?;
            let found = entry.path_bytes().into_owned();
            if found != name.as_bytes() {
                let found = String::from_utf8_lossy(&found).into_owned();
                return Err(format!("{found:?} stands in it where {name} should"));
            }
            if !entry.header().entry_type().is_file() {
                return Err(format!("{name} in it is no plain file"));
            }
            let size = entry.header().size().map_err(|error| format!("the size of {name} cannot be read ({error})"))?;
            if size > limit {
                return Err(format!("{name} in it has {size} bytes, and {limit} are the most"));
            }
            // Grows with what is there, not with what the header claims.
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).map_err(|error| format!("{name} in it cannot be read ({error})"))?;
            if bytes.len() as u64 != size {
                return Err(format!("{name} in it ends after {} of {size} bytes", bytes.len()));
            }
            Ok(bytes.into())
        };
        let broken = |name: &str, error: serde_json::Error| format!("{name} in it cannot be read ({error})");
        let manifest = next(MANIFEST, MAX_JSON_BYTES)?;
        let manifest: Manifest = serde_json::from_slice(&manifest).map_err(|error| broken(MANIFEST, error))?;
        let notes = next(NOTES, MAX_JSON_BYTES)?;
        let notes: Notes = serde_json::from_slice(&notes).map_err(|error| broken(NOTES, error))?;
        if manifest.size_bytes > MAX_MODEL_BYTES {
            return Err(format!("its manifest speaks of a model of {} bytes", manifest.size_bytes));
        }
        let artifact = next(MODEL, manifest.size_bytes)?;
        if artifact.len() as u64 != manifest.size_bytes {
            return Err(format!("{MODEL} in it has {} bytes, its manifest {}", artifact.len(), manifest.size_bytes));
        }
        if entries.next().is_some() {
            return Err(format!("more stands in it than {MANIFEST}, {NOTES} and {MODEL}"));
        }
        Ok(Self { manifest, notes, artifact })
    }
}

impl Registry {
    /// A version, with what people wrote beside it.
    pub async fn package(&self, name: &ModelName, version: ModelVersion) -> Result<Package, Error> {
        let artifact = self.artifact(name, version).await?;
        let notes = self.notes(name).await?.remove(&version).unwrap_or_default();
        Ok(Package { manifest: self.manifest(name, version).await?, notes, artifact })
    }

    /// Registers an exported version under the next number here. Its tags and description come along, and a tag says what it
    /// was where it comes from.
    pub async fn import(&self, name: &ModelName, package: Package, author: &Author) -> Result<Manifest, Error> {
        let Package { manifest: there, notes, artifact } = package;
        let origin = format!("{} {} of {}", there.name, there.version, there.created_at);
        let broken = |problem| Error::Note { problem };
        let mut tags = Vec::new();
        for (key, value) in notes.tags.iter().map(|(key, value)| (key.as_str(), value.as_str())) {
            tags.push(Tag::new(key, value).map_err(broken)?);
        }
        tags.push(Tag::new("imported_from", &origin).map_err(broken)?);
        let here = self.register(name, artifact, there.run).await?;
        for tag in tags {
            self.tag(name, here.version, tag, author).await?;
        }
        if let Some(text) = &notes.description {
            self.describe(name, here.version, text, author).await?;
        }
        Ok(here)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Run;
    use schemas::Timestamp;

    fn package() -> Package {
        let manifest = Manifest {
            name: "sentiment".parse().unwrap(),
            version: ModelVersion(3),
            sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".into(),
            size_bytes: 3,
            created_at: Timestamp::from_epoch_millis(1_700_000_000_123).unwrap(),
            run: Run::default(),
        };
        let notes =
            Notes { tags: [("team".to_owned(), "search".to_owned())].into(), description: Some("first".into()) };
        Package { manifest, notes, artifact: Bytes::from_static(b"abc") }
    }

    fn archive(entries: &[(&str, tar::EntryType, &[u8])]) -> Vec<u8> {
        let mut archive = tar::Builder::new(Vec::new());
        for (name, kind, bytes) in entries {
            let mut header = tar::Header::new_ustar();
            // Written by hand, because the library refuses to write such names.
            header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            header.set_entry_type(*kind);
            header.set_cksum();
            archive.append(&header, *bytes).unwrap();
        }
        archive.into_inner().unwrap()
    }

    fn written() -> Vec<u8> {
        let mut bytes = Vec::new();
        package().write(&mut bytes).unwrap();
        bytes
    }

    fn refused(bytes: &[u8]) -> String {
        Package::read_from(bytes).unwrap_err()
    }

    #[test]
    fn what_is_written_is_read_back() {
        let written = written();
        assert_eq!(Package::read_from(&written[..]).unwrap(), package());
    }

    #[test]
    fn an_archive_that_is_cut_anywhere_is_refused() {
        let written = written();
        // Behind the last entry only blocks of zeros follow, which nobody needs.
        let end = written.len() - 1024 - 512 + 3;
        for length in (0..end).step_by(97) {
            refused(&written[..length]);
        }
    }

    #[test]
    fn hostile_archives_are_refused() {
        let regular = tar::EntryType::Regular;
        let (manifest, notes) = (json(&package().manifest), json(&package().notes));
        let larger = json(&Manifest { size_bytes: 4, ..package().manifest });
        let immense = json(&Manifest { size_bytes: u64::MAX, ..package().manifest });
        let of_model = |name, kind, manifest| {
            refused(&archive(&[(MANIFEST, regular, manifest), (NOTES, regular, &notes), (name, kind, b"abc")]))
        };
        for path in ["../model.safetensors", "/etc/passwd", "model.safetensors/x", "./model.safetensors"] {
            let message = of_model(path, regular, &manifest);
            assert!(message.contains("stands in it where model.safetensors should"), "{path}: {message}");
        }
        for kind in [
            tar::EntryType::Symlink,
            tar::EntryType::Link,
            tar::EntryType::Directory,
            tar::EntryType::Fifo,
            tar::EntryType::GNUSparse,
            tar::EntryType::GNULongName,
            tar::EntryType::XHeader,
        ] {
            let message = of_model(MODEL, kind, &manifest);
            assert!(message.contains("is no plain file"), "{kind:?}: {message}");
        }
        assert!(of_model(MODEL, regular, &larger).contains("has 3 bytes, its manifest 4"));
        assert!(of_model(MODEL, regular, &immense).contains("speaks of a model of 18446744073709551615"));
        let sound = [(MANIFEST, regular, &manifest[..]), (NOTES, regular, &notes), (MODEL, regular, b"abc")];
        let more = [&sound[..], &[("more", regular, b"")]].concat();
        assert!(refused(&archive(&more)).contains("more stands in it"));
        assert!(refused(b"").contains("it ends where manifest.json"));
        assert!(refused(&[7; 4096]).contains("no tar archive"));
        assert!(refused(&archive(&[(MANIFEST, regular, b"{")])).contains("manifest.json in it cannot be read"));
        assert!(Package::read_from(&archive(&sound)[..]).is_ok());
    }

    #[test]
    fn a_header_that_claims_much_costs_nothing() {
        let mut bytes = archive(&[(MANIFEST, tar::EntryType::Regular, b"{}")]);
        let mut header = tar::Header::from_byte_slice(&bytes[..512]).clone();
        header.set_size(1 << 40);
        header.set_cksum();
        bytes[..512].copy_from_slice(header.as_bytes());
        assert!(refused(&bytes).contains("16777216 are the most"));
    }
}
