//! Spans that stand for something as a whole: addresses of the web and of mail.

/// The longest part before the `@`, as RFC 5321 has it. Bounds the look-ahead.
const MAX_LOCAL_PART_BYTES: usize = 64;

/// Whether a look for an address of the web is worth it: two letters rule out nearly every word.
#[inline]
pub(super) fn may_be_url(bytes: &[u8]) -> bool {
    match bytes {
        [first, second, ..] => matches!((first | 0x20, second | 0x20), (b'h', b't') | (b'w', b'w') | (b'f', b't')),
        _ => false,
    }
}

/// The length of the address of the web that starts at `bytes[0]`, if one does.
pub(super) fn url_length(bytes: &[u8]) -> Option<usize> {
    let starts = |prefix: &[u8]| bytes.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix));
    let scheme = [&b"https://"[..], b"http://", b"ftp://", b"www."].into_iter().find(|prefix| starts(prefix))?;
    let is_part = |&&b: &&u8| !b.is_ascii_whitespace() && !matches!(b, b'<' | b'>' | b'"' | b'|' | b'\\' | b'^' | b'`');
    let rest = bytes[scheme.len()..].iter().take_while(is_part).count();
    // What follows a sentence's address is the sentence's, not the address's.
    let mut end = scheme.len() + rest;
    while end > scheme.len() && matches!(bytes[end - 1], b'.' | b',' | b'!' | b'?' | b';' | b':' | b')' | b'\'' | b']')
    {
        end -= 1;
    }
    (end > scheme.len()).then_some(end)
}

/// What a look for an address of mail found.
pub(super) enum Email {
    /// An address of this many bytes.
    Found(usize),
    /// None starts within this many bytes: no need to look again before.
    NoneWithin(usize),
}

/// Looks for an address of mail that starts at `bytes[0]`.
pub(super) fn email(bytes: &[u8]) -> Email {
    let is_local = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'%' | b'+' | b'-');
    let local = bytes.iter().take(MAX_LOCAL_PART_BYTES + 1).take_while(|b| is_local(b)).count();
    if local == 0 || local > MAX_LOCAL_PART_BYTES || bytes.get(local) != Some(&b'@') {
        return Email::NoneWithin(local.max(1));
    }
    let is_domain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-');
    let mut domain = &bytes[local + 1..];
    domain = &domain[..domain.iter().take(255).take_while(|b| is_domain(b)).count()];
    while let Some((b'.' | b'-', rest)) = domain.split_last() {
        domain = rest;
    }
    match domain.iter().rposition(|&b| b == b'.') {
        Some(dot) if dot > 0 && domain.len() - dot > 2 => Email::Found(local + 1 + domain.len()),
        _ => Email::NoneWithin(local + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn email_length(text: &str) -> Option<usize> {
        match email(text.as_bytes()) {
            Email::Found(length) => Some(length),
            Email::NoneWithin(_) => None,
        }
    }

    #[test]
    fn urls_end_where_the_sentence_goes_on() {
        assert_eq!(url_length(b"http://a.b/c?d=e f"), Some(16));
        assert_eq!(url_length(b"https://example.com. Next"), Some(19));
        assert_eq!(url_length(b"WWW.example.com)"), Some(15));
        assert_eq!(url_length(b"http:// x"), None);
        assert_eq!(url_length(b"httpx://"), None);
    }

    #[test]
    fn emails_need_a_local_part_and_a_domain_with_a_dot() {
        assert_eq!(email_length("jane.doe+x@mail.example.org, hi"), Some(27));
        assert_eq!(email_length("a@b.co."), Some(6));
        assert_eq!(email_length("a@b"), None);
        assert_eq!(email_length("@b.co"), None);
        assert_eq!(email_length(&format!("{}@b.co", "x".repeat(65))), None);
    }
}
