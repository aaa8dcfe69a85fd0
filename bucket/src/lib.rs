//! A bucket of S3 as an object store: its address, its client, and what its errors mean. The offline store and the model
//! registry both stand in one where their address says so, and know no other thing of it than this crate.

mod open;
mod sha256;
mod trouble;

pub use open::open;
pub use trouble::Trouble;
