//! Delay and false alarms beside River's, on the errors of a classifier over River's generated streams. The table of
//! `docs/DRIFT.md` is made here.

use crate::{docs, golden};
use monitor::{Adwin, Ddm, Detector, Kswin, PageHinkley};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write;

#[derive(Deserialize)]
struct Streams {
    before: usize,
    after: usize,
    runs: Vec<Run>,
}

#[derive(Deserialize)]
struct Run {
    kind: String,
    seed: u64,
    /// A bit each, the first one highest, in hexadecimal digits.
    errors: String,
    river: BTreeMap<String, Vec<usize>>,
}

impl Run {
    fn errors(&self, n: usize) -> Vec<f64> {
        let nibbles =
            self.errors.chars().map(|digit| digit.to_digit(16).expect("errors are written in hexadecimal digits"));
        let bits = nibbles.flat_map(|nibble| (0..4).rev().map(move |bit| f64::from(nibble >> bit & 1)));
        bits.take(n).collect()
    }
}

const DETECTORS: [&str; 4] = ["adwin", "ddm", "page_hinkley", "kswin"];
const STATIONARY: &str = "stationary";

fn detector(name: &str, seed: u64) -> Detector {
    match name {
        "adwin" => Detector::Adwin(Adwin::default()),
        "ddm" => Detector::Ddm(Ddm::default()),
        "page_hinkley" => Detector::PageHinkley(PageHinkley::default()),
        _ => Detector::Kswin(Kswin::new(0.005, 100, 30, seed)),
    }
}

/// What one detector did on all streams of a kind.
#[derive(Debug, Default)]
struct Tally {
    false_alarms: usize,
    quiet: usize,
    delays: Vec<usize>,
    runs: usize,
}

impl Tally {
    /// Before the drift each alarm is a false one; the first behind it ends the delay.
    fn add(&mut self, found: &[usize], drift_at: Option<usize>, all: usize) {
        let quiet = drift_at.unwrap_or(all);
        self.runs += 1;
        self.quiet += quiet;
        self.false_alarms += found.iter().filter(|&&at| at < quiet).count();
        self.delays.extend(found.iter().find(|&&at| at >= quiet).map(|at| at - quiet));
    }

    /// The mean delay, where a drift that was not found counts as found at the end.
    fn mean_delay(&self, at_most: usize) -> f64 {
        let missed = (self.runs - self.delays.len()) * at_most;
        (self.delays.iter().sum::<usize>() + missed) as f64 / self.runs as f64
    }

    fn false_alarms_per_ten_thousand(&self) -> f64 {
        1e4 * self.false_alarms as f64 / self.quiet as f64
    }
}

/// By kind of stream and detector: ours, River's.
fn tallies(streams: &Streams) -> Vec<(String, &'static str, [Tally; 2])> {
    let all = streams.before + streams.after;
    let mut kinds: Vec<&String> = streams.runs.iter().map(|run| &run.kind).collect();
    kinds.dedup();
    let mut tallies = Vec::new();
    for kind in kinds {
        for name in DETECTORS {
            let mut pair = <[Tally; 2]>::default();
            for run in streams.runs.iter().filter(|run| run.kind == *kind) {
                let drift_at = (run.kind != STATIONARY).then_some(streams.before);
                let mut detector = detector(name, run.seed);
                let signals = run.errors(all).into_iter().map(|error| detector.update(error));
                let found: Vec<usize> =
                    signals.enumerate().filter(|(_, signal)| signal.is_drift()).map(|(at, _)| at).collect();
                pair[0].add(&found, drift_at, all);
                pair[1].add(&run.river[name], drift_at, all);
            }
            tallies.push((kind.clone(), name, pair));
        }
    }
    tallies
}

fn table(streams: &Streams) -> String {
    let mut table = String::from(
        "| stream | detector | found | mean delay | false alarms per 10,000 | River: found | mean delay | false alarms |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for (kind, name, [ours, rivers]) in tallies(streams) {
        let cells = |tally: &Tally| {
            let (found, delay) = match kind.as_str() {
                STATIONARY => ("".to_owned(), "".to_owned()),
                _ => (
                    format!("{} of {}", tally.delays.len(), tally.runs),
                    format!("{:.0}", tally.mean_delay(streams.after)),
                ),
            };
            format!("{found} | {delay} | {:.2}", tally.false_alarms_per_ten_thousand())
        };
        writeln!(table, "| {kind} | {name} | {} | {} |", cells(&ours), cells(&rivers))
            .expect("a string takes any text");
    }
    table
}

#[test]
fn delays_and_false_alarms_are_not_worse_than_rivers() {
    let streams: Streams = golden("streams");
    for name in DETECTORS {
        let mut sums = [(0.0, 0, 0); 2];
        for (_, _, pair) in tallies(&streams).iter().filter(|(kind, of, _)| *of == name && kind != STATIONARY) {
            for (sum, tally) in sums.iter_mut().zip(pair) {
                *sum =
                    (sum.0 + tally.mean_delay(streams.after), sum.1 + tally.delays.len(), sum.2 + tally.false_alarms);
            }
        }
        let [ours, rivers] = sums;
        let (slack, alarms) = match name {
            // Chance alone sets two KSWINs apart, which draw other numbers.
            "kswin" => (1.1, 5),
            // River's begins anew at the first error of a model that was right 30 times. That is a false alarm, which ours does
            // not raise, and afterwards it knows less and moves sooner.
            "ddm" => (1.05, 0),
            _ => (1.0, 0),
        };
        assert!(ours.0 <= rivers.0 * slack + 1e-9, "{name}: delays {ours:?} {rivers:?}");
        assert!(ours.1 >= rivers.1, "{name}: found {ours:?} {rivers:?}");
        assert!(ours.2 <= rivers.2 + alarms, "{name}: false alarms {ours:?} {rivers:?}");
    }
}

#[test]
fn the_table_of_the_docs_is_what_the_streams_give() {
    docs::hold("streams", &table(&golden("streams")));
}
