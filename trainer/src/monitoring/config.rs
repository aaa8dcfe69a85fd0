//! Section `[monitor]` of the configuration.

use super::watch::MONITORS;
use monitor::{Adwin, Ddm, Detector, Hysteresis, Kswin, PageHinkley, QualityConfig};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What is watched, how much is remembered, and what becomes an alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MonitorConfig {
    /// How many predictions or labelled predictions are looked at together.
    pub window: usize,
    /// By which factor each labelled prediction counts less than the next in the figures that fade.
    pub fading: f64,
    /// A label counts as missing when it has not come within so many seconds after its review.
    pub maturity_seconds: u64,
    /// How many predictions wait for a label, and labels for a prediction, at most; the oldest are given up.
    pub max_waiting: usize,
    /// How many model versions are watched: the last ones.
    pub max_versions: usize,
    /// The field of a review by which figures are parted, such as category; empty for none.
    pub category_field: String,
    /// How many of its values have figures of their own; the others are one together.
    pub max_categories: usize,
    /// So far back a service reads when it starts, to know again what it knew.
    pub memory_hours: u64,
    /// What finds a change of the errors.
    pub error_detector: DetectorName,
    /// What finds a change of the scores.
    pub score_detector: DetectorName,
    /// A change of the error rate, or of the mean score, that is smaller is no news.
    pub least_change: f64,
    /// A population stability index below this is no news.
    pub least_psi: f64,
    /// The chance of calling a window different that is not.
    pub alpha: f64,
    /// So many windows in a row beyond a threshold begin an episode.
    pub alert_after: u32,
    /// It ends only when the value is below this share of the threshold,
    pub clear_below: f64,
    /// for so many windows in a row.
    pub clear_after: u32,
    /// The monitors that raise alerts.
    pub alerts: Vec<String>,
}

/// A detector by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DetectorName {
    /// ADWIN.
    Adwin,
    /// DDM, for errors only.
    Ddm,
    /// Page-Hinkley.
    PageHinkley,
    /// KSWIN.
    Kswin,
}

impl DetectorName {
    pub(super) fn begin(self) -> Detector {
        match self {
            Self::Adwin => Detector::Adwin(Adwin::default()),
            Self::Ddm => Detector::Ddm(Ddm::default()),
            Self::PageHinkley => Detector::PageHinkley(PageHinkley::default()),
            Self::Kswin => Detector::Kswin(Kswin::default()),
        }
    }
}

impl Default for MonitorConfig {
    fn default() -> Self {
        let QualityConfig { window, fading, maturity_seconds, max_waiting, max_versions, max_categories } =
            QualityConfig::default();
        let Hysteresis { begin_after, end_below, end_after } = Hysteresis::default();
        Self {
            window,
            fading,
            maturity_seconds,
            max_waiting,
            max_versions,
            category_field: String::new(),
            max_categories,
            memory_hours: 168,
            error_detector: DetectorName::Adwin,
            score_detector: DetectorName::Adwin,
            least_change: 0.02,
            least_psi: 0.1,
            alpha: 0.001,
            alert_after: begin_after,
            clear_below: end_below,
            clear_after: end_after,
            alerts: MONITORS.iter().filter(|name| **name != "shift").map(|name| (*name).to_owned()).collect(),
        }
    }
}

impl MonitorConfig {
    /// What is wrong with the section, if anything.
    pub fn check(&self) -> Result<(), String> {
        self.quality().check()?;
        if self.score_detector == DetectorName::Ddm {
            return Err(
                "monitor.score_detector = \"ddm\" looks at errors only: use adwin, page_hinkley or kswin".to_owned()
            );
        }
        for (name, value) in
            [("least_change", self.least_change), ("alpha", self.alpha), ("clear_below", self.clear_below)]
        {
            if !(value > 0.0 && value < 1.0) {
                return Err(format!("monitor.{name} = {value} must lie above 0 and below 1"));
            }
        }
        if !(self.least_psi >= 0.0 && self.least_psi.is_finite()) {
            return Err(format!("monitor.least_psi = {} must be 0 or more, such as 0.1", self.least_psi));
        }
        if self.alert_after == 0 || self.clear_after == 0 {
            return Err("monitor.alert_after and monitor.clear_after must be 1 or more".to_owned());
        }
        match self.alerts.iter().find(|name| !MONITORS.contains(&name.as_str())) {
            None => Ok(()),
            Some(unknown) => {
                Err(format!("monitor.alerts names \"{unknown}\", which is none of {}", MONITORS.join(", ")))
            }
        }
    }

    pub(super) fn quality(&self) -> QualityConfig {
        QualityConfig {
            window: self.window,
            fading: self.fading,
            maturity_seconds: self.maturity_seconds,
            max_waiting: self.max_waiting,
            max_versions: self.max_versions,
            max_categories: self.max_categories,
        }
    }

    pub(super) fn hysteresis(&self) -> Hysteresis {
        Hysteresis { begin_after: self.alert_after, end_below: self.clear_below, end_after: self.clear_after }
    }

    pub(super) fn memory(&self) -> Duration {
        Duration::from_secs(self.memory_hours.saturating_mul(3600))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_work_is_named() {
        let sound = MonitorConfig::default();
        assert_eq!(sound.check(), Ok(()));
        for (wrong, named) in [
            (MonitorConfig { window: 1, ..sound.clone() }, "monitor.window"),
            (MonitorConfig { alpha: 0.0, ..sound.clone() }, "monitor.alpha"),
            (MonitorConfig { least_psi: f64::NAN, ..sound.clone() }, "monitor.least_psi"),
            (MonitorConfig { alert_after: 0, ..sound.clone() }, "monitor.alert_after"),
            (MonitorConfig { score_detector: DetectorName::Ddm, ..sound.clone() }, "monitor.score_detector"),
            (MonitorConfig { alerts: vec!["wrods".to_owned()], ..sound }, "wrods"),
        ] {
            assert!(wrong.check().unwrap_err().contains(named), "{named}");
        }
    }
}
