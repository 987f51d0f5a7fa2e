//! `trusted-app man`

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Command};

use crate::output;

/// Write the manual: one page for the program and one for each of its commands
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Man {
    /// The directory to write to, which must exist; pages of an earlier version are replaced
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

const EXAMPLE: &str = "\
Example:
  mkdir -p ~/.local/share/man/man1
  trusted-app man --out ~/.local/share/man/man1
  man trusted-app-sign";

impl Man {
    pub(crate) fn run(self, mut program: Command) -> anyhow::Result<()> {
        // Gives each command its whole name, and its page the name of the others.
        program.build();
        let written = self.pages(&program)?;
        output::line(format!("{written} pages written to {}", self.out.display()))
    }

    /// The page of a command, and those of its commands; how many.
    fn pages(&self, command: &Command) -> anyhow::Result<usize> {
        let page = clap_mangen::Man::new(command.clone());
        let file = self.out.join(page.get_filename());
        let mut text = Vec::new();
        page.render(&mut text)?;
        fs::write(&file, text).with_context(|| file.display().to_string())?;
        let commands = command.get_subcommands().filter(|command| command.get_name() != "help");
        commands.map(|command| self.pages(command)).try_fold(1, |sum, pages| Ok(sum + pages?))
    }
}
