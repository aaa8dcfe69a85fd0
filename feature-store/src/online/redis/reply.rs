//! What goes over the wire, RESP2: commands as bytes, and replies as the bytes that came. A reply is read where it is needed,
//! out of the buffer that it arrived in: a batch has thousands of small values, and none of them is copied.
//!
//! Reference: the protocol specification of Redis, version 2, which every server speaks to whom it does not greet.

use bytes::{Bytes, BytesMut};
use std::fmt::Display;
use std::io::Write;

/// No reply of ours is longer; a length beyond it is no Redis that speaks.
const LONGEST_REPLY: i64 = 1 << 29;
/// Nor a line of it, such as an error.
const LONGEST_LINE: usize = 1 << 16;

/// Nor are its arrays nested deeper: `CLUSTER SLOTS` has three levels. Whoever reads them goes as deep.
const DEEPEST: usize = 8;

/// Commands on their way out, one behind the other.
#[derive(Debug, Default)]
pub(super) struct Request {
    bytes: Vec<u8>,
    commands: usize,
    scratch: Vec<u8>,
}

impl Request {
    /// A request of one command.
    pub(super) fn of(words: &[&[u8]]) -> Self {
        let mut request = Self::default();
        request.begin(words.len());
        words.iter().for_each(|word| request.word(word));
        request
    }

    /// Begins a command of so many words, which follow.
    pub(super) fn begin(&mut self, words: usize) {
        self.commands += 1;
        self.head(b'*', words);
    }

    pub(super) fn word(&mut self, word: &[u8]) {
        self.head(b'$', word.len());
        self.bytes.extend_from_slice(word);
        self.bytes.extend_from_slice(b"\r\n");
    }

    /// A word as it is written for people.
    pub(super) fn written(&mut self, word: impl Display) {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        write!(scratch, "{word}").expect("memory takes all");
        self.word(&scratch);
        self.scratch = scratch;
    }

    /// Words, or the beginning of a command, as they were encoded before.
    pub(super) fn encoded(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The commands of another request.
    pub(super) fn append(&mut self, other: &Self) {
        self.bytes.extend_from_slice(&other.bytes);
        self.commands += other.commands;
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn commands(&self) -> usize {
        self.commands
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.commands = 0;
    }

    fn head(&mut self, kind: u8, mut number: usize) {
        // The digits of any 64-bit number, and what stands around them.
        let mut head = [0; 24];
        let mut at = head.len() - 2;
        head[at..].copy_from_slice(b"\r\n");
        loop {
            at -= 1;
            head[at] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        head[at - 1] = kind;
        self.bytes.extend_from_slice(&head[at - 1..]);
    }
}

/// A reply to one command.
#[derive(Debug, Clone)]
pub(super) struct Reply(Bytes);

/// A reply as it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// Nothing stands there.
    Nil,
    Int(i64),
    /// Bytes, or a word such as `OK`.
    Bytes(&'a [u8]),
    /// What the server refuses, in its words.
    Refused(&'a str),
    /// Several, one after the other.
    Array(Values<'a>),
}

/// The values of an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Values<'a> {
    rest: &'a [u8],
    count: usize,
}

/// Bytes that no Redis sends.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoReply;

impl Reply {
    /// Takes a whole reply from what has arrived; none while it is not there yet.
    pub(super) fn take(received: &mut BytesMut) -> Result<Option<Self>, NoReply> {
        Ok(end(received)?.map(|end| Self(received.split_to(end).freeze())))
    }

    pub(super) fn value(&self) -> Value<'_> {
        open(&mut &self.0[..]).unwrap_or(Value::Refused("its answer cannot be read"))
    }

    /// A text, which most answers to single commands are.
    pub(super) fn text(&self) -> Option<&str> {
        self.value().text()
    }
}

impl<'a> Value<'a> {
    pub(super) fn text(self) -> Option<&'a str> {
        match self {
            Value::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }
}

impl<'a> Iterator for Values<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        self.count = self.count.checked_sub(1)?;
        let value = open(&mut self.rest)?;
        if let Value::Array(mut values) = value {
            values.by_ref().for_each(drop);
            self.rest = values.rest;
        }
        Some(value)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.count, Some(self.count))
    }
}

/// Reads a value, and moves behind it; of an array, to its first value.
fn open<'a>(rest: &mut &'a [u8]) -> Option<Value<'a>> {
    let (kind, line) = head(rest)?;
    *rest = &rest[line.len() + 3..];
    Some(match kind {
        b'+' => Value::Bytes(line),
        b'-' => Value::Refused(std::str::from_utf8(line).unwrap_or("an error that is no text")),
        b':' => Value::Int(number(line)?),
        b'$' | b'*' => match usize::try_from(number(line)?) {
            Err(_) => Value::Nil,
            Ok(count) if kind == b'*' => Value::Array(Values { rest, count }),
            Ok(length) => {
                let (bytes, after) = rest.split_at_checked(length)?;
                *rest = after.get(2..)?;
                Value::Bytes(bytes)
            }
        },
        _ => return None,
    })
}

/// Where the first value of what has arrived ends; none while it is incomplete.
fn end(bytes: &[u8]) -> Result<Option<usize>, NoReply> {
    // By level, how many values are still to come; the first level is the reply itself.
    let (mut at, mut left, mut level) = (0_usize, [0_usize; DEEPEST + 1], 0);
    left[0] = 1;
    loop {
        while left[level] == 0 {
            if level == 0 {
                return Ok((at <= bytes.len()).then_some(at));
            }
            level -= 1;
        }
        let rest = bytes.get(at..).unwrap_or_default();
        let Some((kind, line)) = head(rest) else {
            let may_become_one = rest.first().is_none_or(|kind| b"+-:$*".contains(kind)) && rest.len() < LONGEST_LINE;
            return if may_become_one { Ok(None) } else { Err(NoReply) };
        };
        at += line.len() + 3;
        left[level] -= 1;
        match kind {
            b'+' | b'-' | b':' => {}
            b'$' | b'*' => match number(line).ok_or(NoReply)? {
                // Nil
                ..0 => {}
                count @ 0..=LONGEST_REPLY if kind == b'*' => {
                    level += 1;
                    *left.get_mut(level).ok_or(NoReply)? = count as usize;
                }
                length @ 0..=LONGEST_REPLY => at += length as usize + 2,
                _ => return Err(NoReply),
            },
            _ => return Err(NoReply),
        }
    }
}

/// The kind of a value, and the rest of its first line.
fn head(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\r')?;
    // A line feed follows, and is there.
    bytes.get(end + 1)?;
    Some((*bytes.first()?, bytes.get(1..end)?))
}

fn number(line: &[u8]) -> Option<i64> {
    match *line {
        // Most are lengths of small values.
        [digit @ b'0'..=b'9'] => Some(i64::from(digit - b'0')),
        [tens @ b'1'..=b'9', ones @ b'0'..=b'9'] => Some(i64::from(10 * (tens - b'0') + (ones - b'0'))),
        _ => std::str::from_utf8(line).ok()?.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_encoded_as_the_protocol_has_them() {
        let mut request = Request::of(&[b"GET", b""]);
        request.begin(11);
        request.written(-1.5);
        assert_eq!(request.bytes(), b"*2\r\n$3\r\nGET\r\n$0\r\n\r\n*11\r\n$4\r\n-1.5\r\n");
        assert_eq!(request.commands(), 2);
    }

    const REPLIES: &[u8] =
        b"+OK\r\n-MOVED 1 a:1\r\n:-7\r\n$-1\r\n$3\r\na\r\n\r\n*-1\r\n*3\r\n$1\r\nx\r\n*1\r\n:1\r\n$-1\r\n*0\r\n";

    #[test]
    fn replies_are_read_however_they_arrive() {
        for size in 1..REPLIES.len() {
            let (mut received, mut replies) = (BytesMut::new(), Vec::new());
            for piece in REPLIES.chunks(size) {
                received.extend_from_slice(piece);
                while let Some(reply) = Reply::take(&mut received).unwrap() {
                    replies.push(reply);
                }
            }
            let values: Vec<Value<'_>> = replies.iter().map(Reply::value).collect();
            let [
                Value::Bytes(b"OK"),
                Value::Refused("MOVED 1 a:1"),
                Value::Int(-7),
                Value::Nil,
                Value::Bytes(b"a\r\n"),
                Value::Nil,
                Value::Array(three),
                Value::Array(none),
            ] = values[..]
            else {
                panic!("{values:?}")
            };
            let three: Vec<Value<'_>> = three.collect();
            let [Value::Bytes(b"x"), Value::Array(mut one), Value::Nil] = three[..] else { panic!("{three:?}") };
            assert_eq!((one.next(), one.next(), none.count()), (Some(Value::Int(1)), None, 0));
        }
    }

    #[test]
    fn what_no_redis_sends_is_refused_and_never_waited_for() {
        for wrong in [
            &b"HTTP/1.1 400 Bad Request\r\n"[..],
            b"\x15\x03\x01",
            b"$x\r\n",
            b"$9223372036854775807\r\n",
            b"*99999999999\r\n",
            b"*1\r\n?\r\n",
        ] {
            let taken = Reply::take(&mut BytesMut::from(wrong));
            assert!(taken.is_err(), "{wrong:?}: {taken:?}");
        }
        let nested = [b"*1\r\n".repeat(100_000), b":1\r\n".to_vec()].concat();
        assert!(Reply::take(&mut BytesMut::from(&nested[..])).is_err());
        let endless = [b'+'; LONGEST_LINE + 1];
        assert!(Reply::take(&mut BytesMut::from(&endless[..])).is_err());
    }
}
