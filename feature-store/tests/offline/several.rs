use crate::files::{Folder, all_rows, gzip, texts};
use crate::parquet;
use arrow_array::{ArrayRef, Int64Array, StringArray};
use feature_store::offline::{Field, ReadOptions, ReviewFiles, RowPosition};
use std::path::PathBuf;
use std::sync::Arc;

fn open(paths: &[PathBuf]) -> ReviewFiles {
    ReviewFiles::open(paths, &ReadOptions::default()).unwrap()
}

#[test]
fn files_of_any_mix_are_one_stream() {
    let folder = Folder::new();
    let text: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
    let paths = [
        parquet::write(&folder, "1.parquet", vec![("text", text)]),
        folder.write("2.csv", "text,rating\nc,5\n"),
        folder.write("3.csv", "text\n"),
        folder.write("4.jsonl.gz", gzip(b"{\"text\": \"d\", \"user_id\": \"u\"}\n")),
    ];
    let mut files = open(&paths);
    let rows = all_rows(&mut files).unwrap();
    assert_eq!(texts(&rows), ["a", "b", "c", "d"]);
    let positions: Vec<_> = rows.iter().map(|row| row.position).collect();
    let expected = [(0, 1), (0, 2), (1, 1), (3, 1)].map(|(file, row)| RowPosition { file, row });
    assert_eq!(positions, expected);
    for (field, is_there) in [(Field::Text, true), (Field::Rating, true), (Field::UserId, true), (Field::Label, false)]
    {
        assert_eq!(files.has_field(field), is_there, "{field}");
    }
    assert!(files.next_batch().unwrap().is_none());
}

#[test]
fn every_file_is_checked_before_the_first_row() {
    let folder = Folder::new();
    let paths = [folder.write("1.csv", "text\na\n"), folder.write("2.csv", "body\nb\n")];
    let error = ReviewFiles::open(&paths, &ReadOptions::default()).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("2.csv"), "{error}");
}

#[test]
fn progress_counts_the_bytes_on_disk() {
    let folder = Folder::new();
    let bytes = gzip("text\n".repeat(100_000).as_bytes());
    let paths = [folder.write("1.csv.gz", &bytes), folder.write("2.csv", "text\na\n")];
    let mut files = open(&paths);
    assert_eq!(files.total_bytes(), bytes.len() as u64 + 7);
    assert_eq!(files.bytes_read(), 0);
    files.next_batch().unwrap();
    let begun = files.bytes_read();
    assert!(begun > 0 && begun <= bytes.len() as u64, "{begun}");
    all_rows(&mut files).unwrap();
    assert_eq!(files.bytes_read(), files.total_bytes());
}

#[test]
fn the_fingerprint_is_of_names_and_types() {
    let folder = Folder::new();
    let parquet = |name: &str, rating: ArrayRef| {
        let text: ArrayRef = Arc::new(StringArray::from(vec!["a"]));
        parquet::write(&folder, name, vec![("text", text), ("rating", rating)])
    };
    let stars = parquet("1.parquet", Arc::new(Int64Array::from(vec![5])));
    let more_stars = parquet("2.parquet", Arc::new(Int64Array::from(vec![1])));
    let words = parquet("3.parquet", Arc::new(StringArray::from(vec!["5"])));
    let of = |paths: &[&PathBuf]| open(&paths.iter().map(|path| (*path).clone()).collect::<Vec<_>>()).fingerprint();
    assert_eq!(of(&[&stars]), of(&[&stars, &more_stars]));
    assert_ne!(of(&[&stars]), of(&[&words]));
    let one = folder.write("1.jsonl", "{\"text\": \"a\", \"rating\": 1}\n");
    let other = folder.write("2.jsonl", "{\"rating\": 1}\n{\"text\": \"a\"}\n");
    assert_eq!(of(&[&one]), of(&[&other]));
}

#[cfg(unix)]
#[test]
fn a_pipe_is_read_once_from_its_beginning() {
    use std::io::Write;
    let folder = Folder::new();
    let path = folder.path("pipe");
    let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    let writer = {
        let path = path.clone();
        std::thread::spawn(move || {
            let mut pipe = std::fs::OpenOptions::new().write(true).open(path).unwrap();
            for i in 0..5000 {
                writeln!(pipe, "{{\"text\": \"review {i}\"}}").unwrap();
            }
        })
    };
    let rows = all_rows(&mut open(&[path])).unwrap();
    writer.join().unwrap();
    assert_eq!(rows.len(), 5000);
    assert_eq!(rows[0].text.as_deref(), Some("review 0"));
}
