//! `trusted-app completions`

use clap::{Args, Command};
use clap_complete::Shell;

use crate::output;

/// Print what lets a shell complete this command's names and options
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

const EXAMPLE: &str = "\
Examples:
  trusted-app completions bash > ~/.local/share/bash-completion/completions/trusted-app
  trusted-app completions zsh > \"${fpath[1]}/_trusted-app\"
  trusted-app completions fish > ~/.config/fish/completions/trusted-app.fish";

impl Completions {
    pub(crate) fn run(self, mut program: Command) -> anyhow::Result<()> {
        let name = program.get_name().to_owned();
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut program, name, &mut script);
        output::bytes(&script)
    }
}
