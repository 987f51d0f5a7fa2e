//! The options that name a private key, and with it the scheme.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use tower_trusted_app::LocalApplication;
use tower_trusted_app::crypto::PrivateSignatureKey;

use crate::input::Input;

#[derive(Debug, Args)]
pub(crate) struct SignerFile {
    /// The file that `keygen` wrote, for Seraph, Atlassian's protocol; - is standard input
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,

    /// The file that `keygen --algorithm` wrote, for HTTP message signatures (RFC 9421); - is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "identity")]
    signature_key: Option<PathBuf>,

    /// Read the key although others have access to its file, and so could sign as the application
    ///
    /// Without it the file must be open to its owner alone (mode 600 or 400), or be root's with mode 640 or 440 and one of
    /// your groups, as a Kubernetes volume is with `defaultMode: 0440` and an `fsGroup`.
    #[arg(long)]
    insecure_permissions: bool,
}

/// Who signs. Each key has one scheme, so that nothing else chooses it.
pub(crate) enum Signer {
    Seraph(LocalApplication),
    HttpSignature(PrivateSignatureKey),
}

impl SignerFile {
    pub(crate) fn load(&self) -> anyhow::Result<Signer> {
        match (&self.identity, &self.signature_key) {
            (Some(file), _) => {
                let input = Input::of_option("--identity", file);
                let text = input.private_key(self.insecure_permissions)?;
                let identity = LocalApplication::from_pem(&text);
                identity.map(Signer::Seraph).with_context(|| input.to_string())
            }
            (None, Some(file)) => {
                let input = Input::of_option("--signature-key", file);
                let text = input.private_key(self.insecure_permissions)?;
                if LocalApplication::from_pem(&text).is_ok() {
                    bail!(
                        "{input}: this is an identity, whose key signs for Seraph and nothing else: `keygen --algorithm` \
                         makes another"
                    );
                }
                let key = PrivateSignatureKey::from_pkcs8_pem(&text);
                key.map(Signer::HttpSignature).with_context(|| input.to_string())
            }
            (None, None) => bail!(
                "say whose key: by --identity FILE for Seraph, or by --signature-key FILE for HTTP message signatures \
                 (see --help)"
            ),
        }
    }
}
