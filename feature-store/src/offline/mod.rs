//! Files of reviews, read as a stream of rows: Parquet, CSV and JSON Lines, the latter two also compressed by gzip or
//! zstd. A file that cannot be read is an error that names it; a row that cannot be read is a row with a problem, so that
//! one bad line never costs a file. What a row without text or label means is left to the caller.

mod batches;
pub(crate) mod cell;
pub(crate) mod column;
mod columns;
mod condition;
mod csv;
mod error;
mod fingerprint;
mod format;
mod found;
mod json_lines;
mod parquet;
mod partial;
mod plan;
mod pruning;
pub(crate) mod random_access;
mod reader;
mod remote;
mod row;
pub(crate) mod sampled;
mod scan;
mod selection;
pub(crate) mod source;
pub mod store;
mod stored;
mod temporary;

pub use batches::BatchRows;
pub use columns::{ColumnPair, Columns, Field};
pub use condition::Condition;
pub use error::{FileError, OptionError};
pub use fingerprint::SchemaFingerprint;
pub use found::files_below;
pub(crate) use found::is_read_as_store;
pub use partial::{OutputError, OutputIsInput, Partial, check_output, folder_of};
pub use plan::ReadOptions;
pub use reader::{Listing, ReviewFiles};
pub use row::{Row, RowPosition, RowProblem, RowRef};
pub use sampled::SAMPLE_KEY;
pub use scan::{Passage, Place, Scan, ScanProgress};
pub use selection::Selection;
pub use temporary::{TemporaryError, temporary_file};
