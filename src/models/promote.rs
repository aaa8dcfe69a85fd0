//! `plaudit models promote --test`: the gates before an alias is moved.

use crate::config::Config;
use crate::files::RowArgs;
use crate::progress;
use crate::usage::{WrongUsage, sorted};
use anyhow::bail;
use registry::{Alias, Author, Registry, Verdict};
use schemas::{ModelName, ModelVersion};
use std::path::PathBuf;
use trainer::{Challenge, Dataset, Error, Judgement, VerdictPage};

#[derive(clap::Args)]
pub struct GateArgs {
    /// Files to test on, against the version that the alias stands for; the gates of the section `promotion` must hold
    #[arg(long, num_args = 1.., value_name = "FILE")]
    test: Vec<PathBuf>,
    #[command(flatten)]
    rows: RowArgs,
    /// Promote it even if a gate does not hold; needs --reason
    #[arg(long, requires = "test")]
    force: bool,
}

impl GateArgs {
    /// What the gates say, and behind which line of the log they say it; an error where they forbid it. A promotion without a
    /// test is a person's word, which holds whatever the log says meanwhile, and so is a forced one.
    pub async fn verdict(
        self,
        registry: &Registry,
        config: &Config,
        (name, version, alias): (&ModelName, ModelVersion, &Alias),
        author: &Author,
    ) -> anyhow::Result<(Option<Verdict>, Option<u64>)> {
        if self.force && author.why.trim().is_empty() {
            return Err(WrongUsage("--force needs --reason TEXT, which the log keeps".to_owned()).into());
        }
        if self.test.is_empty() {
            return Ok((None, None));
        }
        let challenge = Challenge {
            name: name.clone(),
            version,
            alias: alias.clone(),
            data: Dataset::files(self.test, self.rows.options()),
            config: config.promotion.clone(),
        };
        let judgement = trainer::verdict(registry, challenge, progress::show()).await;
        let Judgement { verdict, line } = judgement.map_err(|error| sorted(error, Error::is_wrong_usage))?;
        let only_after = (!self.force).then_some(line);
        let Some(verdict) = verdict else { return Ok((None, only_after)) };
        if !verdict.passed && !self.force {
            let page = VerdictPage(&verdict).to_string();
            let failed: Vec<&str> = page.lines().map(str::trim).filter(|line| line.starts_with("FAILED")).collect();
            let reason = verdict.reason.unwrap_or_else(|| failed.join("; ").replace("FAILED ", ""));
            bail!("{alias} stays where it is, the gates did not hold: {reason} (--force --reason TEXT overrules)");
        }
        Ok((Some(Verdict { forced: !verdict.passed, ..verdict }), only_after))
    }
}
