//! Negation in English: words from which on a clause means the opposite, and the marks that end the clause (Das, Chen: "Yahoo!
//! for Amazon", Management Science 53, 2007; Pang, Lee, Vaithyanathan: "Thumbs up?", EMNLP 2002).

/// Whether the words that follow this one are negated. Contractions are read with their apostrophe and without it.
pub(super) fn is_negation(word: &[u8]) -> bool {
    word.ends_with(b"n't")
        || matches!(
            word,
            b"not"
                | b"no"
                | b"never"
                | b"nor"
                | b"neither"
                | b"none"
                | b"nobody"
                | b"nothing"
                | b"nowhere"
                | b"cannot"
                | b"without"
                | b"hardly"
                | b"barely"
                | b"scarcely"
                | b"aint"
                | b"arent"
                | b"cant"
                | b"couldnt"
                | b"didnt"
                | b"doesnt"
                | b"dont"
                | b"hadnt"
                | b"hasnt"
                | b"havent"
                | b"isnt"
                | b"shouldnt"
                | b"wasnt"
                | b"werent"
                | b"wont"
                | b"wouldnt"
        )
}

/// Whether a mark ends the clause. Quotes, hyphens and slashes stand within one.
pub(super) fn ends_with(mark: char) -> bool {
    matches!(
        mark,
        '.' | ',' | ';' | ':' | '!' | '?' | '(' | ')' | '[' | ']' | '…' | '–' | '—' | '。' | '，' | '！' | '？'
    )
}
