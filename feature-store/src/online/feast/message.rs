//! What Feast keeps there: the protobuf messages of values and event times. Whatever is no such message decodes to nothing.

use schemas::Timestamp;

/// A feature's value: `feast.types.Value`.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// No value: a message without fields, or the explicit null.
    Null,
    /// Text.
    String(String),
    /// A whole number of 32 bits.
    Int32(i32),
    /// A whole number of 64 bits.
    Int64(i64),
    /// A number of 64 bits.
    Double(f64),
    /// A number of 32 bits.
    Float(f32),
    /// True or false.
    Bool(bool),
    /// Whole numbers.
    Int64List(Vec<i64>),
    /// Numbers of 32 bits.
    FloatList(Vec<f32>),
}

/// Protobuf's wire types.
const VARINT: u64 = 0;
const FIXED64: u64 = 1;
const LENGTH_DELIMITED: u64 = 2;
const FIXED32: u64 = 5;

impl Value {
    /// The message's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(16);
        match self {
            Value::Null => {}
            Value::String(text) => put_bytes(&mut bytes, 2, text.as_bytes()),
            Value::Int32(number) => put_int(&mut bytes, 3, i64::from(*number)),
            Value::Int64(number) => put_int(&mut bytes, 4, *number),
            Value::Double(number) => {
                put_varint(&mut bytes, 5 << 3 | FIXED64);
                bytes.extend_from_slice(&number.to_le_bytes());
            }
            Value::Float(number) => {
                put_varint(&mut bytes, 6 << 3 | FIXED32);
                bytes.extend_from_slice(&number.to_le_bytes());
            }
            Value::Bool(boolean) => put_int(&mut bytes, 7, i64::from(*boolean)),
            Value::Int64List(numbers) => {
                let mut packed = Vec::new();
                numbers.iter().for_each(|number| put_varint(&mut packed, number.cast_unsigned()));
                put_list(&mut bytes, 14, &packed);
            }
            Value::FloatList(numbers) => {
                let packed: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
                put_list(&mut bytes, 16, &packed);
            }
        }
        bytes
    }

    /// Reads a message; none when the bytes are no `Value`, or one of a kind that stands not among ours.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        if rest.is_empty() {
            return Some(Value::Null);
        }
        let value = match take_varint(&mut rest)? {
            tag if tag == 2 << 3 | LENGTH_DELIMITED => {
                Value::String(String::from_utf8(take_bytes(&mut rest)?.to_vec()).ok()?)
            }
            tag if tag == 3 << 3 | VARINT => Value::Int32(i32::try_from(take_varint(&mut rest)?.cast_signed()).ok()?),
            tag if tag == 4 << 3 | VARINT => Value::Int64(take_varint(&mut rest)?.cast_signed()),
            tag if tag == 5 << 3 | FIXED64 => Value::Double(f64::from_le_bytes(take_array(&mut rest)?)),
            tag if tag == 6 << 3 | FIXED32 => Value::Float(f32::from_le_bytes(take_array(&mut rest)?)),
            tag if tag == 7 << 3 | VARINT => Value::Bool(take_varint(&mut rest)? != 0),
            tag if tag == 14 << 3 | LENGTH_DELIMITED => {
                let mut packed = take_list(take_bytes(&mut rest)?)?;
                let mut numbers = Vec::new();
                while !packed.is_empty() {
                    numbers.push(take_varint(&mut packed)?.cast_signed());
                }
                Value::Int64List(numbers)
            }
            tag if tag == 16 << 3 | LENGTH_DELIMITED => {
                let (numbers, odd) = take_list(take_bytes(&mut rest)?)?.as_chunks::<4>();
                if !odd.is_empty() {
                    return None;
                }
                Value::FloatList(numbers.iter().map(|number| f32::from_le_bytes(*number)).collect())
            }
            tag if tag == 19 << 3 | VARINT => take_varint(&mut rest).map(|_| Value::Null)?,
            _ => return None,
        };
        rest.is_empty().then_some(value)
    }
}

/// A moment as `google.protobuf.Timestamp`.
pub fn encode_timestamp(moment: Timestamp) -> Vec<u8> {
    let millis = moment.epoch_millis();
    let mut bytes = Vec::with_capacity(16);
    // Proto3 leaves out fields that are zero.
    for (field, number) in [(1, millis.div_euclid(1000)), (2, millis.rem_euclid(1000) * 1_000_000)] {
        if number != 0 {
            put_int(&mut bytes, field, number);
        }
    }
    bytes
}

/// Reads a moment, to the millisecond; none when the bytes are no `Timestamp` or its year is none of 0 to 9999.
pub fn decode_timestamp(bytes: &[u8]) -> Option<Timestamp> {
    let mut rest = bytes;
    let (mut seconds, mut nanos) = (0, 0);
    while !rest.is_empty() {
        match take_varint(&mut rest)? {
            tag if tag == 1 << 3 | VARINT => seconds = take_varint(&mut rest)?.cast_signed(),
            tag if tag == 2 << 3 | VARINT => nanos = take_varint(&mut rest)?.cast_signed(),
            _ => return None,
        }
    }
    if !(0..1_000_000_000).contains(&nanos) {
        return None;
    }
    Timestamp::from_epoch_millis(seconds.checked_mul(1000)?.checked_add(nanos / 1_000_000)?)
}

fn put_varint(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn put_int(bytes: &mut Vec<u8>, field: u64, number: i64) {
    put_varint(bytes, field << 3 | VARINT);
    put_varint(bytes, number.cast_unsigned());
}

fn put_bytes(bytes: &mut Vec<u8>, field: u64, content: &[u8]) {
    put_varint(bytes, field << 3 | LENGTH_DELIMITED);
    put_varint(bytes, content.len() as u64);
    bytes.extend_from_slice(content);
}

/// Feast's lists are messages of one packed repeated field.
fn put_list(bytes: &mut Vec<u8>, field: u64, packed: &[u8]) {
    let mut list = Vec::with_capacity(packed.len() + 4);
    put_bytes(&mut list, 1, packed);
    put_bytes(bytes, field, &list);
}

fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number: u64 = 0;
    for i in 0..10 {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn take_array<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (array, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*array)
}

fn take_bytes<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let count = usize::try_from(take_varint(bytes)?).ok()?;
    let (content, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(content)
}

fn take_list(mut list: &[u8]) -> Option<&[u8]> {
    if list.is_empty() {
        return Some(list);
    }
    if take_varint(&mut list)? != (1 << 3 | LENGTH_DELIMITED) {
        return None;
    }
    take_bytes(&mut list).filter(|_| list.is_empty())
}

#[cfg(test)]
mod tests {
    //! The expected bytes come from Feast 0.67's own encoder.
    use super::super::hex;
    use super::*;

    #[test]
    fn values_equal_those_of_feast_and_read_back() {
        for (value, expected) in [
            (Value::String("hello".to_owned()), "120568656c6c6f"),
            (Value::Int64(0), "2000"),
            (Value::Double(0.5), "29000000000000e03f"),
            (Value::Float(0.5), "350000003f"),
            (Value::Bool(true), "3801"),
            (Value::FloatList(vec![1.0, 2.0]), "82010a0a080000803f00000040"),
            (Value::Int64List(vec![1, 300]), "72050a0301ac02"),
            (Value::Null, ""),
        ] {
            assert_eq!(hex(&value.encode()), expected);
            assert_eq!(Value::decode(&value.encode()), Some(value));
        }
    }

    #[test]
    fn negative_numbers_read_back() {
        for value in [Value::Int64(-1), Value::Int64(i64::MIN), Value::Int32(-7), Value::Int64List(vec![-1])] {
            assert_eq!(Value::decode(&value.encode()), Some(value));
        }
    }

    #[test]
    fn an_explicit_null_is_no_value() {
        assert_eq!(Value::decode(&[0x98, 0x01, 0x00]), Some(Value::Null));
    }

    #[test]
    fn timestamps_equal_those_of_feast_and_read_back() {
        for (text, expected) in
            [("2024-01-01T00:00:00Z", "088081c8ac06"), ("2024-01-01T00:00:00.123Z", "088081c8ac0610c0a9d33a")]
        {
            let moment = Timestamp::parse(text).unwrap();
            assert_eq!(hex(&encode_timestamp(moment)), expected);
            assert_eq!(decode_timestamp(&encode_timestamp(moment)), Some(moment));
        }
        for millis in [0, -1, -62_167_219_200_000, 253_402_300_799_999] {
            let moment = Timestamp::from_epoch_millis(millis).unwrap();
            assert_eq!(decode_timestamp(&encode_timestamp(moment)), Some(moment));
        }
    }

    #[test]
    fn no_bytes_make_decoding_panic() {
        // Every prefix and every change of one byte of good messages, and runs of each byte.
        let good: Vec<Vec<u8>> = vec![
            Value::String("hello".to_owned()).encode(),
            Value::Int64(-1).encode(),
            Value::Int64List(vec![1, 300]).encode(),
            Value::FloatList(vec![1.0, 2.0]).encode(),
            encode_timestamp(Timestamp::from_epoch_millis(-1).unwrap()),
        ];
        for message in &good {
            for i in 0..message.len() {
                let _ = (Value::decode(&message[..i]), decode_timestamp(&message[..i]));
                for byte in 0..=u8::MAX {
                    let mut changed = message.clone();
                    changed[i] = byte;
                    let _ = (Value::decode(&changed), decode_timestamp(&changed));
                }
            }
        }
        for byte in 0..=u8::MAX {
            for count in 1..24 {
                let _ = (Value::decode(&vec![byte; count]), decode_timestamp(&vec![byte; count]));
            }
        }
        assert_eq!(decode_timestamp(&Value::String("x".to_owned()).encode()), None);
    }
}
