//! The headers of our own that dead letters carry, and what headers take on the wire. Who writes a dead letter and who reads
//! it find the same words here.

pub(crate) use service::kafka::dead_letter::{ATTEMPTS, CAUSE, OMITTED_PAYLOAD};

/// The size of a key that was left out.
pub(crate) const OMITTED_KEY: &str = "plaudit.omitted_key_bytes";

/// The offsets of dead letters that were replayed: on a marker, which is no dead letter itself.
pub(crate) const REPLAYED: &str = "plaudit.replayed";

/// What a record takes beside its key, payload and headers, rounded up: its own framing and that of a batch of one.
pub(crate) const RECORD_OVERHEAD: usize = 160;

/// What one header takes.
pub(crate) fn header_bytes(key: &str, value: usize) -> usize {
    // Two lengths of up to five bytes.
    key.len() + value + 10
}
