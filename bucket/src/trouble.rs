//! What an error of a bucket means to whoever has to do something.

use object_store::Error;

/// How the client of buckets calls itself in its errors.
const CLIENT: &str = "S3";

/// What a server calls a bucket that is not there. A list says so in the words of the server alone.
const NO_BUCKET: &str = "NoSuchBucket";

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
            _ => (String::new(), true),
        };
        Self { cause: format!("{cause}{advice}"), may_pass }
    }
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
}
