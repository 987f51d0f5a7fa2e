//! The options that name the key that signs, and with it the scheme.

use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use tower_trusted_app::LocalApplication;
use tower_trusted_app::crypto::PrivateSignatureKey;

use crate::identity::IdentityFile;
use crate::signature_key;

#[derive(Debug, Args)]
pub(crate) struct SignerFile {
    /// The file that `keygen` wrote: signs by Seraph, Atlassian's protocol
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,

    /// The file that `keygen --algorithm` wrote: signs by HTTP message signatures (RFC 9421)
    #[arg(long, value_name = "FILE", conflicts_with = "identity")]
    signature_key: Option<PathBuf>,
}

/// Who signs. Each key has one scheme, so that nothing else chooses it.
pub(crate) enum Signer {
    Seraph(LocalApplication),
    HttpSignature(PrivateSignatureKey),
}

impl SignerFile {
    pub(crate) fn load(&self) -> anyhow::Result<Signer> {
        match (&self.identity, &self.signature_key) {
            (Some(file), _) => IdentityFile::at(file.clone()).load().map(Signer::Seraph),
            (None, Some(file)) => signature_key::load(file).map(Signer::HttpSignature),
            (None, None) => bail!(
                "say whose key signs: by --identity FILE for Seraph, or by --signature-key FILE for HTTP message \
                 signatures (see --help)"
            ),
        }
    }
}
