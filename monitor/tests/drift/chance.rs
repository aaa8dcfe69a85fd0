//! How often something is found where nothing has changed.

use crate::docs;
use monitor::{Adwin, Ddm, Detector, KolmogorovSmirnov, Kswin, PageHinkley, Words, jensen_shannon, psi};
use std::fmt::Write;

/// A generator for tests (Knuth's MMIX).
struct Chance(u64);

impl Chance {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn below(&mut self, n: usize) -> usize {
        (self.uniform() * n as f64) as usize
    }

    /// Counts in twenty bins, of which some are ten times as likely as others.
    fn counts(&mut self, n: usize) -> Vec<u64> {
        let mut counts = vec![0; 20];
        (0..n).for_each(|_| counts[(self.uniform().powi(2) * 20.0) as usize] += 1);
        counts
    }

    /// Texts that are each about something: half of their words are of one of fifty topics.
    fn words(&mut self, texts: usize) -> Words {
        let mut words = Words::default();
        for _ in 0..texts {
            let topic = self.below(50);
            let word = |chance: &mut Self| match chance.below(2) {
                0 => format!("t{topic}w{}", chance.below(6)),
                _ => format!("w{}", chance.below(400)),
            };
            let text: Vec<String> = (0..30).map(|_| word(self)).collect();
            words.add(&text.join(" "));
        }
        words
    }
}

const ALPHA: f64 = 0.01;

/// The share of `trials` in which something is found.
fn rate(trials: usize, mut is_found: impl FnMut() -> bool) -> f64 {
    (0..trials).filter(|_| is_found()).count() as f64 / trials as f64
}

#[test]
fn thresholds_are_passed_by_chance_as_often_as_they_say() {
    let mut chance = Chance(1);
    let mut table =
        String::from("| what, of the same distribution twice | found, where 1 in 100 was asked for |\n|---|---|\n");
    let mut row = |what: &str, found: f64, at_most: f64| {
        writeln!(table, "| {what} | {:.1} in 100 |", 100.0 * found).expect("a string takes any text");
        assert!(found <= at_most, "{what}: {found}");
    };
    for (n, m) in [(200, 5000), (1000, 5000), (5000, 5000)] {
        let mut pairs = || (chance.counts(n), chance.counts(m));
        let found = rate(1000, || {
            let (one, other) = pairs();
            psi(&one, &other, ALPHA, [1.0; 2]).is_some_and(|psi| psi.is_beyond())
        });
        row(&format!("PSI, 20 bins, {n} records"), found, 0.025);
        let found = rate(1000, || {
            let (one, other) = pairs();
            jensen_shannon(&one, &other, ALPHA).is_some_and(|distance| distance.is_beyond())
        });
        row(&format!("Jensen-Shannon, 20 bins, {n} records"), found, 0.04);
        let found = rate(1000, || {
            let (one, other) = pairs();
            KolmogorovSmirnov::of_counts(&one, &other).p_value < ALPHA
        });
        row(&format!("Kolmogorov-Smirnov, 20 bins, {n} records"), found, 0.015);
    }
    let reference = chance.words(3000);
    let found = rate(200, || chance.words(300).shift_from(&reference, ALPHA).is_some_and(|shift| shift.is_beyond()));
    row("words of 300 texts, whose words go together", found, 0.04);
    let found = rate(50, || {
        let words = chance.words(300);
        psi(&words.words, &reference.words, ALPHA, [1.0; 2]).is_some_and(|psi| psi.is_beyond())
    });
    assert!(found > 0.9, "as if words knew nothing of each other: {found}");
    row("the same as if each word came alone (not what is used)", found, 1.0);
    docs::hold("chance", &table);
}

#[test]
fn stationary_streams_raise_few_alarms() {
    let make: [fn(u64) -> Detector; 4] = [
        |_| Detector::Adwin(Adwin::default()),
        |_| Detector::Ddm(Ddm::default()),
        |_| Detector::PageHinkley(PageHinkley::default()),
        |seed| Detector::Kswin(Kswin::new(0.005, 100, 30, seed)),
    ];
    let mut table = String::from(
        "| detector | errors, 1 in 20 | errors, 1 in 5 | errors, 1 in 2 | scores, uniform |\n|---|---|---|---|---|\n",
    );
    for make in make {
        let mut cells = Vec::new();
        for level in [Some(0.05), Some(0.2), Some(0.5), None] {
            let mut alarms = 0;
            for seed in 1..=20 {
                let (mut detector, mut chance) = (make(seed), Chance(seed));
                for _ in 0..5_000 {
                    let uniform = chance.uniform();
                    let value = level.map_or(uniform, |level| f64::from(u8::from(uniform < level)));
                    alarms += usize::from(detector.update(value).is_drift());
                }
            }
            // Of 100,000 numbers.
            cells.push(if level.is_none() && make(1).name() == "ddm" {
                "for errors only".to_owned()
            } else {
                format!("{:.1}", alarms as f64 / 10.0)
            });
        }
        writeln!(table, "| {} | {} |", make(1).name(), cells.join(" | ")).expect("a string takes any text");
        if make(1).name() == "adwin" {
            assert!(cells.iter().all(|cell| cell == "0.0"), "{cells:?}");
        }
    }
    docs::hold("stationary", &table);
}
