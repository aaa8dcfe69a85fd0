//! An alias that is set in MLflow's own page reaches the registry's log while services run: one of them looks, and all follow
//! the log as they always do. A server that is away is looked for again later, and said so once.

use super::aliases::{Agreement, is_possible};
use super::{Error, Mirror};
use crate::Alias;
use schemas::ModelName;
use std::time::Duration;

/// Brings one alias of a model together with MLflow's, again and again.
#[derive(Debug)]
pub struct AliasFollower {
    mirror: Mirror,
    name: ModelName,
    alias: Alias,
    /// What both sides said when they last agreed: MLflow's, and the number and identity of the log's last line.
    agreed: Option<Agreed>,
    /// What was last said in the log, so that it is said once.
    complaint: Option<String>,
}

type Agreed = (Option<(String, Option<u64>)>, u64, Option<String>);

impl Mirror {
    /// Follows an alias in MLflow.
    pub fn follow(&self, name: &ModelName, alias: &Alias) -> AliasFollower {
        AliasFollower { mirror: self.clone(), name: name.clone(), alias: alias.clone(), agreed: None, complaint: None }
    }
}

impl AliasFollower {
    /// Looks each `interval`, for ever.
    pub async fn run(mut self, interval: Duration) {
        let (name, alias) = (self.name.clone(), self.alias.clone());
        if !is_possible(&alias) {
            tracing::warn!(
                "{alias} of \"{name}\" is not followed in MLflow, which knows no such alias: use letters, digits, _ and -"
            );
            return;
        }
        let mut ticks = tokio::time::interval(interval);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let complaint = match self.look().await {
                Ok(Agreement::Adopted((line, version))) => {
                    tracing::info!(model.name = %name, model.version = %version, "{alias} of \"{name}\" is {version} in MLflow, and here by line {line} of the log");
                    None
                }
                Ok(Agreement::Same | Agreement::Pushed) => None,
                Ok(Agreement::Differ(why)) => Some(why),
                Err(error) => Some(error.to_string()),
            };
            if let Some(complaint) = complaint.as_ref().filter(|complaint| self.complaint.as_ref() != Some(complaint)) {
                tracing::warn!(model.name = %name, "{alias} of \"{name}\" is not in step with MLflow: {complaint}");
            }
            self.complaint = complaint;
        }
    }

    async fn look(&mut self) -> Result<Agreement, Error> {
        let (registry, name) = (&self.mirror.registry, &self.name);
        let there = self.mirror.look(name).await?.state(&self.alias);
        if let Some((then, line, identity)) = &self.agreed
            && *then == there
            && registry.line_identity(name, line + 1).await?.is_none()
            && registry.line_identity(name, *line).await? == *identity
        {
            return Ok(Agreement::Same);
        }
        let line = registry.log_length(name).await?;
        let identity = registry.line_identity(name, line).await?;
        let agreement = self.mirror.agree(name, &self.alias).await?;
        // Whatever was changed is looked at once more, and then remembered.
        self.agreed = (agreement == Agreement::Same).then_some((there, line, identity));
        Ok(agreement)
    }
}
