//! `trusted-app details`

use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use clap::Args;
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderValue, Response};
use serde::Serialize;
use tower_trusted_app::limits::MAX_DOCUMENT_BYTES;
use tower_trusted_app::seraph::{CERTIFICATE_PATH, CertificateDocument};
use ureq::Body;

use crate::url::Url;
use crate::{client, output};

/// Fetch another application's certificate document, or read it, and show what it says
///
/// Fetches URL/admin/appTrustCertificate over http or https, https with the certificate authorities that
/// this system trusts. Redirects are followed within the same origin only. An answer must begin within
/// 10 seconds and come to its end within 10 more, and has at most 16 KiB.
///
/// Whoever answers at that URL chooses the key. Compare the fingerprint with the one that the other side's
/// administrator sees before you trust it.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Details {
    /// Print one JSON object: url (null for a file), id, bits, fingerprint, version, public_key
    #[arg(long)]
    json: bool,

    /// Read the document from this file instead
    #[arg(long, value_name = "FILE", conflicts_with = "url")]
    file: Option<PathBuf>,

    /// The application's base URL, or the URL of the document itself
    #[arg(value_name = "URL", required_unless_present = "file")]
    url: Option<Url>,
}

const EXAMPLES: &str = "\
Examples:
  trusted-app details https://wiki.example.com
  trusted-app details --file appTrustCertificate
  trusted-app details --json https://example.com/wiki/admin/appTrustCertificate";

const MAX_REDIRECTS: usize = 5;

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
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let (url, document) = match (&self.file, &self.url) {
            (Some(file), _) => (None, read_file(file)?),
            (None, Some(url)) => fetch(document_url(url)?).map(|(url, document)| (Some(url), document))?,
            (None, None) => bail!("no URL and no file"),
        };
        let url = url.map(|url| url.to_string());
        if url.as_ref().is_some_and(|url| url.starts_with("http://")) {
            output::remark(
                "warning",
                "fetched without TLS: anybody on the way could have put in another key",
            );
        }
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

fn read_file(file: &Path) -> anyhow::Result<CertificateDocument> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    if text.contains("PRIVATE KEY") {
        bail!(
            "{} holds a private key and is no certificate document: `trusted-app certificate` makes one of it",
            file.display()
        );
    }
    CertificateDocument::parse(&text).with_context(|| file.display().to_string())
}

fn document_url(base: &Url) -> anyhow::Result<Url> {
    if base.query().is_some() {
        bail!("{base}: a base URL has no query");
    }
    let path = base.path();
    if path.ends_with(CERTIFICATE_PATH) {
        return Ok(base.clone());
    }
    Ok(base.with_target(format!("{}{CERTIFICATE_PATH}", path.trim_end_matches('/'))))
}

/// The document, and the URL from which it came in the end.
fn fetch(mut url: Url) -> anyhow::Result<(Url, CertificateDocument)> {
    let agent = client::agent();
    for _ in 0..=MAX_REDIRECTS {
        let answer = agent.get(url.to_string()).call().map_err(|error| cannot_fetch(&url, error))?;
        match answer.status() {
            status if status.is_success() => {
                let document = read(&url, answer)?;
                return Ok((url, document));
            }
            status if status.is_redirection() => url = redirected(&url, &answer)?,
            status => bail!("{url} answers {status}: no certificate document is served there"),
        }
    }
    bail!("{url}: more than {MAX_REDIRECTS} redirects")
}

fn redirected(url: &Url, answer: &Response<Body>) -> anyhow::Result<Url> {
    let location = answer.headers().get(LOCATION).and_then(|location| location.to_str().ok());
    let location = location
        .with_context(|| format!("{url} answers {} and does not say where to go", answer.status()))?;
    let next = url.join(location).with_context(|| format!("{url} redirects to {location}"))?;
    if next.origin() != url.origin() {
        bail!("{url} redirects to another origin, {next}: if that is right, ask there");
    }
    Ok(next)
}

fn read(url: &Url, mut answer: Response<Body>) -> anyhow::Result<CertificateDocument> {
    let content_type = answer.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let what = if content_type.starts_with(b"text/html") {
        "an HTML page, perhaps to log in, and no certificate document"
    } else {
        "no certificate document"
    };
    let limit = MAX_DOCUMENT_BYTES.try_into().unwrap_or(u64::MAX);
    let bytes = answer.body_mut().with_config().limit(limit).read_to_vec().map_err(|error| match error {
        ureq::Error::BodyExceedsLimit(_) => {
            anyhow!("{url} answers with {what}: more than {MAX_DOCUMENT_BYTES} bytes")
        }
        error => cannot_fetch(url, error),
    })?;
    let document = String::from_utf8(bytes).map_err(anyhow::Error::from);
    document
        .and_then(|text| Ok(CertificateDocument::parse(&text)?))
        .with_context(|| format!("{url} answers with {what}"))
}

fn cannot_fetch(url: &Url, error: ureq::Error) -> anyhow::Error {
    anyhow!("cannot fetch {url}: {}", client::reason(error))
}
