//! What can be wrong with a configuration. Every message names the key, where it was written and what to do.

use std::fmt;
use std::path::PathBuf;

/// Where a value comes from. Later layers win.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// The defaults embedded in the binary.
    Defaults,
    /// A preset of this name, embedded too.
    Preset(String),
    /// A configuration file.
    File(PathBuf),
    /// An environment variable.
    Variable(String),
    /// A flag.
    CommandLine,
}

impl fmt::Display for Layer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Layer::Defaults => formatter.write_str("the built-in defaults"),
            Layer::Preset(name) => write!(formatter, "the preset {name}"),
            Layer::File(path) => write!(formatter, "{}", path.display()),
            Layer::Variable(name) => formatter.write_str(name),
            Layer::CommandLine => formatter.write_str("the command line"),
        }
    }
}

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file that was asked for cannot be read.
    #[error("cannot read config file {}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A layer is not TOML.
    #[error("{layer} is not valid TOML: {reason}")]
    Syntax {
        /// Which layer.
        layer: Layer,
        /// Line, column and cause.
        reason: String,
    },
    /// A key that no layer may hold, because the defaults don't.
    #[error("unknown key `{key}` in {layer}{}", did_you_mean(nearest.as_deref()))]
    UnknownKey {
        /// The dotted key.
        key: String,
        /// Which layer holds it.
        layer: Layer,
        /// The known key that looks most like it.
        nearest: Option<String>,
    },
    /// A value of another type than the default's.
    #[error("`{key}` in {layer} must be {expected}, not {found}")]
    WrongType {
        /// The dotted key.
        key: String,
        /// Which layer holds it.
        layer: Layer,
        /// What the default is.
        expected: &'static str,
        /// What was found.
        found: String,
    },
    /// A value that its section refuses.
    #[error("`{key}` in {layer}: {reason}")]
    Invalid {
        /// The dotted key.
        key: String,
        /// Which layer holds it.
        layer: Layer,
        /// Why.
        reason: String,
    },
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |nearest| format!("; did you mean `{nearest}`?"))
}
