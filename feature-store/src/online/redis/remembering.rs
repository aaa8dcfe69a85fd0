//! What reviews name, in Redis: a string per review, `<project>:review:<review_id>`, that expires.

use super::keys::Keys;
use super::reply::{Request, Value};
use super::servers::{Answer, Batch};
use super::{APPLY_LIMIT, RedisStore, value_of};
use crate::online::reviews::{REMEMBERED_SECONDS, RememberedEntities};
use crate::online::{Error, ReviewEntities};

impl RedisStore {
    pub(in crate::online) async fn remember(&self, reviews: &[(&str, ReviewEntities<'_>)]) -> Result<(), Error> {
        let keys = self.review_keys(reviews.iter().map(|(review_id, _)| *review_id));
        let add = |request: &mut Request, place: usize| {
            let entities = RememberedEntities::of(&reviews[place].1);
            let value = serde_json::to_vec(&entities).expect("two texts are JSON");
            request.begin(5);
            [&b"SET"[..], keys.get(place), &value, b"EX"].into_iter().for_each(|word| request.word(word));
            request.written(REMEMBERED_SECONDS);
        };
        for answer in self.run_patiently(&keys, &add).await {
            if !matches!(value_of(&answer), Ok(Value::Bytes(b"OK"))) {
                return Err(self.error_of(&answer));
            }
        }
        Ok(())
    }

    pub(in crate::online) async fn recall(
        &self,
        review_ids: &[&str],
    ) -> Result<Vec<Option<RememberedEntities>>, Error> {
        let keys = self.review_keys(review_ids.iter().copied());
        let add = |request: &mut Request, place: usize| {
            request.begin(2);
            [b"GET", keys.get(place)].into_iter().for_each(|word| request.word(word));
        };
        let answers = self.run_patiently(&keys, &add).await.into_iter();
        let recalled = answers.map(|answer| match value_of(&answer) {
            Ok(Value::Nil) => Ok(None),
            // Of what somebody else has written there nothing is known.
            Ok(Value::Bytes(bytes)) => Ok(serde_json::from_slice(bytes).ok()),
            Ok(Value::Refused(reason)) if super::is_of_another_type(reason) => Ok(None),
            _ => Err(self.error_of(&answer)),
        });
        recalled.collect()
    }

    async fn run_patiently(&self, keys: &Keys, add: &(dyn Fn(&mut Request, usize) + Sync)) -> Vec<Answer> {
        self.servers.run(&Batch { keys, add, prelude: None, limit: APPLY_LIMIT }).await
    }

    fn review_keys<'r>(&self, review_ids: impl ExactSizeIterator<Item = &'r str>) -> Keys {
        let mut keys = Keys::with_capacity(review_ids.len());
        for review_id in review_ids {
            let parts = [self.views.project(), ":review:", review_id];
            keys.add(|key| parts.iter().for_each(|part| key.extend_from_slice(part.as_bytes())));
        }
        keys
    }
}
