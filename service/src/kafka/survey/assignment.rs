//! What a member of a consumer group was assigned, in the bytes of Kafka's consumer protocol: a version, then each topic
//! with its partitions, then whatever the assignor added.

/// Topics with partitions. Bytes that end too early or say what cannot be are nothing.
pub(super) fn partitions(bytes: &[u8]) -> Option<Vec<(String, i32)>> {
    let mut rest = bytes;
    take::<2>(&mut rest)?;
    let mut found = Vec::new();
    for _ in 0..length(&mut rest)? {
        let name_bytes = usize::try_from(i16::from_be_bytes(take(&mut rest)?)).ok()?;
        let (name, behind) = rest.split_at_checked(name_bytes)?;
        rest = behind;
        let name = std::str::from_utf8(name).ok()?;
        for _ in 0..length(&mut rest)? {
            found.push((name.to_owned(), i32::from_be_bytes(take(&mut rest)?)));
        }
    }
    Some(found)
}

/// The length of an array; none has more elements than there are bytes.
fn length(rest: &mut &[u8]) -> Option<usize> {
    let length = usize::try_from(i32::from_be_bytes(take(rest)?)).ok()?;
    (length <= rest.len()).then_some(length)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Version 0; "reviews" with 0 and 2; no data of the assignor's.
    const TWO_OF_REVIEWS: &[u8] = b"\0\0\0\0\0\x01\0\x07reviews\0\0\0\x02\0\0\0\0\0\0\0\x02\0\0\0\0";

    #[test]
    fn topics_and_partitions_are_read() {
        let expected = [("reviews".to_owned(), 0), ("reviews".to_owned(), 2)];
        assert_eq!(partitions(TWO_OF_REVIEWS).unwrap(), expected);
        assert_eq!(partitions(b"\0\x03\0\0\0\0").unwrap(), []);
    }

    #[test]
    fn bytes_that_are_no_assignment_are_nothing() {
        // The last four are the assignor's, which nobody reads.
        for end in 0..TWO_OF_REVIEWS.len() - 4 {
            assert_eq!(partitions(&TWO_OF_REVIEWS[..end]), None, "{end} bytes");
        }
        for wrong in [&b"\0\0\x7f\xff\xff\xff"[..], b"\0\0\xff\xff\xff\xff", b"\0\0\0\0\0\x01\0\x01\xff\0\0\0\0"] {
            assert_eq!(partitions(wrong), None, "{wrong:?}");
        }
    }
}
