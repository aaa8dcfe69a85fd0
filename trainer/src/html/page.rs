//! The frame of a page.

use super::Markup;

/// A page as it grows, section by section.
#[derive(Debug, Clone)]
pub struct Page {
    title: String,
    body: Markup,
}

impl Page {
    /// A page with a title and a line below it that says what it is about.
    pub fn new(title: &str, about: &str) -> Self {
        let mut body = Markup::text(title).within("h1", &[]);
        body.push(Markup::text(about).within("p", &[("class", "about")]));
        Self { title: title.to_owned(), body }
    }

    /// Adds a section.
    pub fn section(&mut self, heading: &str, content: Markup) {
        let mut section = Markup::text(heading).within("h2", &[]);
        section.push(content);
        self.body.push(section.within("section", &[]));
    }

    /// The file's content. A browser that obeys the policy in it loads nothing and runs nothing, whatever a text says.
    pub fn finish(self) -> String {
        let Self { title, body } = self;
        let title = Markup::text(&title);
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
             <meta name=\"color-scheme\" content=\"light dark\"/>\n\
             <title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>{}</main>\n</body>\n</html>\n",
            title.as_str(),
            body.as_str(),
        )
    }
}

const STYLE: &str = "
:root { --paper: #ffffff; --ink: #1c2430; --faint: #66707f; --line: #d9dee5; --band: #f4f6f9;
  --c0: #2563ab; --c1: #c2571a; --c2: #2d8659; --c3: #8a4fb0; --c4: #a8871b; --c5: #b03060; }
@media (prefers-color-scheme: dark) { :root { --paper: #14181f; --ink: #e4e8ee; --faint: #97a1b0; --line: #333b47;
  --band: #1c222b; --c0: #6aa9ee; --c1: #f0935a; --c2: #63c493; --c3: #c08ee6; --c4: #d9bb55; --c5: #ea7ba2; } }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .5rem; }
.about, .note { color: var(--faint); } .about { margin: .2rem 0 0; overflow-wrap: anywhere; }
.wide { overflow-x: auto; } .wide + .wide, .charts + .wide { margin-top: 1rem; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .8rem .25rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
th { color: var(--faint); font-weight: 600; white-space: nowrap; } td { overflow-wrap: break-word; }
td.number { text-align: right; white-space: nowrap; } summary { cursor: pointer; color: var(--faint); }
.charts { display: flex; flex-wrap: wrap; gap: 1rem; } figure { margin: 0; flex: 1 1 26rem; max-width: 40rem; }
figcaption { font-weight: 600; } .keys { color: var(--faint); font-weight: 400; }
svg { width: 100%; height: auto; display: block; } svg text { fill: var(--faint); font: 12px system-ui, sans-serif; }
svg .ink { fill: var(--ink); } .grid { stroke: var(--line); stroke-width: 1; }
.s0 { --c: var(--c0); } .s1 { --c: var(--c1); } .s2 { --c: var(--c2); } .s3 { --c: var(--c3); } .s4 { --c: var(--c4); }
.s5 { --c: var(--c5); } .guide { --c: var(--faint); }
.line { fill: none; stroke: var(--c); stroke-width: 2; stroke-linejoin: round; } .dashed { stroke-dasharray: 5 4; }
.dot, .bar { fill: var(--c); } .bar { fill-opacity: .8; } .pale { fill-opacity: .25; } .whisker { stroke: var(--ink); }
.key { color: var(--c); }
";
