//! Batches of rows, read ahead on a thread of their own: parsing never holds up the runtime, and the next batch is read
//! while this one is sent. At most two batches are in memory.

use crate::Error;
use feature_store::offline::{FileError, ReviewFiles, Row};
use tokio::task::JoinHandle;

type Reading = JoinHandle<(ReviewFiles, Result<Option<Vec<Row>>, FileError>)>;

/// The rows of files, batch by batch.
pub struct RowBatches {
    reading: Option<Reading>,
    bytes_read: u64,
}

impl RowBatches {
    /// Starts to read. Must be called within a runtime.
    pub fn new(files: ReviewFiles) -> Self {
        Self { reading: Some(read(files)), bytes_read: 0 }
    }

    /// The next rows; none at the end of the last file. Whoever stops waiting loses nothing: the rows come next time.
    pub async fn next(&mut self) -> Result<Option<Vec<Row>>, Error> {
        let Some(reading) = &mut self.reading else { return Ok(None) };
        let read_so_far = reading.await;
        self.reading = None;
        let (files, batch) = read_so_far?;
        self.bytes_read = files.bytes_read();
        let Some(rows) = batch? else { return Ok(None) };
        self.reading = Some(read(files));
        Ok(Some(rows))
    }

    /// Bytes of the files that the rows handed out so far took, for progress.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read
    }
}

fn read(mut files: ReviewFiles) -> Reading {
    tokio::task::spawn_blocking(move || {
        let batch = files.next_batch();
        (files, batch)
    })
}
