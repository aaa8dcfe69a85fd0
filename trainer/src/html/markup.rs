//! Markup, told apart from text by its type: text becomes markup only by being escaped.

/// Well-formed markup, which may be put on a page as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Markup(String);

impl Markup {
    /// A text of whatever origin.
    pub fn text(text: &str) -> Self {
        Self(escaped(text))
    }

    /// A text in a paragraph.
    pub fn paragraph(text: &str) -> Self {
        Self::text(text).within("p", &[])
    }

    /// This, inside an element with these attributes.
    #[must_use]
    pub fn within(self, element: &'static str, attributes: &[(&'static str, &str)]) -> Self {
        let mut markup = format!("<{element}");
        for (name, value) in attributes {
            markup.push_str(&format!(" {name}=\"{}\"", escaped(value)));
        }
        markup.push('>');
        markup.push_str(&self.0);
        markup.push_str(&format!("</{element}>"));
        Self(markup)
    }

    /// This, behind a line that opens and closes it.
    #[must_use]
    pub fn folded(self, summary: &str) -> Self {
        let mut all = Self::text(summary).within("summary", &[]);
        all.push(self);
        all.within("details", &[])
    }

    /// An element without content.
    pub fn empty(element: &'static str, attributes: &[(&'static str, &str)]) -> Self {
        Self::default().within(element, attributes)
    }

    /// Adds what follows.
    pub fn push(&mut self, other: Self) {
        self.0.push_str(&other.0);
    }

    /// A drawing whose texts were escaped as they were drawn.
    pub(super) fn drawn(drawing: &str) -> Self {
        Self(drawing.to_owned())
    }

    /// The markup.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromIterator<Markup> for Markup {
    fn from_iter<I: IntoIterator<Item = Markup>>(parts: I) -> Self {
        let mut all = Self::default();
        parts.into_iter().for_each(|part| all.push(part));
        all
    }
}

/// Safe between tags and inside quoted attributes. Control characters, which markup cannot hold in any form, become
/// U+FFFD, and so do marks that turn the direction of the text around them, with which a name could rearrange a line.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\t' | '\n' => escaped.push(character),
            '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FFFE}' | '\u{FFFF}' => escaped.push('\u{FFFD}'),
            _ if character.is_control() => escaped.push('\u{FFFD}'),
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_never_becomes_markup() {
        assert_eq!(Markup::text("<b a=\"1\" c='2'> & co").as_str(), "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt; &amp; co");
        let attribute = Markup::empty("p", &[("title", "\" onload=\"x")]);
        assert_eq!(attribute.as_str(), "<p title=\"&quot; onload=&quot;x\"></p>");
    }

    #[test]
    fn what_markup_cannot_hold_is_replaced() {
        assert_eq!(Markup::text("a\0b\u{1b}[31m\u{202E}c\n").as_str(), "a\u{FFFD}b\u{FFFD}[31m\u{FFFD}c\n");
        assert_eq!(Markup::text("ดีมาก 😀").as_str(), "ดีมาก 😀");
    }
}
