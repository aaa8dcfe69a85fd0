//! One pass over a dataset. A thread of its own reads and decodes files, so that whoever consumes the rows waits for a
//! disk only when the thread can't keep up.

use crate::dataset::{Dataset, Source};
use crate::error::Error;
use crate::sampled;
use feature_store::offline::{Field, FileError, ReviewFiles, Row};
use model::KeepRates;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// Batches read ahead: enough to even out slow ones; with the one being read and the one being consumed some 16 MiB.
const BATCHES_AHEAD: usize = 2;

/// Rows at hand come in batches of as many as files have at most.
const BATCH_ROWS: usize = 1024;

/// A dataset that is open and fits: its columns are known, its rows are still to come.
pub(crate) struct Pass {
    dataset: Dataset,
    opened: Opened,
    stop: Option<CancellationToken>,
}

enum Opened {
    Files(Box<ReviewFiles>),
    Rows(Arc<[Row]>),
}

/// How much of a pass is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) bytes_read: u64,
    pub(crate) total_bytes: u64,
}

impl Pass {
    /// Opens the files, all of them, and checks that they have what learning and testing need.
    pub(crate) fn open(dataset: &Dataset) -> Result<Self, Error> {
        let opened = match &dataset.source {
            Source::Files { paths, options } => {
                let files = ReviewFiles::open(paths, options)?;
                if !files.has_field(Field::Label) && !files.has_field(Field::Rating) {
                    return Err(Error::NoLabelColumn { data: dataset.to_string() });
                }
                Opened::Files(Box::new(files))
            }
            Source::Rows { rows, .. } => Opened::Rows(Arc::clone(rows)),
        };
        Ok(Self { dataset: dataset.clone(), opened, stop: None })
    }

    /// The same pass, which ends with [`Error::Stopped`] when the token is cancelled.
    pub(crate) fn until(self, stop: &CancellationToken) -> Self {
        Self { stop: Some(stop.clone()), ..self }
    }

    /// Whether any file has a column for a field. Rows at hand may have every field.
    pub(crate) fn has_field(&self, field: Field) -> bool {
        match &self.opened {
            Opened::Files(files) => files.has_field(field),
            Opened::Rows(_) => true,
        }
    }

    /// SHA-256 over the names and types of the columns.
    pub(crate) fn schema_sha256(&self) -> String {
        match &self.opened {
            Opened::Files(files) => files.fingerprint().0,
            // Rows at hand have our own fields and no others.
            Opened::Rows(_) => model::sha256_hex(Field::ALL.map(Field::name).join("\n").as_bytes()),
        }
    }

    /// Which share of each class the rows are of what was there, as samples among the files say. Rows at hand are all there are.
    pub(crate) fn keep_rates(&self) -> Result<KeepRates, Error> {
        match &self.opened {
            Opened::Files(files) => sampled::keep_rates(files.samples()),
            Opened::Rows(_) => Ok(KeepRates::ALL),
        }
    }

    /// Hands every row that the dataset keeps to `consume`, batch by batch and in order, until it refuses; answers how
    /// long reading took, whether or not anybody had to wait for it.
    pub(crate) fn run(
        self,
        mut consume: impl FnMut(&[&Row], Position) -> Result<(), Error>,
    ) -> Result<Duration, Error> {
        let Self { dataset, opened, stop } = self;
        let mut consume = |batch: &[Row], position| {
            if stop.as_ref().is_some_and(CancellationToken::is_cancelled) {
                return Err(Error::Stopped);
            }
            let kept: Vec<&Row> = batch.iter().filter(|row| dataset.keeps(row)).collect();
            consume(&kept, position)
        };
        match opened {
            Opened::Rows(rows) => {
                for batch in rows.chunks(BATCH_ROWS) {
                    consume(batch, Position { bytes_read: 0, total_bytes: 0 })?;
                }
                Ok(Duration::ZERO)
            }
            Opened::Files(mut files) => std::thread::scope(|scope| {
                let (sender, receiver) = sync_channel(BATCHES_AHEAD);
                let reader = scope.spawn(move || read(&mut files, &sender));
                // Leaving this loop early drops the receiver, which ends the reader.
                for batch in receiver {
                    let (rows, position) = batch?;
                    consume(&rows, position)?;
                }
                Ok(reader.join().expect("reading a file doesn't panic"))
            }),
        }
    }
}

type Batch = Result<(Vec<Row>, Position), FileError>;

fn read(files: &mut ReviewFiles, sender: &SyncSender<Batch>) -> Duration {
    let mut reading = Duration::ZERO;
    loop {
        let start = Instant::now();
        let batch = files.next_batch();
        reading += start.elapsed();
        let position = Position { bytes_read: files.bytes_read(), total_bytes: files.total_bytes() };
        let Some(batch) = batch.transpose() else { return reading };
        let is_last = batch.is_err();
        if sender.send(batch.map(|rows| (rows, position))).is_err() || is_last {
            return reading;
        }
    }
}
