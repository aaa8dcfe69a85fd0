//! Which fault comes next: a shuffled deck with each kind once, dealt to its end before it is shuffled again. The same seed
//! deals the same draws.

use std::collections::HashMap;

/// What can happen in a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    KillScorer,
    FreezeScorer,
    Join,
    Leave,
    KillBroker,
    RestartBrokers,
    Flood,
    BadRecords,
}

impl Fault {
    pub const ALL: [Self; 8] = [
        Self::KillScorer,
        Self::FreezeScorer,
        Self::Join,
        Self::Leave,
        Self::KillBroker,
        Self::RestartBrokers,
        Self::Flood,
        Self::BadRecords,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::KillScorer => "scorer killed",
            Self::FreezeScorer => "scorer frozen",
            Self::Join => "scorer joins",
            Self::Leave => "scorer leaves",
            Self::KillBroker => "broker killed",
            Self::RestartBrokers => "brokers restarted",
            Self::Flood => "flood",
            Self::BadRecords => "bad records",
        }
    }
}

/// A fault and its particulars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draw {
    pub fault: Fault,
    /// Which scorer or broker, of however many there are.
    pub which: usize,
    /// Which of two ways, where the fault has two.
    pub gently: bool,
    /// Whether the round waits until the group has caught up.
    pub waits: bool,
}

pub struct Deck {
    random: Random,
    left: Vec<Fault>,
    dealt: HashMap<Fault, usize>,
}

impl Deck {
    pub fn new(seed: u64) -> Self {
        Self { random: Random(seed), left: Vec::new(), dealt: HashMap::new() }
    }

    pub fn draw(&mut self) -> Draw {
        if self.left.is_empty() {
            self.left = Fault::ALL.to_vec();
            for i in (1..self.left.len()).rev() {
                self.left.swap(i, self.random.below(i + 1));
            }
        }
        let fault = self.left.pop().unwrap();
        *self.dealt.entry(fault).or_default() += 1;
        Draw {
            fault,
            which: self.random.below(1 << 16),
            gently: self.random.below(2) == 0,
            // One in four is still at work when the next one comes.
            waits: self.random.below(4) != 0,
        }
    }

    /// How often the fault was dealt.
    pub fn times(&self, fault: Fault) -> usize {
        self.dealt.get(&fault).copied().unwrap_or(0)
    }
}

/// SplitMix64, as in the demo's generator of reviews.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end as u64) as usize
    }
}

#[test]
fn the_same_seed_deals_the_same_and_each_kind_comes_as_often_as_any_other() {
    let draws = |seed| {
        let mut deck = Deck::new(seed);
        (0..200).map(|_| deck.draw()).collect::<Vec<_>>()
    };
    assert_eq!(draws(7), draws(7));
    assert_ne!(draws(7), draws(8));
    let mut deck = Deck::new(7);
    for _ in 0..200 {
        deck.draw();
    }
    assert!(Fault::ALL.iter().all(|&fault| deck.times(fault) == 25));
}
