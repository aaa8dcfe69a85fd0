//! Porter's stemmer (M. F. Porter, "An algorithm for suffix stripping", Program 14(3), 1980), in place on lower-case ASCII.
//! Words with other characters are left alone.

/// Stems the word in place and answers its new length.
pub(super) fn stem(word: &mut [u8]) -> usize {
    if word.len() < 3 || !word.iter().all(u8::is_ascii_lowercase) {
        return word.len();
    }
    let length = word.len();
    let mut stemmer = Stemmer { word, length };
    stemmer.plurals();
    stemmer.past_and_progressive();
    stemmer.final_y();
    stemmer.replace_longest(STEP_2);
    stemmer.replace_longest(STEP_3);
    stemmer.residual_suffix();
    stemmer.final_e();
    stemmer.double_l();
    stemmer.length
}

/// Suffix and replacement; applied when the stem before the suffix has a measure above 0.
type Rules = &'static [(&'static [u8], &'static [u8])];

const STEP_2: Rules = &[
    (b"ational", b"ate"),
    (b"tional", b"tion"),
    (b"enci", b"ence"),
    (b"anci", b"ance"),
    (b"izer", b"ize"),
    (b"abli", b"able"),
    (b"alli", b"al"),
    (b"entli", b"ent"),
    (b"eli", b"e"),
    (b"ousli", b"ous"),
    (b"ization", b"ize"),
    (b"ation", b"ate"),
    (b"ator", b"ate"),
    (b"alism", b"al"),
    (b"iveness", b"ive"),
    (b"fulness", b"ful"),
    (b"ousness", b"ous"),
    (b"aliti", b"al"),
    (b"iviti", b"ive"),
    (b"biliti", b"ble"),
];

const STEP_3: Rules = &[
    (b"icate", b"ic"),
    (b"ative", b""),
    (b"alize", b"al"),
    (b"iciti", b"ic"),
    (b"ical", b"ic"),
    (b"ful", b""),
    (b"ness", b""),
];

/// Longer suffixes before the shorter ones that end them.
const STEP_4: &[&[u8]] = &[
    b"ement", b"ance", b"ence", b"able", b"ible", b"ment", b"ant", b"ent", b"ion", b"ism", b"ate", b"iti", b"ous",
    b"ive", b"ize", b"al", b"er", b"ic", b"ou",
];

struct Stemmer<'a> {
    word: &'a mut [u8],
    length: usize,
}

impl Stemmer<'_> {
    /// Step 1a.
    fn plurals(&mut self) {
        if self.ends_with(b"sses") || self.ends_with(b"ies") {
            self.length -= 2;
        } else if self.ends_with(b"s") && !self.ends_with(b"ss") {
            self.length -= 1;
        }
    }

    /// Step 1b.
    fn past_and_progressive(&mut self) {
        if self.ends_with(b"eed") {
            if self.measure(self.length - 3) > 0 {
                self.length -= 1;
            }
            return;
        }
        let suffix = if self.ends_with(b"ed") {
            2
        } else if self.ends_with(b"ing") {
            3
        } else {
            return;
        };
        if !self.has_vowel(self.length - suffix) {
            return;
        }
        self.length -= suffix;
        if self.ends_with(b"at") || self.ends_with(b"bl") || self.ends_with(b"iz") {
            self.push(b'e');
        } else if self.ends_with_double_consonant() && !matches!(self.word[self.length - 1], b'l' | b's' | b'z') {
            self.length -= 1;
        } else if self.measure(self.length) == 1 && self.ends_consonant_vowel_consonant(self.length) {
            self.push(b'e');
        }
    }

    /// Step 1c.
    fn final_y(&mut self) {
        if self.ends_with(b"y") && self.has_vowel(self.length - 1) {
            self.word[self.length - 1] = b'i';
        }
    }

    /// Steps 2 and 3: the longest suffix that fits decides, whether or not its condition holds.
    fn replace_longest(&mut self, rules: Rules) {
        let longest = rules.iter().filter(|(suffix, _)| self.ends_with(suffix)).max_by_key(|(suffix, _)| suffix.len());
        if let Some((suffix, replacement)) = longest {
            let stem = self.length - suffix.len();
            if self.measure(stem) > 0 {
                self.word[stem..stem + replacement.len()].copy_from_slice(replacement);
                self.length = stem + replacement.len();
            }
        }
    }

    /// Step 4.
    fn residual_suffix(&mut self) {
        if let Some(suffix) = STEP_4.iter().find(|suffix| self.ends_with(suffix)) {
            let stem = self.length - suffix.len();
            let fits = *suffix != b"ion" || (stem > 0 && matches!(self.word[stem - 1], b's' | b't'));
            if fits && self.measure(stem) > 1 {
                self.length = stem;
            }
        }
    }

    /// Step 5a.
    fn final_e(&mut self) {
        if self.ends_with(b"e") {
            let stem = self.length - 1;
            let measure = self.measure(stem);
            if measure > 1 || (measure == 1 && !self.ends_consonant_vowel_consonant(stem)) {
                self.length = stem;
            }
        }
    }

    /// Step 5b.
    fn double_l(&mut self) {
        if self.ends_with(b"ll") && self.measure(self.length) > 1 {
            self.length -= 1;
        }
    }

    fn push(&mut self, byte: u8) {
        self.word[self.length] = byte;
        self.length += 1;
    }

    fn ends_with(&self, suffix: &[u8]) -> bool {
        self.word[..self.length].ends_with(suffix)
    }

    /// A letter other than a, e, i, o, u, and other than y after a consonant.
    fn is_consonant(&self, i: usize) -> bool {
        match self.word[i] {
            b'a' | b'e' | b'i' | b'o' | b'u' => false,
            b'y' => i == 0 || !self.is_consonant(i - 1),
            _ => true,
        }
    }

    fn has_vowel(&self, length: usize) -> bool {
        (0..length).any(|i| !self.is_consonant(i))
    }

    /// How often a run of vowels is followed by one of consonants: m in `[C](VC){m}[V]`.
    fn measure(&self, length: usize) -> usize {
        let mut after_vowel = false;
        let mut measure = 0;
        let mut is_consonant = false;
        for i in 0..length {
            is_consonant = match self.word[i] {
                b'a' | b'e' | b'i' | b'o' | b'u' => false,
                b'y' => i == 0 || !is_consonant,
                _ => true,
            };
            measure += usize::from(is_consonant && after_vowel);
            after_vowel = !is_consonant;
        }
        measure
    }

    fn ends_with_double_consonant(&self) -> bool {
        let n = self.length;
        n >= 2 && self.word[n - 1] == self.word[n - 2] && self.is_consonant(n - 1)
    }

    /// Condition *o: consonant, vowel, consonant, and the last is not w, x or y.
    fn ends_consonant_vowel_consonant(&self, n: usize) -> bool {
        n >= 3
            && self.is_consonant(n - 3)
            && !self.is_consonant(n - 2)
            && self.is_consonant(n - 1)
            && !matches!(self.word[n - 1], b'w' | b'x' | b'y')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stemmed(word: &str) -> String {
        let mut bytes = word.as_bytes().to_vec();
        let length = stem(&mut bytes);
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    }

    #[test]
    fn the_examples_of_the_paper_hold_after_all_steps() {
        for (word, expected) in [
            ("caresses", "caress"),
            ("ponies", "poni"),
            ("ties", "ti"),
            ("cats", "cat"),
            ("feed", "feed"),
            ("agreed", "agre"),
            ("plastered", "plaster"),
            ("bled", "bled"),
            ("motoring", "motor"),
            ("sing", "sing"),
            ("conflated", "conflat"),
            ("troubled", "troubl"),
            ("sized", "size"),
            ("hopping", "hop"),
            ("tanned", "tan"),
            ("falling", "fall"),
            ("hissing", "hiss"),
            ("fizzed", "fizz"),
            ("failing", "fail"),
            ("filing", "file"),
            ("happy", "happi"),
            ("sky", "sky"),
            ("relational", "relat"),
            ("conditional", "condit"),
            ("rational", "ration"),
            ("valenci", "valenc"),
            ("digitizer", "digit"),
            ("vietnamization", "vietnam"),
            ("decisiveness", "decis"),
            ("hopefulness", "hope"),
            ("sensibiliti", "sensibl"),
            ("triplicate", "triplic"),
            ("formative", "form"),
            ("electrical", "electr"),
            ("goodness", "good"),
            ("revival", "reviv"),
            ("adjustable", "adjust"),
            ("replacement", "replac"),
            ("adoption", "adopt"),
            ("probate", "probat"),
            ("rate", "rate"),
            ("cease", "ceas"),
            ("controll", "control"),
            ("roll", "roll"),
        ] {
            assert_eq!(stemmed(word), expected, "{word}");
        }
    }

    #[test]
    fn short_words_and_other_alphabets_are_left_alone() {
        for word in ["is", "as", "don't", "été", "mp3s", ""] {
            assert_eq!(stemmed(word), word);
        }
    }

    #[test]
    fn no_word_makes_it_panic() {
        let letters = b"aeyslnitdgbz";
        let mut words = vec![Vec::new()];
        for _ in 0..4 {
            words = words
                .iter()
                .flat_map(|word: &Vec<u8>| letters.iter().map(move |&b| [word.as_slice(), &[b]].concat()))
                .collect();
            for word in &words {
                for suffix in ["", "ing", "ed", "ational", "ion", "ll", "s"] {
                    let mut word = [word.as_slice(), suffix.as_bytes()].concat();
                    assert!(stem(&mut word) <= word.len());
                }
            }
        }
    }
}
