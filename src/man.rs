//! `plaudit man`: the manual pages, one for each verb, made of what `--help` says.

use crate::output::Output;
use anyhow::Context;
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;

/// Write the manual pages to a folder
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  plaudit man --output ~/.local/share/man/man1
  plaudit man --output man && man ./man/plaudit-train.1")]
pub struct Args {
    /// The folder, made where it is not there; pages of the same names are replaced
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
    #[command(flatten)]
    shown: Output,
}

/// What was written.
#[derive(Serialize)]
struct Written {
    folder: PathBuf,
    pages: usize,
}

pub fn run(args: &Args, program: clap::Command) -> anyhow::Result<()> {
    let folder = &args.output;
    let named = || format!("cannot write manual pages to {}", folder.display());
    std::fs::create_dir_all(folder).with_context(named)?;
    let pages = pages(&program);
    clap_mangen::generate_to(program, folder).with_context(named)?;
    args.shown.result(&Written { folder: folder.clone(), pages })
}

/// A page for the program and one for each verb below it.
fn pages(program: &clap::Command) -> usize {
    1 + program.get_subcommands().filter(|verb| !verb.is_hide_set()).map(pages).sum::<usize>()
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} pages in {}", self.pages, self.folder.display())
    }
}
