//! Each of these is one sentence that names the file.

use crate::files::{Folder, all_rows, gzip, options, refusal, zstd};
use crate::parquet;
use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::{ArrayRef, StringArray};
use feature_store::offline::{ReadOptions, ReviewFiles};
use std::fmt::Write;
use std::sync::Arc;

fn refused(path: std::path::PathBuf) -> String {
    refusal(path, &ReadOptions::default())
}

/// More than any buffer holds, so that a cut is met while rows are read.
fn many_reviews() -> String {
    (0..200_000u32).fold("text,rating\n".to_owned(), |mut text, i| {
        writeln!(text, "review {:x},5", i.wrapping_mul(2_654_435_761)).unwrap();
        text
    })
}

#[test]
fn no_file_at_all() {
    let error = ReviewFiles::open(&[], &ReadOptions::default()).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains(".parquet, .csv"), "{error}");
}

#[test]
fn a_missing_file_and_a_folder() {
    let folder = Folder::new();
    assert!(refused(folder.path("none.csv")).contains("there is no file"));
    std::fs::create_dir(folder.path("reviews.parquet")).unwrap();
    assert!(refused(folder.path("reviews.parquet")).contains("is a folder"));
}

#[cfg(unix)]
#[test]
fn a_file_without_permission() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let path = folder.write("a.csv", "text\na\n");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    // Whoever may read everything, such as root, is refused nothing.
    if std::fs::File::open(&path).is_err() {
        assert!(refused(path).contains("permission denied"));
    }
}

#[test]
fn an_empty_file_of_any_format() {
    let folder = Folder::new();
    for name in ["a.csv", "a.jsonl", "a.parquet", "a.csv.gz", "a"] {
        assert!(refused(folder.write(name, "")).contains("is empty"), "{name}");
    }
    assert!(refused(folder.write("b.csv.gz", gzip(b""))).contains("is empty"));
    assert!(refused(folder.write("b.jsonl.zst", zstd(b""))).contains("is empty"));
    assert!(refused(folder.write("blank.csv", "\n\n")).contains("is empty"));
    assert!(refused(folder.write("blank.jsonl", "\n \n")).contains("is empty"));
}

#[test]
fn a_quote_that_is_never_closed() {
    let folder = Folder::new();
    for (text, place) in [
        ("label,text\n1,good\n0,\"bad\n1,x\n0,y\n", "row 2 of"),
        ("label,text\n1,\"good\nand \"\"long\"\"\"\n0,\"bad", "row 2 of"),
        ("label,text\n1,\"", "row 1 of"),
        ("label,\"text\n1,good\n", "the header of"),
        ("\u{feff}\"label,text\n1,good\n", "the header of"),
    ] {
        let message = refused(folder.write("a.csv", text));
        assert!(message.starts_with(place) && message.contains("opens a quote that is never closed"), "{message}");
        assert!(refused(folder.write("a.csv.gz", gzip(text.as_bytes()))).starts_with(place));
    }
}

#[test]
fn an_unknown_format() {
    let folder = Folder::new();
    let message = refused(folder.write("notes.txt", "just words\n"));
    assert!(message.contains("supported are .parquet, .csv, .jsonl"), "{message}");
    assert!(refused(folder.write("program", b"\x7fELF\x02\x01\x00,\n")).contains("cannot tell what"));
}

#[test]
fn a_damaged_or_cut_off_parquet_file() {
    let folder = Folder::new();
    let texts: ArrayRef = Arc::new(StringArray::from((0..2000).map(|i| format!("text {i}")).collect::<Vec<_>>()));
    let whole = std::fs::read(parquet::write(&folder, "whole.parquet", vec![("text", texts)])).unwrap();
    assert!(refused(folder.write("cut.parquet", &whole[..whole.len() / 2])).contains("as Parquet: "));
    assert!(refused(folder.write("tiny.parquet", "PAR1")).contains("as Parquet: "));
    assert!(refused(folder.write("text.parquet", "text,rating\na,5\n".repeat(10))).contains("as Parquet: "));
    let mut page = whole;
    page[4..200].fill(0xff);
    assert!(refused(folder.write("page.parquet", page)).contains("as Parquet: "));
}

#[test]
fn parquet_within_gzip() {
    let folder = Folder::new();
    let path = parquet::write(&folder, "a.parquet", vec![("text", Arc::new(StringArray::from(vec!["a"])))]);
    let gzipped = gzip(&std::fs::read(path).unwrap());
    assert!(refused(folder.write("a.parquet.gz", &gzipped)).contains("decompress"));
    assert!(refused(folder.write("a.gz", &gzipped)).contains("decompress"));
}

#[test]
fn a_cut_off_or_foreign_compressed_file() {
    let folder = Folder::new();
    let text = many_reviews();
    let (gzipped, zstandard) = (gzip(text.as_bytes()), zstd(text.as_bytes()));
    let message = refused(folder.write("a.csv.gz", &gzipped[..gzipped.len() - 9]));
    assert!(message.ends_with("as gzip: the file is cut off"), "{message}");
    let message = refused(folder.write("a.csv.zst", &zstandard[..zstandard.len() - 9]));
    assert!(message.ends_with("as zstd: the file is cut off"), "{message}");
    assert!(refused(folder.write("b.csv.gz", "text\na\n")).contains("as gzip: "));
    assert!(refused(folder.write("b.csv.zst", "text\na\n")).contains("as zstd: "));
}

#[test]
fn no_column_for_the_text() {
    let folder = Folder::new();
    let message = refused(folder.write("a.csv", "body,stars\na,5\n"));
    assert!(message.contains("its columns: body, stars") && message.contains("--column text="), "{message}");
    let message = refused(folder.write("a.jsonl", "{\"stars\": 5, \"body\": \"a\"}\n"));
    assert!(message.contains("its columns: body, stars"), "{message}");
}

#[test]
fn text_of_two_bytes_a_character() {
    let folder = Folder::new();
    for text in ["text,rating\na,5\n", "{\"text\": \"a\"}\n"] {
        let units = || text.encode_utf16();
        let marked: Vec<u8> = [0xfeff].into_iter().chain(units()).flat_map(u16::to_le_bytes).collect();
        for bytes in
            [marked, units().flat_map(u16::to_le_bytes).collect(), units().flat_map(u16::to_be_bytes).collect()]
        {
            for (name, bytes) in [("a.csv", bytes.clone()), ("a.jsonl", bytes.clone()), ("a.csv.gz", gzip(&bytes))] {
                let message = refused(folder.write(name, bytes));
                assert!(message.contains("is UTF-16") && message.contains("iconv -f UTF-16 -t UTF-8"), "{message}");
            }
        }
    }
}

#[test]
fn parquet_by_the_name_of_a_text_file() {
    let folder = Folder::new();
    let path = parquet::write(&folder, "a.parquet", vec![("text", Arc::new(StringArray::from(vec!["a"])))]);
    for name in ["a.csv", "a.jsonl", "a.json"] {
        let message = refused(folder.write(name, std::fs::read(&path).unwrap()));
        assert!(message.contains("is Parquet") && message.contains("ends in .parquet"), "{message}");
    }
    let message = refused(folder.write("text.csv", "PAR1,rating\na,5\n"));
    assert!(message.contains("its columns: PAR1, rating"), "{message}");
}

#[test]
fn a_needed_column_that_is_there_twice() {
    let folder = Folder::new();
    let path = folder.write("a.csv", "text,stars,text,stars,,\na,5,b,4,,\n");
    assert!(refused(path).contains("has 2 columns `text`: rename"));
    let path = folder.write("b.csv", "text,stars,stars,,\na,5,4,,\n");
    assert_eq!(
        all_rows(&mut ReviewFiles::open(std::slice::from_ref(&path), &ReadOptions::default()).unwrap()).unwrap().len(),
        1
    );
    assert!(refusal(path.clone(), &options(&["rating=stars"], &[])).contains("has 2 columns `stars`"));
    assert!(refusal(path, &options(&[], &["stars=5"])).contains("has 2 columns `stars`"));
    let text: ArrayRef = Arc::new(StringArray::from(vec!["a"]));
    let path = parquet::write(&folder, "c.parquet", vec![("text", text.clone()), ("text", text)]);
    assert!(refused(path).contains("has 2 columns `text`"));
}

#[test]
fn a_field_that_is_mapped_twice() {
    let folder = Folder::new();
    let path = folder.write("a.csv", "text,stars,points\na,5,4\n");
    for (second, named) in [("rating=points", "`stars` and `points`"), ("rating=stars", "`stars` and `stars`")] {
        let options = options(&["rating=stars", "text=text", second], &[]);
        let error = ReviewFiles::open(std::slice::from_ref(&path), &options).map(|_| ()).unwrap_err();
        assert_eq!(error.to_string(), format!("--column is given twice for rating, {named}: keep one of them"));
        assert!(error.is_wrong_usage());
    }
}

#[test]
fn columns_of_options_that_are_not_there() {
    let folder = Folder::new();
    let path = folder.write("a.csv", "text,stars\na,5\n");
    let message = refusal(path.clone(), &options(&["rating=points"], &[]));
    assert!(message.contains("no column `points` for rating (its columns: text, stars)"), "{message}");
    let message = refusal(path, &options(&[], &["split=train"]));
    assert!(message.contains("no column `split` to pick rows by (its columns: text, stars)"), "{message}");
}

#[test]
fn a_column_of_a_type_that_holds_no_single_value() {
    let folder = Folder::new();
    let mut lists = ListBuilder::new(StringBuilder::new());
    lists.append_value([Some("a")]);
    let path = parquet::write(&folder, "a.parquet", vec![("text", Arc::new(lists.finish()) as ArrayRef)]);
    assert!(refused(path).contains("column `text`"));
}

#[test]
fn json_that_is_no_json_lines() {
    let folder = Folder::new();
    for text in ["[{\"text\": \"a\"}]", "[\n{\"text\": \"a\"},\n{\"text\": \"b\"}\n]\n", " [ { \"text\": \"a\" } ] "] {
        assert!(refused(folder.write("a.json", text)).contains("one JSON array"), "{text}");
    }
    assert!(refused(folder.write("b.json", "{\n  \"text\": \"a\"\n}\n")).contains("none of its first 3 lines"));
}

#[test]
fn a_quote_that_never_closes() {
    let folder = Folder::new();
    let text = format!("text,rating\na,5\n\"b,4\n{}", "c,3\n".repeat(17 << 20));
    let message = refused(folder.write("a.csv.gz", gzip(text.as_bytes())));
    assert!(message.starts_with("row 2 of ") && message.contains("64 MiB"), "{message}");
}
