//! What a test finds out beside its figures: how far they would move on other rows, where they are better or worse, which
//! terms carry the model, which rows it gets most wrong. Collected while rows are scored, on every core for itself; shown
//! for people as text and as a page.

mod examiner;
mod findings;
mod inquiry;
mod page;
mod page_file;
mod slices;
mod slicing;
mod text;
mod worst;

pub(crate) use examiner::Examiner;
pub use findings::Findings;
pub use inquiry::Inquiry;
pub use page_file::PageFile;
pub use slices::{Slice, Slices};
pub use slicing::SliceBy;
pub(crate) use slicing::{Key as SliceKey, MAX_SLICES};
pub(crate) use text::{Lines, write_findings};
pub use worst::WorstError;
