//! `plaudit completions`: what a shell needs to complete the words of the command line.

use crate::output;
use clap_complete::Shell;

/// Print the completions of a shell
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  plaudit completions bash > ~/.local/share/bash-completion/completions/plaudit
  plaudit completions zsh > \"${fpath[1]}/_plaudit\"
  plaudit completions fish > ~/.config/fish/completions/plaudit.fish")]
pub struct Args {
    /// Which shell
    shell: Shell,
}

pub fn run(args: &Args, mut program: clap::Command) -> anyhow::Result<()> {
    let name = program.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut program, name, &mut script);
    output::line(&String::from_utf8(script)?)
}
