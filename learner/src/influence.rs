//! What one user or one product may do to the weights. Each has an allowance of influence that refills over a day; a label
//! that would take more is refused, and whoever goes on while refused gets into quarantine. So a flood of labels, bought or
//! by mistake, moves the weights as far as its allowance and no further.

use crate::config::LimitsConfig;
use serde::Serialize;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use twox_hash::XxHash64;

/// Why a label is not learned from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// Its user's allowance is used up.
    UserLimit,
    /// Its product's allowance is used up.
    ProductLimit,
    /// Its user is in quarantine.
    UserQuarantine,
    /// Its product is in quarantine.
    ProductQuarantine,
}

impl Refusal {
    /// The key in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::UserLimit => "user_limit",
            Self::ProductLimit => "product_limit",
            Self::UserQuarantine => "user_quarantine",
            Self::ProductQuarantine => "product_quarantine",
        }
    }
}

/// Which quarantines there were and are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct InfluenceReport {
    /// Quarantines of users that have begun so far.
    pub user_quarantines: u64,
    /// Quarantines of products that have begun so far.
    pub product_quarantines: u64,
    /// Users in quarantine at the time of the last label.
    pub users_in_quarantine: u64,
    /// Products in quarantine at that time.
    pub products_in_quarantine: u64,
}

/// The allowances of users and products.
#[derive(Debug, Clone)]
pub(crate) struct Influence {
    pub(crate) users: Allowances,
    pub(crate) products: Allowances,
}

/// The allowances of one kind of entity.
#[derive(Debug, Clone)]
pub(crate) struct Allowances {
    per_day: f32,
    quarantine_after: u32,
    quarantine_millis: i64,
    entities: HashMap<u64, Allowance, BuildHasherDefault<Hashed>>,
    /// How many quarantines have begun.
    pub(crate) quarantines: u64,
    /// The time of the latest label.
    pub(crate) now_millis: i64,
}

/// What an entity has left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Allowance {
    pub(crate) left: f32,
    pub(crate) at_millis: i64,
    /// Refusals since it was last whole.
    pub(crate) refused: u32,
    /// The end of its quarantine.
    pub(crate) until_millis: i64,
}

/// Which of the two.
enum Why {
    Limit,
    Quarantine,
}

/// Ids are hashes already.
#[derive(Debug, Clone, Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn write(&mut self, _: &[u8]) {
        unreachable!("ids are numbers of 64 bits");
    }

    fn write_u64(&mut self, id: u64) {
        self.0 = id;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

const DAY_MILLIS: f64 = 86_400_000.0;

/// Entities whose allowance is not whole: beyond so many, 32 MiB, those with the most left are forgotten.
const MAX_ENTITIES: usize = 1 << 20;

impl Influence {
    pub(crate) fn new(limits: &LimitsConfig) -> Self {
        Self {
            users: Allowances::new(limits.user_per_day, limits),
            products: Allowances::new(limits.product_per_day, limits),
        }
    }

    /// Takes a label's influence from the allowances of its user and its product, or from neither.
    pub(crate) fn take(
        &mut self,
        user_id: Option<&str>,
        product_id: Option<&str>,
        influence: f32,
        now_millis: i64,
    ) -> Result<(), Refusal> {
        let user = self.users.ask(user_id, influence, now_millis).map_err(|why| match why {
            Why::Limit => Refusal::UserLimit,
            Why::Quarantine => Refusal::UserQuarantine,
        })?;
        let product = self.products.ask(product_id, influence, now_millis).map_err(|why| match why {
            Why::Limit => Refusal::ProductLimit,
            Why::Quarantine => Refusal::ProductQuarantine,
        })?;
        self.users.set(user);
        self.products.set(product);
        Ok(())
    }

    pub(crate) fn report(&self) -> InfluenceReport {
        InfluenceReport {
            user_quarantines: self.users.quarantines,
            product_quarantines: self.products.quarantines,
            users_in_quarantine: self.users.in_quarantine(),
            products_in_quarantine: self.products.in_quarantine(),
        }
    }
}

impl Allowances {
    fn new(per_day: f32, limits: &LimitsConfig) -> Self {
        Self {
            per_day,
            quarantine_after: limits.quarantine_after,
            quarantine_millis: (f64::from(limits.quarantine_days) * DAY_MILLIS) as i64,
            entities: HashMap::default(),
            quarantines: 0,
            now_millis: i64::MIN,
        }
    }

    /// What the entity would have left; a refusal is noted.
    fn ask(&mut self, id: Option<&str>, influence: f32, now_millis: i64) -> Result<Option<(u64, Allowance)>, Why> {
        // A label that comes out of order is of the present: nobody gets an allowance of the past.
        self.now_millis = self.now_millis.max(now_millis);
        let (Some(id), true) = (id, self.per_day > 0.0) else { return Ok(None) };
        let id = XxHash64::oneshot(0, id.as_bytes());
        let mut allowance = self.now(id);
        if allowance.until_millis > self.now_millis {
            return Err(Why::Quarantine);
        }
        if influence <= allowance.left {
            allowance.left -= influence;
            return Ok(Some((id, allowance)));
        }
        allowance.refused += 1;
        let is_spike = self.quarantine_after > 0 && allowance.refused >= self.quarantine_after;
        if is_spike {
            allowance.until_millis = self.now_millis.saturating_add(self.quarantine_millis);
            allowance.refused = 0;
            self.quarantines += 1;
        }
        self.set(Some((id, allowance)));
        Err(if is_spike { Why::Quarantine } else { Why::Limit })
    }

    /// An entity's allowance at present.
    fn now(&self, id: u64) -> Allowance {
        let whole = Allowance { left: self.per_day, at_millis: self.now_millis, refused: 0, until_millis: i64::MIN };
        let Some(&allowance) = self.entities.get(&id) else { return whole };
        let days = self.now_millis.saturating_sub(allowance.at_millis) as f64 / DAY_MILLIS;
        let left = allowance.left + (f64::from(self.per_day) * days) as f32;
        if left >= self.per_day {
            return Allowance { until_millis: allowance.until_millis, ..whole };
        }
        Allowance { left, at_millis: self.now_millis, ..allowance }
    }

    fn set(&mut self, allowance: Option<(u64, Allowance)>) {
        let Some((id, allowance)) = allowance else { return };
        if self.entities.len() >= MAX_ENTITIES && !self.entities.contains_key(&id) {
            self.forget();
        }
        self.entities.insert(id, allowance);
    }

    /// Forgets those whose allowance is whole again, and if need be those with the most left: the loss is smallest there.
    fn forget(&mut self) {
        let mut all: Vec<(bool, f32, u64)> = self
            .entities
            .keys()
            .map(|&id| {
                let allowance = self.now(id);
                (allowance.until_millis > self.now_millis, allowance.left, id)
            })
            .collect();
        // A total order, so that it doesn't depend on that of the map.
        all.sort_unstable_by(|one, other| {
            other.0.cmp(&one.0).then(one.1.total_cmp(&other.1)).then(one.2.cmp(&other.2))
        });
        let is_spent = |&(is_in_quarantine, left, _): &(bool, f32, u64)| is_in_quarantine || left < self.per_day;
        let kept = all.iter().take_while(|entity| is_spent(entity)).count().min(MAX_ENTITIES / 4 * 3);
        for (_, _, id) in &all[kept..] {
            self.entities.remove(id);
        }
    }

    fn in_quarantine(&self) -> u64 {
        self.entities.values().filter(|allowance| allowance.until_millis > self.now_millis).count() as u64
    }

    /// All that is known, in the order of ids.
    pub(crate) fn known(&self) -> Vec<(u64, Allowance)> {
        let mut known: Vec<_> = self.entities.iter().map(|(&id, &allowance)| (id, allowance)).collect();
        known.sort_unstable_by_key(|(id, _)| *id);
        known
    }

    pub(crate) fn restore(&mut self, known: Vec<(u64, Allowance)>) {
        self.entities = known.into_iter().collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn influence() -> Influence {
        Influence::new(&LimitsConfig {
            user_per_day: 2.0,
            product_per_day: 5.0,
            quarantine_after: 3,
            quarantine_days: 2.0,
        })
    }

    #[test]
    fn an_allowance_is_used_up_and_refills_over_a_day() {
        let mut influence = influence();
        let mut take = |hour: i64| influence.take(Some("u"), None, 1.0, hour * HOUR);
        assert_eq!([take(0), take(0), take(0)], [Ok(()), Ok(()), Err(Refusal::UserLimit)]);
        assert_eq!([take(11), take(13)], [Err(Refusal::UserLimit), Ok(())]);
        assert_eq!([take(100), take(99)], [Ok(()), Ok(())], "late ones are of the present");
        assert_eq!(take(100), Err(Refusal::UserLimit));
    }

    #[test]
    fn labels_that_agree_cost_next_to_nothing() {
        let mut influence = influence();
        assert!((0..1900).all(|_| influence.take(Some("u"), Some("p"), 0.001, 0).is_ok()));
    }

    #[test]
    fn whoever_goes_on_gets_into_quarantine_and_out_again() {
        let mut influence = influence();
        let mut outcomes = Vec::new();
        for hour in [0, 0, 0, 0, 0, 1, 47, 49] {
            outcomes.push(influence.take(None, Some("p"), 3.0, hour * HOUR).err());
        }
        let (limit, quarantine) = (Some(Refusal::ProductLimit), Some(Refusal::ProductQuarantine));
        assert_eq!(outcomes, [None, limit, limit, quarantine, quarantine, quarantine, quarantine, None]);
        assert_eq!(influence.report().product_quarantines, 1);
        assert_eq!(influence.report().products_in_quarantine, 0);
    }

    #[test]
    fn a_refused_label_costs_the_other_entity_nothing() {
        let mut influence = influence();
        for _ in 0..10 {
            let _ = influence.take(Some("flood"), Some("p"), 1.0, 0);
        }
        assert_eq!(influence.take(Some("u"), Some("p"), 2.0, 0), Ok(()), "two of five are gone, not five");
    }

    #[test]
    fn entities_are_forgotten_before_there_are_too_many() {
        let mut influence = influence();
        for i in 0..MAX_ENTITIES as u64 + 10 {
            let allowance = Allowance { left: 1.0, at_millis: 0, refused: 0, until_millis: i64::MIN };
            influence.users.set(Some((i, allowance)));
        }
        assert!(influence.users.entities.len() <= MAX_ENTITIES);
        influence.users.now_millis = 100 * HOUR;
        influence.users.forget();
        assert!(influence.users.entities.is_empty(), "all are whole again");
    }
}
