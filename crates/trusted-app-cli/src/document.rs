//! Certificate documents: from a file, or from where an application serves its own.

use anyhow::{Context, anyhow, bail};
use tower_trusted_app::limits::MAX_DOCUMENT_BYTES;
use tower_trusted_app::seraph::CertificateDocument;
use trusted_app_admin::fetch::{AddressPolicy, Fetched, Fetcher};

use crate::input::Input;
use crate::kind::Kind;
use crate::output;

/// From a file, or standard input for `-`; it has at most 16 KiB.
pub(crate) fn read(input: Input<'_>) -> anyhow::Result<CertificateDocument> {
    let text = input.text(MAX_DOCUMENT_BYTES)?;
    let document = CertificateDocument::parse(&text);
    match Kind::of(&text) {
        Some(kind) if document.is_err() && kind != Kind::Document => {
            bail!("{input} is {kind}, and no certificate document: {}", kind.cure(&input.file_name()))
        }
        _ => document.with_context(|| input.to_string()),
    }
}

/// What an application serves at its base URL. Warns where it came without TLS.
pub(crate) async fn fetch(base: &str) -> anyhow::Result<Fetched> {
    // Who runs the command reaches every address without it.
    let fetched = Fetcher::new(AddressPolicy::insecure_any()).fetch(base).await;
    let fetched = fetched.map_err(|error| anyhow!(error.reason()))?;
    if fetched.without_tls {
        output::remark("warning", "fetched without TLS: anybody on the way could have put in another key");
    }
    Ok(fetched)
}
