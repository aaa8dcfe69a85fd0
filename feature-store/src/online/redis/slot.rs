//! Which of a cluster's 16384 slots a key belongs to, as Redis' cluster specification has it.

pub(super) const SLOTS: usize = 16_384;

/// The slot of a key: of what stands between its first `{` and the next `}`, where anything does, since such keys are meant
/// to be together. Feast's keys are bytes, and ids may hold braces.
pub(super) fn of(key: &[u8]) -> u16 {
    let open = key.iter().position(|byte| *byte == b'{').map(|open| &key[open + 1..]);
    let tag = open.and_then(|rest| Some(&rest[..rest.iter().position(|byte| *byte == b'}')?]));
    crc16(tag.filter(|tag| !tag.is_empty()).unwrap_or(key)) % SLOTS as u16
}

/// CRC-16/XMODEM: polynomial 0x1021, nothing reflected.
fn crc16(bytes: &[u8]) -> u16 {
    const TABLE: [u16; 256] = table();
    bytes.iter().fold(0, |crc, byte| (crc << 8) ^ TABLE[usize::from((crc >> 8) as u8 ^ byte)])
}

const fn table() -> [u16; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = (byte as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_specification() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
    }

    #[test]
    fn what_stands_in_braces_decides() {
        assert_eq!(of(b"foo"), 12_182);
        assert_eq!(of(b"{foo}.following"), of(b"foo"));
        assert_eq!(of(b"a{foo}{bar}"), of(b"foo"));
        assert_eq!(of(b"foo{}"), crc16(b"foo{}") % SLOTS as u16);
        assert_eq!(of(b"foo{bar"), crc16(b"foo{bar") % SLOTS as u16);
        assert_eq!(of(b"foo{{bar}}zap"), of(b"{bar"));
    }
}
