//! The same numbers as River and SciPy.

use crate::golden;
use monitor::{
    Adwin, Ddm, Detector, KolmogorovSmirnov, Kswin, PageHinkley, Signal, chi_squared_quantile, chi_squared_tail,
    jensen_shannon,
};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Series {
    thousandths: Vec<u32>,
    adwin: OfAdwin,
    ddm: OfDdm,
    page_hinkley: Found,
    kswin: OfKswin,
}

#[derive(Deserialize)]
struct Found {
    drifts: Vec<usize>,
}

#[derive(Deserialize)]
struct OfAdwin {
    drifts: Vec<usize>,
    /// Width, total and spread after each 500 numbers.
    states: Vec<(f64, f64, f64)>,
}

#[derive(Deserialize)]
struct OfDdm {
    drifts: Vec<usize>,
    warnings: usize,
}

#[derive(Deserialize)]
struct OfKswin {
    drifts: Vec<usize>,
    /// After each 500 numbers.
    p_values: Vec<f64>,
}

impl Series {
    fn values(&self) -> Vec<f64> {
        self.thousandths.iter().map(|&value| f64::from(value) / 1000.0).collect()
    }
}

fn series() -> BTreeMap<String, Series> {
    golden("detectors")
}

fn close(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-9 * one.abs().max(other.abs()).max(1e-3)
}

fn drifts(mut detector: Detector, values: impl IntoIterator<Item = f64>) -> Vec<usize> {
    let signals = values.into_iter().enumerate().map(|(at, value)| (at, detector.update(value)));
    signals.filter(|(_, signal)| signal.is_drift()).map(|(at, _)| at).collect()
}

#[test]
fn page_hinkley_finds_what_rivers_finds() {
    for (name, series) in series() {
        let found = drifts(Detector::PageHinkley(PageHinkley::new(0.005, 10.0)), series.values());
        assert_eq!(found, series.page_hinkley.drifts, "{name}");
    }
}

#[test]
fn ddm_finds_what_rivers_finds() {
    for (name, series) in series() {
        let mut detector = Detector::Ddm(Ddm::default());
        let errors = series.values().into_iter().map(|value| f64::from(u8::from(value >= 0.5)));
        let signals: Vec<Signal> = errors.map(|error| detector.update(error)).collect();
        let drifts: Vec<usize> =
            signals.iter().enumerate().filter(|(_, signal)| signal.is_drift()).map(|(at, _)| at).collect();
        let warnings = signals.iter().filter(|signal| matches!(signal, Signal::Warning)).count();
        assert_eq!((drifts, warnings), (series.ddm.drifts, series.ddm.warnings), "{name}");
    }
}

#[test]
fn kswin_finds_what_rivers_finds_and_computes_its_p_values() {
    for (name, series) in series() {
        let mut kswin = Detector::Kswin(Kswin::default());
        let (mut drifts, mut p_values) = (Vec::new(), Vec::new());
        for (at, value) in series.values().into_iter().enumerate() {
            if kswin.update(value).is_drift() {
                drifts.push(at);
            }
            if let (499, Detector::Kswin(kswin)) = (at % 500, &kswin) {
                p_values.push(kswin.p_value());
            }
        }
        assert_eq!(drifts, series.kswin.drifts, "{name}");
        assert_eq!(p_values.len(), series.kswin.p_values.len());
        for (own, river) in p_values.iter().zip(&series.kswin.p_values) {
            assert!(close(*own, *river), "{name}: {own} {river}");
        }
    }
}

#[test]
fn adwin_has_rivers_window_and_finds_what_rivers_finds() {
    for (name, series) in series() {
        let mut adwin = Detector::Adwin(Adwin::default());
        let mut drifts = Vec::new();
        for (at, value) in series.values().into_iter().enumerate() {
            if adwin.update(value).is_drift() {
                drifts.push(at);
            }
            if let (499, Detector::Adwin(adwin)) = (at % 500, &adwin) {
                let (width, total, spread) = series.adwin.states[at / 500];
                assert_eq!(adwin.width() as f64, width, "{name} at {at}");
                assert!(close(adwin.total(), total) && close(adwin.spread(), spread), "{name} at {at}");
            }
        }
        assert_eq!(drifts, series.adwin.drifts, "{name}");
    }
}

#[derive(Deserialize)]
struct Distances {
    chi_squared_quantiles: Vec<(f64, usize, f64)>,
    chi_squared_tails: Vec<(f64, usize, f64)>,
    jensen_shannon: Vec<Pair>,
    kolmogorov_smirnov: Vec<Test>,
}

#[derive(Deserialize)]
struct Pair {
    p: Vec<u64>,
    q: Vec<u64>,
    jensen_shannon: f64,
}

#[derive(Deserialize)]
struct Test {
    one: Vec<f64>,
    other: Vec<f64>,
    statistic: f64,
    p_value: f64,
}

#[test]
fn chi_squared_is_scipys() {
    let golden: Distances = golden("distances");
    for (below, k, expected) in golden.chi_squared_quantiles {
        let quantile = chi_squared_quantile(1.0 - below, k);
        assert!(close(quantile, expected), "{below} of {k}: {quantile} {expected}");
    }
    for (x, k, expected) in golden.chi_squared_tails {
        let tail = chi_squared_tail(x, k);
        assert!((tail - expected).abs() <= 1e-9 * expected.max(1e-6), "{x} of {k}: {tail} {expected}");
    }
}

#[test]
fn jensen_shannon_is_scipys() {
    for Pair { p, q, jensen_shannon: expected } in golden::<Distances>("distances").jensen_shannon {
        let found = jensen_shannon(&p, &q, 0.01).unwrap().value;
        assert!(close(found, expected), "{found} {expected}");
    }
}

#[test]
fn kolmogorov_smirnov_is_scipys() {
    for Test { one, other, statistic, p_value } in golden::<Distances>("distances").kolmogorov_smirnov {
        let found = KolmogorovSmirnov::of(&one, &other);
        assert!(close(found.distance, statistic), "{found:?} {statistic}");
        // Exact where the sizes are equal, else the limit for large samples.
        let tolerance = if one.len() == other.len() { 1e-9 } else { 0.02 };
        assert!((found.p_value - p_value).abs() <= tolerance, "{found:?} {p_value}");
    }
}
