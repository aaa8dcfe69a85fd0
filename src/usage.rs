//! How a verb ends when it doesn't end well: what goes to stderr and which exit code. The verbs return `anyhow::Result`
//! and mark the errors that are the caller's to correct with [`WrongUsage`].

use crate::output;
use std::fmt;
use std::io::Write;
use std::process::ExitCode;

/// An error that another command line would not have: exit code 2 in place of 1.
#[derive(Debug)]
pub struct WrongUsage(pub String);

impl fmt::Display for WrongUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for WrongUsage {}

/// Marks an error of a library that says of itself whether other flags would help.
pub fn sorted<E: std::error::Error + Send + Sync + 'static>(
    error: E,
    is_wrong_usage: impl Fn(&E) -> bool,
) -> anyhow::Error {
    if is_wrong_usage(&error) { WrongUsage(error.to_string()).into() } else { error.into() }
}

/// Why a process ends early.
#[derive(Debug)]
pub enum Failure {
    /// Exit code 1.
    Failed(anyhow::Error),
    /// Exit code 2.
    Usage(anyhow::Error),
    /// Whoever read our output has gone, as `head` does: nothing failed, and nobody is there to be told.
    ReaderGone,
}

impl Failure {
    /// Sorts what a verb returned.
    pub fn of(error: anyhow::Error) -> Self {
        if error.is::<output::ReaderGone>() {
            Self::ReaderGone
        } else if error.is::<WrongUsage>() || is_wrong_address(&error) {
            Self::Usage(error)
        } else {
            Self::Failed(error)
        }
    }

    /// Prints one line to stderr and answers the exit code.
    pub fn report(self) -> ExitCode {
        let (error, code) = match self {
            Self::ReaderGone => return ExitCode::SUCCESS,
            Self::Failed(error) => (error, 1),
            Self::Usage(error) => (error, 2),
        };
        // A closed stderr leaves the exit code to tell.
        let _ = writeln!(std::io::stderr(), "error: {}", output::plain(&sentence(&error)));
        ExitCode::from(code)
    }
}

/// The error with its causes; a cause that the one above it has quoted is not said again.
fn sentence(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |sentence, cause| {
        if sentence.is_empty() {
            cause
        } else if sentence.ends_with(&cause) {
            sentence
        } else {
            format!("{sentence}: {cause}")
        }
    })
}

/// The registry's address is configuration, though only opening it tells whether it is any good.
fn is_wrong_address(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(registry::Error::Address { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn wrong_usage_is_recognized_under_any_context() {
        let error = anyhow::Error::new(WrongUsage("no such column".into())).context("reading reviews.csv");
        assert!(matches!(Failure::of(error), Failure::Usage(_)));
        assert!(matches!(Failure::of(anyhow::anyhow!("disk full")), Failure::Failed(_)));
    }

    #[test]
    fn a_cause_that_was_quoted_is_not_said_again() {
        let error = anyhow::anyhow!("no broker").context("stream: no broker").context("cannot score");
        assert_eq!(sentence(&error), "cannot score: stream: no broker");
    }

    #[test]
    fn a_reader_that_has_gone_is_no_failure() {
        let error = Err::<(), _>(output::ReaderGone).context("printing").expect_err("made as an error");
        assert!(matches!(Failure::of(error), Failure::ReaderGone));
    }
}
