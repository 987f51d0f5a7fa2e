//! A key is compared with its fingerprint before it is trusted.

use std::fmt::Display;

use anyhow::{bail, ensure};
use clap::Args;
use tower_trusted_app::PublicKey;
use tower_trusted_app::crypto::Fingerprint;

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
        if self.fingerprint.is_some() {
            return self.check(key.fingerprint());
        }
        show();
        if self.question.is_answered_with_yes(question)? {
            return Ok(());
        }
        bail!("nothing was changed");
    }

    /// Compares a key with the fingerprint that was stated, if one was.
    pub(crate) fn check(&self, found: &Fingerprint) -> anyhow::Result<()> {
        let Some(expected) = &self.fingerprint else { return Ok(()) };
        let (expected, found) = (digits(expected), found.to_string());
        ensure!(
            expected.len() == 64 && expected.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "--fingerprint: write all 32 bytes of the SHA-256 fingerprint in hexadecimal, such as {found}"
        );
        ensure!(expected == digits(&found), "the key has another fingerprint: SHA256 {found}");
        Ok(())
    }
}

/// A fingerprint as people write it: with or without colons, in either case, after `SHA256` or not.
fn digits(fingerprint: &str) -> String {
    let text = fingerprint.trim().trim_start_matches("SHA256");
    text.chars().filter(|c| !matches!(c, ':' | ' ')).map(|c| c.to_ascii_lowercase()).collect()
}
