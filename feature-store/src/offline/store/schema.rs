//! Columns of files that were written by different versions: one that a file lacks is null in it.

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow_schema::{FieldRef, Schema, SchemaRef};
use std::sync::Arc;

/// A batch with these columns and no others. The problem names the column whose type is another than the one wanted.
pub(super) fn adapt(batch: &RecordBatch, columns: &SchemaRef) -> Result<RecordBatch, String> {
    let column = |field: &FieldRef| -> Result<ArrayRef, String> {
        match batch.column_by_name(field.name()) {
            None => Ok(new_null_array(field.data_type(), batch.num_rows())),
            Some(found) if found.data_type() == field.data_type() => Ok(Arc::clone(found)),
            Some(found) => Err(format!(
                "has a column `{}` of type {}, which was {} when this version wrote it",
                field.name(),
                found.data_type(),
                field.data_type()
            )),
        }
    };
    let arrays = columns.fields().iter().map(column).collect::<Result<Vec<_>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(columns), arrays, &options)
        .map_err(|error| format!("is damaged ({error})"))
}

/// All columns of these, each once: those of the first, then what others add.
pub(super) fn union<'s>(schemas: impl IntoIterator<Item = &'s SchemaRef>) -> SchemaRef {
    let mut fields: Vec<FieldRef> = Vec::new();
    for schema in schemas {
        for field in schema.fields() {
            if !fields.iter().any(|present| present.name() == field.name()) {
                // Absent from another file, it is null there.
                fields.push(Arc::new(field.as_ref().clone().with_nullable(true)));
            }
        }
    }
    Arc::new(Schema::new(fields))
}
