//! `trusted-app details`

use std::fmt::Display;
use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use serde::Serialize;

use crate::input::Input;
use crate::{document, output};

/// Fetch another application's certificate document, or read it, and show what it says
///
/// Fetches URL/admin/appTrustCertificate over http or https, https with the certificate authorities that
/// this system trusts. Redirects are followed within the same origin only. An answer must begin within
/// 10 seconds and come to its end within 10 more, all of them within 30, and has at most 16 KiB.
///
/// Whoever answers at that URL chooses the key. Compare the fingerprint with the one that the other side's
/// administrator sees before you trust it.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Details {
    /// Print one JSON object: url (null for a file), id, bits, fingerprint, version, public_key
    #[arg(long)]
    json: bool,

    /// Read the document from this file instead; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "url")]
    file: Option<PathBuf>,

    /// The application's base URL, or the URL of the document itself
    #[arg(value_name = "URL")]
    url: Option<String>,
}

const EXAMPLES: &str = "\
Examples:
  trusted-app details https://wiki.example.com
  trusted-app details --file appTrustCertificate
  trusted-app details --json https://example.com/wiki/admin/appTrustCertificate";

#[derive(Serialize)]
struct Shown {
    url: Option<String>,
    id: String,
    bits: usize,
    fingerprint: String,
    version: Option<i32>,
    public_key: String,
}

impl Details {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let (url, document) = match (&self.file, &self.url) {
            (Some(file), _) => (None, document::read(Input::of_option("--file", file))?),
            (None, Some(url)) => {
                let fetched = document::fetch(url).await?;
                (Some(fetched.url), fetched.document)
            }
            (None, None) => bail!(
                "say whose document: the application's base URL, such as https://wiki.example.com, or --file FILE (see \
                 --help)"
            ),
        };
        let key = document.public_key();
        let shown = Shown {
            url,
            id: document.application_id().to_string(),
            bits: key.bits(),
            fingerprint: key.fingerprint().to_string(),
            version: document.version(),
            public_key: key.to_base64(),
        };
        if self.json { output::json(&shown) } else { shown.print() }
    }
}

impl Shown {
    /// Prints it for people.
    fn print(&self) -> anyhow::Result<()> {
        let version = self.version.map_or("not stated".to_owned(), |version| version.to_string());
        let fingerprint = format!("SHA256 {}", self.fingerprint);
        let url = self.url.as_ref().map(|url| ("url", url as &dyn Display));
        let rows: [(&str, &dyn Display); 5] = [
            ("id", &self.id),
            ("bits", &self.bits),
            ("fingerprint", &fingerprint),
            ("version", &version),
            ("public key", &self.public_key),
        ];
        output::table(&url.into_iter().chain(rows).collect::<Vec<_>>())
    }
}
