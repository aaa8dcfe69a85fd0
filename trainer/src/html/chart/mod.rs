//! Small charts as SVG inside the page, coloured by the page's style. Numbers that are not finite are left out; a chart
//! without any says so.

mod axis;
mod bars;
mod figure;
mod lines;
mod reliability;

pub use axis::Axis;
pub use bars::{Bar, BarChart};
pub use lines::{LineChart, Mark, Series};
pub use reliability::{Bin, ReliabilityDiagram};

#[cfg(test)]
mod tests;
