//! What must not be printed: the names of keys whose values are masked, and
//! passwords inside URLs.

use std::borrow::Cow;

pub(crate) const MASK: &str = "***";

/// True when the value of this dotted key is masked whole.
pub(crate) fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let name = key.strip_prefix("kafka.properties.").unwrap_or(&key);
    let names_mechanism = matches!(name, "sasl.mechanism" | "sasl.mechanisms");
    ["password", "secret", "token"].iter().any(|word| name.contains(word))
        || name.starts_with("ssl.key")
        || (name.starts_with("sasl.") && !names_mechanism)
}

/// The value as it may be shown: masked whole under a secret key, without passwords in URLs elsewhere.
pub(crate) fn masked<'v>(key: &str, value: &'v str) -> Cow<'v, str> {
    if is_secret(key) && !value.is_empty() { Cow::Borrowed(MASK) } else { redact_url(value) }
}

/// Replaces passwords inside URLs: `redis://user:hunter2@host/0` becomes `redis://user:***@host/0`. Several URLs may be
/// separated by commas. Text that holds no URL with a password comes back as it is.
///
/// Everything up to the last `@` counts as user information, so that an unescaped `/` or `@` in a password gives
/// nothing away.
pub fn redact_url(text: &str) -> Cow<'_, str> {
    if !text.contains("://") || !text.contains('@') {
        return Cow::Borrowed(text);
    }
    // A comma separates URLs only when the next one begins behind it; elsewhere it may be part of a password.
    let mut urls: Vec<String> = Vec::new();
    for piece in text.split(',') {
        match urls.last_mut() {
            Some(url) if !piece.contains("://") => {
                url.push(',');
                url.push_str(piece);
            }
            _ => urls.push(piece.to_owned()),
        }
    }
    Cow::Owned(urls.iter().map(|url| redact_one(url)).collect::<Vec<_>>().join(","))
}

fn redact_one(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let Some((user_information, host)) = rest.rsplit_once('@') else { return url.to_owned() };
    match user_information.split_once(':') {
        Some((user, _)) => format!("{scheme}://{user}:{MASK}@{host}"),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_in_urls_are_masked() {
        for (url, shown) in [
            ("redis://user:hunter2@host:6379/0", "redis://user:***@host:6379/0"),
            ("redis://:hunter2@host", "redis://:***@host"),
            ("redis://u:p/a@s@host", "redis://u:***@host"),
            ("redis://u:p,q@a", "redis://u:***@a"),
            ("redis://a:p@x,redis://b:q@y", "redis://a:***@x,redis://b:***@y"),
            ("redis://host:6379", "redis://host:6379"),
            ("user@example.org", "user@example.org"),
            ("http://user@host/", "http://user@host/"),
        ] {
            assert_eq!(redact_url(url), shown);
        }
    }

    #[test]
    fn secret_keys_are_told_from_others() {
        for key in ["redis.password", "x.api_token", "kafka.properties.sasl.username", "kafka.properties.ssl.key.pem"] {
            assert!(is_secret(key), "{key}");
        }
        for key in ["kafka.brokers", "kafka.properties.sasl.mechanism", "kafka.properties.ssl.ca.location"] {
            assert!(!is_secret(key), "{key}");
        }
    }
}
