//! The end of a part file: its metadata, without its rows.

use super::files::Store;
use super::{Error, part};
use object_store::ObjectMeta;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use std::ops::Range;

/// Most footers fit.
const FIRST_LOOK_BYTES: u64 = 32 * 1024;

/// The metadata of a part, and the offsets that it covers.
pub(super) async fn read(store: &Store, file: &ObjectMeta) -> Result<(ParquetMetaData, Range<i64>), Error> {
    let damaged = |problem: String| Error::Damaged { path: store.display(&file.location), problem };
    if file.size == 0 {
        return Err(damaged("is no Parquet (it is empty)".to_owned()));
    }
    let mut wanted = FIRST_LOOK_BYTES.min(file.size);
    loop {
        let tail = store.read_range(&file.location, file.size - wanted..file.size).await?;
        let mut reader = ParquetMetaDataReader::new();
        match reader.try_parse_sized(&tail, file.size) {
            Ok(()) => {
                let metadata = reader.finish().map_err(|error| damaged(format!("is no Parquet ({error})")))?;
                let offsets = part::offsets_of(metadata.file_metadata())
                    .ok_or_else(|| damaged("does not say which offsets it covers".to_owned()))?;
                return Ok((metadata, offsets));
            }
            Err(ParquetError::NeedMoreData(bytes)) if (wanted..file.size).contains(&(bytes as u64 - 1)) => {
                wanted = bytes as u64;
            }
            Err(error) => return Err(damaged(format!("is no Parquet ({error})"))),
        }
    }
}
