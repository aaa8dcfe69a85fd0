//! Why a server gives no answer, and whether that may pass: while scoring it makes no difference, at the start it decides
//! whether a process goes on without the store or says what to correct.

use std::fmt;
use std::io;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// Nobody answers, or not now.
    Away(String),
    /// Somebody answers, and is no Redis, or none that takes what is configured. Time doesn't help.
    Refused(String),
}

/// What servers say when they refuse what they would do at another time. Those before 7.0 wrap what a script's command answers
/// in their own words.
const PASSING: [&str; 12] = [
    "LOADING ",
    "BUSY ",
    "MASTERDOWN ",
    "CLUSTERDOWN ",
    "TRYAGAIN ",
    "OOM ",
    "MISCONF ",
    "READONLY ",
    "NOREPLICAS ",
    "MOVED ",
    "ASK ",
    "max number of clients",
];

impl Failure {
    /// A server says no.
    pub(super) fn of_refusal(reason: &str) -> Self {
        let may_pass = PASSING.iter().any(|passing| reason.contains(passing));
        if may_pass { Self::Away(reason.to_owned()) } else { Self::Refused(reason.to_owned()) }
    }

    /// A connection breaks. Where the system has no name for that, TLS has one.
    pub(super) fn of_connection(error: &io::Error) -> Self {
        let is_of_tls = error.kind() == io::ErrorKind::Other && error.get_ref().is_some();
        if is_of_tls { Self::of_tls(&error.to_string()) } else { Self::Away(error.to_string()) }
    }

    /// TLS says no, or was cut off, as by a proxy with nobody behind it.
    pub(super) fn of_tls(reason: &str) -> Self {
        let is_cut_off = reason.to_ascii_lowercase().contains("unexpected eof");
        if is_cut_off { Self::Away(reason.to_owned()) } else { Self::Refused(reason.to_owned()) }
    }

    /// What answers is no Redis.
    pub(super) fn no_redis() -> Self {
        Self::Refused("it answers what no Redis would".to_owned())
    }

    /// The same, in other words.
    pub(super) fn said(self, words: impl FnOnce(String) -> String) -> Self {
        match self {
            Self::Away(reason) => Self::Away(words(reason)),
            Self::Refused(reason) => Self::Refused(words(reason)),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Away(reason) | Self::Refused(reason)) = self;
        f.write_str(reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_time_heals_is_no_refusal() {
        for passing in [
            "LOADING Redis is loading the dataset in memory",
            "CLUSTERDOWN Hash slot not served",
            "ERR max number of clients reached",
            "OOM command not allowed when used memory > 'maxmemory'.",
            "ERR Error running script (call to f_1): @user_script:9: OOM command not allowed",
            "READONLY You can't write against a read only replica.",
            "MISCONF Redis is configured to save RDB snapshots",
        ] {
            assert_eq!(Failure::of_refusal(passing), Failure::Away(passing.to_owned()));
        }
        for lasting in [
            "WRONGPASS invalid username-password pair",
            "NOAUTH Authentication required.",
            "ERR DB index",
            "NOPERM this user has no permissions",
        ] {
            assert_eq!(Failure::of_refusal(lasting), Failure::Refused(lasting.to_owned()));
        }
    }

    #[test]
    fn a_broken_connection_is_away_and_tls_that_says_no_is_not() {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert!(matches!(Failure::of_connection(&refused), Failure::Away(_)));
        let of_tls = io::Error::other("tlsv13 alert certificate required");
        assert!(matches!(Failure::of_connection(&of_tls), Failure::Refused(_)));
        assert!(matches!(Failure::of_tls("ssl: unexpected EOF"), Failure::Away(_)));
    }
}
