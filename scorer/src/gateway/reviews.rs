//! The body of a batch, read review by review: what lies beyond the largest batch is never looked at, so that a body of a
//! million tiny reviews takes no more memory than a batch may.

use super::body;
use super::error::ApiError;
use super::predict::PredictRequest;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::cell::Cell;
use std::fmt;

/// The reviews of a body; an error when there are more than `limit`.
pub(super) fn parse(bytes: &[u8], limit: usize) -> Result<Vec<PredictRequest>, ApiError> {
    let has_more = Cell::new(false);
    let batch = Batch(Reviews { limit, has_more: &has_more });
    body::parse(bytes, batch).map_err(|error| if has_more.get() { ApiError::BatchTooLarge { limit } } else { error })
}

/// `{"reviews": [..]}`; other fields are ignored.
#[derive(Clone, Copy)]
struct Batch<'c>(Reviews<'c>);

/// `[{"text": ".."}, ..]`.
#[derive(Clone, Copy)]
struct Reviews<'c> {
    limit: usize,
    /// Set when one more was seen than is read.
    has_more: &'c Cell<bool>,
}

impl<'de> DeserializeSeed<'de> for Batch<'_> {
    type Value = Vec<PredictRequest>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Batch<'_> {
    type Value = Vec<PredictRequest>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the field `reviews`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut reviews = None;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "reviews" if reviews.is_some() => return Err(A::Error::duplicate_field("reviews")),
                "reviews" => reviews = Some(map.next_value_seed(self.0)?),
                _ => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        reviews.ok_or_else(|| A::Error::missing_field("reviews"))
    }
}

impl<'de> DeserializeSeed<'de> for Reviews<'_> {
    type Value = Vec<PredictRequest>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Reviews<'_> {
    type Value = Vec<PredictRequest>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
        let mut reviews = Vec::new();
        while reviews.len() < self.limit {
            match array.next_element()? {
                Some(review) => reviews.push(review),
                None => return Ok(reviews),
            }
        }
        array.next_element_seed(OneMore(self.has_more))?;
        Ok(reviews)
    }
}

/// Refuses to be read, and notes that it was there.
struct OneMore<'c>(&'c Cell<bool>);

impl<'de> DeserializeSeed<'de> for OneMore<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, _: D) -> Result<(), D::Error> {
        self.0.set(true);
        Err(D::Error::custom("more reviews than a batch may hold"))
    }
}
