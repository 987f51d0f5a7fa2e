//! `trusted-app certificate`

use std::io::{IsTerminal, stdout};

use clap::Args;
use serde::Serialize;
use tower_trusted_app::Scheme;
use tower_trusted_app::seraph::CertificateDocument;

use crate::identity::IdentityFile;
use crate::output;

/// Print an identity's certificate document: its id and public key
///
/// This is what an application serves at /admin/appTrustCertificate below its base URL, byte for byte:
/// there is no line end at its end, except on a terminal. It holds nothing secret.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Certificate {
    #[command(flatten)]
    identity: IdentityFile,

    /// Print one JSON object: id, bits, fingerprint, public_key, document
    #[arg(long)]
    json: bool,
}

const EXAMPLE: &str = "\
Example:
  trusted-app certificate --identity wiki.pem > appTrustCertificate";

#[derive(Serialize)]
struct Described<'a> {
    id: &'a str,
    bits: usize,
    fingerprint: String,
    public_key: String,
    document: &'a str,
}

impl Certificate {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let identity = self.identity.load()?;
        let mut document = CertificateDocument::of(&identity).to_text(Scheme::SeraphV3);
        if self.json {
            let key = identity.public_key();
            return output::json(&Described {
                id: identity.id().as_str(),
                bits: key.bits(),
                fingerprint: key.fingerprint().to_string(),
                public_key: key.to_base64(),
                document: &document,
            });
        }
        if stdout().is_terminal() {
            document.push('\n');
        }
        output::bytes(document.as_bytes())
    }
}
