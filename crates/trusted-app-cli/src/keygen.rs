//! `trusted-app keygen`

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use tower_trusted_app::{ApplicationId, LocalApplication};

use crate::output;

/// Generate an application's identity: its id and a new private key
///
/// The file has one line with the id and the key as PKCS#8 PEM. Only you may read it. An existing file
/// is never overwritten: its key could not be had again.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Keygen {
    /// The id under which others will know the application
    #[arg(long, value_name = "ID")]
    id: ApplicationId,

    /// Size of the RSA key: 2048, 3072, 4096 or 8192
    #[arg(long, value_name = "N", default_value_t = 2048)]
    bits: usize,

    /// The file to write; it must not exist
    #[arg(long, value_name = "FILE")]
    out: PathBuf,

    /// Print one JSON object: id, bits, fingerprint, file
    #[arg(long)]
    json: bool,
}

const EXAMPLE: &str = "\
Example:
  trusted-app keygen --id wiki:1 --out wiki.pem

Then hand out what `trusted-app certificate --identity wiki.pem` prints, and tell the other side's
administrator the fingerprint by another way.";

#[derive(Serialize)]
struct Generated<'a> {
    id: &'a str,
    bits: usize,
    fingerprint: String,
    file: String,
}

impl Keygen {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let identity = LocalApplication::generate(self.id, self.bits)?;
        identity.store(&self.out)?;
        let key = identity.public_key();
        let generated = Generated {
            id: identity.id().as_str(),
            bits: key.bits(),
            fingerprint: key.fingerprint().to_string(),
            file: self.out.display().to_string(),
        };
        if self.json {
            return output::json(&generated);
        }
        output::table(&[
            ("id", &generated.id),
            ("bits", &generated.bits),
            ("fingerprint", &format_args!("SHA256 {}", generated.fingerprint)),
            ("written to", &generated.file),
        ])
    }
}
