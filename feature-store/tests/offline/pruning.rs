//! Row groups that cannot hold a wanted row are not read: here they could not even be.

use crate::files::{Folder, options, refusal, rows_with, texts};
use crate::parquet::write;
use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use feature_store::offline::ReadOptions;
use parquet::file::reader::{FileReader, SerializedFileReader};
use schemas::Timestamp;
use std::path::PathBuf;
use std::sync::Arc;

const DAY_MICROS: i64 = 86_400_000_000;

/// Two groups of 700 rows, in the order of every column; the bytes of the first are no longer Parquet.
fn with_a_damaged_group(folder: &Folder) -> PathBuf {
    let number = |row: i64| row * 10;
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("text", Arc::new((0..1400).map(|row| Some(format!("text {row}"))).collect::<StringArray>())),
        ("part", Arc::new((0..1400).map(|row| Some(if row < 700 { "a" } else { "b" })).collect::<StringArray>())),
        ("number", Arc::new((0..1400).map(|row| Some(number(row))).collect::<Int64Array>())),
        ("share", Arc::new((0..1400).map(|row| Some(row as f64 / 2.0)).collect::<Float64Array>())),
        ("created_at", Arc::new((0..1400).map(|row| Some(row * DAY_MICROS)).collect::<TimestampMicrosecondArray>())),
    ];
    let path = write(folder, "reviews.parquet", columns);
    let bytes = std::fs::read(&path).unwrap();
    let reader = SerializedFileReader::new(bytes::Bytes::from(bytes.clone())).unwrap();
    let group = reader.metadata().row_group(0);
    let mut damaged = bytes;
    for column in group.columns() {
        let (start, length) = column.byte_range();
        damaged[start as usize..(start + length) as usize].fill(0xff);
    }
    folder.write("damaged.parquet", damaged)
}

#[test]
fn a_group_without_a_wanted_row_is_not_read() {
    let folder = Folder::new();
    let path = with_a_damaged_group(&folder);
    refusal(path.clone(), &ReadOptions::default());
    refusal(path.clone(), &options(&[], &["part=a"]));
    for (condition, row) in [("number=7000", 700), ("share=699.5", 1399), ("number=9990.0", 999)] {
        let rows = rows_with(path.clone(), &options(&[], &[condition]));
        assert_eq!(texts(&rows), [format!("text {row}")], "{condition}");
        // Counted from the beginning of the file, though its beginning was not read.
        assert_eq!(rows[0].position.row, row + 1);
    }
    assert_eq!(rows_with(path.clone(), &options(&[], &["part=b"])).len(), 700);
    let day = |row: i64| Timestamp::from_epoch_millis(row * DAY_MICROS / 1000);
    let since = ReadOptions { since: day(1390), ..ReadOptions::default() };
    assert_eq!(rows_with(path.clone(), &since).len(), 10);
    let between = ReadOptions { since: day(700), until: day(705), ..ReadOptions::default() };
    assert_eq!(texts(&rows_with(path.clone(), &between)), ["text 700", "text 701", "text 702", "text 703", "text 704"]);
    refusal(path.clone(), &ReadOptions { since: day(699), ..ReadOptions::default() });
    refusal(path, &ReadOptions { until: day(1), ..ReadOptions::default() });
}

#[test]
fn rows_of_a_time_are_picked_from_texts_too_and_a_file_without_times_is_refused() {
    let folder = Folder::new();
    let csv = "text,created_at\nold,2023-12-31\nnew,2024-01-01T00:00:00Z\nundated,\nodd,soon\n";
    let path = folder.write("reviews.csv", csv);
    let since = ReadOptions { since: Timestamp::parse("2024-01-01"), ..ReadOptions::default() };
    // A time that cannot be read is told, as whatever else is wrong with a row.
    assert_eq!(texts(&rows_with(path.clone(), &since)), ["new", "-"]);
    let until = ReadOptions { until: Timestamp::parse("2024-01-01"), ..ReadOptions::default() };
    assert_eq!(texts(&rows_with(path, &until)), ["old", "-"]);
    let message = refusal(folder.write("undated.csv", "text\nfine\n"), &since);
    assert!(message.contains("--column created_at=COLUMN"), "{message}");
}

#[test]
fn no_statistics_rule_nothing_out() {
    let folder = Folder::new();
    let batch =
        RecordBatch::try_from_iter([("text", Arc::new(StringArray::from(vec!["a", "b"])) as ArrayRef)]).unwrap();
    let properties = parquet::file::properties::WriterProperties::builder()
        .set_statistics_enabled(parquet::file::properties::EnabledStatistics::None)
        .build();
    let mut writer = parquet::arrow::ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    let path = folder.write("bare.parquet", writer.into_inner().unwrap());
    assert_eq!(texts(&rows_with(path, &options(&[], &["text=b"]))), ["b"]);
}
