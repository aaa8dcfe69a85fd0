//! The headers of our own that dead letters carry, and what headers take on the wire. Who writes a dead letter and who reads
//! it find the same words here.

/// Why the record is dead. The first header that makes a record a dead letter: those before it are the record's own.
pub(crate) const CAUSE: &str = "plaudit.cause";

/// How often the record was tried: on a dead letter with the failure that made it one, on a replayed record without.
pub(crate) const ATTEMPTS: &str = "plaudit.attempts";

/// The size of a payload that was left out of the dead letter.
pub(crate) const OMITTED_PAYLOAD: &str = "plaudit.omitted_payload_bytes";

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
