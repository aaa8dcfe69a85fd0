//! Where the rules agree the values do, row for row. They differ in two ways, and the test shows both: Feast takes a feature
//! row of the very moment of a row to be joined, which serving cannot have seen, and it leaves out rows whose entity has
//! nothing but values older than the ttl, which we keep without values.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use feature_store::join::{JoinProgress, JoinRequest, JoinView, ReadyView, join};
use feature_store::offline::ReadOptions;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

const SECOND: i64 = 1_000_000;
const START: i64 = 1_700_000_000 * SECOND;
const TTL_SECONDS: i64 = 300;

/// Rows and features at moments of their own: features at even seconds, rows at odd ones but for a few.
struct Data {
    rows: Vec<(String, i64)>,
    features: Vec<(String, i64, i64, f64)>,
}

impl Data {
    fn new() -> Self {
        let mut state = 7u64;
        let mut below = |end: u64| {
            // Numerical Recipes' linear congruence: any spread will do.
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % end
        };
        let product = |below: &mut dyn FnMut(u64) -> u64| format!("p{}", below(40));
        let mut features = Vec::new();
        while features.len() < 600 {
            let (product, at) = (product(&mut below), START + below(500).cast_signed() * 2 * SECOND);
            // Feast does not say which of two rows of one moment wins.
            if features.iter().all(|(known, time, _, _)| (known, *time) != (&product, at)) {
                features.push((product, at, below(100).cast_signed(), below(400) as f64 / 100.0));
            }
        }
        let mut rows: Vec<(String, i64)> = Vec::new();
        while rows.len() < 400 {
            let row = (product(&mut below), START + (below(700).cast_signed() * 2 + 1) * SECOND);
            // Of several rows of one entity and moment Feast answers one.
            if !rows.contains(&row) {
                rows.push(row);
            }
        }
        // At the very moment of a feature row.
        rows.extend(features.iter().take(20).map(|(product, at, _, _)| (product.clone(), *at)));
        // Long after everything.
        rows.push(("p1".to_owned(), START + 100_000 * SECOND));
        rows.push(("nobody".to_owned(), START + SECOND));
        Self { rows, features }
    }

    fn write(&self, folder: &Path) {
        let utc = |times: TimestampMicrosecondArray| -> ArrayRef { Arc::new(times.with_timezone("UTC")) };
        let products = |rows: Vec<&str>| -> ArrayRef { Arc::new(StringArray::from(rows)) };
        parquet(
            &folder.join("rows.parquet"),
            vec![
                ("row", Arc::new(Int64Array::from_iter_values(0..self.rows.len() as i64)) as ArrayRef),
                ("product_id", products(self.rows.iter().map(|(product, _)| product.as_str()).collect())),
                ("created_at", utc(self.rows.iter().map(|(_, at)| Some(*at)).collect())),
            ],
        );
        parquet(
            &folder.join("features.parquet"),
            vec![
                ("product_id", products(self.features.iter().map(|(product, ..)| product.as_str()).collect())),
                ("event_timestamp", utc(self.features.iter().map(|(_, at, ..)| Some(*at)).collect())),
                (
                    "rating_count",
                    Arc::new(Int64Array::from_iter_values(self.features.iter().map(|(.., count, _)| *count))),
                ),
                ("rating_mean", Arc::new(Float64Array::from_iter_values(self.features.iter().map(|(.., mean)| *mean)))),
            ],
        );
    }

    /// Whether a feature row stands at the very moment of a row.
    fn is_tied(&self, row: usize) -> bool {
        let (product, at) = &self.rows[row];
        self.features.iter().any(|(known, time, ..)| (known, time) == (product, at))
    }
}

fn parquet(path: &Path, columns: Vec<(&str, ArrayRef)>) {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

type Values = [Option<f64>; 2];

fn ours(folder: &Path) -> Vec<Values> {
    let output = folder.join("joined.parquet");
    let view = ReadyView {
        name: "product_stats".to_owned(),
        entity: None,
        features: None,
        time_column: None,
        ttl_millis: Some(TTL_SECONDS * 1000),
        files: vec![folder.join("features.parquet")],
    };
    let request = JoinRequest {
        input: vec![folder.join("rows.parquet")],
        read: ReadOptions::default(),
        views: vec![JoinView::Ready(view)],
        known_from: None,
        output: output.clone(),
        temp_dir: None,
        memory_limit_bytes: 1 << 30,
    };
    join(&request, &JoinProgress::default()).unwrap();
    let mut values = Vec::new();
    for batch in ParquetRecordBatchReaderBuilder::try_new(File::open(output).unwrap()).unwrap().build().unwrap() {
        let batch = batch.unwrap();
        let counts = batch.column_by_name("product_stats.rating_count").unwrap().as_primitive::<Int64Type>();
        let means = batch.column_by_name("product_stats.rating_mean").unwrap().as_primitive::<Float64Type>();
        values.extend((0..batch.num_rows()).map(|row| {
            let count = counts.is_valid(row).then(|| counts.value(row) as f64);
            [count, means.is_valid(row).then(|| means.value(row))]
        }));
    }
    values
}

fn feasts(folder: &Path) -> BTreeMap<usize, Values> {
    let package = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let python = std::env::var("PLAUDIT_TEST_FEAST").unwrap_or_else(|_| {
        panic!("PLAUDIT_TEST_FEAST is not set: run dev/test, or export PLAUDIT_TEST_FEAST=$(dev/feast)")
    });
    let output = Command::new(python)
        .arg(package.join("tests/join/feast_side.py"))
        .arg(folder)
        .arg(TTL_SECONDS.to_string())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    serde_json::from_str(printed.lines().last().unwrap()).unwrap()
}

#[test]
fn the_values_are_those_of_feast_but_for_what_serving_could_not_have_seen() {
    let folder = tempfile::tempdir().unwrap();
    let data = Data::new();
    data.write(folder.path());
    let (ours, feasts) = (ours(folder.path()), feasts(folder.path()));
    assert_eq!(ours.len(), data.rows.len());
    let (mut equal, mut tied, mut left_out) = (0, 0, 0);
    for (row, values) in ours.iter().enumerate() {
        match feasts.get(&row) {
            None => {
                // Nothing but what is older than the ttl: a row of ours without values.
                assert_eq!(*values, [None, None], "row {row}");
                left_out += 1;
            }
            Some(_) if data.is_tied(row) => tied += 1,
            Some(feast) => {
                assert_eq!(values, feast, "row {row}");
                equal += 1;
            }
        }
    }
    // Each case came up, so that each was compared.
    assert!(equal > 300 && tied >= 20 && left_out >= 1, "{equal} equal, {tied} tied, {left_out} left out");
    // What Feast takes at the very moment is that moment's row; ours is of an earlier one or nothing.
    for row in (0..ours.len()).filter(|row| data.is_tied(*row)) {
        let (product, at) = &data.rows[row];
        let (_, _, count, mean) =
            data.features.iter().find(|(known, time, ..)| (known, time) == (product, at)).unwrap();
        assert_eq!(feasts[&row], [Some(*count as f64), Some(*mean)]);
        let before = data
            .features
            .iter()
            .filter(|(known, time, ..)| known == product && time < at && at - time <= TTL_SECONDS * SECOND);
        let latest = before.max_by_key(|(_, time, ..)| *time).map(|(_, _, count, mean)| (*count as f64, *mean));
        assert_eq!(ours[row], [latest.map(|(count, _)| count), latest.map(|(_, mean)| mean)]);
    }
}
