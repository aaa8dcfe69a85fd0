//! A record as the learner keeps it until its turn comes.

use super::positions::Source;
use rdkafka::Message;
use rdkafka::message::{BorrowedMessage, Headers};
use schemas::{DecodeError, Feedback, Prediction, Review, ReviewId};

/// A record of one of the three topics.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) partition: i32,
    pub(super) offset: i64,
    /// When it was sent; 0 where it does not say.
    pub(super) millis: i64,
    /// About how many bytes it takes.
    pub(super) bytes: usize,
    pub(super) value: Value,
}

#[derive(Debug)]
pub(super) enum Value {
    Review(Box<Review>),
    Prediction(Box<Scored>),
    Label(Box<Label>),
    /// A review or a prediction that cannot be read: the scorer and who reads predictions deal with those.
    Unreadable,
}

/// What of a prediction a label needs.
#[derive(Debug)]
pub(super) struct Scored {
    pub(super) review_id: ReviewId,
    /// The features that were at hand when the review was scored, in the order of their names.
    pub(super) features: Vec<(String, f64)>,
}

/// A record of `feedback`, with all of it that a dead letter repeats.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Label {
    pub(super) partition: i32,
    pub(super) offset: i64,
    pub(super) millis: i64,
    pub(super) key: Option<Vec<u8>>,
    pub(super) payload: Option<Vec<u8>>,
    pub(super) headers: Vec<(String, Option<Vec<u8>>)>,
    pub(super) feedback: Result<Feedback, DecodeError>,
}

/// Beside its own bytes.
const OVERHEAD_BYTES: usize = 200;

impl Record {
    pub(super) fn read(source: Source, message: &BorrowedMessage<'_>) -> Self {
        let payload = message.payload().unwrap_or_default();
        let (partition, offset) = (message.partition(), message.offset());
        let millis = message.timestamp().to_millis().unwrap_or(0);
        let value = match source {
            Source::Reviews => {
                Review::decode(payload).map_or(Value::Unreadable, |review| Value::Review(Box::new(review)))
            }
            Source::Predictions => Prediction::decode(payload).map_or(Value::Unreadable, |prediction| {
                let Prediction { review_id, features, .. } = prediction;
                Value::Prediction(Box::new(Scored { review_id, features: features.into_iter().collect() }))
            }),
            Source::Feedback => Value::Label(Box::new(Label::read(message, partition, offset, millis))),
        };
        let bytes = payload.len() + message.key_len() + OVERHEAD_BYTES;
        Self { partition, offset, millis, bytes, value }
    }
}

impl Label {
    fn read(message: &BorrowedMessage<'_>, partition: i32, offset: i64, millis: i64) -> Self {
        let headers = message.headers().map(|headers| {
            let header =
                |header: rdkafka::message::Header<'_, &[u8]>| (header.key.to_owned(), header.value.map(<[u8]>::to_vec));
            headers.iter().map(header).collect()
        });
        Self {
            partition,
            offset,
            millis,
            key: message.key().map(<[u8]>::to_vec),
            payload: message.payload().map(<[u8]>::to_vec),
            headers: headers.unwrap_or_default(),
            feedback: Feedback::decode(message.payload().unwrap_or_default()),
        }
    }

    /// One that was read before.
    pub(super) fn again(
        [partition, offset, millis]: [i64; 3],
        key: Option<Vec<u8>>,
        payload: Option<Vec<u8>>,
        headers: Vec<(String, Option<Vec<u8>>)>,
    ) -> Self {
        let feedback = Feedback::decode(payload.as_deref().unwrap_or_default());
        Self { partition: partition as i32, offset, millis, key, payload, headers, feedback }
    }
}
