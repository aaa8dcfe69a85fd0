//! Why options or a file cannot be used. Each message names the file and says what to do about it.

use super::Field;
use std::io;
use std::path::PathBuf;

/// An option that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionError {
    /// The left side of a pair is none of our fields.
    #[error("`{name}` is none of our fields: they are {}", field_names())]
    UnknownField {
        /// What stood there.
        name: String,
    },
    /// Not `OURS=THEIRS`.
    #[error("`{text}` does not map a column: write OUR_FIELD=THEIR_COLUMN, such as rating=stars")]
    NoColumnPair {
        /// What stood there.
        text: String,
    },
    /// Not `COLUMN=VALUE`.
    #[error("`{text}` is no condition: write COLUMN=VALUE, such as split=train")]
    NoCondition {
        /// What stood there.
        text: String,
    },
}

/// A file that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// No path was given.
    #[error("no input file is named: give one or more of {SUPPORTED}")]
    NoFiles,
    /// Nothing stands at the path.
    #[error("there is no file `{}`: check the path", path.display())]
    NotFound {
        /// The path as given.
        path: PathBuf,
    },
    /// A folder stands at the path.
    #[error("`{path}` is a folder: name the files in it, such as {path}/*.parquet", path = path.display())]
    Folder {
        /// The path as given.
        path: PathBuf,
    },
    /// A folder without files for us.
    #[error("there is no Parquet file in `{}`", path.display())]
    EmptyFolder {
        /// The path as given.
        path: PathBuf,
    },
    /// The file belongs to somebody else.
    #[error("this user may not read `{}`: permission denied", path.display())]
    PermissionDenied {
        /// The path as given.
        path: PathBuf,
    },
    /// The file has no bytes, or none once it is decompressed.
    #[error("`{}` is empty: it holds no rows and no column names", path.display())]
    Empty {
        /// The path as given.
        path: PathBuf,
    },
    /// Neither name nor content tell what the file is.
    #[error("cannot tell what `{}` is: supported are {SUPPORTED}", path.display())]
    UnknownFormat {
        /// The path as given.
        path: PathBuf,
    },
    /// Text of two bytes a character.
    #[error(
        "`{path}` is UTF-16, and text is read as UTF-8: convert it, such as by iconv -f UTF-16 -t UTF-8 {path}",
        path = path.display()
    )]
    Utf16 {
        /// The path as given.
        path: PathBuf,
    },
    /// Parquet under the name of a text file.
    #[error("`{}` is Parquet, though its name says otherwise: rename it so that it ends in .parquet", path.display())]
    MisnamedParquet {
        /// The path as given.
        path: PathBuf,
    },
    /// Parquet within gzip or zstd: it can only be read from its end.
    #[error("`{}` is Parquet within {compression}: decompress the file, Parquet compresses its own pages", path.display())]
    CompressedParquet {
        /// The path as given.
        path: PathBuf,
        /// gzip or zstd.
        compression: &'static str,
    },
    /// A JSON document that is one array.
    #[error(
        "`{path}` is one JSON array, and JSON Lines has one object per line: convert it, such as by jq -c '.[]' {path}",
        path = path.display()
    )]
    JsonArray {
        /// The path as given.
        path: PathBuf,
    },
    /// The first lines of a JSON Lines file hold no object.
    #[error("`{}` is not JSON Lines: none of its first {lines} lines is a JSON object of its own", path.display())]
    NoJsonObject {
        /// The path as given.
        path: PathBuf,
        /// How many lines were looked at.
        lines: usize,
    },
    /// The bytes are not what the format asks for: damaged, cut off, or of another format.
    #[error("cannot read `{}` as {format}: {reason}", path.display())]
    Damaged {
        /// The path as given.
        path: PathBuf,
        /// What it was read as: Parquet, gzip or zstd.
        format: &'static str,
        /// What the decoder says.
        reason: String,
    },
    /// The operating system failed.
    #[error("cannot read `{}`: {source}", path.display())]
    Io {
        /// The path as given.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A folder of the written store cannot be listed.
    #[error(transparent)]
    Store {
        /// Why.
        #[from]
        error: Box<super::store::Error>,
    },
    /// A pipe would have to be read a second time.
    #[error("`{}` can be read only once, and may be needed twice: save it to a file first", path.display())]
    ReadOnce {
        /// The path as given.
        path: PathBuf,
    },
    /// A file is not what it was when it was opened first.
    #[error("`{}` has changed while it was being read: run the command again", path.display())]
    Changed {
        /// The path as given.
        path: PathBuf,
    },
    /// Somebody asked for an end.
    #[error("stopped; nothing was written")]
    Stopped,
    /// One row of a CSV file would not end.
    #[error(
        "{} of `{}` is larger than {limit_mebibytes} MiB: look for a quote that is opened and never closed",
        row_name(*.row),
        path.display()
    )]
    RowTooLarge {
        /// The path as given.
        path: PathBuf,
        /// The row's number; 0 for the header.
        row: u64,
        /// The limit.
        limit_mebibytes: u64,
    },
    /// A CSV file ends within quotes.
    #[error(
        "{} of `{}` opens a quote that is never closed, and every row behind it would be lost: close it, or put the cell \
         in quotes and double the quotes in it",
        row_name(*.row),
        path.display()
    )]
    UnclosedQuote {
        /// The path as given.
        path: PathBuf,
        /// The number of the row that opens it; 0 for the header.
        row: u64,
    },
    /// No column holds the text.
    #[error(
        "`{}` has no column `text` (its columns: {columns}): name the one that holds the text, --column text=COLUMN",
        path.display()
    )]
    NoText {
        /// The path as given.
        path: PathBuf,
        /// The file's columns.
        columns: String,
    },
    /// One field was mapped more than once.
    #[error("--column is given twice for {field}, `{first}` and `{second}`: keep one of them")]
    MappedTwice {
        /// Our field.
        field: Field,
        /// A column that was asked for.
        first: String,
        /// Another.
        second: String,
    },
    /// Several columns have the name of one that is needed.
    #[error("`{}` has {count} columns `{column}`: rename all but the one that is meant", path.display())]
    RepeatedColumn {
        /// The path as given.
        path: PathBuf,
        /// The name.
        column: String,
        /// How many bear it.
        count: usize,
    },
    /// A mapped column is absent.
    #[error("`{}` has no column `{column}` for {field} (its columns: {columns}): correct --column", path.display())]
    NoMappedColumn {
        /// The path as given.
        path: PathBuf,
        /// Our field.
        field: Field,
        /// The column that was asked for.
        column: String,
        /// The file's columns.
        columns: String,
    },
    /// The column of a condition is absent.
    #[error("`{}` has no column `{column}` to pick rows by (its columns: {columns}): correct --where", path.display())]
    NoConditionColumn {
        /// The path as given.
        path: PathBuf,
        /// The column that was asked for.
        column: String,
        /// The file's columns.
        columns: String,
    },
    /// The column of a feature is absent.
    #[error(
        "`{}` has no column `{feature}`, which holds a feature of the model (its columns: {columns}): `plaudit features \
         join` makes files that have it",
        path.display()
    )]
    NoFeatureColumn {
        /// The path as given.
        path: PathBuf,
        /// The feature's name.
        feature: String,
        /// The file's columns.
        columns: String,
    },
    /// A further column that was asked for is absent.
    #[error("`{}` has no column `{column}` (its columns: {columns}): name one that every file has", path.display())]
    NoExtraColumn {
        /// The path as given.
        path: PathBuf,
        /// The column that was asked for.
        column: String,
        /// The file's columns.
        columns: String,
    },
    /// Rows are wanted by their time, and there is none.
    #[error(
        "`{}` has no column `created_at` to pick rows by their time (its columns: {columns}): name it, --column \
         created_at=COLUMN",
        path.display()
    )]
    NoTime {
        /// The path as given.
        path: PathBuf,
        /// The file's columns.
        columns: String,
    },
    /// The column of a feature holds something else than numbers.
    #[error("column `{column}` of `{}` holds {kind}, and the values of a feature are numbers", path.display())]
    NoNumbers {
        /// The path as given.
        path: PathBuf,
        /// The column.
        column: String,
        /// Its type.
        kind: String,
    },
    /// A column of a type that no field and no condition can be read from.
    #[error("column `{column}` of `{}` holds {kind}, which can be read neither as a value nor in a condition", path.display())]
    UnusableColumn {
        /// The path as given.
        path: PathBuf,
        /// The column.
        column: String,
        /// Its type.
        kind: String,
    },
}

impl FileError {
    /// Whether other flags on the command line would help, and nothing else would.
    pub fn is_wrong_usage(&self) -> bool {
        matches!(
            self,
            Self::NoFiles
                | Self::EmptyFolder { .. }
                | Self::NoText { .. }
                | Self::MappedTwice { .. }
                | Self::NoMappedColumn { .. }
                | Self::NoConditionColumn { .. }
                | Self::NoFeatureColumn { .. }
                | Self::NoExtraColumn { .. }
                | Self::NoTime { .. }
                | Self::NoNumbers { .. }
                | Self::UnusableColumn { .. }
        )
    }
}

fn row_name(row: u64) -> String {
    if row == 0 { "the header".to_owned() } else { format!("row {row}") }
}

const SUPPORTED: &str =
    ".parquet, .csv, .jsonl, .ndjson and .json (JSON Lines), the text formats also with .gz or .zst";

fn field_names() -> String {
    Field::ALL.map(Field::name).join(", ")
}
