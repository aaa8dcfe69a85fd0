//! The pass over the text.

use super::characters::{Role, role};
use super::runs::{Next, Runs};
use super::word::Word;
use super::{markup, porter, spans, stop_words};
use crate::config::{Cleaning, Markup, Punctuation, Stemming, StopWords, Treatment};

/// Calls `emit` with each word of `text` in its order. The word is handed on in its buffer, so that it can be hashed there.
pub(crate) fn for_each_word(cleaning: &Cleaning, text: &str, word: &mut Word, emit: impl FnMut(&mut Word)) {
    word.clear();
    let bytes = text.as_bytes();
    // Most texts hold no `@`: then no word pays for the look.
    let has_emails = cleaning.emails != Treatment::Keep && memchr::memchr(b'@', bytes).is_some();
    let no_email_before = if has_emails { 0 } else { usize::MAX };
    Pass { cleaning, text, bytes, at: 0, no_email_before, word, emit }.run();
}

/// What an ASCII byte is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Word,
    Space,
    Mark,
    Beyond,
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Mark; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        classes[byte] = if b.is_ascii_alphanumeric() {
            Class::Word
        } else if b <= b' ' || b == 0x7F {
            Class::Space
        } else if b >= 0x80 {
            Class::Beyond
        } else {
            Class::Mark
        };
        byte += 1;
    }
    classes
};

struct Pass<'a, F> {
    cleaning: &'a Cleaning,
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    no_email_before: usize,
    word: &'a mut Word,
    emit: F,
}

impl<F: FnMut(&mut Word)> Pass<'_, F> {
    fn run(mut self) {
        // Where marks are words, and where any word may be the start of an address, no run is plain.
        if self.cleaning.punctuation == Punctuation::Drop && self.no_email_before > 0 {
            self.runs();
        } else {
            while let Some(&byte) = self.bytes.get(self.at) {
                self.step(byte);
            }
        }
        self.end_word();
    }

    /// Takes plain words whole; steps through the others.
    fn runs(&mut self) {
        let mut runs = Runs::new(self.bytes);
        loop {
            match runs.next(self.at) {
                Next::Run(start, end) => {
                    match self.bytes[start..].first_chunk() {
                        Some(bytes) if end - start <= bytes.len() => {
                            self.word.set_ascii(bytes, end - start, self.cleaning.lowercase);
                        }
                        _ => self.word.push_ascii(&self.bytes[start..end], self.cleaning.lowercase),
                    }
                    self.at = end;
                    self.end_word();
                }
                Next::Other(start) => {
                    self.at = start;
                    while let Some(&byte) = self.bytes.get(self.at) {
                        self.step(byte);
                        if self.word.is_empty() {
                            break;
                        }
                    }
                }
                Next::End => break,
            }
        }
    }

    /// Looks at one byte, or at what starts with it.
    fn step(&mut self, byte: u8) {
        match CLASSES[usize::from(byte)] {
            Class::Word => self.word_bytes(),
            Class::Space => {
                self.end_word();
                self.at += 1;
            }
            Class::Mark => self.mark(byte),
            Class::Beyond => self.beyond_ascii(),
        }
    }

    /// A run of ASCII letters and digits.
    #[inline]
    fn word_bytes(&mut self) {
        if self.word.is_empty() && self.starts_a_span() {
            return;
        }
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|&byte| CLASSES[usize::from(byte)] != Class::Word).unwrap_or(rest.len());
        self.word.push_ascii(&rest[..length], self.cleaning.lowercase);
        self.at += length;
    }

    /// Addresses are taken as a whole where they start.
    #[inline]
    fn starts_a_span(&mut self) -> bool {
        let rest = &self.bytes[self.at..];
        if self.at >= self.no_email_before {
            match spans::email(rest) {
                spans::Email::Found(length) => {
                    self.span(length, self.cleaning.emails, b"<email>");
                    return true;
                }
                spans::Email::NoneWithin(length) => self.no_email_before = self.at + length,
            }
        }
        if self.cleaning.urls != Treatment::Keep
            && spans::may_be_url(rest)
            && let Some(length) = spans::url_length(rest)
        {
            self.span(length, self.cleaning.urls, b"<url>");
            return true;
        }
        false
    }

    /// Steps over a span; the word that stands for its kind can't be a word of the text, for it holds a bracket.
    fn span(&mut self, length: usize, treatment: Treatment, stands_for: &[u8]) {
        self.at += length;
        if treatment == Treatment::Replace {
            stands_for.iter().for_each(|&byte| self.word.push_byte(byte));
            (self.emit)(self.word);
        }
        self.word.clear();
    }

    /// An ASCII mark.
    fn mark(&mut self, byte: u8) {
        match byte {
            b'\'' if self.joins_letters(1) => {
                self.word.push_byte(b'\'');
                self.at += 1;
            }
            b'.' | b',' if self.joins_digits() => {
                self.word.push_byte(byte);
                self.at += 1;
            }
            b'<' | b'&' if self.cleaning.html == Markup::Remove => self.markup(byte),
            _ => self.punctuation(byte),
        }
    }

    /// Whether a word goes on behind a mark of `length` bytes that stands here.
    fn joins_letters(&self, length: usize) -> bool {
        !self.word.is_empty()
            && self.text[self.at + length..]
                .chars()
                .next()
                .is_some_and(|c| c.is_alphabetic() && role(c) == Role::Letter)
    }

    /// Whether a number goes on behind the point or comma that stands here.
    fn joins_digits(&self) -> bool {
        self.bytes.get(self.at + 1).is_some_and(u8::is_ascii_digit)
            && self.word.as_bytes().last().is_some_and(u8::is_ascii_digit)
            && is_number(self.word.as_bytes())
    }

    fn markup(&mut self, byte: u8) {
        let rest = &self.bytes[self.at..];
        if byte == b'<' {
            match markup::tag_length(rest) {
                Some(length) => {
                    self.end_word();
                    self.at += length;
                }
                None => self.punctuation(byte),
            }
        } else {
            match markup::entity(rest) {
                Some((c, length)) => self.character(c, length),
                None => self.punctuation(byte),
            }
        }
    }

    /// Ends the word; where punctuation is kept, a run of one mark is a word too.
    fn punctuation(&mut self, byte: u8) {
        self.end_word();
        let run = self.bytes[self.at..].iter().take_while(|&&b| b == byte).count();
        if self.cleaning.punctuation == Punctuation::Keep {
            (0..run.min(2)).for_each(|_| self.word.push_byte(byte));
            (self.emit)(self.word);
            self.word.clear();
        }
        self.at += run;
    }

    #[inline(never)]
    fn beyond_ascii(&mut self) {
        if let Some(c) = self.text[self.at..].chars().next() {
            self.character(c, c.len_utf8());
        }
    }

    /// A character of the text, or of an entity, that takes `length` bytes of it.
    fn character(&mut self, c: char, length: usize) {
        let role = if c.is_ascii() { ascii_role(c) } else { role(c) };
        match role {
            Role::Letter => self.letter(c),
            Role::Mark => self.combine(c),
            Role::Ignored => {}
            Role::Apostrophe if self.joins_letters(length) => self.word.push_byte(b'\''),
            Role::Apostrophe | Role::Separator => self.end_word(),
            Role::Symbol => {
                self.end_word();
                self.word.push_char(c);
                self.at += length;
                self.end_word();
                return;
            }
            Role::Ideograph => {
                self.end_word();
                self.word.push_char(c);
                self.at += length;
                self.marks_of_an_ideograph();
                self.end_word();
                return;
            }
        }
        self.at += length;
    }

    fn letter(&mut self, c: char) {
        if self.cleaning.lowercase {
            c.to_lowercase().for_each(|c| self.word.push_char(c));
        } else {
            self.word.push_char(c);
        }
    }

    /// A mark joins the letter before it: composed where Unicode has the pair as one character, so that both ways of writing
    /// `é` are one word. With no letter before it, it is nothing.
    fn combine(&mut self, mark: char) {
        let Some(base) = self.word.pop_char() else { return };
        match unicode_normalization::char::compose(base, mark) {
            Some(composed) => self.word.push_char(composed),
            None => {
                self.word.push_char(base);
                self.word.push_char(mark);
            }
        }
    }

    fn marks_of_an_ideograph(&mut self) {
        while let Some(c) = self.text[self.at..].chars().next() {
            match role(c) {
                Role::Mark => self.word.push_char(c),
                Role::Ignored => {}
                _ => break,
            }
            self.at += c.len_utf8();
        }
    }

    /// Hands the word on, if there is one and it is not to be left out.
    #[inline]
    fn end_word(&mut self) {
        if self.word.is_empty() {
            return;
        }
        if self.passes() {
            (self.emit)(self.word);
        }
        self.word.clear();
    }

    /// Applies to a whole word what cleaning has for it; false when it is left out.
    #[inline]
    fn passes(&mut self) -> bool {
        if self.cleaning.numbers != Treatment::Keep && is_number(self.word.as_bytes()) {
            if self.cleaning.numbers == Treatment::Drop {
                return false;
            }
            self.word.clear();
            b"<number>".iter().for_each(|&byte| self.word.push_byte(byte));
            return true;
        }
        if self.cleaning.stop_words == StopWords::English && stop_words::is_english(self.word.as_bytes()) {
            return false;
        }
        if self.cleaning.stemming == Stemming::Porter {
            self.word.rewrite(porter::stem);
        }
        true
    }
}

fn is_number(word: &[u8]) -> bool {
    word.first().is_some_and(u8::is_ascii_digit) && word.iter().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b','))
}

/// The role of an ASCII character that an entity stands for.
fn ascii_role(c: char) -> Role {
    match c {
        '\'' => Role::Apostrophe,
        _ if c.is_ascii_alphanumeric() => Role::Letter,
        _ => Role::Separator,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words_with(cleaning: &Cleaning, text: &str) -> Vec<String> {
        let mut words = Vec::new();
        for_each_word(cleaning, text, &mut Word::new(), |word| {
            words.push(std::str::from_utf8(word.as_bytes()).unwrap().to_owned());
        });
        words
    }

    fn words(text: &str) -> Vec<String> {
        words_with(&Cleaning::default(), text)
    }

    #[test]
    fn english_becomes_lower_case_words() {
        assert_eq!(words("It's GREAT, isn't it?  10/10..."), ["it's", "great", "isn't", "it", "10", "10"]);
        assert_eq!(words("'quoted' and rock 'n' roll'"), ["quoted", "and", "rock", "n", "roll"]);
        assert_eq!(words("don’t ‘quote’"), ["don't", "quote"]);
        assert_eq!(words("mp3 3.5 1,000.50 2. x"), ["mp3", "3.5", "1,000.50", "2", "x"]);
        assert!(words(" \t\r\n\0 ...").is_empty() && words("").is_empty());
    }

    #[test]
    fn markup_separates_and_entities_are_read() {
        assert_eq!(words("good<br /><br />bad"), ["good", "bad"]);
        assert_eq!(words("a < b and <3 you"), ["a", "b", "and", "3", "you"]);
        assert_eq!(words("it&#39;s R&amp;B caf&#233; a&nbsp;b"), ["it's", "r", "b", "café", "a", "b"]);
        let kept = Cleaning { html: Markup::Keep, ..Cleaning::default() };
        assert_eq!(words_with(&kept, "good<br />bad &amp; x"), ["good", "br", "bad", "amp", "x"]);
    }

    #[test]
    fn addresses_and_numbers_follow_their_treatment() {
        let text = "See https://example.com/a?b=c, or mail jane.doe@example.org. It cost 3,50 in 2020";
        assert_eq!(
            words(text),
            ["see", "<url>", "or", "mail", "<email>", "it", "cost", "3,50", "in", "2020"].map(str::to_owned)
        );
        let dropped = Cleaning {
            urls: Treatment::Drop,
            emails: Treatment::Drop,
            numbers: Treatment::Replace,
            ..Cleaning::default()
        };
        assert_eq!(words_with(&dropped, text), ["see", "or", "mail", "it", "cost", "<number>", "in", "<number>"]);
        let kept = Cleaning { urls: Treatment::Keep, emails: Treatment::Keep, ..Cleaning::default() };
        assert_eq!(words_with(&kept, "www.a.com b@c.de"), ["www", "a", "com", "b", "c", "de"]);
    }

    #[test]
    fn kept_punctuation_is_a_word_for_one_and_another_for_many() {
        let kept = Cleaning { punctuation: Punctuation::Keep, ..Cleaning::default() };
        assert_eq!(words_with(&kept, "Wow! really?!!!! it's."), ["wow", "!", "really", "?", "!!", "it's", "."]);
    }

    #[test]
    fn stop_words_and_stemming_apply_to_whole_words() {
        let cleaning = Cleaning { stop_words: StopWords::English, stemming: Stemming::Porter, ..Cleaning::default() };
        assert_eq!(
            words_with(&cleaning, "The relational hopes were not happily motoring"),
            ["relat", "hope", "not", "happili", "motor"]
        );
    }

    #[test]
    fn case_is_kept_when_asked() {
        let cleaning = Cleaning { lowercase: false, ..Cleaning::default() };
        assert_eq!(words_with(&cleaning, "Great ÉCLAIR"), ["Great", "ÉCLAIR"]);
    }

    #[test]
    fn scripts_without_spaces_give_a_word_per_character_with_its_marks() {
        assert_eq!(words("ดีมาก"), ["ดี", "ม", "า", "ก"]);
        assert_eq!(words("很好 good"), ["很", "好", "good"]);
        assert_eq!(words("アプリ"), ["ア", "プ", "リ"]);
    }

    #[test]
    fn arabic_and_hebrew_read_the_same_with_and_without_points() {
        assert_eq!(words("مُمْتَازٌ"), words("ممتاز"));
        assert_eq!(words("رائـــع"), words("رائع"));
        assert_eq!(words("שָׁלוֹם"), words("שלום"));
    }

    #[test]
    fn zero_width_characters_are_as_if_they_were_not_there() {
        assert_eq!(words("go\u{200B}od\u{FEFF} \u{200D}x\u{AD}y"), ["good", "xy"]);
    }

    #[test]
    fn each_emoji_is_a_word_whatever_its_skin_or_style() {
        assert_eq!(words("good😀😀bad"), ["good", "😀", "😀", "bad"]);
        assert_eq!(words("👍🏽"), words("👍"));
        assert_eq!(words("❤\u{FE0F}"), words("❤"));
        assert_eq!(words("👨‍👩‍👧"), ["👨", "👩", "👧"]);
    }

    #[test]
    fn both_ways_of_writing_an_accent_are_one_word() {
        assert_eq!(words("cafe\u{301}"), words("café"));
        assert_eq!(words("ÉTÉ"), ["été"]);
        assert_eq!(words("\u{301}x"), ["x"]);
        assert_eq!(words("हिन्दी"), ["हिन्दी"]);
    }

    #[test]
    fn broken_characters_separate() {
        assert_eq!(words("good\u{FFFD}\u{FFFD}bad"), ["good", "bad"]);
    }

    #[test]
    fn runs_give_the_words_that_steps_give() {
        let pieces = [
            "good",
            "I",
            "x1",
            "2020",
            "don't",
            "O'Neil's",
            "rock'n'roll",
            "3.5",
            "1,000.50",
            "10.",
            "a.b",
            "www.a-b.com",
            "www.",
            "now.",
            "http://x.y/z?q=1",
            "https:/",
            "ftp://f",
            "<br />",
            "<3",
            "&amp;",
            "&#39;",
            "& ",
            "'",
            "\u{2019}",
            "caf\u{e9}",
            "e\u{301}",
            "\u{200B}",
            "ดี",
            "很好",
            "😀",
            "<",
            ".",
            ",",
            ":",
            "/",
            " ",
            "  ",
            "\n",
            "-",
            "!?",
            "averyveryverylongwordindeed",
            "x",
            "ß",
            "\0",
        ];
        for cleaning in [
            Cleaning::default(),
            Cleaning { lowercase: false, html: Markup::Keep, urls: Treatment::Keep, ..Cleaning::default() },
            Cleaning { numbers: Treatment::Replace, stop_words: StopWords::English, ..Cleaning::default() },
        ] {
            let mut seed = 1_u64;
            for _ in 0..5_000 {
                let mut text = String::new();
                for _ in 0..seed % 23 {
                    seed = super::super::word::mix(seed);
                    text.push_str(pieces[(seed >> 20) as usize % pieces.len()]);
                    if !seed.is_multiple_of(3) {
                        text.push(' ');
                    }
                }
                seed = super::super::word::mix(seed);
                let mut stepped = Vec::new();
                let emit = |word: &mut Word| stepped.push(String::from_utf8(word.as_bytes().to_vec()).unwrap());
                // As if it might hold an address of mail.
                let (bytes, mut word) = (text.as_bytes(), Word::new());
                Pass { cleaning: &cleaning, text: &text, bytes, at: 0, no_email_before: 0, word: &mut word, emit }
                    .run();
                assert_eq!(words_with(&cleaning, &text), stepped, "{text:?}");
            }
        }
    }

    #[test]
    fn a_text_without_spaces_gives_one_word_of_bounded_length() {
        let found = words(&"ab".repeat(100_000));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].len(), super::super::word::MAX_WORD_BYTES);
        assert!(words(&"é".repeat(1000)).iter().all(|word| word.len() <= super::super::word::MAX_WORD_BYTES));
    }

    #[test]
    fn hostile_repetitions_take_time_in_proportion_to_their_length() {
        // Each would take hours if a look-ahead were made again at each byte; the test's own time-out is the assertion.
        for piece in ["<", "<a", "&", "a@", "a.", "@", "http://", "w", "&#", "'", "\u{301}", "\u{200B}", "ก\u{0E31}"]
        {
            let text = piece.repeat(2_000_000 / piece.len());
            let mut count = 0;
            for_each_word(&Cleaning::default(), &text, &mut Word::new(), |_| count += 1);
            assert!(count <= text.len(), "{piece}");
        }
    }
}
