//! A metric as data: what the recorder is told of it, and what `docs/METRICS.md` says, are one thing.

use metrics::{counter, describe_counter, describe_gauge, describe_histogram};

/// What a metric is, and what to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// Its name; the end of it is the unit, as Prometheus has it.
    pub name: &'static str,
    /// How it moves.
    pub kind: Kind,
    /// Its labels; each has few values, whatever flows through the topics.
    pub labels: &'static [&'static str],
    /// What is measured.
    pub meaning: &'static str,
    /// When to look at it, and what to do then.
    pub advice: &'static str,
}

/// How a metric moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Up, from zero at the start of the process.
    Counter,
    /// Up and down.
    Gauge,
    /// A distribution: `_bucket`, `_sum` and `_count` behind its name.
    Histogram,
}

impl Metric {
    /// A count.
    pub const fn counter(
        name: &'static str,
        labels: &'static [&'static str],
        meaning: &'static str,
        advice: &'static str,
    ) -> Self {
        Self { name, kind: Kind::Counter, labels, meaning, advice }
    }

    /// A state.
    pub const fn gauge(
        name: &'static str,
        labels: &'static [&'static str],
        meaning: &'static str,
        advice: &'static str,
    ) -> Self {
        Self { name, kind: Kind::Gauge, labels, meaning, advice }
    }

    /// A distribution.
    pub const fn histogram(
        name: &'static str,
        labels: &'static [&'static str],
        meaning: &'static str,
        advice: &'static str,
    ) -> Self {
        Self { name, kind: Kind::Histogram, labels, meaning, advice }
    }

    /// What its values are counted in.
    pub fn unit(&self) -> &'static str {
        let name = self.name.strip_suffix("_total").unwrap_or(self.name);
        match name {
            _ if name.ends_with("_timestamp_seconds") => "seconds since 1970",
            _ if name.ends_with("_seconds") => "seconds",
            _ if name.ends_with("_bytes") => "bytes",
            _ if name.ends_with("_records") => "records",
            _ => "",
        }
    }

    /// The names under which Prometheus knows it.
    pub fn series(&self) -> Vec<String> {
        match self.kind {
            Kind::Counter | Kind::Gauge => vec![self.name.to_owned()],
            Kind::Histogram => ["_bucket", "_sum", "_count"].map(|end| format!("{}{end}", self.name)).into(),
        }
    }
}

/// Tells the recorder of metrics. Counters without labels begin at zero: an alert on what may never be counted needs one.
pub fn describe(metrics: &[Metric]) {
    for Metric { name, kind, labels, meaning, .. } in metrics.iter().copied() {
        match kind {
            Kind::Counter => {
                describe_counter!(name, meaning);
                if labels.is_empty() {
                    counter!(name).increment(0);
                }
            }
            Kind::Gauge => describe_gauge!(name, meaning),
            Kind::Histogram => describe_histogram!(name, meaning),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_the_end_of_the_name() {
        let unit = |name| Metric::counter(name, &[], "", "").unit();
        assert_eq!(unit("a_last_timestamp_seconds"), "seconds since 1970");
        assert_eq!(unit("a_wait_seconds_total"), "seconds");
        assert_eq!((unit("a_bytes"), unit("a_records_total"), unit("a_total")), ("bytes", "records", ""));
    }

    #[test]
    fn what_is_described_is_told_and_may_be_waited_for() {
        crate::metrics::install();
        describe(&[
            Metric::counter("service_described_total", &[], "What is counted", ""),
            Metric::counter("service_labelled_total", &["of"], "What is counted by label", ""),
        ]);
        let text = crate::metrics::render();
        assert!(text.contains("# HELP service_described_total What is counted"), "{text}");
        assert!(text.contains("\nservice_described_total 0"), "{text}");
        assert!(!text.contains("\nservice_labelled_total"), "{text}");
        assert_eq!(Metric::histogram("h", &[], "", "").series(), ["h_bucket", "h_sum", "h_count"]);
    }
}
