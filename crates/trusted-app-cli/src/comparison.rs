//! A key that came over the network is compared before it is trusted.

use std::fmt::Display;

use anyhow::bail;
use clap::Args;
use tower_trusted_app::PublicKey;

use crate::question::Question;

#[derive(Debug, Args)]
pub(crate) struct Comparison {
    /// The SHA-256 fingerprint that the key must have; nothing is asked then
    #[arg(long, value_name = "SHA256", conflicts_with = "yes")]
    fingerprint: Option<String>,

    #[command(flatten)]
    question: Question,
}

impl Comparison {
    /// Compares the key with the fingerprint that was stated; or else shows it, and asks.
    pub(crate) fn make(
        &self,
        key: &PublicKey,
        show: impl FnOnce(),
        question: impl Display,
    ) -> anyhow::Result<()> {
        let Some(expected) = &self.fingerprint else {
            show();
            if self.question.is_answered_with_yes(question)? {
                return Ok(());
            }
            bail!("nothing was changed");
        };
        let found = key.fingerprint().to_string();
        if digits(expected) == digits(&found) {
            return Ok(());
        }
        bail!("the key has another fingerprint: SHA256 {found}")
    }
}

/// A fingerprint as people write it: with or without colons, in either case, after `SHA256` or not.
fn digits(fingerprint: &str) -> String {
    let text = fingerprint.trim().trim_start_matches("SHA256");
    text.chars().filter(|c| !matches!(c, ':' | ' ')).map(|c| c.to_ascii_lowercase()).collect()
}
