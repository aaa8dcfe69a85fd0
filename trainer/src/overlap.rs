//! Rows that both the training and the test dataset would have. They belong to the test: a row that is tested is never
//! learned from.

use crate::dataset::{Dataset, Source};
use crate::error::Error;
use crate::pass::Pass;
use crate::train::Test;
use feature_store::offline::{ReadOptions, Row, RowPosition};
use std::collections::HashMap;
use std::path::PathBuf;

/// The positions, as rows of the training dataset, of the rows that the test has too; ascending. Where the two datasets
/// share no file, or no row can meet the conditions of both, that is known without reading anything.
pub(crate) fn shared_rows(train: &Dataset, test: &Dataset) -> Result<Vec<RowPosition>, Error> {
    let (Source::Files { options: wanted, .. }, Source::Files { options: tested, .. }) = (&train.source, &test.source)
    else {
        return Ok(Vec::new());
    };
    let shared = shared_files(train, test);
    if shared.is_empty() || are_disjoint(wanted, tested) {
        return Ok(Vec::new());
    }
    let paths = shared.iter().map(|file| file.path.clone()).collect();
    let mut positions = Vec::new();
    Pass::open(&test.of_files(paths, tested.clone()))?.run(|rows, _| {
        let of_train = |row: &&Row| RowPosition { file: shared[row.position.file].of_train, ..row.position };
        positions.extend(rows.iter().map(of_train));
        Ok(())
    })?;
    positions.sort_unstable();
    Ok(positions)
}

/// Refuses pipes that would have to be read a second time: that would wait without end.
pub(crate) fn check_rereadable(train: &Dataset, test: &Test) -> Result<(), Error> {
    let paths = match (test, &train.source) {
        (Test::On(test), _) => shared_files(train, test).into_iter().map(|file| file.path).collect(),
        (Test::Holdout(_), Source::Files { paths, .. }) => paths.clone(),
        _ => Vec::new(),
    };
    check_files(&paths)
}

/// Refuses pipes among files that are read more than once.
pub(crate) fn check_repeatable(data: &Dataset) -> Result<(), Error> {
    match &data.source {
        Source::Files { paths, .. } => check_files(paths),
        Source::Rows { .. } => Ok(()),
    }
}

fn check_files(paths: &[PathBuf]) -> Result<(), Error> {
    // A path with nothing or a folder behind it is for the reader to complain about.
    match paths.iter().find(|path| std::fs::metadata(path).is_ok_and(|file| !file.is_file() && !file.is_dir())) {
        Some(pipe) => Err(Error::ReadOnce { path: pipe.display().to_string() }),
        None => Ok(()),
    }
}

/// A file of both datasets, with its place among the paths of either.
pub(crate) struct SharedFile {
    path: PathBuf,
    of_train: usize,
    pub(crate) of_test: usize,
}

/// The files of both, however their paths are written; a file that is named twice is shared twice.
pub(crate) fn shared_files(train: &Dataset, test: &Dataset) -> Vec<SharedFile> {
    let (Source::Files { paths: of_train, .. }, Source::Files { paths: of_test, .. }) = (&train.source, &test.source)
    else {
        return Vec::new();
    };
    let identity = |path: &PathBuf| path.canonicalize().unwrap_or_else(|_| path.clone());
    let mut places: HashMap<PathBuf, Vec<usize>> = HashMap::new();
    for (place, path) in of_train.iter().enumerate() {
        places.entry(identity(path)).or_default().push(place);
    }
    let mut shared = Vec::new();
    for (of_test, path) in of_test.iter().enumerate() {
        let places = places.get(&identity(path)).into_iter().flatten();
        shared.extend(places.map(|&of_train| SharedFile { path: path.clone(), of_train, of_test }));
    }
    shared
}

/// Whether no row can meet the conditions of both.
fn are_disjoint(one: &ReadOptions, other: &ReadOptions) -> bool {
    let ends_before = |one: &ReadOptions, other: &ReadOptions| {
        one.until.zip(other.since).is_some_and(|(until, since)| until <= since)
    };
    ends_before(one, other)
        || ends_before(other, one)
        || one.conditions.iter().any(|one| other.conditions.iter().any(|other| one.excludes(other)))
}
