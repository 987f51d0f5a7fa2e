//! `trusted-app keygen`

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use serde::Serialize;
use tower_trusted_app::crypto::PrivateSignatureKey;
use tower_trusted_app::{ApplicationId, LocalApplication};

use crate::output;
use crate::signature_key::{Algorithm, Described};

/// Generate an application's identity: its id and a new private key
///
/// The file has one line with the id and the key as PKCS#8 PEM. Only you may read it. An existing file
/// is never overwritten: its key could not be had again.
///
/// With --algorithm the key is one of HTTP message signatures (RFC 9421) instead: it has no id, and its
/// public JWK is printed.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Keygen {
    /// The id under which others will know the application
    #[arg(long, value_name = "ID", required_unless_present = "algorithm")]
    id: Option<ApplicationId>,

    /// Size of the RSA key: 2048, 3072, 4096 or 8192
    #[arg(long, value_name = "N", default_value_t = 2048)]
    bits: usize,

    /// Make a key of HTTP message signatures; an RSA key of these has 3072 bits
    #[arg(long, value_enum, conflicts_with_all = ["id", "bits"])]
    algorithm: Option<Algorithm>,

    /// The file to write; it must not exist
    #[arg(long, value_name = "FILE")]
    out: PathBuf,

    /// Print one JSON object: id, bits, fingerprint, file; with --algorithm: algorithm, thumbprint, jwk, file
    #[arg(long)]
    json: bool,
}

const EXAMPLE: &str = "\
Examples:
  trusted-app keygen --id wiki:1 --out wiki.pem
  trusted-app keygen --algorithm ed25519 --out wiki-signature.pem

Then hand out what `trusted-app certificate --identity wiki.pem` prints, or for HTTP message signatures
`trusted-app certificate --signature-key wiki-signature.pem`, and tell the other side's administrator the
fingerprint, or the thumbprint, by another way.";

#[derive(Serialize)]
struct Generated<'a> {
    id: &'a str,
    bits: usize,
    fingerprint: String,
    file: String,
}

impl Keygen {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        if let Some(algorithm) = self.algorithm {
            let key = PrivateSignatureKey::generate(algorithm.into())?;
            key.store(&self.out)?;
            return Described::of(key.public_key())?.written_to(&self.out).print(self.json);
        }
        let id = self.id.context("--id is missing")?;
        let identity = LocalApplication::generate(id, self.bits)?;
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
