//! The latest reviews, or what was scored of them, by id. Each partition has its share of the room and forgets its own oldest
//! records: so what is known at an offset depends on the records before it alone, and is found again by reading them again.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

#[derive(Debug)]
pub(super) struct Cache<T> {
    entries: HashMap<Arc<str>, Entry<T>>,
    lanes: Vec<Lane>,
    max_records: usize,
    max_bytes: usize,
}

#[derive(Debug)]
struct Entry<T> {
    place: (i32, i64),
    value: T,
}

/// The records of a partition, the oldest first.
#[derive(Debug, Default)]
struct Lane {
    records: VecDeque<(Arc<str>, i64, usize)>,
    bytes: usize,
}

impl<T> Cache<T> {
    pub(super) fn new(max_records: usize, max_bytes: usize) -> Self {
        Self { entries: HashMap::new(), lanes: Vec::new(), max_records, max_bytes }
    }

    /// The topic has so many partitions, which share the room.
    pub(super) fn share(&mut self, partitions: usize) {
        if partitions > self.lanes.len() {
            self.lanes.resize_with(partitions, Lane::default);
            (0..partitions).for_each(|lane| self.forget(lane));
        }
    }

    pub(super) fn get(&self, id: &str) -> Option<&T> {
        self.entries.get(id).map(|entry| &entry.value)
    }

    /// Takes a record in; one of the same id before it is forgotten.
    pub(super) fn insert(&mut self, partition: i32, offset: i64, id: &str, value: T, bytes: usize) {
        let (id, place): (Arc<str>, _) = (id.into(), (partition, offset));
        let lane = &mut self.lanes[partition as usize];
        lane.records.push_back((Arc::clone(&id), offset, bytes));
        lane.bytes += bytes;
        self.entries.insert(id, Entry { place, value });
        self.forget(partition as usize);
    }

    /// Forgets what there is no room for.
    fn forget(&mut self, partition: usize) {
        let lanes = self.lanes.len();
        let (records, bytes) = ((self.max_records / lanes).max(1), (self.max_bytes / lanes).max(1));
        let lane = &mut self.lanes[partition];
        while lane.records.len() > records || lane.bytes > bytes && lane.records.len() > 1 {
            let Some((id, offset, bytes)) = lane.records.pop_front() else { return };
            lane.bytes -= bytes;
            if self.entries.get(&id).is_some_and(|entry| entry.place == (partition as i32, offset)) {
                self.entries.remove(&id);
            }
        }
    }

    /// Where each partition is to be read from to know all this again; none where nothing of it is known.
    pub(super) fn oldest(&self) -> Vec<Option<i64>> {
        self.lanes.iter().map(|lane| lane.records.front().map(|(_, offset, _)| *offset)).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(partitions: usize) -> Cache<i64> {
        let mut cache = Cache::new(6, 1000);
        cache.share(partitions);
        cache
    }

    #[test]
    fn each_partition_forgets_its_own_oldest_records() {
        let mut cache = cache(2);
        (0..5).for_each(|offset| cache.insert(0, offset, &format!("a{offset}"), offset, 1));
        cache.insert(1, 0, "b", 7, 1);
        assert_eq!((cache.get("a1"), cache.get("a2"), cache.get("b")), (None, Some(&2), Some(&7)));
        assert_eq!(cache.oldest(), [Some(2), Some(0)]);
        cache.insert(0, 5, "long", 5, 2000);
        assert_eq!((cache.len(), cache.get("long")), (2, Some(&5)), "the last one stays, however long");
    }

    #[test]
    fn the_last_of_two_records_of_one_id_counts_until_it_is_forgotten_itself() {
        let mut cache = cache(1);
        cache.insert(0, 0, "a", 0, 1);
        (1..6).for_each(|offset| cache.insert(0, offset, &format!("b{offset}"), 0, 1));
        cache.insert(0, 6, "a", 6, 1);
        assert_eq!(cache.get("a"), Some(&6), "the older one went");
        (7..13).for_each(|offset| cache.insert(0, offset, &format!("b{offset}"), 0, 1));
        assert_eq!(cache.get("a"), None);
    }

    #[test]
    fn what_is_read_again_from_the_oldest_on_is_the_same() {
        let mut cache = cache(1);
        let insert = |cache: &mut Cache<i64>, offset: i64| {
            cache.insert(0, offset, &format!("r{}", offset * 7 % 11), offset, 100 + (offset % 3) as usize * 150);
        };
        (0..50).for_each(|offset| insert(&mut cache, offset));
        let mut again = self::cache(1);
        (cache.oldest()[0].unwrap()..50).for_each(|offset| insert(&mut again, offset));
        assert_eq!(again.oldest(), cache.oldest());
        for i in 0..11 {
            assert_eq!(again.get(&format!("r{i}")), cache.get(&format!("r{i}")), "r{i}");
        }
    }

    #[test]
    fn more_partitions_have_smaller_shares() {
        let mut cache = cache(1);
        (0..6).for_each(|offset| cache.insert(0, offset, &format!("a{offset}"), offset, 1));
        cache.share(3);
        assert_eq!((cache.len(), cache.oldest()), (2, vec![Some(4), None, None]));
    }
}
