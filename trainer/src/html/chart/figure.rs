//! What every chart has: a caption with the names of its series, a plot with its sides, and the places of numbers in it.

use super::axis::{Axis, Scale};
use crate::html::Markup;

/// So many series have a colour of their own; more begin again.
const COLOURS: usize = 6;

/// The class that gives a series its colour.
pub(super) fn colour(series: usize) -> &'static str {
    ["s0", "s1", "s2", "s3", "s4", "s5"][series % COLOURS]
}

/// Room around the plot.
pub(super) const LEFT: f64 = 60.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 42.0;

/// A plot between two scales.
pub(super) struct Plot {
    width: f64,
    height: f64,
    x: Scale,
    y: Scale,
    drawing: String,
}

impl Plot {
    /// A plot with its grid, marks and labels.
    pub(super) fn new(width: f64, height: f64, (x_axis, x): (&Axis, Scale), (y_axis, y): (&Axis, Scale)) -> Self {
        let mut plot = Self { width, height, x, y, drawing: String::new() };
        let (left, right, top, bottom) = (LEFT, width - RIGHT, TOP, height - BOTTOM);
        for (place, label) in y.marks() {
            let at = bottom - place * (bottom - top);
            plot.line((left, at), (right, at), "grid");
            plot.text((left - 6.0, at + 4.0), "end", &label);
        }
        for (place, label) in x.marks() {
            let at = left + place * (right - left);
            plot.line((at, top), (at, bottom), "grid");
            plot.text((at, bottom + 16.0), "middle", &label);
        }
        plot.text(((left + right) / 2.0, bottom + 34.0), "middle", &x_axis.label);
        let middle = (top + bottom) / 2.0;
        let label = Markup::text(&y_axis.label);
        plot.drawing.push_str(&format!(
            "<text x=\"12\" y=\"{middle:.1}\" text-anchor=\"middle\" transform=\"rotate(-90 12 {middle:.1})\">{}</text>",
            label.as_str()
        ));
        plot
    }

    /// Where a pair of numbers lies; none outside the plot.
    pub(super) fn point(&self, (x, y): (f64, f64)) -> Option<(f64, f64)> {
        let (x, y) = (self.x.place(x)?, self.y.place(y)?);
        let (right, bottom) = (self.width - RIGHT, self.height - BOTTOM);
        Some((LEFT + x * (right - LEFT), bottom - y * (bottom - TOP)))
    }

    pub(super) fn line(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64), class: &str) {
        let line = format!("<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" class=\"{class}\"/>");
        self.drawing.push_str(&line);
    }

    pub(super) fn path(&mut self, points: &[(f64, f64)], class: &str) {
        let points: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        self.drawing.push_str(&format!("<polyline points=\"{}\" class=\"{class}\"/>", points.join(" ")));
    }

    /// A dot that says what it is to whoever points at it.
    pub(super) fn dot(&mut self, (x, y): (f64, f64), class: &str, says: &str) {
        let says = Markup::text(says);
        self.drawing.push_str(&format!(
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\" class=\"{class}\"><title>{}</title></circle>",
            says.as_str()
        ));
    }

    /// A box that stands on the lower side.
    pub(super) fn column(&mut self, (left, top): (f64, f64), right: f64, class: &str, says: &str) {
        let (bottom, says) = (self.height - BOTTOM, Markup::text(says));
        self.drawing.push_str(&format!(
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\" class=\"{class}\"><title>{}</title></rect>",
            (right - left).max(0.0),
            (bottom - top).max(0.0),
            says.as_str()
        ));
    }

    fn text(&mut self, (x, y): (f64, f64), anchor: &str, text: &str) {
        let text = Markup::text(text);
        self.drawing
            .push_str(&format!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>", text.as_str()));
    }

    /// The chart under its caption; `keys` are the series' names with their classes.
    pub(super) fn finish(self, caption: &str, keys: &[(&str, &str)]) -> Markup {
        framed(caption, keys, self.width, self.height, &self.drawing)
    }
}

/// A caption, and a drawing below it. Everything in the drawing has been escaped where it was drawn.
pub(super) fn framed(caption: &str, keys: &[(&str, &str)], width: f64, height: f64, drawing: &str) -> Markup {
    let mut above = Markup::text(caption);
    for (name, class) in keys {
        let mut key = Markup::text(" ");
        key.push(Markup::text("\u{25A0}").within("span", &[("class", &format!("key {class}"))]));
        key.push(Markup::text(&format!("\u{A0}{name}")));
        above.push(key.within("span", &[("class", "keys")]));
    }
    let svg = Svg { caption, width, height, drawing }.markup();
    let mut all = above.within("figcaption", &[]);
    all.push(svg);
    all.within("figure", &[])
}

/// In place of a chart without a number.
pub(super) fn nothing(caption: &str) -> Markup {
    let mut all = Markup::text(caption).within("figcaption", &[]);
    all.push(Markup::text("nothing to show").within("p", &[("class", "note")]));
    all.within("figure", &[])
}

struct Svg<'a> {
    caption: &'a str,
    width: f64,
    height: f64,
    drawing: &'a str,
}

impl Svg<'_> {
    fn markup(&self) -> Markup {
        let Self { caption, width, height, drawing } = self;
        let view = format!("0 0 {width:.0} {height:.0}");
        Markup::drawn(drawing).within("svg", &[("viewBox", &view), ("role", "img"), ("aria-label", caption)])
    }
}
