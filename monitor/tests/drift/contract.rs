//! What every detector promises, whatever its method.

use monitor::{Adwin, Ddm, Detector, Kswin, PageHinkley, Signal};

fn detectors() -> Vec<Detector> {
    vec![
        Detector::Adwin(Adwin::default()),
        Detector::Ddm(Ddm::default()),
        Detector::PageHinkley(PageHinkley::new(0.05, 20.0)),
        Detector::Kswin(Kswin::default()),
    ]
}

/// Errors of one share and then of another, and so on, the same each time.
fn errors(levels: &[(usize, f64)]) -> Vec<f64> {
    let mut state = 1_u64;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    levels.iter().flat_map(|&(n, level)| vec![level; n]).map(|level| f64::from(u8::from(next() < level))).collect()
}

fn run(detector: &mut Detector, values: &[f64]) -> Vec<Signal> {
    values.iter().map(|&value| detector.update(value)).collect()
}

fn state(detector: &Detector) -> String {
    serde_json::to_string(detector).expect("a state is JSON")
}

#[test]
fn a_change_is_found_and_described() {
    for mut detector in detectors() {
        let name = detector.name();
        run(&mut detector, &errors(&[(1000, 0.1)]));
        let signals = run(&mut detector, &errors(&[(1000, 0.6)]));
        let (at, change) = signals
            .iter()
            .enumerate()
            .find_map(|(at, signal)| if let Signal::Drift(change) = signal { Some((at, *change)) } else { None })
            .unwrap_or_else(|| panic!("{name} finds nothing"));
        assert!(at < 150, "{name} needs {at}");
        assert!(change.after - change.before > 0.2, "{name}: {change:?}");
        assert!((1..=at as u64 + 200).contains(&change.age), "{name}: {change:?} at {at}");
    }
}

#[test]
fn the_same_numbers_give_the_same_answers_over_a_restart_too() {
    let values = errors(&[(700, 0.2), (700, 0.5), (700, 0.1)]);
    for detector in detectors() {
        let whole = run(&mut detector.clone(), &values);
        let mut detector = detector;
        let mut parts = Vec::new();
        for part in values.chunks(333) {
            parts.extend(run(&mut detector, part));
            detector = serde_json::from_str(&state(&detector)).unwrap();
        }
        assert_eq!(parts, whole, "{}", detector.name());
        assert!(whole.iter().any(Signal::is_drift), "{}", detector.name());
    }
}

#[test]
fn what_is_no_number_changes_nothing() {
    for mut detector in detectors() {
        run(&mut detector, &errors(&[(50, 0.2)]));
        let before = state(&detector);
        assert_eq!(run(&mut detector, &[f64::NAN, f64::INFINITY, f64::NEG_INFINITY]), [Signal::Stable; 3]);
        assert_eq!(state(&detector), before, "{}", detector.name());
    }
}

#[test]
fn extreme_numbers_make_no_nan() {
    let extreme = [0.0, 1.0, -0.0, 1e308, -1e308, f64::MIN_POSITIVE, f64::MAX, f64::MIN, 5e-324];
    let values: Vec<f64> = (0..2000).map(|i| extreme[i * i % 89 % extreme.len()]).collect();
    for mut detector in detectors() {
        for signal in run(&mut detector, &values) {
            if let Signal::Drift(change) = signal {
                assert!(change.before.is_finite() && change.after.is_finite(), "{}: {change:?}", detector.name());
            }
        }
        // JSON writes what is no number as null.
        let state = serde_json::to_value(&detector).unwrap();
        let nulls = state.to_string().matches("null").count();
        let optional = usize::from(detector.name() == "ddm") * 2;
        assert!(nulls <= optional, "{}: {state}", detector.name());
        serde_json::from_value::<Detector>(state).unwrap();
    }
}

#[test]
fn memory_is_bounded() {
    for mut detector in detectors() {
        let name = detector.name();
        // Less of KSWIN, each of whose steps is a test.
        let times = if name == "kswin" { 1 } else { 20 };
        let mut largest = 0;
        for _ in 0..times {
            run(&mut detector, &errors(&[(10_000, 0.25)]));
            largest = largest.max(state(&detector).len());
        }
        assert!(largest < 16 * 1024, "{name} has a state of {largest} bytes");
    }
}

#[test]
fn a_model_that_was_never_wrong_may_be_wrong_once() {
    for mut detector in detectors() {
        let mut values = vec![0.0; 500];
        values.push(1.0);
        values.extend([0.0; 500]);
        assert!(!run(&mut detector, &values).iter().any(Signal::is_drift), "{}", detector.name());
    }
}

#[test]
fn a_constant_never_drifts() {
    for mut detector in detectors() {
        for constant in [0.0, 1.0] {
            let mut detector = detector.clone();
            assert!(!run(&mut detector, &vec![constant; 3000]).iter().any(Signal::is_drift), "{}", detector.name());
        }
        run(&mut detector, &[]);
    }
}
