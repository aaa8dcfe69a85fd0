//! The output: the rows in their order with the columns they had, and the features behind them. Of Parquet whose rows all
//! stay, the columns are copied as they are, neither decoded nor encoded; everything else is written anew.

mod copied;
mod encoded;

pub(super) use crate::offline::Partial;
use crate::offline::SAMPLE_KEY;

use super::columns::Kind;
use super::input::Input;
use super::results::Results;
use super::{JoinError, JoinProgress, Stage};
use arrow_schema::{Field, FieldRef};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use std::sync::Arc;

/// Writes the output, with what is said of how its rows were sampled; how many rows it has.
pub(super) fn write(
    input: &Input,
    note: Option<&str>,
    results: &mut [Results],
    partial: Partial,
    progress: &JoinProgress,
) -> Result<u64, JoinError> {
    progress.begin(Stage::Writing, input.numbered_rows());
    match input {
        Input::Parquet(rows) if rows.kept.is_none() => copied::write(rows, note, results, partial, progress),
        Input::Parquet(rows) => encoded::write_parquet(rows, note, results, partial, progress),
        Input::Text(rows) => encoded::write_text(rows, note, results, partial, progress),
    }
}

fn properties(note: Option<&str>) -> WriterPropertiesBuilder {
    // Level 1: the next levels cost more time than they save bytes.
    let compression = Compression::ZSTD(ZstdLevel::try_new(1).unwrap_or_default());
    let note = note.map(|note| vec![KeyValue::new(SAMPLE_KEY.to_owned(), note.to_owned())]);
    WriterProperties::builder().set_compression(compression).set_key_value_metadata(note)
}

/// Columns of features, as they come behind those of the input.
pub(super) fn feature_fields<'a>(columns: impl IntoIterator<Item = &'a (String, Kind)>) -> Vec<FieldRef> {
    columns.into_iter().map(|(name, kind)| Arc::new(Field::new(name, kind.data_type(), true))).collect()
}

fn all_columns(results: &[Results]) -> impl Iterator<Item = &(String, Kind)> {
    results.iter().flat_map(|results| &results.columns)
}
