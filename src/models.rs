//! `plaudit models`: what the registry holds, and moving its aliases.

mod report;

use crate::config::Config;
use crate::output::Output;
use crate::who;
use registry::{Alias, Reference, Registry};
use report::{History, Moved, Version, Versions};
use schemas::ModelName;

/// List model versions, show one, promote or roll back, see who did so
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
  plaudit models promote v4 --alias canary --why \"trained on May\"
  plaudit models promote canary")]
    Promote {
        /// A version, or an alias that stands for one
        #[arg(value_name = "VERSION")]
        version: Reference,
        #[command(flatten)]
        change: ChangeArgs,
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
    /// Show who made which alias stand for what, when and why
    #[command(after_help = "\
Example:
  plaudit models log")]
    Log,
}

#[derive(clap::Args)]
struct ChangeArgs {
    /// The alias
    #[arg(long, default_value = "production")]
    alias: Alias,
    /// The reason, for the log
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    why: String,
    /// Who does it, for the log; without it, the user's name
    #[arg(long, value_name = "NAME")]
    who: Option<String>,
}

impl ChangeArgs {
    fn who(&self) -> String {
        self.who.clone().unwrap_or_else(who::user)
    }
}

pub async fn run(args: Args, config: Config) -> anyhow::Result<()> {
    let registry = Registry::open(&config.registry.url)?;
    let name = args.name.unwrap_or(config.model.name);
    match args.verb {
        Verb::List => {
            let (versions, aliases) = (registry.versions(&name).await?, registry.aliases(&name).await?);
            args.output.result(&Versions::new(name, config.registry.url, versions, &aliases))
        }
        Verb::Show { version } => {
            let version = registry.resolve(&name, &version).await?;
            let (manifest, aliases) = (registry.manifest(&name, version).await?, registry.aliases(&name).await?);
            args.output.result(&Version::new(manifest, &aliases))
        }
        Verb::Promote { version, change } => {
            let version = registry.resolve(&name, &version).await?;
            let standing = registry.set_alias(&name, &change.alias, version, &change.who(), &change.why).await?;
            args.output.result(&Moved { name, entry: standing.entry, moved: standing.is_new })
        }
        Verb::Rollback { change } => {
            let entry = registry.rollback(&name, &change.alias, &change.who(), &change.why).await?;
            args.output.result(&Moved { name, entry, moved: true })
        }
        Verb::Log => {
            let entries = registry.log(&name).await?;
            args.output.result(&History { name, entries })
        }
    }
}
