//! Section `[mlflow]` of the configuration.

use serde::Deserialize;
use std::fmt;
use std::time::Duration;

/// Which MLflow server hears of every training run, and how it is asked.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MlflowConfig {
    /// Where it is; empty for none.
    pub url: String,
    /// The experiment that runs go to.
    pub experiment: String,
    /// The user's name, with the password; empty for none.
    pub user: String,
    /// The password.
    pub password: String,
    /// A bearer token, in place of user and password; empty for none.
    pub token: String,
    /// A request that takes longer is given up; uploads have as much again for each 10 MiB.
    pub timeout_seconds: u64,
    /// How often running services look for an alias that was set in MLflow.
    pub poll_interval_ms: u64,
}

impl MlflowConfig {
    /// Whether there is a server.
    pub fn is_enabled(&self) -> bool {
        !self.url.is_empty()
    }

    /// How often running services look for an alias that was set in MLflow.
    pub fn poll_interval(&self) -> Duration {
        Duration::from_millis(self.poll_interval_ms)
    }

    /// What is wrong with the section, if anything.
    pub fn check(&self) -> Result<(), String> {
        if self.timeout_seconds == 0 || self.poll_interval_ms == 0 {
            return Err("mlflow.timeout_seconds and mlflow.poll_interval_ms are at least 1".to_owned());
        }
        if !self.is_enabled() {
            return Ok(());
        }
        let url = reqwest::Url::parse(&self.url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let Some(url) = url else {
            return Err("mlflow.url is no address: write http://host:port or https://host/path".to_owned());
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err("mlflow.url holds a user or a password: set mlflow.user and mlflow.password".to_owned());
        }
        if self.experiment.trim().is_empty() {
            return Err("mlflow.experiment is empty: give the experiment that runs go to".to_owned());
        }
        if !self.token.is_empty() && !self.user.is_empty() {
            return Err("mlflow.token and mlflow.user are both set: set one of them".to_owned());
        }
        Ok(())
    }
}

/// Without secrets.
impl fmt::Debug for MlflowConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MlflowConfig")
            .field("url", &self.url)
            .field("experiment", &self.experiment)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_of_no_use_is_named() {
        let sound = MlflowConfig {
            url: "https://mlflow.example/path".into(),
            experiment: "plaudit".into(),
            timeout_seconds: 30,
            poll_interval_ms: 5000,
            ..MlflowConfig::default()
        };
        assert_eq!(sound.check(), Ok(()));
        assert_eq!(MlflowConfig { url: String::new(), experiment: String::new(), ..sound.clone() }.check(), Ok(()));
        for (wrong, named) in [
            (MlflowConfig { url: "mlflow:5000".into(), ..sound.clone() }, "mlflow.url"),
            (MlflowConfig { url: "http://ann:pw@host".into(), ..sound.clone() }, "mlflow.password"),
            (MlflowConfig { experiment: " ".into(), ..sound.clone() }, "mlflow.experiment"),
            (MlflowConfig { token: "t".into(), user: "ann".into(), ..sound.clone() }, "mlflow.token"),
            (MlflowConfig { timeout_seconds: 0, ..sound.clone() }, "mlflow.timeout_seconds"),
        ] {
            assert!(wrong.check().is_err_and(|error| error.contains(named) && !error.contains("pw@")), "{named}");
        }
        let secret = MlflowConfig { token: "hunter2".into(), ..sound };
        assert!(!format!("{secret:?}").contains("hunter2"));
    }
}
