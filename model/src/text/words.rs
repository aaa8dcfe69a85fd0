//! The pass over the text.

use super::characters::{Role, role};
use super::runs::Runs;
use super::word::Word;
use super::{markup, negation, porter, spans, stop_words};
use crate::config::{Cleaning, Markup, Punctuation, Stemming, StopWords, Treatment};

/// Calls `emit` with each word of `text` in its order. The word is handed on in its buffer, so that it can be hashed there.
pub(crate) fn for_each_word(cleaning: &Cleaning, text: &str, word: &mut Word, emit: impl FnMut(&mut Word)) {
    word.clear();
    let bytes = text.as_bytes();
    // Most texts hold no `@`: then no word pays for the look.
    let has_emails = cleaning.emails != Treatment::Keep && memchr::memchr(b'@', bytes).is_some();
    let no_email_before = if has_emails { 0 } else { usize::MAX };
    Pass { cleaning, text, bytes, at: 0, no_email_before, is_negating: false, word, emit }.run();
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
    /// Whether the words here stand behind a negation of their clause.
    is_negating: bool,
    word: &'a mut Word,
    emit: F,
}

impl<F: FnMut(&mut Word)> Pass<'_, F> {
    fn run(mut self) {
        // Where marks are words or end a negation, and where any word may be the start of an address, no run is plain.
        let are_marks_read = self.cleaning.punctuation == Punctuation::Keep || self.cleaning.mark_negated;
        if !are_marks_read && self.no_email_before > 0 {
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
        while let Some(other) = runs.until_other(self.at, |start, end| self.plain_word(start, end)) {
            self.at = other;
            while let Some(&byte) = self.bytes.get(self.at) {
                self.step(byte);
                if self.word.is_empty() {
                    break;
                }
            }
        }
    }

    #[inline]
    fn plain_word(&mut self, start: usize, end: usize) {
        match self.bytes[start..].first_chunk() {
            Some(bytes) if end - start <= bytes.len() => {
                self.word.set_ascii(bytes, end - start, self.cleaning.lowercase);
            }
            _ => self.word.push_ascii(&self.bytes[start..end], self.cleaning.lowercase),
        }
        self.end_word();
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
            self.hand_on();
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
                    self.is_negating = false;
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
        self.is_negating &= !negation::ends_with(byte.into());
        let run = self.bytes[self.at..].iter().take_while(|&&b| b == byte).count();
        if self.cleaning.punctuation == Punctuation::Keep {
            (0..run.min(2)).for_each(|_| self.word.push_byte(byte));
            self.word.set_negated(false);
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
            Role::Apostrophe | Role::Separator => {
                self.end_word();
                self.is_negating &= !negation::ends_with(c);
            }
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
        // Before its ending is cut off.
        let negates = self.cleaning.mark_negated && negation::is_negation(self.word.as_bytes());
        if self.passes() {
            self.hand_on();
        }
        self.is_negating |= negates;
        self.word.clear();
    }

    /// Hands a word on, marked if it is negated.
    #[inline]
    fn hand_on(&mut self) {
        self.word.set_negated(self.is_negating);
        (self.emit)(self.word);
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
mod tests;
