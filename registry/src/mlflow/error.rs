//! What can go wrong with MLflow. Nothing of it is a reason to stop training or scoring.

/// Why MLflow does not have, or does not tell, what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The settings are of no use.
    #[error("MLflow at \"{url}\" cannot be asked: {cause}")]
    Unusable {
        /// The address.
        url: String,
        /// Why not.
        cause: String,
    },
    /// No answer, or not in time.
    #[error("MLflow at {url} does not answer: {cause}")]
    Unreachable {
        /// The address.
        url: String,
        /// What happened.
        cause: String,
    },
    /// The server said no.
    #[error("MLflow at {url} refused {endpoint} with {status} {code}: {message}{}", advice(*.status))]
    Refused {
        /// The address.
        url: String,
        /// The call.
        endpoint: String,
        /// The HTTP status.
        status: u16,
        /// MLflow's name for the error.
        code: String,
        /// Its words.
        message: String,
    },
    /// The server wants artifacts to be put into a storage of its own.
    #[error(
        "MLflow at {url} keeps artifacts at {uri}, where it takes none itself: start it with --serve-artifacts and \
         --artifacts-destination"
    )]
    ArtifactsElsewhere {
        /// The address.
        url: String,
        /// Where artifacts should go.
        uri: String,
    },
    /// The answer lacks what it must have.
    #[error("MLflow at {url} answers {endpoint} without `{field}`: MLflow 3 or later is needed")]
    Incomplete {
        /// The address.
        url: String,
        /// The call.
        endpoint: String,
        /// What is missing.
        field: String,
    },
    /// The registry failed.
    #[error(transparent)]
    Registry(#[from] crate::Error),
}

impl Error {
    /// Whether the server said that there is no such thing. A missing alias is an invalid parameter to it.
    pub(super) fn is_absent(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if code == "RESOURCE_DOES_NOT_EXIST")
    }

    /// Whether the server said that there is such a thing already.
    pub(super) fn is_there(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if code == "RESOURCE_ALREADY_EXISTS")
    }
}

fn advice(status: u16) -> &'static str {
    match status {
        401 => "; set mlflow.token, or mlflow.user and mlflow.password",
        // It answers so to a name of a host that it doesn't know as its own.
        403 => "; the user may lack the right, or the server must be started with --allowed-hosts",
        _ => "",
    }
}
