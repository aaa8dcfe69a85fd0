//! `plaudit config`: the configuration as it is after all layers.

use crate::output::Output;
use serde::Serialize;
use service::config::Effective;
use std::fmt;

/// Show the configuration in force, with secrets masked
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  plaudit config
  PLAUDIT__KAFKA__BROKERS=kafka:9092 plaudit config --json | jq .kafka")]
pub struct Args {
    #[command(flatten)]
    output: Output,
}

/// As TOML, with the origin of each value that is no default; as JSON, the values alone.
#[derive(Serialize)]
struct Shown {
    #[serde(skip)]
    text: String,
    #[serde(flatten)]
    values: toml::Table,
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

pub fn run(args: &Args, effective: &Effective) -> anyhow::Result<()> {
    let text = effective.render();
    let values = text.parse()?;
    args.output.result(&Shown { text, values })
}
