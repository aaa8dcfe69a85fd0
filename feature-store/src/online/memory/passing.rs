//! A map that forgets: what has not been written for its lifetime, and, when it is full, what has not been written for longest.
//! Two halves by age do it: when the younger one is full or old, it becomes the older one, and what was that is gone. So
//! something stays for at least its lifetime, or until half as many others as the map holds have been written since.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

#[derive(Debug)]
pub(super) struct Passing<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    /// When the younger half began.
    since: Instant,
    /// Entries at most.
    limit: usize,
    /// None for ever.
    lifetime: Option<Duration>,
}

impl<K: Eq + Hash, V> Passing<K, V> {
    /// An empty map.
    pub(super) fn new(limit: usize, lifetime: Option<Duration>, now: Instant) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), since: now, limit, lifetime }
    }

    pub(super) fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: std::borrow::Borrow<Q>,
    {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    /// What stands there, to be written; made where there is nothing.
    pub(super) fn write(&mut self, key: K, now: Instant, make: impl FnOnce() -> V) -> &mut V {
        let is_full = self.young.len() >= (self.limit / 2).max(1) && !self.young.contains_key(&key);
        let is_old = self.lifetime.is_some_and(|lifetime| now.duration_since(self.since) >= lifetime);
        if is_full || is_old {
            self.old = std::mem::take(&mut self.young);
            self.since = now;
        }
        let known = self.old.remove(&key);
        self.young.entry(key).or_insert_with(|| known.unwrap_or_else(make))
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_longest_ago_goes_when_it_is_full() {
        let now = Instant::now();
        let mut map = Passing::new(10, None, now);
        for key in 0..100 {
            *map.write(key, now, || 0) += 1;
            // Written again and again, it stays.
            *map.write(-1, now, || 0) += 1;
            assert!(map.len() <= 10, "{}", map.len());
            assert_eq!(map.get(&key), Some(&1));
        }
        assert_eq!((map.get(&-1), map.get(&95), map.get(&80)), (Some(&100), Some(&1), None));
    }

    #[test]
    fn what_was_not_written_for_two_lifetimes_is_gone_and_for_one_is_not() {
        let begin = Instant::now();
        let day = Duration::from_secs(86_400);
        let mut map = Passing::new(1_000, Some(day), begin);
        map.write("kept", begin, || 1);
        map.write("another", begin + day, || 2);
        assert_eq!(map.get("kept"), Some(&1));
        map.write("another", begin + 2 * day, || 2);
        assert_eq!((map.get("kept"), map.get("another")), (None, Some(&2)));
    }
}
