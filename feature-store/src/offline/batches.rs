//! Rows of Arrow's batches that another engine has read: the same columns, rows and problems as of a file.

use super::parquet::{Columns, check_types};
use super::plan::Plan;
use super::{FileError, ReadOptions, RowRef};
use arrow_array::RecordBatch;
use arrow_schema::Schema;
use std::path::Path;

/// How batches of one schema are read.
pub struct BatchRows {
    plan: Plan,
    places: Vec<usize>,
}

impl BatchRows {
    /// Matches the columns with the options; `source` stands in messages where files have their paths.
    pub fn new(source: &Path, schema: &Schema, options: &ReadOptions) -> Result<Self, FileError> {
        let present: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let plan = Plan::new(0, source, &present, options)?;
        let places: Vec<usize> =
            plan.columns.iter().filter_map(|column| present.iter().position(|name| name == column)).collect();
        check_types(source, schema, &plan, &places)?;
        Ok(Self { plan, places })
    }

    /// The columns that are read.
    pub fn columns(&self) -> &[String] {
        &self.plan.columns
    }

    /// Shows each row that the options want, with its place in the batch, from 0.
    pub fn each<E>(
        &self,
        batch: &RecordBatch,
        mut show: impl FnMut(usize, RowRef<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let columns = Columns::of(batch, &self.places);
        for in_batch in 0..columns.rows {
            if let Some(row) = self.plan.row(in_batch as u64 + 1, |column| columns.cell(column, in_batch)) {
                show(in_batch, row)?;
            }
        }
        Ok(())
    }
}
