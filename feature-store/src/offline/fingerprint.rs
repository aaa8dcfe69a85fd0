//! The identity of a data set's shape: whether a model was trained on columns of these names and types.

use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fmt;

/// SHA-256 over the distinct schemas among the files, in hexadecimal. Neither the number of files nor their order counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaFingerprint(pub String);

impl fmt::Display for SchemaFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A file's columns, name and type each; formats without types have names alone.
pub(super) type Schema = Vec<(String, String)>;

impl SchemaFingerprint {
    pub(super) fn of<'a>(schemas: impl Iterator<Item = &'a Schema>) -> Self {
        let distinct: BTreeSet<&Schema> = schemas.collect();
        let mut hash = Sha256::new();
        let mut part = |text: &str| {
            // The length in front keeps ("ab", "c") apart from ("a", "bc").
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        };
        for schema in distinct {
            part("schema");
            for (name, kind) in schema {
                part(name);
                part(kind);
            }
        }
        Self(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(columns: &[(&str, &str)]) -> Schema {
        columns.iter().map(|(name, kind)| ((*name).to_owned(), (*kind).to_owned())).collect()
    }

    #[test]
    fn names_and_types_count_and_the_number_of_files_does_not() {
        let one = schema(&[("text", "Utf8"), ("stars", "Int64")]);
        let other = schema(&[("text", "Utf8"), ("stars", "Double")]);
        let of = |schemas: &[&Schema]| SchemaFingerprint::of(schemas.iter().copied());
        assert_eq!(of(&[&one]), of(&[&one, &one]));
        assert_eq!(of(&[&one, &other]), of(&[&other, &one]));
        assert_ne!(of(&[&one]), of(&[&other]));
        assert_ne!(of(&[&schema(&[("ab", "c")])]), of(&[&schema(&[("a", "bc")])]));
        assert_eq!(of(&[&one]).0.len(), 64);
    }
}
