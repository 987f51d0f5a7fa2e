//! `trusted-app certificate`

use std::io::{IsTerminal, stdout};

use clap::Args;
use serde::Serialize;
use tower_trusted_app::Scheme;
use tower_trusted_app::seraph::CertificateDocument;

use crate::output;
use crate::signature_key::Described;
use crate::signer::{Signer, SignerFile};

/// Print what others need of a private key: its certificate document, or its public JWK
///
/// Of an --identity its document, the id and the public key: what an application serves at
/// /admin/appTrustCertificate below its base URL, byte for byte. There is no line end at its end, except on a
/// terminal. Of a --signature-key its public JWK, for a key's `jwk` in a TOML file. Neither holds anything secret.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Certificate {
    #[command(flatten)]
    key: SignerFile,

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
        let identity = match self.key.load()? {
            Signer::Seraph(identity) => identity,
            Signer::HttpSignature(key) => {
                let described = Described::of(key.public_key())?;
                return if self.json { output::json(&described) } else { output::line(described.jwk()) };
            }
        };
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
