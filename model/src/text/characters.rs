//! What a character beyond ASCII is to the words around it.

/// The part that a character plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Part of a word.
    Letter,
    /// A word of its own, with the marks that follow it: the script puts no spaces between words.
    Ideograph,
    /// A word of its own.
    Symbol,
    /// Goes with the letter before it.
    Mark,
    /// As if it were not there.
    Ignored,
    /// An apostrophe, which may stand within a word.
    Apostrophe,
    /// Separates words.
    Separator,
}

pub(super) fn role(c: char) -> Role {
    match c as u32 {
        // Latin to Cyrillic first: most text beyond ASCII lies here.
        0x00C0..=0x024F if c.is_alphabetic() => Role::Letter,
        0x0400..=0x052F if c.is_alphabetic() => Role::Letter,
        // Soft hyphen, grapheme joiner, Arabic letter mark, Mongolian separator, zero-width and bidi controls, byte order
        // mark, variation selectors, tags, skin tones.
        0x00AD | 0x034F | 0x061C | 0x180B..=0x180E | 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x206F | 0xFEFF => {
            Role::Ignored
        }
        0xFE00..=0xFE0F | 0x1F3FB..=0x1F3FF | 0xE0000..=0xE01EF => Role::Ignored,
        // Tatweel, Arabic vowel signs, Koranic marks, Hebrew points: most writers leave them out.
        0x0640 | 0x064B..=0x065F | 0x0670 | 0x06D6..=0x06DC | 0x06DF..=0x06E4 | 0x06E7..=0x06E8 | 0x06EA..=0x06ED => {
            Role::Ignored
        }
        0x0591..=0x05BD | 0x05BF | 0x05C1..=0x05C2 | 0x05C4..=0x05C5 | 0x05C7 => Role::Ignored,
        0x2018 | 0x2019 | 0x02BC | 0xFF07 => Role::Apostrophe,
        // Thai, Lao, Myanmar, Khmer, Kana, Han.
        0x0E00..=0x0EFF | 0x1000..=0x109F | 0x1780..=0x17FF | 0x3041..=0x30FF | 0x31F0..=0x31FF => unspaced(c),
        0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x20000..=0x3FFFF => Role::Ideograph,
        // Arrows and technical signs, shapes, dingbats, emoji, flags.
        0x00A9 | 0x00AE | 0x203C | 0x2049 | 0x2122 | 0x2139 => Role::Symbol,
        0x2190..=0x21FF | 0x2300..=0x23FF | 0x25A0..=0x27BF | 0x2900..=0x297F | 0x2B00..=0x2BFF => Role::Symbol,
        0x1F000..=0x1FAFF => Role::Symbol,
        _ if unicode_normalization::char::is_combining_mark(c) => Role::Mark,
        _ if c.is_alphanumeric() => Role::Letter,
        _ => Role::Separator,
    }
}

fn unspaced(c: char) -> Role {
    if unicode_normalization::char::is_combining_mark(c) {
        Role::Mark
    } else if c.is_alphanumeric() {
        Role::Ideograph
    } else {
        Role::Separator
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_character_has_its_role() {
        for (c, expected) in [
            ('é', Role::Letter),
            ('ж', Role::Letter),
            ('ا', Role::Letter),
            ('한', Role::Letter),
            ('क', Role::Letter),
            ('ท', Role::Ideograph),
            ('好', Role::Ideograph),
            ('ア', Role::Ideograph),
            ('\u{0E31}', Role::Mark),
            ('\u{0301}', Role::Mark),
            ('\u{094D}', Role::Mark),
            ('😀', Role::Symbol),
            ('❤', Role::Symbol),
            ('\u{200B}', Role::Ignored),
            ('\u{FE0F}', Role::Ignored),
            ('\u{0650}', Role::Ignored),
            ('’', Role::Apostrophe),
            ('«', Role::Separator),
            ('。', Role::Separator),
            ('\u{FFFD}', Role::Separator),
            ('\u{00A0}', Role::Separator),
        ] {
            assert_eq!(role(c), expected, "U+{:04X}", c as u32);
        }
    }
}
