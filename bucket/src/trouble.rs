//! What an error of a bucket means to whoever has to do something.

use object_store::Error;

/// How the client of buckets calls itself in its errors.
const CLIENT: &str = "S3";

/// What a server calls a bucket that is not there. A list says so in the words of the server alone.
const NO_BUCKET: &str = "NoSuchBucket";

/// Where a machine of Amazon's is told which role it has.
const ROLE_OF_MACHINE: &str = "169.254.169.254";

/// How the client says that the bucket lies in another region.
const OTHER_REGION: &str = "incorrectly configured region";

/// Statuses that say no for now: too slow, in each other's way, too early, too often.
const PASSING_STATUSES: [&str; 4] = ["408", "409", "425", "429"];

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
        // The client's own sentence is for programmers, and what is behind it says what happened.
        let mut cause: &dyn std::error::Error = error;
        while let Some(behind) = cause.source() {
            cause = behind;
        }
        let cause = in_one_line(&cause.to_string());
        let (advice, may_pass) = match error {
            Error::Unauthenticated { .. } | Error::PermissionDenied { .. } => (
                "; check the credentials (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY) and what they allow".to_owned(),
                false,
            ),
            Error::NotImplemented { .. } | Error::NotSupported { .. } => {
                ("; the server must know conditional writes (If-None-Match)".to_owned(), false)
            }
            Error::NotFound { .. } => (format!("; create the bucket, or correct {setting}"), false),
            _ if cause.contains(NO_BUCKET) => (format!("; create the bucket, or correct {setting}"), false),
            _ if is_refusal(&cause) => {
                (format!("; correct {setting}, or region and address (AWS_REGION, AWS_ENDPOINT_URL)"), false)
            }
            // Nobody asks a machine for its role who has credentials.
            _ if cause.contains(ROLE_OF_MACHINE) || error.to_string().contains(ROLE_OF_MACHINE) => (
                "; no credentials were given, and this machine has no role: set AWS_ACCESS_KEY_ID and \
                 AWS_SECRET_ACCESS_KEY"
                    .to_owned(),
                true,
            ),
            _ => (String::new(), true),
        };
        Self { cause: format!("{cause}{advice}"), may_pass }
    }
}

/// Whether a server has understood what is asked, and says no.
fn is_refusal(cause: &str) -> bool {
    let status = cause.split_once("status code: ").and_then(|(_, rest)| rest.get(..3));
    let is_lasting = |status: &str| status.starts_with('4') && !PASSING_STATUSES.contains(&status);
    cause.contains(OTHER_REGION) || status.is_some_and(is_lasting)
}

/// A server's XML as its code and message alone.
fn in_one_line(cause: &str) -> String {
    let Some((said, xml)) = cause.split_once("<?xml") else { return cause.trim().to_owned() };
    let of = |tag: &str| {
        let (_, rest) = xml.split_once(&format!("<{tag}>"))?;
        Some(rest.split_once("</")?.0.trim())
    };
    let words: Vec<&str> = [of("Code"), of("Message")].into_iter().flatten().collect();
    format!("{}: {}", said.trim().trim_end_matches(':'), words.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_that_is_not_there_is_said_in_one_line_with_advice() {
        let answer = "Server returned non-2xx status code: 404 Not Found: <?xml version=\"1.0\"?>\n<Error>\
            <Code>NoSuchBucket</Code><Message>The bucket does not exist</Message><RequestId>x</RequestId></Error>\n";
        let trouble = Trouble::of(&Error::Generic { store: CLIENT, source: answer.into() }, "registry.url");
        assert_eq!(
            trouble.cause,
            "Server returned non-2xx status code: 404 Not Found: NoSuchBucket, The bucket does not exist; create the \
             bucket, or correct registry.url"
        );
        assert!(!trouble.may_pass);
        let refused =
            Trouble::of(&Error::Generic { store: CLIENT, source: "connection refused".into() }, "registry.url");
        assert_eq!((refused.cause.as_str(), refused.may_pass), ("connection refused", true));
    }

    #[test]
    fn what_a_server_refuses_is_not_waited_for_and_what_it_cannot_do_now_is() {
        let trouble = |said: &str| Trouble::of(&Error::Generic { store: CLIENT, source: said.into() }, "offline.url");
        for (said, advice) in [
            ("Server returned non-2xx status code: 400 Bad Request: InvalidRequest", "AWS_REGION"),
            (
                "Received redirect without LOCATION, this normally indicates an incorrectly configured region",
                "AWS_REGION",
            ),
        ] {
            let trouble = trouble(said);
            assert!(!trouble.may_pass && trouble.cause.contains(advice), "{trouble:?}");
        }
        for said in ["Server returned non-2xx status code: 429 Too Many Requests: ", "Server error: 503"] {
            assert!(trouble(said).may_pass, "{said}");
        }
        let lost = trouble("error sending request for url (http://169.254.169.254/latest/api/token)");
        assert!(lost.may_pass && lost.cause.contains("set AWS_ACCESS_KEY_ID"), "{lost:?}");
    }
}
