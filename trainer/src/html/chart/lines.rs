//! Several series over one axis: lines, dashed lines or dots.

use super::axis::{Axis, short};
use super::figure::{Plot, colour, nothing};
use crate::html::Markup;

/// How a series is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// A line through the points in their order.
    Line,
    /// A thin line that others are compared with.
    Guide,
    /// A dot for each.
    Dots,
    /// Both.
    LineAndDots,
}

/// Pairs of numbers under a name.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The name.
    pub name: String,
    /// The pairs.
    pub points: Vec<(f64, f64)>,
    /// How they are drawn.
    pub mark: Mark,
}

/// A chart of series.
#[derive(Debug, Clone, PartialEq)]
pub struct LineChart {
    /// What it shows.
    pub caption: String,
    /// The lower side.
    pub x: Axis,
    /// The left side.
    pub y: Axis,
    /// What is drawn, the last on top.
    pub series: Vec<Series>,
}

impl LineChart {
    const WIDTH: f64 = 520.0;
    const HEIGHT: f64 = 320.0;

    /// The chart.
    pub fn markup(&self) -> Markup {
        let points = || self.series.iter().flat_map(|series| &series.points).filter(|(x, y)| (x + y).is_finite());
        let scales = (self.x.scale(points().map(|point| point.0)), self.y.scale(points().map(|point| point.1)));
        let (Some(x), Some(y)) = scales else { return nothing(&self.caption) };
        let mut plot = Plot::new(Self::WIDTH, Self::HEIGHT, (&self.x, x), (&self.y, y));
        let mut keys = Vec::new();
        let mut coloured = 0;
        for series in &self.series {
            let class = if series.mark == Mark::Guide { "guide" } else { colour(coloured) };
            coloured += usize::from(series.mark != Mark::Guide);
            series.draw(&mut plot, class);
            keys.push((series.name.as_str(), class));
        }
        plot.finish(&self.caption, &keys)
    }
}

impl Series {
    fn draw(&self, plot: &mut Plot, class: &str) {
        let placed = self.points.iter().filter_map(|&point| Some((point, plot.point(point)?)));
        let placed: Vec<_> = placed.collect();
        if self.mark != Mark::Dots {
            let dashes = if self.mark == Mark::Guide { " dashed" } else { "" };
            let line: Vec<_> = placed.iter().map(|&(_, at)| at).collect();
            plot.path(&line, &format!("line {class}{dashes}"));
        }
        if matches!(self.mark, Mark::Dots | Mark::LineAndDots) {
            for ((x, y), at) in placed {
                plot.dot(at, &format!("dot {class}"), &format!("{}: {}, {}", self.name, short(x), short(y)));
            }
        }
    }
}
