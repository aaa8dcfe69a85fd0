//! `plaudit models`: what the registry holds, moving its aliases, and carrying versions from one to another.

mod history;
mod promote;
mod report;
mod transfer;

use crate::config::Config;
use crate::mlflow;
use crate::output::Output;
use crate::usage::WrongUsage;
use crate::who;
use history::{History, Moment};
use registry::{Alias, Author, Move, Reference, Registry, Tag, tenure_at};
use report::{Deleted, InStep, Moved, Noted, Version, Versions};
use schemas::{ModelName, Timestamp};
use std::path::PathBuf;
use trainer::overtaken;

/// List model versions, promote or roll back, tag, see who did so, export and import
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  plaudit models list
  plaudit models promote v3 --why \"+0.4 % F1 on last week\"
  plaudit models rollback")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
    /// The model; without it, model.name of the configuration
    #[arg(long, global = true, value_name = "NAME")]
    name: Option<ModelName>,
    #[command(flatten)]
    output: Output,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// List the versions of a model
    #[command(after_help = "\
Examples:
  plaudit models list
  plaudit models list --registry /srv/models --json")]
    List,
    /// Show what a version is and how it was made
    #[command(after_help = "\
Examples:
  plaudit models show
  plaudit models show v3 --json")]
    Show {
        /// A version or an alias
        #[arg(value_name = "VERSION or ALIAS", default_value = "production")]
        version: Reference,
    },
    /// Make an alias stand for a version; running services follow within a second
    #[command(after_help = "\
Examples:
  plaudit models promote v3
  plaudit models promote v3 --to staging
  plaudit models promote v4 --alias canary --why \"trained on May\"
  plaudit models promote canary
  plaudit models promote v4 --test june.parquet --column rating=stars")]
    Promote {
        /// A version, or an alias that stands for one
        #[arg(value_name = "VERSION")]
        version: Reference,
        #[command(flatten)]
        change: ChangeArgs,
        #[command(flatten)]
        gates: promote::GateArgs,
    },
    /// Make an alias stand for what it stood for before; again goes one more step back
    #[command(after_help = "\
Examples:
  plaudit models rollback
  plaudit models rollback --alias canary --why \"slower\"")]
    Rollback {
        #[command(flatten)]
        change: ChangeArgs,
    },
    /// Show who did what in the registry, when and why; with --at, which version was in production then
    #[command(after_help = "\
Examples:
  plaudit models log
  plaudit models log --alias production
  plaudit models log --alias production --at 2026-11-01T00:00Z")]
    Log {
        /// Only the moves of this alias, with how long each version held it
        #[arg(long)]
        alias: Option<Alias>,
        /// What the alias (production, without --alias) stood for at this time, such as 2026-11-01T00:00Z
        #[arg(long, value_name = "TIME", value_parser = time)]
        at: Option<Timestamp>,
    },
    /// Give a version tags (key=value), or take them away (key-)
    #[command(after_help = "\
Examples:
  plaudit models tag v3 team=search dataset=may
  plaudit models tag production reviewed-")]
    Tag {
        /// A version or an alias
        #[arg(value_name = "VERSION or ALIAS")]
        version: Reference,
        /// The tags
        #[arg(required = true, value_name = "KEY=VALUE or KEY-")]
        tags: Vec<Tag>,
        #[command(flatten)]
        author: AuthorArgs,
    },
    /// Describe a version in words, in place of what was said before
    #[command(after_help = "\
Example:
  plaudit models describe v3 \"trained on May, without the returns\"")]
    Describe {
        /// A version or an alias
        #[arg(value_name = "VERSION or ALIAS")]
        version: Reference,
        /// The description; an empty one takes it away
        #[arg(value_name = "TEXT")]
        text: String,
        #[command(flatten)]
        author: AuthorArgs,
    },
    /// Delete a version that no alias stands for
    #[command(after_help = "\
Example:
  plaudit models delete v2 --why \"trained on wrong labels\"")]
    Delete {
        /// The version
        #[arg(value_name = "VERSION")]
        version: Reference,
        #[command(flatten)]
        author: AuthorArgs,
    },
    /// Send to MLflow what it lacks: versions with their runs, and aliases; take over aliases that were set there
    #[command(after_help = "\
Examples:
  plaudit models sync
  plaudit models sync --set mlflow.url=http://mlflow:5000 --json")]
    Sync,
    /// Write a version with its tags into one file, for another registry
    #[command(after_help = "\
Example:
  plaudit models export v3 --output sentiment-v3.tar")]
    Export {
        /// A version or an alias
        #[arg(value_name = "VERSION or ALIAS", default_value = "production")]
        version: Reference,
        /// The file, a tar archive
        #[arg(long, value_name = "FILE")]
        output: PathBuf,
    },
    /// Register a version that was exported, under the next number here
    #[command(after_help = "\
Examples:
  plaudit models import sentiment-v3.tar
  plaudit models import sentiment-v3.tar --name sentiment-eu")]
    Import {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        author: AuthorArgs,
    },
}

/// `2026-11-01T00:00Z` and everything that our records may say.
fn time(text: &str) -> Result<Timestamp, String> {
    // A minute is exact enough for a question.
    let to_the_minute = text.strip_suffix('Z').filter(|text| text.len() == "2026-11-01T00:00".len());
    let time = Timestamp::parse(text).or_else(|| Timestamp::parse(&format!("{}:00Z", to_the_minute?)));
    time.ok_or_else(|| format!("`{text}` is no time: write 2026-11-01T00:00Z, or the milliseconds since 1970"))
}

#[derive(clap::Args)]
struct ChangeArgs {
    /// The alias
    #[arg(long, visible_alias = "to", default_value = "production")]
    alias: Alias,
    #[command(flatten)]
    author: AuthorArgs,
}

#[derive(clap::Args)]
struct AuthorArgs {
    /// The reason, for the log
    #[arg(long, visible_alias = "reason", value_name = "TEXT", default_value = "", hide_default_value = true)]
    why: String,
    /// Who does it, for the log; without it, the user's name
    #[arg(long, value_name = "NAME")]
    who: Option<String>,
}

impl AuthorArgs {
    fn author(self) -> Author {
        Author::new(self.who.unwrap_or_else(who::user), self.why)
    }
}

pub async fn run(args: Args, config: Config) -> anyhow::Result<()> {
    let registry = Registry::open(&config.registry.url)?;
    let name = args.name.clone().unwrap_or_else(|| config.model.name.clone());
    let output = args.output;
    match args.verb {
        Verb::List => {
            let (versions, aliases) = (registry.versions(&name).await?, registry.aliases(&name).await?);
            let notes = registry.notes(&name).await?;
            output.result(&Versions::new(name, config.registry.url, versions, &aliases, notes))
        }
        Verb::Show { version } => {
            let version = registry.resolve(&name, &version).await?;
            let (manifest, aliases) = (registry.manifest(&name, version).await?, registry.aliases(&name).await?);
            let notes = registry.notes(&name).await?.remove(&version).unwrap_or_default();
            output.result(&Version::new(manifest, &aliases, notes))
        }
        Verb::Promote { version, change, gates } => {
            let version = registry.resolve(&name, &version).await?;
            let author = change.author.author();
            let alias = change.alias;
            let (verdict, only_after) = gates.verdict(&registry, &config, (&name, version, &alias), &author).await?;
            let change = Move { alias: alias.clone(), version, verdict, only_after };
            let standing = registry.move_alias(&name, change, &author).await?;
            if standing.entry.version != version {
                let reason = overtaken(None, &alias, &standing.entry).reason.unwrap_or_default();
                anyhow::bail!("{alias} stays where it is: {reason}");
            }
            tell_mlflow(&config, &registry, &name).await;
            output.result(&Moved { name, entry: standing.entry, moved: standing.is_new })
        }
        Verb::Rollback { change } => {
            let Author { who, why } = change.author.author();
            let entry = registry.rollback(&name, &change.alias, &who, &why).await?;
            tell_mlflow(&config, &registry, &name).await;
            output.result(&Moved { name, entry, moved: true })
        }
        Verb::Log { alias, at: None } => {
            let entries = registry.log(&name).await?;
            output.result(&History::new(name, entries, alias.as_ref()))
        }
        Verb::Log { alias, at: Some(at) } => {
            let alias = alias.unwrap_or_else(|| "production".parse().expect("production is an alias"));
            let tenure = tenure_at(&registry.log(&name).await?, &alias, at);
            output.result(&Moment { name, alias, at, tenure })
        }
        Verb::Tag { version, tags, author } => {
            let version = registry.resolve(&name, &version).await?;
            let author = author.author();
            for tag in tags {
                registry.tag(&name, version, tag, &author).await?;
            }
            let notes = registry.notes(&name).await?.remove(&version).unwrap_or_default();
            output.result(&Noted { name, version, notes })
        }
        Verb::Describe { version, text, author } => {
            let version = registry.resolve(&name, &version).await?;
            registry.describe(&name, version, &text, &author.author()).await?;
            let notes = registry.notes(&name).await?.remove(&version).unwrap_or_default();
            output.result(&Noted { name, version, notes })
        }
        Verb::Delete { version, author } => {
            let Reference::Version(version) = version else {
                let why = "an alias moves, and what is deleted is gone";
                return Err(WrongUsage(format!("\"{version}\" is an alias: name the version, {why}")).into());
            };
            let standing = registry.delete(&name, version, &author.author()).await?;
            output.result(&Deleted { name, entry: standing.entry, deleted: standing.is_new })
        }
        Verb::Sync if !config.mlflow.is_enabled() => {
            let problem =
                "there is no MLflow to send to: set mlflow.url, such as --set mlflow.url=http://localhost:5000";
            Err(WrongUsage(problem.to_owned()).into())
        }
        Verb::Sync => {
            let synced = mlflow::sync(&config, &registry, &name).await?;
            output.result(&InStep { name, url: config.mlflow.url, synced })
        }
        Verb::Export { version, output: file } => {
            let version = registry.resolve(&name, &version).await?;
            output.result(&transfer::export(&registry, &name, version, &file).await?)
        }
        Verb::Import { file, author } => {
            output.result(&transfer::import(&registry, args.name, &file, &author.author()).await?)
        }
    }
}

async fn tell_mlflow(config: &Config, registry: &Registry, name: &ModelName) {
    if config.mlflow.is_enabled() {
        mlflow::send_aliases(config, registry, name).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_may_end_with_its_minutes() {
        let midnight = Timestamp::parse("2026-11-01T00:00:00Z").unwrap();
        for text in ["2026-11-01T00:00Z", "2026-11-01T00:00:00Z", "2026-11-01", "2026-11-01T01:00:00+01:00"] {
            assert_eq!(time(text), Ok(midnight), "{text}");
        }
        assert!(time("yesterday").is_err_and(|error| error.contains("`yesterday`")));
    }
}
