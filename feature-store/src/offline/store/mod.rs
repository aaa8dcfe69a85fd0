//! The store that `plaudit ingest` writes: a folder or a bucket of Parquet files, one dataset for each record type, in which
//! each offset of a topic stands exactly once.
//!
//! The file name is the transaction. A part holds a contiguous range of offsets of one partition, is named by the first of
//! them, and is created only where no file has its name; its end stands in its metadata. A writer begins where the chain of
//! parts ends, so that of two writers of one range one is first and the other begins anew. Nothing else is kept: no
//! manifest, no lock, no table format, and whatever reads Parquet reads the store.

mod address;
mod chain;
mod columns;
mod compact;
mod config;
mod dataset;
mod error;
mod files;
mod footer;
mod held;
mod leftovers;
mod part;
mod partition;
mod read;
mod schema;

pub use columns::{Columns, Origin};
pub use compact::{CompactOptions, Compacted};
pub use config::OfflineConfig;
pub use dataset::{Dataset, Entry};
pub use error::{Error, ErrorKind};
pub use files::{Created, Store};
pub use held::Held;
pub use part::{FinishedPart, PartWriter};
pub use partition::SourcePartition;
pub(super) use read::rows_of_offsets;
pub use read::{Listing, Part, PartReader};
