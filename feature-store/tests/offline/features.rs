//! The values of features, in columns of their own names.

use crate::files::{Folder, problems, refusal, rows_with, texts};
use crate::parquet;
use arrow_array::{ArrayRef, Decimal128Array, Float32Array, Float64Array, Int64Array, StringArray, UInt64Array};
use feature_store::offline::{Condition, ReadOptions, Row};
use std::sync::Arc;

const MEAN: &str = "product_stats.rating_mean";
const COUNT: &str = "product_stats.rating_count";

fn wanting(features: &[&str]) -> ReadOptions {
    ReadOptions { features: features.iter().map(|name| (*name).to_owned()).collect(), ..ReadOptions::default() }
}

/// NaN is not equal to itself; none is.
fn values(row: &Row) -> Vec<Option<f64>> {
    row.features.iter().map(|value| value.is_finite().then_some(*value)).collect()
}

#[test]
fn values_come_in_the_order_in_which_they_are_wanted_from_every_format() {
    let folder = Folder::new();
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
    let means: ArrayRef = Arc::new(Float64Array::from(vec![Some(4.5), None]));
    let counts: ArrayRef = Arc::new(Int64Array::from(vec![Some(7), Some(0)]));
    let files = [
        folder.write("a.csv", format!("{MEAN},text,{COUNT}\n4.5,a,7\n,b,0\n")),
        folder.write(
            "a.jsonl",
            format!(
                "{{\"text\": \"a\", \"{MEAN}\": 4.5, \"{COUNT}\": 7}}\n{{\"text\": \"b\", \"{MEAN}\": null, \"{COUNT}\": 0}}\n"
            ),
        ),
        parquet::write(&folder, "a.parquet", vec![(MEAN, means), ("text", texts), (COUNT, counts)]),
    ];
    for file in files {
        let rows = rows_with(file.clone(), &wanting(&[COUNT, MEAN]));
        assert_eq!(
            rows.iter().map(values).collect::<Vec<_>>(),
            [[Some(7.0), Some(4.5)], [Some(0.0), None]],
            "{file:?}"
        );
        assert!(rows.iter().all(|row| row.problems.is_empty()));
        let unwanted = rows_with(file, &ReadOptions::default());
        assert!(unwanted.iter().all(|row| row.features.is_empty()));
    }
}

#[test]
fn every_kind_of_number_is_a_value() {
    let folder = Folder::new();
    let kinds: Vec<ArrayRef> = vec![
        Arc::new(Float32Array::from(vec![Some(4.0), None])),
        Arc::new(UInt64Array::from(vec![Some(4), None])),
        Arc::new(Decimal128Array::from(vec![Some(400), None]).with_precision_and_scale(5, 2).unwrap()),
        Arc::new(Float64Array::from(vec![Some(4.0), Some(f64::NAN)])),
        Arc::new(Float64Array::from(vec![Some(4.0), Some(f64::INFINITY)])),
    ];
    for kind in kinds {
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
        let file = parquet::write(&folder, "a.parquet", vec![("text", texts), (MEAN, kind.clone())]);
        let rows = rows_with(file, &wanting(&[MEAN]));
        assert_eq!(rows.iter().map(values).collect::<Vec<_>>(), [[Some(4.0)], [None]], "{:?}", kind.data_type());
    }
}

#[test]
fn a_file_without_the_column_is_refused_with_what_makes_it() {
    let folder = Folder::new();
    for file in [folder.write("a.csv", "text\nfine\n"), folder.write("a.jsonl", "{\"text\": \"fine\"}\n")] {
        let message = refusal(file, &wanting(&[MEAN]));
        assert!(
            message.contains(&format!("no column `{MEAN}`")) && message.contains("plaudit features join"),
            "{message}"
        );
    }
}

#[test]
fn a_column_of_something_else_is_refused() {
    let folder = Folder::new();
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
    let file = parquet::write(&folder, "a.parquet", vec![("text", texts.clone()), (MEAN, texts)]);
    let message = refusal(file, &wanting(&[MEAN]));
    assert!(message.contains("holds Utf8, and the values of a feature are numbers"), "{message}");
}

#[test]
fn a_cell_that_is_no_number_costs_its_row_and_no_other() {
    let folder = Folder::new();
    let file = folder.write("a.csv", format!("text,{MEAN},part\na,4,x\nb,many words,x\nc,many words,y\nd,5,x\n"));
    let options = ReadOptions { conditions: vec![Condition::new("part", "x")], ..wanting(&[MEAN]) };
    let rows = rows_with(file, &options);
    assert_eq!(texts(&rows), ["a", "-", "d"]);
    assert_eq!(problems(&rows[1]), [format!("feature `{MEAN}` is a text, expected a number")]);
    assert_eq!(rows[1].position.row, 2);
}
