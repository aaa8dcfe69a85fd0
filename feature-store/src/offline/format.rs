//! What a file is: by its name, and where the name does not tell, by its first bytes.

use std::path::Path;

/// A format of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Parquet,
    Csv,
    JsonLines,
}

impl Format {
    /// The format of decompressed bytes, if they are any of ours.
    pub(super) fn of_content(head: &[u8]) -> Option<Self> {
        if head.starts_with(b"PAR1") {
            return Some(Format::Parquet);
        }
        let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
        if matches!(text.first(), Some(b'{' | b'[')) {
            return Some(Format::JsonLines);
        }
        let header = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
        (!is_binary(text) && header.contains(&b',')).then_some(Format::Csv)
    }
}

/// Whether bytes that bear the name of a text file are Parquet.
pub(super) fn is_parquet_after_all(head: &[u8]) -> bool {
    head.starts_with(b"PAR1") && is_binary(head)
}

/// Whether text has two bytes a character: by its mark, or, of characters that Latin scripts have, by the zeros between.
pub(super) fn is_utf16(head: &[u8]) -> bool {
    match head {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => true,
        [first, 0, second, 0, ..] | [0, first, 0, second, ..] => *first != 0 && *second != 0,
        _ => false,
    }
}

fn is_binary(head: &[u8]) -> bool {
    head.iter().any(|byte| *byte < b' ' && !byte.is_ascii_whitespace())
}

/// How a file is compressed as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    Gzip,
    Zstd,
}

impl Compression {
    /// As messages name it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
        }
    }

    /// The compression by a file's first bytes.
    pub(super) fn of_content(head: &[u8]) -> Option<Self> {
        if head.starts_with(b"\x1f\x8b") {
            Some(Compression::Gzip)
        } else if head.starts_with(b"\x28\xb5\x2f\xfd") {
            Some(Compression::Zstd)
        } else {
            None
        }
    }
}

/// What a file's name says.
pub(super) fn of_name(path: &Path) -> (Option<Format>, Option<Compression>) {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let (stem, compression) = if let Some(stem) = name.strip_suffix(".gz") {
        (stem, Some(Compression::Gzip))
    } else if let Some(stem) = name.strip_suffix(".zst") {
        (stem, Some(Compression::Zstd))
    } else {
        (name.as_str(), None)
    };
    let format = match stem.rsplit_once('.') {
        Some((_, "parquet")) => Some(Format::Parquet),
        Some((_, "csv")) => Some(Format::Csv),
        Some((_, "jsonl" | "ndjson" | "json")) => Some(Format::JsonLines),
        _ => None,
    };
    (format, compression)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_format_and_compression() {
        let of = |name: &str| of_name(Path::new(name));
        assert_eq!(of("a/part-0.snappy.parquet"), (Some(Format::Parquet), None));
        assert_eq!(of("Reviews.CSV.GZ"), (Some(Format::Csv), Some(Compression::Gzip)));
        assert_eq!(of("x.ndjson.zst"), (Some(Format::JsonLines), Some(Compression::Zstd)));
        assert_eq!(of("x.json"), (Some(Format::JsonLines), None));
        assert_eq!(of("x.gz"), (None, Some(Compression::Gzip)));
        assert_eq!(of("csv"), (None, None));
    }

    #[test]
    fn first_bytes_tell_what_the_name_does_not() {
        assert_eq!(Format::of_content(b"PAR1...."), Some(Format::Parquet));
        assert_eq!(Format::of_content(b"\xef\xbb\xbf \n{\"text\""), Some(Format::JsonLines));
        assert_eq!(Format::of_content(b"review_id,text\n1,a"), Some(Format::Csv));
        assert_eq!(Format::of_content(b"just words\na, b"), None);
        assert_eq!(Format::of_content(b"\x7fELF\x02,\x00"), None);
    }
}
