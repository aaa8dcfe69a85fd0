//! The bytes of Feast's Redis online store, entity key serialization version 3: the key of an entity's hash, the names of
//! its fields, and the two protobuf messages in them. Written by hand, because it is little and because decoding must take
//! any garbage for what it is: no value.
//!
//! Reference: `key_encoding_utils.py`, `online_stores/helpers.py` and `Value.proto` of Feast 0.67.

mod key;
mod message;

pub(crate) use key::append_entity_key;
pub use key::{KeyValue, entity_key, event_time_field, feature_field};
pub use message::{Value, decode_timestamp, encode_timestamp};

#[cfg(test)]
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
