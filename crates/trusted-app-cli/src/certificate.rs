//! `trusted-app certificate`

use std::io::{IsTerminal, stdout};
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use serde::Serialize;
use tower_trusted_app::Scheme;
use tower_trusted_app::seraph::CertificateDocument;

use crate::identity::IdentityFile;
use crate::output;
use crate::signature_key::{self, Described};

/// Print an identity's certificate document: its id and public key
///
/// This is what an application serves at /admin/appTrustCertificate below its base URL, byte for byte:
/// there is no line end at its end, except on a terminal. It holds nothing secret.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Certificate {
    /// The file that `keygen` wrote
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,

    /// Print the public JWK of a key that `keygen --algorithm` wrote instead, for `signature_key` in a TOML file
    #[arg(long, value_name = "FILE", conflicts_with = "identity")]
    signature_key: Option<PathBuf>,

    /// Print one JSON object: id, bits, fingerprint, public_key, document; of a signature key: algorithm,
    /// thumbprint, jwk
    #[arg(long)]
    json: bool,
}

const EXAMPLE: &str = "\
Example:
  trusted-app certificate --identity wiki.pem > appTrustCertificate
  trusted-app certificate --signature-key wiki-signature.pem";

#[derive(Serialize)]
struct DescribedIdentity<'a> {
    id: &'a str,
    bits: usize,
    fingerprint: String,
    public_key: String,
    document: &'a str,
}

impl Certificate {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        if let Some(file) = &self.signature_key {
            let described = Described::of(signature_key::load(file)?.public_key())?;
            return if self.json { output::json(&described) } else { output::line(described.jwk()) };
        }
        let file = self.identity.context(
            "say whose: by --identity FILE for a certificate document, or by --signature-key FILE for a public JWK (see \
             --help)",
        )?;
        let identity = IdentityFile::at(file).load()?;
        let mut document = CertificateDocument::of(&identity).to_text(Scheme::SeraphV3);
        if self.json {
            let key = identity.public_key();
            return output::json(&DescribedIdentity {
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
