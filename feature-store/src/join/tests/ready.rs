use super::files::{Folder, column};
use super::{MEMORY, Random, join, try_join};
use crate::join::{JoinView, ReadyView, ViewReport};
use crate::offline::{Condition, ReadOptions};
use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray, TimestampMillisecondArray,
};
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Debug, Clone)]
struct Labelled {
    entity: Option<String>,
    time: Option<i64>,
    split: &'static str,
}

#[derive(Debug, Clone)]
struct FeatureRow {
    entity: Option<String>,
    time: Option<i64>,
    whole: Option<i64>,
    number: Option<f64>,
    boolean: Option<bool>,
}

const FEATURES: [&str; 3] = ["stats.boolean", "stats.number", "stats.whole"];

/// Looks at all feature rows for each row.
fn oracle(row: &Labelled, features: &[FeatureRow], ttl: Option<i64>, report: &mut ViewReport) -> [String; 3] {
    let nothing = ["-"; 3].map(str::to_owned);
    let Some(entity) = &row.entity else {
        report.no_entity += 1;
        return nothing;
    };
    let Some(time) = row.time else {
        report.no_time += 1;
        return nothing;
    };
    let mut best: Option<&FeatureRow> = None;
    for feature in features.iter().filter(|feature| feature.entity.as_ref() == Some(entity)) {
        // Strictly before; of several at one time the last in the files.
        if feature.time.is_some_and(|at| at < time) && best.is_none_or(|best| best.time <= feature.time) {
            best = Some(feature);
        }
    }
    let Some(best) = best else {
        report.missing += 1;
        return nothing;
    };
    if ttl.is_some_and(|ttl| time - best.time.unwrap() > ttl) {
        report.stale += 1;
        return nothing;
    }
    report.matched += 1;
    [
        best.boolean.map_or("-".to_owned(), |value| value.to_string()),
        best.number.map_or("-".to_owned(), |value| format!("{:x}", value.to_bits())),
        best.whole.map_or("-".to_owned(), |value| value.to_string()),
    ]
}

struct Case {
    rows: Vec<Labelled>,
    features: Vec<FeatureRow>,
    ttl: Option<i64>,
}

impl Case {
    fn random(random: &mut Random) -> Self {
        let entities = 1 + random.below(6);
        // Few moments make many ties; one entity has most rows now and then.
        let moments = 1 + random.below(40);
        let skew = random.below(3) == 0;
        let entity = |random: &mut Random| {
            let number = if skew && random.below(5) > 0 { 0 } else { random.below(entities) };
            random.often(format!("entity {number}"))
        };
        let time = |random: &mut Random| {
            let moment = random.below(moments).cast_signed() * 1000 - 7000;
            random.often(moment)
        };
        let (row_count, feature_count) = (random.below(300), random.below(600));
        let rows = (0..row_count).map(|_| Labelled {
            entity: entity(random),
            time: time(random),
            split: if random.below(3) == 0 { "test" } else { "train" },
        });
        let rows = rows.collect();
        let features = (0..feature_count).map(|_| FeatureRow {
            entity: entity(random),
            time: time(random),
            whole: {
                let value = random.next().cast_signed();
                random.often(value)
            },
            number: {
                let value = random.below(100) as f64 / 7.0;
                random.often(value)
            },
            boolean: {
                let value = random.below(2) == 0;
                random.often(value)
            },
        });
        let features = features.collect();
        let ttl = (random.below(2) == 0).then(|| random.below(moments).cast_signed() * 1000);
        Self { rows, features, ttl }
    }

    fn write_rows(&self, folder: &Folder, random: &mut Random) -> Vec<PathBuf> {
        let cut = random.below(self.rows.len() as u64 + 1) as usize;
        let (first, second) = self.rows.split_at(cut);
        let files = [("a.parquet", first), ("b.parquet", second)];
        files
            .into_iter()
            .map(|(name, rows)| {
                let texts: ArrayRef = Arc::new(StringArray::from_iter_values(rows.iter().map(|_| "words")));
                let entities: ArrayRef =
                    Arc::new(rows.iter().map(|row| row.entity.as_deref()).collect::<StringArray>());
                let times: ArrayRef = Arc::new(
                    rows.iter().map(|row| row.time).collect::<TimestampMillisecondArray>().with_timezone("UTC"),
                );
                let splits: ArrayRef = Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.split)));
                let columns = vec![("text", texts), ("product_id", entities), ("split", splits), ("created_at", times)];
                folder.parquet(name, columns, 1 + random.below(120) as usize)
            })
            .collect()
    }

    fn write_features(&self, folder: &Folder, random: &mut Random) -> Vec<PathBuf> {
        let cut = random.below(self.features.len() as u64 + 1) as usize;
        let (first, second) = self.features.split_at(cut);
        let files = [("f.parquet", first), ("g.parquet", second)];
        files
            .into_iter()
            .map(|(name, rows)| {
                let entities: ArrayRef =
                    Arc::new(rows.iter().map(|row| row.entity.as_deref()).collect::<StringArray>());
                let micros = rows.iter().map(|row| row.time.map(|millis| millis * 1000));
                let times: ArrayRef = Arc::new(micros.collect::<TimestampMicrosecondArray>());
                let columns = vec![
                    ("number", Arc::new(rows.iter().map(|row| row.number).collect::<Float64Array>()) as ArrayRef),
                    ("event_timestamp", times),
                    ("whole", Arc::new(rows.iter().map(|row| row.whole).collect::<Int64Array>())),
                    ("product_id", entities),
                    ("boolean", Arc::new(rows.iter().map(|row| row.boolean).collect::<BooleanArray>())),
                ];
                folder.parquet(name, columns, 1 + random.below(200) as usize)
            })
            .collect()
    }

    fn view(&self, files: Vec<PathBuf>) -> JoinView {
        JoinView::Ready(ReadyView {
            name: "stats".to_owned(),
            entity: None,
            features: None,
            time_column: None,
            ttl_millis: self.ttl,
            files,
        })
    }
}

fn check(seed: u64, memory: u64) {
    let mut random = Random(seed);
    let case = Case::random(&mut random);
    let folder = Folder::new();
    let input = case.write_rows(&folder, &mut random);
    let features = case.write_features(&folder, &mut random);
    let conditions = match random.below(3) {
        0 => vec![Condition::new("split", "train")],
        _ => Vec::new(),
    };
    let kept: Vec<&Labelled> = case.rows.iter().filter(|row| conditions.is_empty() || row.split == "train").collect();
    let read = ReadOptions { conditions, ..ReadOptions::default() };

    let (output, report) = join(&folder, &input, read, vec![case.view(features)], None, memory);

    let mut expected_report = ViewReport::default();
    let expected: Vec<[String; 3]> =
        kept.iter().map(|row| oracle(row, &case.features, case.ttl, &mut expected_report)).collect();
    assert_eq!(
        (report.rows, report.views["stats"]),
        (kept.len() as u64, expected_report),
        "seed {seed}, memory {memory}"
    );
    for (place, name) in FEATURES.iter().enumerate() {
        let expected: Vec<&String> = expected.iter().map(|values| &values[place]).collect();
        let found = column(&output, name);
        assert!(found.iter().eq(expected.iter().copied()), "{name}, seed {seed}, memory {memory}");
    }
    let entities = kept.iter().map(|row| row.entity.clone().unwrap_or("-".to_owned()));
    assert!(column(&output, "product_id").into_iter().eq(entities), "seed {seed}, memory {memory}");
    let times = kept.iter().map(|row| row.time.map_or("-".to_owned(), |time| time.to_string()));
    assert!(column(&output, "created_at").into_iter().eq(times), "seed {seed}, memory {memory}");
    assert_eq!(folder.names(), ["a.parquet", "b.parquet", "f.parquet", "g.parquet", "joined.parquet"]);
}

#[test]
fn each_row_gets_the_latest_features_strictly_before_it_as_an_oracle_finds_them() {
    for seed in 0..150 {
        for memory in MEMORY {
            check(seed, memory);
        }
    }
}

#[test]
fn a_file_that_counts_other_rows_than_it_has_is_named() {
    let mut told = 0;
    for seed in 0..12 {
        let mut random = Random(seed);
        let case = Case::random(&mut random);
        let folder = Folder::new();
        let input = case.write_rows(&folder, &mut random);
        let features = case.write_features(&folder, &mut random);
        let lies = ["a.parquet", "f.parquet"][seed as usize % 2];
        // Rows that are picked are marked by their numbers.
        let read = ReadOptions { conditions: vec![Condition::new("split", "train")], ..ReadOptions::default() };
        if folder.miscount(&folder.path(lies), if seed % 3 == 0 { 1 } else { -1 }) {
            let refused = try_join(&folder, &input, read, vec![case.view(features)], None, 1 << 30);
            let message = refused.unwrap_err().to_string();
            assert!(message.contains(lies) && message.contains("its footer counts"), "{message}");
            told += 1;
        }
    }
    assert!(told > 6, "{told}");
}
