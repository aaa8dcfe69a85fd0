//! Which row groups of a Parquet file can be left unread: those in which, by the least and the greatest value that the footer
//! names, no row meets the conditions or lies in the time that is asked for.

use super::cell::Cell;
use super::column::Column;
use super::plan::Plan;
use arrow_schema::{DataType, Schema};
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::file::metadata::ParquetMetaData;

/// For each row group, whether one of its rows may be wanted.
pub(super) fn wanted_groups(metadata: &ParquetMetaData, schema: &Schema, plan: &Plan) -> Vec<bool> {
    let mut wanted = vec![true; metadata.num_row_groups()];
    for (condition, column) in plan.conditions() {
        narrow(&mut wanted, metadata, schema, &plan.columns[column], |least, greatest| {
            condition.may_match_within(least, greatest)
        });
    }
    if let Some(column) = plan.time_column() {
        let may_hold = |least: &Cell<'_>, greatest: &Cell<'_>| {
            let time = |cell: &Cell<'_>| cell.clone().into_timestamp().ok().flatten();
            match (time(least), time(greatest)) {
                (Some(first), Some(last)) => plan.wants_times(first, last),
                _ => true,
            }
        };
        // Texts are times too, but their order need not be that of the times.
        let is_text = |kind: &DataType| matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
        if schema.column_with_name(&plan.columns[column]).is_some_and(|(_, field)| !is_text(field.data_type())) {
            narrow(&mut wanted, metadata, schema, &plan.columns[column], may_hold);
        }
    }
    wanted
}

/// Takes out the groups whose bounds of a column rule out what is looked for. A group without bounds stays.
fn narrow(
    wanted: &mut [bool],
    metadata: &ParquetMetaData,
    schema: &Schema,
    column: &str,
    may_hold: impl Fn(&Cell<'_>, &Cell<'_>) -> bool,
) {
    let Some((least, greatest)) = bounds(metadata, schema, column) else { return };
    for (group, wanted) in wanted.iter_mut().enumerate() {
        *wanted = *wanted && may_hold(&least.cell(group), &greatest.cell(group));
    }
}

/// The least and the greatest value of a column in each row group.
fn bounds(metadata: &ParquetMetaData, schema: &Schema, column: &str) -> Option<(Column, Column)> {
    let parquet = metadata.file_metadata().schema_descr();
    let converter = StatisticsConverter::try_new(column, schema, parquet).ok()?;
    // Numbers that i64 does not hold are read as text, which has another order.
    if converter.arrow_field().data_type() == &DataType::UInt64 {
        return None;
    }
    let leaf = converter.parquet_column_index()?;
    // Writers of old ordered texts by signed bytes.
    let is_of_old = |group: &parquet::file::metadata::RowGroupMetaData| {
        group.column(leaf).statistics().is_some_and(|statistics| statistics.is_min_max_deprecated())
    };
    if metadata.row_groups().iter().any(is_of_old) {
        return None;
    }
    let least = converter.row_group_mins(metadata.row_groups()).ok()?;
    let greatest = converter.row_group_maxes(metadata.row_groups()).ok()?;
    Some((Column::of(&least), Column::of(&greatest)))
}
