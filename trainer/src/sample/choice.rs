//! Which rows stay, once all have been seen: of the copies of a text the first, and of the texts of a cell as many as its quota
//! allows, those with the least hashes.

use super::SampleError;
use super::hash::shard_of;
use super::keys::Key;
use super::quota::{ByClass, Size};
use super::spill::Shards;
use feature_store::offline::Selection;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// The rows that stay, and how many there were.
pub(super) struct Choice {
    pub(super) selection: Selection,
    /// The highest hash that stays, by cell; none where nothing does.
    pub(super) highest: Vec<Option<u64>>,
    /// Different texts, by the name of their stratum.
    pub(super) texts: Vec<(String, ByClass)>,
    /// Those of them that stay.
    pub(super) kept: Vec<(String, ByClass)>,
    /// Rows whose text another one has.
    pub(super) copies: u64,
    /// Copies of a text whose label is another than that of the one that stands for all.
    pub(super) contradictions: u64,
    /// All texts in one number, whatever their order.
    pub(super) content: u64,
}

/// What the shards of one thread came to.
#[derive(Default)]
struct Tally {
    /// Texts by shard and cell.
    texts: Vec<(usize, Vec<u64>)>,
    copies: u64,
    contradictions: u64,
    content: u64,
}

/// Chooses among the rows of these keys; `strata` are the names of the strata by their numbers.
pub(super) fn choose(keys: &Shards, strata: &[String], size: Size, threads: usize) -> Result<Choice, SampleError> {
    let selection = Mutex::new(Selection::default());
    let tallies = in_parallel(threads, keys.len(), Tally::default, |tally: &mut Tally, shard| {
        let firsts = tally.firsts(&sorted(keys, shard)?, strata.len() * 2, shard);
        let mut selection = selection.lock().unwrap_or_else(PoisonError::into_inner);
        firsts.iter().for_each(|key| selection.add(key.place));
        Ok(())
    })?;
    let mut by_shard = vec![Vec::new(); keys.len()];
    let (mut copies, mut contradictions, mut content) = (0, 0, 0);
    for tally in tallies {
        copies += tally.copies;
        contradictions += tally.contradictions;
        content ^= tally.content;
        tally.texts.into_iter().for_each(|(shard, texts)| by_shard[shard] = texts);
    }

    let mut order: Vec<usize> = (0..strata.len()).collect();
    order.sort_by_key(|&stratum| &strata[stratum]);
    let total = |cell: usize| by_shard.iter().map(|texts| texts[cell]).sum::<u64>();
    let texts: Vec<ByClass> = order
        .iter()
        .map(|stratum| ByClass { negative: total(stratum * 2), positive: total(stratum * 2 + 1) })
        .collect();
    let kept = size.quotas(&texts);
    let mut quotas = vec![0; strata.len() * 2];
    for (stratum, quota) in order.iter().zip(&kept) {
        quotas[stratum * 2] = quota.negative;
        quotas[stratum * 2 + 1] = quota.positive;
    }

    let highest = highest(keys, &by_shard, &quotas)?;
    in_parallel(
        threads,
        keys.len(),
        || (),
        |(), shard| {
            let bytes = keys.read(shard)?;
            let mut selection = selection.lock().unwrap_or_else(PoisonError::into_inner);
            for key in Key::read_all(&bytes) {
                if highest[key.cell.index()].is_none_or(|highest| key.hash > highest) {
                    selection.remove(key.place);
                }
            }
            Ok(())
        },
    )?;
    let named = |counts: Vec<ByClass>| order.iter().map(|&stratum| strata[stratum].clone()).zip(counts).collect();
    Ok(Choice {
        selection: selection.into_inner().unwrap_or_else(PoisonError::into_inner),
        highest,
        texts: named(texts),
        kept: named(kept),
        copies,
        contradictions,
        content,
    })
}

impl Tally {
    /// The first copy of each text, of keys in their order.
    fn firsts(&mut self, sorted: &[Key], cells: usize, shard: usize) -> Vec<Key> {
        let mut texts = vec![0; cells];
        let mut firsts: Vec<Key> = Vec::with_capacity(sorted.len());
        for key in sorted {
            match firsts.last() {
                Some(first) if first.hash == key.hash => {
                    self.copies += 1;
                    self.contradictions += u64::from(first.cell.is_positive != key.cell.is_positive);
                }
                _ => {
                    texts[key.cell.index()] += 1;
                    self.content ^= key.hash;
                    firsts.push(*key);
                }
            }
        }
        self.texts.push((shard, texts));
        firsts
    }
}

/// For each cell the hash of the last text that stays.
fn highest(keys: &Shards, by_shard: &[Vec<u64>], quotas: &[u64]) -> Result<Vec<Option<u64>>, SampleError> {
    let mut highest = vec![None; quotas.len()];
    // The shard in which each cell's last one lies, and how many of its texts there stay.
    let mut last: Vec<(usize, usize, u64)> = Vec::new();
    for (cell, &quota) in quotas.iter().enumerate().filter(|(_, quota)| **quota > 0) {
        let mut before = 0;
        for (shard, texts) in by_shard.iter().enumerate() {
            if before + texts[cell] >= quota {
                last.push((shard, cell, quota - before));
                break;
            }
            before += texts[cell];
        }
    }
    last.sort_unstable();
    for of_shard in last.chunk_by(|one, other| one.0 == other.0) {
        let firsts = Tally::default().firsts(&sorted(keys, of_shard[0].0)?, quotas.len(), 0);
        for &(_, cell, stay) in of_shard {
            let mut of_cell = firsts.iter().filter(|key| key.cell.index() == cell);
            highest[cell] = of_cell.nth(stay as usize - 1).map(|key| key.hash);
        }
    }
    Ok(highest)
}

fn sorted(keys: &Shards, shard: usize) -> Result<Vec<Key>, SampleError> {
    let mut keys: Vec<Key> = Key::read_all(&keys.read(shard)?).collect();
    keys.sort_unstable_by_key(Key::order);
    Ok(keys)
}

/// Does pieces of work on several threads; the first error ends all.
fn in_parallel<W: Send>(
    threads: usize,
    count: usize,
    make: impl Fn() -> W + Sync,
    each: impl Fn(&mut W, usize) -> Result<(), SampleError> + Sync,
) -> Result<Vec<W>, SampleError> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut work = make();
        loop {
            let taken = next.fetch_add(1, Ordering::Relaxed);
            if taken >= count {
                return Ok(work);
            }
            if let Err(error) = each(&mut work, taken) {
                next.store(count, Ordering::Relaxed);
                return Err(error);
            }
        }
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads.max(1)).map(|_| scope.spawn(work)).collect();
        let mut works = vec![work()];
        works.extend(
            others.into_iter().map(|other| other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))),
        );
        works.into_iter().collect()
    })
}

/// The shard of a key.
pub(super) fn shard_of_key(key: &Key, shards: usize) -> usize {
    shard_of(key.hash, shards)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::hash;
    use crate::sample::keys::Cell;
    use crate::sample::spill::SpillSettings;
    use feature_store::offline::Place;

    /// Texts with their label, as keys of two shards.
    fn choice(rows: &[(&str, i64, bool)], size: Size) -> (Choice, Vec<bool>) {
        let settings = SpillSettings { folder: std::env::temp_dir(), memory_bytes: 1 << 20, block_bytes: 256 };
        let keys = Shards::new(2, settings);
        let mut appender = keys.appender();
        for (row, &(text, time, is_positive)) in (1..).zip(rows) {
            let key = Key {
                hash: hash::of_text(text),
                time,
                others: 0,
                cell: Cell { stratum: 0, is_positive },
                place: Place { input: 0, row },
            };
            appender.push(shard_of_key(&key, 2), |bytes| key.write(bytes)).unwrap();
        }
        appender.finish().unwrap();
        let choice = choose(&keys, &[String::new()], size, 2).unwrap();
        let stays = (1..=rows.len() as u64).map(|row| choice.selection.has(Place { input: 0, row })).collect();
        (choice, stays)
    }

    #[test]
    fn the_earliest_copy_of_a_text_stands_for_all() {
        let rows = [("a", 3, true), ("a", 1, false), ("b", 5, true), ("a", 2, true)];
        let (choice, stays) = choice(&rows, Size { ratio: 1.0, rows: None });
        assert_eq!(stays, [false, true, true, false]);
        assert_eq!((choice.copies, choice.contradictions), (2, 2));
        assert_eq!(choice.texts, [(String::new(), ByClass { negative: 1, positive: 1 })]);
    }

    #[test]
    fn the_texts_with_the_least_hashes_stay_and_exactly_as_many_as_wanted() {
        let texts: Vec<String> = (0..1000).map(|number| format!("text {number}")).collect();
        let rows: Vec<_> = texts.iter().enumerate().map(|(i, text)| (text.as_str(), 0, i >= 100)).collect();
        let (choice, stays) = choice(&rows, Size { ratio: 2.0, rows: None });
        assert_eq!(choice.kept[0].1, ByClass { negative: 100, positive: 200 });
        let mut positives: Vec<u64> = texts[100..].iter().map(|text| hash::of_text(text)).collect();
        positives.sort_unstable();
        for (text, stays) in texts.iter().zip(&stays).skip(100) {
            assert_eq!(*stays, hash::of_text(text) <= positives[199]);
        }
        assert_eq!(choice.highest[1], Some(positives[199]));
        assert!(stays[..100].iter().all(|stays| *stays));
    }
}
