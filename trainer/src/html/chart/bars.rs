//! Bars that lie: names are long, and stand beside them.

use super::axis::{Axis, short};
use super::figure::{framed, nothing};
use crate::html::Markup;

/// One bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    /// What it is of; long names are cut.
    pub name: String,
    /// Its length, to the left where it is below 0.
    pub value: f64,
    /// Between which numbers the value lies, where that is known.
    pub interval: Option<(f64, f64)>,
}

/// A chart of bars.
#[derive(Debug, Clone, PartialEq)]
pub struct BarChart {
    /// What it shows.
    pub caption: String,
    /// The numbers.
    pub axis: Axis,
    /// The bars, from above.
    pub bars: Vec<Bar>,
}

impl BarChart {
    const WIDTH: f64 = 520.0;
    const NAMES: f64 = 180.0;
    const RIGHT: f64 = 60.0;
    const STEP: f64 = 20.0;
    const FOOT: f64 = 34.0;
    const NAME_CHARACTERS: usize = 24;

    /// The chart.
    pub fn markup(&self) -> Markup {
        let bars: Vec<&Bar> = self.bars.iter().filter(|bar| bar.value.is_finite()).collect();
        let ends = bars.iter().flat_map(|bar| {
            let (low, high) = bar.interval.unwrap_or((bar.value, bar.value));
            // A bar begins at 0.
            [0.0, bar.value, low, high]
        });
        let Some(scale) = self.axis.scale(ends).filter(|_| !bars.is_empty()) else { return nothing(&self.caption) };
        let across = Self::WIDTH - Self::NAMES - Self::RIGHT;
        let at = |number: f64| scale.place(number).map(|place| Self::NAMES + place * across);
        // An axis that begins above 0 shows bars from its left end.
        let start = at(0.0).unwrap_or(Self::NAMES);
        let bottom = Self::STEP * bars.len() as f64;
        let mut drawing = String::new();
        for (place, label) in scale.marks() {
            let x = Self::NAMES + place * across;
            drawing
                .push_str(&format!("<line x1=\"{x:.1}\" y1=\"0\" x2=\"{x:.1}\" y2=\"{bottom:.1}\" class=\"grid\"/>"));
            drawing.push_str(&text((x, bottom + 14.0), "middle", "", &label));
        }
        let middle = Self::NAMES + across / 2.0;
        drawing.push_str(&text((middle, bottom + 30.0), "middle", "", &self.axis.label));
        for (i, bar) in bars.iter().enumerate() {
            let top = Self::STEP * i as f64;
            let Some(end) = at(bar.value) else { continue };
            let colour = if bar.value < 0.0 { "s1" } else { "s0" };
            drawing.push_str(&format!(
                "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" class=\"bar {colour}\"/>",
                start.min(end),
                top + 3.0,
                (end - start).abs(),
                Self::STEP - 6.0
            ));
            if let Some((low, high)) = bar.interval.and_then(|(low, high)| Some((at(low)?, at(high)?))) {
                let y = top + Self::STEP / 2.0;
                drawing.push_str(&format!(
                    "<line x1=\"{low:.1}\" y1=\"{y:.1}\" x2=\"{high:.1}\" y2=\"{y:.1}\" class=\"whisker\"/>"
                ));
            }
            let line = top + Self::STEP / 2.0 + 4.0;
            drawing.push_str(&text((Self::NAMES - 6.0, line), "end", " class=\"ink\"", &cut(&bar.name)));
            drawing.push_str(&text((Self::WIDTH - 2.0, line), "end", "", &short(bar.value)));
        }
        framed(&self.caption, &[], Self::WIDTH, bottom + Self::FOOT, &drawing)
    }
}

fn text((x, y): (f64, f64), anchor: &str, attributes: &str, text: &str) -> String {
    let text = Markup::text(text);
    format!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\"{attributes}>{}</text>", text.as_str())
}

fn cut(name: &str) -> String {
    if name.chars().count() <= BarChart::NAME_CHARACTERS {
        return name.to_owned();
    }
    name.chars().take(BarChart::NAME_CHARACTERS - 1).chain(['…']).collect()
}
