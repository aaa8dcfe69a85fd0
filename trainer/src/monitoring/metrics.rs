//! Monitoring's metrics: their names, what they mean, and the function that records them. Labels are from closed sets: versions
//! and categories, of which there may be any number, are in the report and in alerts.

use super::report::MonitorReport;
use metrics::{counter, gauge};
use monitor::SliceQuality;
use schemas::Alert;
use service::metrics::Metric;

/// Records read, by topic.
pub const RECORDS: &str = "plaudit_monitor_records_total";
/// Records that could not be decoded, by topic.
pub const MALFORMED: &str = "plaudit_monitor_malformed_total";
/// Alerts raised, by monitor.
pub const ALERTS: &str = "plaudit_monitor_alerts_total";
/// Episodes that go on.
pub const EPISODES: &str = "plaudit_monitor_episodes";
/// Predictions and labels that wait for each other.
pub const WAITING: &str = "plaudit_monitor_waiting";
/// Predictions that were given up to make room before their time was over, and labels.
pub const GIVEN_UP: &str = "plaudit_monitor_given_up_total";
/// A figure of the last labelled predictions, by slice: all, the version that scored last, or who gave the label.
pub const QUALITY: &str = "plaudit_quality";
/// Labelled predictions in that window, by slice.
pub const LABELLED: &str = "plaudit_quality_labelled";
/// The share of predictions whose label came in time, by slice.
pub const COVERAGE: &str = "plaudit_quality_label_coverage";
/// Half of the labels came sooner, by slice.
pub const DELAY: &str = "plaudit_quality_label_delay_seconds";
/// Population stability index of the last window of the version that scored last.
pub const PSI: &str = "plaudit_drift_psi";
/// What of it chance explains.
pub const PSI_BY_CHANCE: &str = "plaudit_drift_psi_by_chance";
/// The share of words that the version does not know.
pub const UNKNOWN_WORDS: &str = "plaudit_drift_unknown_words_share";

/// All of them.
pub const METRICS: &[Metric] = &[
    Metric::counter(
        RECORDS,
        &["topic"],
        "Records read",
        "A rate of zero while records come in: look whether the process runs, and at the lag of its group.",
    ),
    Metric::counter(
        MALFORMED,
        &["topic"],
        "Records that could not be decoded",
        "See who produces them; `plaudit dlq list` says more of reviews.",
    ),
    Metric::counter(
        ALERTS,
        &["monitor"],
        "Alerts raised",
        "`plaudit status` shows the last ones; docs/DRIFT.md says what each monitor means.",
    ),
    Metric::gauge(
        EPISODES,
        &[],
        "Episodes that go on",
        "Above zero something is beyond its threshold: `plaudit status` shows what.",
    ),
    Metric::gauge(
        WAITING,
        &["what"],
        "Predictions and labels that wait for each other",
        "When it stands at its limit, labels come too late for their predictions, or none come.",
    ),
    Metric::counter(
        GIVEN_UP,
        &["what"],
        "Predictions and labels that were given up to make room",
        "When it grows, the figures of quality miss what comes late.",
    ),
    Metric::gauge(
        QUALITY,
        &["figure", "slice"],
        "A figure of the last labelled predictions",
        "Compare it with the version's own test (`plaudit models show`); when it is worse, retrain or roll back.",
    ),
    Metric::gauge(
        LABELLED,
        &["slice"],
        "Labelled predictions in the window of the figures",
        "With few of them the figures tremble.",
    ),
    Metric::gauge(
        COVERAGE,
        &["slice"],
        "Share of predictions whose label came in time",
        "When it falls, labels are late or missing, and the figures speak of fewer reviews.",
    ),
    Metric::gauge(
        DELAY,
        &["slice"],
        "Median time between review and label",
        "When it grows, quality is known as much later.",
    ),
    Metric::gauge(
        PSI,
        &["what"],
        "Population stability index of the last window of the version that scored last",
        "Well above plaudit_drift_psi_by_chance reviews are not what the version learned from: retrain on newer ones.",
    ),
    Metric::gauge(
        PSI_BY_CHANCE,
        &["what"],
        "What of the index chance explains",
        "It is the measure of plaudit_drift_psi.",
    ),
    Metric::gauge(
        UNKNOWN_WORDS,
        &[],
        "Share of words that the version does not know",
        "When it grows, people write of something new, or in another language: look at reviews, and retrain.",
    ),
];

/// Tells the recorder of all metrics.
pub fn describe() {
    service::metrics::describe(METRICS);
}

/// Counts an alert.
pub(super) fn raised(alert: &Alert) {
    counter!(ALERTS, "monitor" => alert.monitor.clone()).increment(1);
}

/// Tells what is known.
pub(super) fn tell(report: &MonitorReport) {
    let MonitorReport { records, malformed, labels, .. } = report;
    for (topic, read, broken) in [
        ("reviews", records.reviews, malformed.reviews),
        ("predictions", records.predictions, malformed.predictions),
        ("feedback", records.feedback, malformed.feedback),
    ] {
        counter!(RECORDS, "topic" => topic).absolute(read);
        counter!(MALFORMED, "topic" => topic).absolute(broken);
    }
    gauge!(EPISODES).set(report.ongoing.len() as f64);
    gauge!(WAITING, "what" => "predictions").set(labels.waiting_predictions as f64);
    gauge!(WAITING, "what" => "labels").set(labels.waiting_labels as f64);
    counter!(GIVEN_UP, "what" => "predictions").absolute(labels.given_up);
    counter!(GIVEN_UP, "what" => "labels").absolute(labels.without_prediction);
    let current = report.versions.first();
    for quality in &report.quality {
        let slice = match quality.slice.first_key_value().map(|(kind, name)| (kind.as_str(), name.as_str())) {
            None => "all",
            Some(("version", name)) if current.is_some_and(|current| current.version.to_string() == name) => "version",
            Some(("origin", "user")) => "user",
            Some(("origin", "rating")) => "rating",
            Some(("origin", "annotator")) => "annotator",
            Some(_) => continue,
        };
        tell_quality(slice, quality);
    }
    let Some(current) = current else { return };
    let scores = current.comparison.as_ref().and_then(|comparison| comparison.scores);
    let distances = [("scores", scores.map(|gap| gap.psi)), ("words", current.words.and_then(|words| words.words))];
    for (what, distance) in distances {
        let Some(distance) = distance else { continue };
        gauge!(PSI, "what" => what).set(distance.value);
        gauge!(PSI_BY_CHANCE, "what" => what).set(distance.threshold);
    }
    if let Some(share) = current.words.and_then(|words| words.unknown_share) {
        gauge!(UNKNOWN_WORDS).set(share);
    }
}

fn tell_quality(slice: &'static str, quality: &SliceQuality) {
    let window = &quality.window;
    let figures = [
        ("accuracy", Some(window.accuracy)),
        ("f1", Some(window.f1)),
        ("macro_f1", Some(window.macro_f1)),
        ("roc_auc", window.roc_auc),
        ("log_loss", Some(window.log_loss)),
        ("ece", Some(window.ece)),
        ("accuracy_faded", Some(quality.faded.accuracy)),
        ("macro_f1_faded", Some(quality.faded.macro_f1)),
        ("log_loss_faded", Some(quality.faded.log_loss)),
    ];
    for (figure, value) in figures {
        if let Some(value) = value {
            gauge!(QUALITY, "figure" => figure, "slice" => slice).set(value);
        }
    }
    gauge!(LABELLED, "slice" => slice).set(quality.labelled as f64);
    if let Some(coverage) = quality.coverage {
        gauge!(COVERAGE, "slice" => slice).set(coverage);
    }
    gauge!(DELAY, "slice" => slice).set(quality.median_delay_seconds);
}
