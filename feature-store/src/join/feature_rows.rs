//! Files of feature rows: which column is the entity, which the event time, which are features; and every row of them.

use super::columns::{self, Kind, Values};
use super::input::{Places, Reading, roots};
use super::key::Key;
use super::results::Payload;
use super::scan::{ParquetFile, Rows, scan};
use super::slots::Rank;
use super::{JoinError, ReadyView, Stage};
use crate::views::EntityKind;

/// Names that others give the column of event times.
const TIME_COLUMNS: [&str; 2] = ["event_timestamp", "event_time"];

/// The files of one view.
pub(super) struct FeatureRows {
    files: Vec<ParquetFile>,
    /// Of each file: the entity, the event time, then the features.
    places: Vec<Places>,
    features: Vec<(String, Kind)>,
    pub(super) entity: EntityKind,
}

/// A batch of feature rows.
pub(super) struct FeatureBatch<'a> {
    rows: &'a FeatureRows,
    file: usize,
    keys: Vec<Option<Key>>,
    times: Vec<Option<i64>>,
    values: Vec<Values>,
    first_row: u64,
}

impl FeatureRows {
    /// Opens a view's files and checks their columns.
    pub(super) fn open(view: &ReadyView) -> Result<Self, JoinError> {
        let files = ParquetFile::open_all(&view.files)?;
        let Some(first) = files.first() else { return Err(crate::offline::FileError::NoFiles.into()) };
        let entity = match view.entity {
            Some(entity) => entity,
            None => entity_of(first)?,
        };
        let time = match &view.time_column {
            Some(column) => column.as_str(),
            None => TIME_COLUMNS.into_iter().find(|name| first.column(name).is_some()).unwrap_or(TIME_COLUMNS[0]),
        };
        let names: Vec<String> = match &view.features {
            Some(names) => names.clone(),
            None => {
                let fields = first.schema().fields().iter().map(|field| field.name().clone());
                fields
                    .filter(|name| name != time && !EntityKind::ALL.iter().any(|kind| kind.join_key() == name))
                    .collect()
            }
        };
        let mut features: Vec<(String, Option<Kind>)> = names.into_iter().map(|name| (name, None)).collect();
        let mut places = Vec::with_capacity(files.len());
        for file in &files {
            let mut roots = vec![
                place(file, entity.join_key(), "it names whose features they are; rename the one that does")?,
                place(file, time, "it says from when on a row is true; name it by --event-time")?,
            ];
            for (name, known) in &mut features {
                let root = place(file, name, "pick other features by --feature")?;
                let data_type = file.schema().field(root).data_type();
                let kind = Kind::of(data_type);
                let together = kind.and_then(|kind| known.map_or(Some(kind), |known| known.together(kind)));
                let Some(together) = together else {
                    return Err(JoinError::UnusableFeature {
                        path: file.path.clone(),
                        column: name.clone(),
                        kind: data_type.to_string(),
                        view: view.name.clone(),
                    });
                };
                *known = Some(together);
                roots.push(root);
            }
            places.push(Places::of_file(file, roots)?);
        }
        let features = features.into_iter().filter_map(|(name, kind)| Some((name, kind?))).collect();
        Ok(Self { files, places, features, entity })
    }

    /// The features with their kinds.
    pub(super) fn features(&self) -> &[(String, Kind)] {
        &self.features
    }

    /// Reads every batch, on several threads, each with a work of its own.
    pub(super) fn scan<W: Send>(
        &self,
        reading: Reading<'_>,
        make: impl Fn() -> W + Sync,
        each: impl Fn(&mut W, FeatureBatch<'_>) -> Result<(), JoinError> + Sync,
    ) -> Result<Vec<W>, JoinError> {
        let rows = self.files.last().map_or(0, |file| file.first_row + file.rows());
        reading.progress.begin(Stage::History, rows);
        scan(&self.files, &roots(&self.places), reading.threads, reading.progress, make, |work, rows: Rows<'_>| {
            let places = &self.places[rows.file];
            let column = |wanted| rows.batch.column(places.of(wanted));
            let values =
                self.features.iter().enumerate().map(|(place, (_, kind))| Values::of(column(place + 2), *kind));
            let batch = FeatureBatch {
                rows: self,
                file: rows.file,
                keys: columns::keys(column(0), reading.keys),
                times: columns::moments(column(1)),
                values: values.collect(),
                first_row: rows.first_row,
            };
            each(work, batch)
        })
    }
}

impl FeatureBatch<'_> {
    /// The rows that have an entity and a time: where they stand in the batch, whose they are, and when.
    pub(super) fn rows(&self) -> impl Iterator<Item = (usize, Key, Rank)> {
        let of_row = |row: usize| {
            let rank = Rank { time: self.times[row]?, number: self.first_row + row as u64 };
            Some((row, self.keys[row]?, rank))
        };
        (0..self.keys.len()).filter_map(of_row)
    }

    /// Writes a row's values.
    pub(super) fn write(&self, row: usize, payload: Payload, bytes: &mut [u8]) -> Result<(), JoinError> {
        for (feature, values) in self.values.iter().enumerate() {
            let bits = values.bits(row).map_err(|_| JoinError::TooLarge {
                path: self.rows.files[self.file].path.clone(),
                column: self.rows.features[feature].0.clone(),
            })?;
            payload.set(bytes, feature, bits);
        }
        Ok(())
    }
}

fn entity_of(file: &ParquetFile) -> Result<EntityKind, JoinError> {
    let found: Vec<EntityKind> =
        EntityKind::ALL.into_iter().filter(|entity| file.column(entity.join_key()).is_some()).collect();
    match found[..] {
        [entity] => Ok(entity),
        _ => {
            let columns = EntityKind::ALL.map(EntityKind::join_key).join("` alone or `");
            no_column(
                file,
                &columns,
                "it says whose features they are; a view of the configuration says so by its entity",
            )
        }
    }
}

fn place(file: &ParquetFile, column: &str, advice: &str) -> Result<usize, JoinError> {
    file.column(column).map_or_else(|| no_column(file, column, advice), Ok)
}

fn no_column<T>(file: &ParquetFile, column: &str, advice: &str) -> Result<T, JoinError> {
    Err(JoinError::NoColumn {
        path: file.path.clone(),
        column: column.to_owned(),
        columns: file.columns(),
        advice: advice.to_owned(),
    })
}
