//! Section `[retrain]` of the configuration.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a retraining learns from, and when one begins by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetrainConfig {
    /// How far back rows go where nothing else is asked for.
    pub window_days: u32,
    /// The share of the rows, the newest ones, on which the new version is compared with production.
    pub test_share: f64,
    /// With fewer rows to learn from there is no run.
    pub min_train_rows: u64,
    /// With fewer rows to compare on there is no run.
    pub min_test_rows: u64,
    /// Of the larger class stay at most so many rows for each of the smaller one.
    pub max_ratio: f64,
    /// The zone of the schedule's times.
    pub timezone: String,
    /// What happens to slots that passed while no process was there to see them.
    pub catch_up: CatchUp,
    /// The monitors whose alerts begin a run.
    pub on_drift: Vec<String>,
    /// For so long after a version was made, no alert begins a run; alerts that are older begin none either.
    pub drift_cooldown_hours: u32,
    /// So many runs a day (UTC) alerts may begin.
    pub drift_runs_per_day: u32,
    /// How often a run that failed in passing is tried again.
    pub retries: u32,
    /// The pause before the first time; before each further one it doubles, up to an hour.
    pub retry_backoff_seconds: u64,
    /// When a process that retrains gives no sign of life for so long, another may.
    pub lease_seconds: u64,
    /// The folder for rows on their way; empty for the system's.
    pub temp_dir: String,
}

/// What happens to slots that were missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CatchUp {
    /// However many were missed, one run makes up for them.
    Once,
    /// The next slot is the next run.
    None,
}

impl RetrainConfig {
    /// What is wrong with the section, if anything.
    pub fn check(&self) -> Result<(), String> {
        if self.window_days == 0 {
            return Err("retrain.window_days must be 1 or more".to_owned());
        }
        if !(self.test_share > 0.0 && self.test_share < 1.0) {
            return Err("retrain.test_share must lie above 0 and below 1, such as 0.2".to_owned());
        }
        if self.min_test_rows == 0 || self.min_train_rows == 0 {
            return Err("retrain.min_train_rows and retrain.min_test_rows must be 1 or more".to_owned());
        }
        if !(self.max_ratio >= 1.0 && self.max_ratio.is_finite()) {
            return Err("retrain.max_ratio must be 1 or more, such as 3".to_owned());
        }
        if self.drift_runs_per_day == 0 {
            return Err("retrain.drift_runs_per_day must be 1 or more; for none, empty retrain.on_drift".to_owned());
        }
        if self.retry_backoff_seconds == 0 {
            return Err("retrain.retry_backoff_seconds must be 1 or more".to_owned());
        }
        if self.lease_seconds < 3 {
            return Err("retrain.lease_seconds must be 3 or more: it is renewed each third of that".to_owned());
        }
        // Whether there is such a zone.
        super::Schedule::parse("0 0 * * *", &self.timezone)
            .map(|_| ())
            .map_err(|error| format!("retrain.timezone: {error}"))
    }

    /// How long others wait for a sign of life.
    pub fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_seconds)
    }

    /// How long a version that was made is left alone by alerts.
    pub(super) fn cooldown_millis(&self) -> i64 {
        i64::from(self.drift_cooldown_hours) * 3_600_000
    }

    /// The pause before an attempt is made again; `chance` from 0 to 1 keeps processes that failed together apart.
    pub(super) fn backoff(&self, attempt: u32, chance: f64) -> Duration {
        const LONGEST: Duration = Duration::from_secs(3600);
        let doubled = 1_u64.checked_shl(attempt.saturating_sub(1)).unwrap_or(u64::MAX);
        let pause = Duration::from_secs(self.retry_backoff_seconds.saturating_mul(doubled)).min(LONGEST);
        pause.mul_f64(0.5 + 0.5 * chance.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
pub(super) fn sample() -> RetrainConfig {
    RetrainConfig {
        window_days: 90,
        test_share: 0.2,
        min_train_rows: 1000,
        min_test_rows: 200,
        max_ratio: 3.0,
        timezone: "UTC".to_owned(),
        catch_up: CatchUp::Once,
        on_drift: vec!["labels".to_owned()],
        drift_cooldown_hours: 24,
        drift_runs_per_day: 2,
        retries: 3,
        retry_backoff_seconds: 60,
        lease_seconds: 60,
        temp_dir: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_refused_by_its_key() {
        assert_eq!(sample().check(), Ok(()));
        for (wrong, key) in [
            (RetrainConfig { window_days: 0, ..sample() }, "retrain.window_days"),
            (RetrainConfig { test_share: 1.0, ..sample() }, "retrain.test_share"),
            (RetrainConfig { max_ratio: f64::NAN, ..sample() }, "retrain.max_ratio"),
            (RetrainConfig { lease_seconds: 1, ..sample() }, "retrain.lease_seconds"),
            (RetrainConfig { timezone: "Mars".to_owned(), ..sample() }, "retrain.timezone"),
        ] {
            assert!(wrong.check().is_err_and(|error| error.contains(key)), "{key}");
        }
    }

    #[test]
    fn pauses_double_up_to_an_hour_and_chance_takes_up_to_half() {
        let config = sample();
        let seconds = |attempt, chance| config.backoff(attempt, chance).as_secs_f64();
        assert_eq!([seconds(1, 1.0), seconds(2, 1.0), seconds(3, 1.0)], [60.0, 120.0, 240.0]);
        assert_eq!([seconds(1, 0.0), seconds(40, 1.0), seconds(400, 1.0)], [30.0, 3600.0, 3600.0]);
    }
}
