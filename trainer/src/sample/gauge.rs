//! Up to which hash rows are held while files are read. Which texts stay is known only at the end, but soon it can be told which
//! will hardly be among them; rows beyond that bound are not held, and should the bound have been too low at the end, a second
//! pass fetches what is missing. So the answer never depends on it, only the time and the memory do.

use super::keys::{Cell, Key};
use super::pool::Pool;
use super::quota::{ByClass, Size};
use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// More than what is expected to stay is held by this factor.
const MARGIN: f64 = 1.25;
/// One text in so many is looked at to learn how many rows are copies.
const LOOKED_AT: u64 = 1024;

/// What is known of all rows so far.
pub(super) struct Gauge {
    size: Size,
    state: Mutex<State>,
    version: AtomicU64,
    /// Rows are weighed anew when the pool holds so many bytes.
    next_bytes: AtomicU64,
    step_bytes: u64,
}

struct State {
    /// Rows by stratum, copies included.
    rows: Vec<ByClass>,
    /// Up to which hash rows of each cell are held.
    bounds: Vec<u64>,
    /// Above which hash rows of each class were forgotten, of strata too that nobody had told of by then.
    forgotten: [u64; 2],
    /// Of the texts that are looked at: rows, and different ones, by class.
    looked_at: [(u64, HashSet<u64>); 2],
}

impl Default for State {
    fn default() -> Self {
        Self { rows: Vec::new(), bounds: Vec::new(), forgotten: [u64::MAX; 2], looked_at: Default::default() }
    }
}

/// What one thread has seen since it told last.
#[derive(Default)]
pub(super) struct Glance {
    rows: Vec<ByClass>,
    looked_at: Vec<(u64, bool)>,
    seen: u32,
    bounds: Vec<u64>,
    version: u64,
}

impl Gauge {
    /// Holds everything until the pool has more bytes than these.
    pub(super) fn new(size: Size, pool_bytes: u64) -> Self {
        Self {
            size,
            state: Mutex::default(),
            version: AtomicU64::new(0),
            next_bytes: AtomicU64::new(pool_bytes),
            step_bytes: pool_bytes.max(1),
        }
    }

    /// Counts a row; whether it is to be held.
    pub(super) fn see(&self, key: &Key, glance: &mut Glance, pool: &Pool) -> bool {
        let Cell { stratum, is_positive } = key.cell;
        let stratum = stratum as usize;
        if glance.rows.len() <= stratum {
            glance.rows.resize(stratum + 1, ByClass::default());
        }
        let rows = &mut glance.rows[stratum];
        *(if is_positive { &mut rows.positive } else { &mut rows.negative }) += 1;
        if key.hash.is_multiple_of(LOOKED_AT) {
            glance.looked_at.push((key.hash, is_positive));
        }
        glance.seen += 1;
        if glance.seen.is_multiple_of(4096) {
            self.tell(glance, pool);
        }
        glance.bounds.get(key.cell.index()).is_none_or(|bound| key.hash <= *bound)
    }

    fn tell(&self, glance: &mut Glance, pool: &Pool) {
        if pool.bytes() > self.next_bytes.load(Ordering::Relaxed) {
            let mut state = self.state();
            state.take(glance);
            state.narrow(self.size);
            self.version.fetch_add(1, Ordering::Relaxed);
            for is_positive in [false, true] {
                let bound = state.highest(is_positive);
                let forgotten = &mut state.forgotten[usize::from(is_positive)];
                *forgotten = bound.min(*forgotten);
                pool.forget_above(is_positive, bound);
            }
            self.next_bytes.store(pool.bytes() + self.step_bytes, Ordering::Relaxed);
        } else if glance.seen >= 1 << 16 {
            self.state().take(glance);
        }
        let version = self.version.load(Ordering::Relaxed);
        if glance.version != version {
            glance.version = version;
            glance.bounds.clone_from(&self.state().bounds);
        }
    }

    /// Whether rows of each cell up to these hashes have all been held.
    pub(super) fn held_up_to(&self, highest: &[Option<u64>]) -> bool {
        let state = self.state();
        let is_held = |(cell, highest): (usize, &Option<u64>)| {
            let bound = state.bounds.get(cell).copied().unwrap_or(u64::MAX).min(state.forgotten[cell % 2]);
            highest.is_none_or(|highest| highest <= bound)
        };
        highest.iter().enumerate().all(is_held)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take(&mut self, glance: &mut Glance) {
        if self.rows.len() < glance.rows.len() {
            self.rows.resize(glance.rows.len(), ByClass::default());
        }
        for (all, seen) in self.rows.iter_mut().zip(&mut glance.rows) {
            all.negative += seen.negative;
            all.positive += seen.positive;
            *seen = ByClass::default();
        }
        for (hash, is_positive) in glance.looked_at.drain(..) {
            let (rows, texts) = &mut self.looked_at[usize::from(is_positive)];
            *rows += 1;
            texts.insert(hash);
        }
        glance.seen = 0;
    }

    /// Lowers the bounds to what would stay if the rest were like what has been seen.
    fn narrow(&mut self, size: Size) {
        let texts_per_row = self.looked_at.each_ref().map(|(rows, texts)| (texts.len() + 1) as f64 / (rows + 1) as f64);
        let texts = |rows: u64, class: usize| (rows as f64 * texts_per_row[class]).ceil() as u64;
        let strata: Vec<ByClass> = self
            .rows
            .iter()
            .map(|rows| ByClass { negative: texts(rows.negative, 0), positive: texts(rows.positive, 1) })
            .collect();
        let quotas = size.quotas(&strata);
        self.bounds.resize(strata.len() * 2, u64::MAX);
        for (cell, bound) in self.bounds.iter_mut().enumerate() {
            let quota = quotas[cell / 2].of(cell % 2 == 1) as f64;
            let texts = strata[cell / 2].of(cell % 2 == 1) as f64;
            let share = (quota * MARGIN + 4.0 * quota.sqrt() + 100.0) / texts.max(1.0);
            // Beyond the greatest hash it stays there.
            *bound = (*bound).min((share * u64::MAX as f64) as u64);
        }
    }

    /// The highest bound of a class: what lies above it is held of no stratum.
    fn highest(&self, is_positive: bool) -> u64 {
        self.bounds.iter().skip(usize::from(is_positive)).step_by(2).copied().max().unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::super::spill::SpillSettings;
    use super::*;
    use feature_store::offline::Place;

    /// The `number`th of a hundred texts of a class of a stratum.
    fn key(stratum: u32, is_positive: bool, number: u64) -> Key {
        let place = Place { input: 0, row: number + 1 };
        Key { hash: number * (u64::MAX / 100), time: 0, others: 0, cell: Cell { stratum, is_positive }, place }
    }

    #[test]
    fn what_is_forgotten_while_nobody_knows_its_stratum_is_fetched_again() {
        let pool = Pool::new(256, SpillSettings { folder: std::env::temp_dir(), memory_bytes: 0, block_bytes: 256 });
        pool.add_bytes(1);
        let gauge = Gauge::new(Size { ratio: 1.0, rows: None }, 0);
        // One thread has told nobody yet of a stratum with as many rows of either class,
        let mut of_one = Glance::default();
        for number in 0..100 {
            assert!(gauge.see(&key(1, number % 2 == 0, number), &mut of_one, &pool));
        }
        // when another one, whose stratum has few negative rows, lets go of most positive ones.
        let mut of_other = Glance::default();
        for number in 0..8192 {
            gauge.see(&key(0, number % 64 != 0, number % 100), &mut of_other, &pool);
        }
        let kept = |cell: usize, number| {
            let mut highest = vec![None; 4];
            highest[cell] = Some(number * (u64::MAX / 100));
            gauge.held_up_to(&highest)
        };
        assert!(kept(1, 3) && !kept(1, 90), "of the stratum that was known");
        assert!(kept(3, 3) && !kept(3, 90), "of the one that was not");
        assert!(kept(2, 90), "of its other class nothing was let go");
    }
}
