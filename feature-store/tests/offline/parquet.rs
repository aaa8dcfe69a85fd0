use crate::files::{Folder, options, problems, rows, rows_with, texts};
use arrow_array::types::Int8Type;
use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Date64Array, Decimal128Array, DictionaryArray, Float32Array,
    Float64Array, Int8Array, Int16Array, Int32Array, Int64Array, LargeStringArray, NullArray, RecordBatch, StringArray,
    StringViewArray, TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray,
    TimestampSecondArray, UInt8Array, UInt16Array, UInt32Array, UInt64Array,
};
use feature_store::offline::{ReadOptions, ReviewFiles};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use schemas::{Label, Rating, Timestamp};
use std::path::PathBuf;
use std::sync::Arc;

pub fn write(folder: &Folder, name: &str, columns: Vec<(&str, ArrayRef)>) -> PathBuf {
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap();
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(700))
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    folder.write(name, writer.into_inner().unwrap())
}

fn strings(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

#[test]
fn every_layout_of_text_is_read() {
    let folder = Folder::new();
    let layouts: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec![Some("a"), None, Some("b")])),
        Arc::new(LargeStringArray::from(vec![Some("a"), None, Some("b")])),
        Arc::new(StringViewArray::from(vec![Some("a"), None, Some("b")])),
        Arc::new(BinaryArray::from(vec![Some(b"a".as_slice()), None, Some(b"b".as_slice())])),
        Arc::new([Some("a"), None, Some("b")].into_iter().collect::<DictionaryArray<Int8Type>>()),
    ];
    for layout in layouts {
        let rows = rows(write(&folder, "a.parquet", vec![("text", layout.clone())]));
        assert_eq!(texts(&rows), ["a", "-", "b"], "{:?}", layout.data_type());
        assert!(rows.iter().all(|row| row.problems.is_empty()));
    }
}

#[test]
fn every_kind_of_number_is_read_as_stars() {
    let folder = Folder::new();
    let kinds: Vec<ArrayRef> = vec![
        Arc::new(Int8Array::from(vec![Some(4), None])),
        Arc::new(Int16Array::from(vec![Some(4), None])),
        Arc::new(Int32Array::from(vec![Some(4), None])),
        Arc::new(Int64Array::from(vec![Some(4), None])),
        Arc::new(UInt8Array::from(vec![Some(4), None])),
        Arc::new(UInt16Array::from(vec![Some(4), None])),
        Arc::new(UInt32Array::from(vec![Some(4), None])),
        Arc::new(UInt64Array::from(vec![Some(4), None])),
        Arc::new(Float32Array::from(vec![Some(4.0), None])),
        Arc::new(Float64Array::from(vec![Some(4.0), None])),
        Arc::new(Decimal128Array::from(vec![Some(40), None]).with_precision_and_scale(2, 1).unwrap()),
        Arc::new(StringArray::from(vec![Some("4"), None])),
    ];
    for stars in kinds {
        let kind = stars.data_type().clone();
        let rows = rows(write(&folder, "a.parquet", vec![("text", strings(&["a", "b"])), ("rating", stars)]));
        assert_eq!((rows[0].rating, rows[1].rating), (Rating::new(4.0), None), "{kind:?}");
        assert!(rows.iter().all(|row| row.problems.is_empty()), "{kind:?}");
    }
}

#[test]
fn every_kind_of_time_is_read() {
    let folder = Folder::new();
    let millis = 1_714_521_600_000;
    let kinds: Vec<ArrayRef> = vec![
        Arc::new(TimestampSecondArray::from(vec![millis / 1000])),
        Arc::new(TimestampMillisecondArray::from(vec![millis])),
        Arc::new(TimestampMicrosecondArray::from(vec![millis * 1000]).with_timezone("+02:00")),
        Arc::new(TimestampNanosecondArray::from(vec![millis * 1_000_000])),
        Arc::new(Date32Array::from(vec![19_844])),
        Arc::new(Date64Array::from(vec![millis])),
        Arc::new(Int64Array::from(vec![millis])),
        Arc::new(Float64Array::from(vec![millis as f64])),
        strings(&["2024-05-01"]),
    ];
    for times in kinds {
        let kind = times.data_type().clone();
        let rows = rows(write(&folder, "a.parquet", vec![("text", strings(&["a"])), ("created_at", times)]));
        assert_eq!(rows[0].created_at, Timestamp::from_epoch_millis(millis), "{kind:?}");
    }
}

#[test]
fn times_before_1970_round_down_and_times_out_of_range_are_problems() {
    let folder = Folder::new();
    let times: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![-1, i64::MAX]));
    let rows = rows(write(&folder, "a.parquet", vec![("text", strings(&["a", "b"])), ("created_at", times)]));
    assert_eq!(rows[0].created_at, Timestamp::from_epoch_millis(-1));
    assert_eq!(rows[1].created_at, None);
    assert_eq!(rows[1].problems.len(), 1);
}

#[test]
fn labels_are_read_from_numbers_booleans_and_text() {
    let folder = Folder::new();
    let kinds: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(vec![Some(0), Some(1), None])),
        Arc::new(BooleanArray::from(vec![Some(false), Some(true), None])),
        Arc::new(Float64Array::from(vec![Some(0.0), Some(1.0), None])),
        Arc::new(StringArray::from(vec![Some("neg"), Some("pos"), None])),
    ];
    for labels in kinds {
        let columns = vec![("text", strings(&["a", "b", "c"])), ("label", labels)];
        let labels: Vec<_> = rows(write(&folder, "a.parquet", columns)).iter().map(|row| row.label).collect();
        assert_eq!(labels, [Some(Label::Negative), Some(Label::Positive), None]);
    }
}

#[test]
fn a_third_class_and_stars_that_are_no_number_are_problems() {
    let folder = Folder::new();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("text", strings(&["a"])),
        ("label", Arc::new(Int64Array::from(vec![2]))),
        ("rating", Arc::new(Float64Array::from(vec![f64::NAN]))),
        ("title", Arc::new(NullArray::new(1))),
    ];
    let row = &rows(write(&folder, "a.parquet", columns))[0];
    assert_eq!((row.label, row.rating, row.label()), (None, None, None));
    assert_eq!(
        problems(row),
        [
            "field `rating` is NaN, expected a number from 1 to 5",
            "field `label` is 2, expected 0 or 1, neg or pos, negative or positive, false or true",
        ]
    );
}

#[test]
fn ids_of_every_width_stay_exact() {
    let folder = Folder::new();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("text", strings(&["a"])),
        ("review_id", Arc::new(UInt64Array::from(vec![u64::MAX]))),
        ("user_id", Arc::new(Int64Array::from(vec![i64::MIN]))),
    ];
    let row = &rows(write(&folder, "a.parquet", columns))[0];
    assert_eq!(row.review_id.as_deref(), Some("18446744073709551615"));
    assert_eq!(row.user_id.as_deref(), Some("-9223372036854775808"));
}

#[test]
fn conditions_and_mappings_meet_in_columns_of_any_order() {
    let folder = Folder::new();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("split", strings(&["test", "train", "test"])),
        ("unused", Arc::new(Int32Array::from(vec![1, 2, 3]))),
        ("stars", Arc::new(Int64Array::from(vec![5, 5, 1]))),
        ("verified", Arc::new(BooleanArray::from(vec![true, true, true]))),
        ("body", strings(&["a", "b", "c"])),
        ("id", strings(&["r1", "r2", "r3"])),
    ];
    let path = write(&folder, "a.parquet", columns);
    let columns = ["text=body", "rating=stars", "review_id=id"];
    let rows = rows_with(path.clone(), &options(&columns, &["split=test", "stars=5.0", "verified=true"]));
    assert_eq!(texts(&rows), ["a"]);
    assert_eq!((rows[0].review_id.as_deref(), rows[0].rating), (Some("r1"), Rating::new(5.0)));
    assert_eq!(rows_with(path, &options(&columns, &["split=test"]))[1].position.row, 3);
}

#[test]
fn batches_are_bounded_by_rows_and_by_bytes() {
    let folder = Folder::new();
    let short: Vec<String> = (0..3000).map(|i| format!("text {i}")).collect();
    let path = write(&folder, "short.parquet", vec![("text", Arc::new(StringArray::from(short.clone())))]);
    let mut files = ReviewFiles::open(&[path], &ReadOptions::default()).unwrap();
    let mut read = Vec::new();
    while let Some(batch) = files.next_batch().unwrap() {
        assert!(batch.len() <= 1024);
        read.extend(batch);
    }
    assert_eq!(read.iter().map(|row| row.position.row).collect::<Vec<_>>(), (1..=3000).collect::<Vec<u64>>());
    assert_eq!(texts(&read), short);
    assert_eq!(files.bytes_read(), files.total_bytes());

    let long: Vec<String> = (0..40).map(|i| format!("{i} ").repeat(1 << 18)).collect();
    let path = write(&folder, "long.parquet", vec![("text", Arc::new(StringArray::from(long)))]);
    let mut files = ReviewFiles::open(&[path], &ReadOptions::default()).unwrap();
    let mut rows = 0;
    while let Some(batch) = files.next_batch().unwrap() {
        let bytes: usize = batch.iter().flat_map(|row| &row.text).map(String::len).sum();
        assert!(bytes <= (4 << 20) + (1 << 20), "{bytes}");
        rows += batch.len();
    }
    assert_eq!(rows, 40);
}

#[test]
fn a_file_without_rows_is_read_as_such() {
    let folder = Folder::new();
    assert_eq!(rows(write(&folder, "a.parquet", vec![("text", strings(&[]))])), []);
}

#[test]
fn a_name_need_not_tell_parquet() {
    let folder = Folder::new();
    assert_eq!(texts(&rows(write(&folder, "reviews", vec![("text", strings(&["a"]))]))), ["a"]);
}
