//! A question before something that cannot be taken back.

use std::fmt::Display;
use std::io::{self, BufRead, Write};

use anyhow::Context;
use clap::Args;

use crate::output;

#[derive(Debug, Args)]
pub(crate) struct Question {
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

impl Question {
    /// Asks on standard error, and reads the answer from standard input.
    pub(crate) fn is_answered_with_yes(&self, question: impl Display) -> anyhow::Result<bool> {
        if self.yes {
            return Ok(true);
        }
        let mut err = io::stderr().lock();
        write!(err, "{} [y/N] ", output::printable(&question)).and_then(|()| err.flush())?;
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer).context("cannot read the answer")?;
        if !answer.ends_with('\n') {
            writeln!(err)?;
        }
        Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
    }
}
