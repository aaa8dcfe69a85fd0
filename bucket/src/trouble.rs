//! What an error of a bucket means to whoever has to do something.

use object_store::Error;

/// How the client of buckets calls itself in its errors.
const CLIENT: &str = "S3";

/// An error in words that help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The end of a sentence: what happened, and what helps.
    pub cause: String,
    /// Whether the same call may succeed later.
    pub may_pass: bool,
}

impl Trouble {
    /// Whether the error is certainly a bucket's: the errors of its connections are those of the system, as a folder's are.
    pub fn is_certain(error: &Error) -> bool {
        matches!(error, Error::Generic { store: CLIENT, .. })
    }

    /// What an error means; `setting` is the configuration's key that names the bucket.
    pub fn of(error: &Error, setting: &str) -> Self {
        let (advice, may_pass) = match error {
            Error::Unauthenticated { .. } | Error::PermissionDenied { .. } => (
                "; check the credentials (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY) and what they allow".to_owned(),
                false,
            ),
            Error::NotFound { .. } => (format!("; create the bucket, or correct {setting}"), false),
            Error::NotImplemented { .. } | Error::NotSupported { .. } => {
                ("; the server must know conditional writes (If-None-Match)".to_owned(), false)
            }
            _ => (String::new(), true),
        };
        // The client's own sentence is for programmers, and what is behind it says what happened.
        let mut cause: &dyn std::error::Error = error;
        while let Some(behind) = cause.source() {
            cause = behind;
        }
        Self { cause: format!("{cause}{advice}"), may_pass }
    }
}
