//! HTML as it occurs in reviews: tags, and entities for single characters. No parser: what looks like a tag is one.

/// A tag is at most this long; a `<` with no `>` near is a mark like others. Bounds the look-ahead.
const MAX_TAG_BYTES: usize = 1024;

/// The length of the tag that starts at `bytes[0] == b'<'`, if one does.
pub(super) fn tag_length(bytes: &[u8]) -> Option<usize> {
    let starts_a_tag = bytes.get(1).is_some_and(|&b| b.is_ascii_alphabetic() || matches!(b, b'/' | b'!' | b'?'));
    if !starts_a_tag {
        return None;
    }
    // Stopping at the next `<` keeps a run of them linear.
    let end = bytes[1..].iter().take(MAX_TAG_BYTES).position(|&b| b == b'>' || b == b'<')? + 1;
    (bytes[end] == b'>').then_some(end + 1)
}

/// The character and the length of the entity that starts at `bytes[0] == b'&'`, if one does.
pub(super) fn entity(bytes: &[u8]) -> Option<(char, usize)> {
    // The longest that is known: `&#x10FFFF;`.
    let end = bytes.iter().take(10).position(|&b| b == b';')?;
    let name = std::str::from_utf8(&bytes[1..end]).ok()?;
    let c = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" | "rsquo" | "lsquo" => '\'',
        "nbsp" => ' ',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    };
    Some((c, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_end_at_their_bracket_and_other_brackets_are_no_tags() {
        assert_eq!(tag_length(b"<br />x"), Some(6));
        assert_eq!(tag_length(b"</p>"), Some(4));
        assert_eq!(tag_length(b"<a href='x'>y"), Some(12));
        for no_tag in [&b"<"[..], b"< br>", b"<3 you>", b"<a", b"<a <b>"] {
            assert_eq!(tag_length(no_tag), None, "{no_tag:?}");
        }
        let endless = [b"<a".as_slice(), &[b'x'; 5000], b">"].concat();
        assert_eq!(tag_length(&endless), None);
    }

    #[test]
    fn entities_become_their_characters() {
        assert_eq!(entity(b"&amp;x"), Some(('&', 5)));
        assert_eq!(entity(b"&#39;s"), Some(('\'', 5)));
        assert_eq!(entity(b"&#xe9;"), Some(('é', 6)));
        for no_entity in [&b"&"[..], b"& b;", b"&unknown;", b"&#xD800;", b"&#;", b"&#99999999;"] {
            assert_eq!(entity(no_entity), None, "{no_entity:?}");
        }
    }
}
