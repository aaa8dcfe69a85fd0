//! Where Feast keeps a row: the key of an entity's hash, and the names of the fields in it.

/// The value of a join key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyValue<'a> {
    /// Feast's STRING.
    String(&'a str),
    /// Feast's INT64.
    Int64(i64),
}

/// Feast's numbers of value types, as keys hold them.
const STRING_TYPE: u32 = 2;
const INT64_TYPE: u32 = 4;

/// The key of an entity's hash. Join keys are sorted by name, each behind its type and length; the project ends the key
/// with neither length nor separator.
pub fn entity_key(join_keys: &[(&str, KeyValue<'_>)], project: &str) -> Vec<u8> {
    let mut sorted = join_keys.to_vec();
    sorted.sort_unstable_by_key(|(name, _)| *name);
    let mut key = Vec::with_capacity(96);
    append_entity_key(&mut key, &sorted, project);
    key
}

/// Appends the key of an entity whose join keys are sorted.
pub(crate) fn append_entity_key(key: &mut Vec<u8>, join_keys: &[(&str, KeyValue<'_>)], project: &str) {
    fn put(key: &mut Vec<u8>, kind: u32, bytes: &[u8]) {
        key.extend_from_slice(&kind.to_le_bytes());
        key.extend_from_slice(&length(bytes));
        key.extend_from_slice(bytes);
    }
    key.extend_from_slice(&length(join_keys));
    for (name, _) in join_keys {
        put(key, STRING_TYPE, name.as_bytes());
    }
    for (_, value) in join_keys {
        match value {
            KeyValue::String(text) => put(key, STRING_TYPE, text.as_bytes()),
            KeyValue::Int64(number) => put(key, INT64_TYPE, &number.to_le_bytes()),
        }
    }
    key.extend_from_slice(project.as_bytes());
}

fn length<T>(items: &[T]) -> [u8; 4] {
    // Redis takes no key of 4 GiB either: it refuses what such a length would describe.
    u32::try_from(items.len()).unwrap_or(u32::MAX).to_le_bytes()
}

/// The field that holds a feature.
pub fn feature_field(view: &str, feature: &str) -> [u8; 4] {
    murmur3_x86_32(format!("{view}:{feature}").as_bytes(), 0).to_le_bytes()
}

/// The field that holds the event time of a view's row.
pub fn event_time_field(view: &str) -> String {
    format!("_ts:{view}")
}

/// MurmurHash3_x86_32 (Austin Appleby, 2011).
fn murmur3_x86_32(bytes: &[u8], seed: u32) -> u32 {
    let scramble = |block: u32| block.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593);
    let (blocks, tail) = bytes.as_chunks::<4>();
    let mut hash = seed;
    for block in blocks {
        hash = (hash ^ scramble(u32::from_le_bytes(*block))).rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
    }
    if !tail.is_empty() {
        let mut block = [0; 4];
        block[..tail.len()].copy_from_slice(tail);
        hash ^= scramble(u32::from_le_bytes(block));
    }
    // The reference adds the length modulo 2^32.
    hash ^= bytes.len() as u32;
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

#[cfg(test)]
mod tests {
    //! The expected bytes come from Feast 0.67's own encoder.
    use super::super::hex;
    use super::*;

    #[test]
    fn keys_equal_those_of_feast() {
        for (join_keys, project, expected) in [
            (
                vec![("review_id", KeyValue::String("r1"))],
                "reviews",
                "0100000002000000090000007265766965775f69640200000002000000723172657669657773",
            ),
            (
                vec![("user_id", KeyValue::Int64(1001))],
                "reviews",
                "010000000200000007000000757365725f69640400000008000000e90300000000000072657669657773",
            ),
            (
                vec![("b", KeyValue::String("x")), ("a", KeyValue::Int64(7))],
                "p",
                "020000000200000001000000610200000001000000620400000008000000070000000000000002000000010000007870",
            ),
            (
                vec![("__dummy_id", KeyValue::String(""))],
                "p",
                "01000000020000000a0000005f5f64756d6d795f6964020000000000000070",
            ),
        ] {
            assert_eq!(hex(&entity_key(&join_keys, project)), expected);
        }
    }

    #[test]
    fn fields_equal_those_of_feast() {
        assert_eq!(hex(&feature_field("review_features", "rating")), "24ce76c6");
        assert_eq!(hex(&feature_field("driver_hourly_stats", "conv_rate")), "6160e3da");
        assert_eq!(event_time_field("product_stats"), "_ts:product_stats");
    }

    #[test]
    fn murmur3_equals_the_reference_for_every_length_of_tail() {
        let seed = 0x9747_b28c;
        for (text, expected) in [
            ("", 0xebb6_c228),
            ("a", 0x7fa0_9ea6),
            ("aa", 0x5d21_1726),
            ("aaa", 0x283e_0130),
            ("aaaa", 0x5a97_808a),
            ("Hello, world!", 0x2488_4cba),
        ] {
            assert_eq!(murmur3_x86_32(text.as_bytes(), seed), expected, "{text:?}");
        }
    }
}
