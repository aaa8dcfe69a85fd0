//! Pages that stand alone: one file with its style and its charts inside, which needs no script, no network and no other
//! file, and is read in light and in dark. Whatever text comes in is escaped; markup is a type of its own. What a page
//! says is for callers.

pub mod chart;
mod markup;
mod page;
mod table;

pub use markup::Markup;
pub use page::Page;
pub use table::{Cell, Table};
