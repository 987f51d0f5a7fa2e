//! Certificate documents: from a file, or from where an application serves its own.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use anyhow::{Context, anyhow, bail};
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderValue, Response};
use tower_trusted_app::limits::MAX_DOCUMENT_BYTES;
use tower_trusted_app::seraph::{CERTIFICATE_PATH, CertificateDocument};
use ureq::Body;

use crate::url::Url;
use crate::{client, output};

const MAX_REDIRECTS: usize = 5;

/// From a file, or standard input for `-`; it has at most 16 KiB.
pub(crate) fn read(file: &Path) -> anyhow::Result<CertificateDocument> {
    let shown = file.display();
    let input: Box<dyn Read> = if file == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(fs::File::open(file).with_context(|| format!("cannot read {shown}"))?)
    };
    let mut text = String::new();
    let limit = u64::try_from(MAX_DOCUMENT_BYTES).unwrap_or(u64::MAX);
    input
        .take(limit.saturating_add(1))
        .read_to_string(&mut text)
        .with_context(|| format!("cannot read {shown}"))?;
    if text.contains("PRIVATE KEY") {
        bail!(
            "{shown} holds a private key and is no certificate document: `trusted-app certificate` makes one of it"
        );
    }
    if text.len() > MAX_DOCUMENT_BYTES {
        bail!("{shown} is no certificate document: more than {MAX_DOCUMENT_BYTES} bytes");
    }
    CertificateDocument::parse(&text).with_context(|| shown.to_string())
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

/// From an application's base URL; the URL from which it came in the end stands beside it. Warns where it came
/// without TLS.
pub(crate) fn fetch(base: &Url) -> anyhow::Result<(Url, CertificateDocument)> {
    let (url, document) = follow(document_url(base)?)?;
    if url.to_string().starts_with("http://") {
        output::remark("warning", "fetched without TLS: anybody on the way could have put in another key");
    }
    Ok((url, document))
}

fn follow(mut url: Url) -> anyhow::Result<(Url, CertificateDocument)> {
    let agent = client::agent();
    for _ in 0..=MAX_REDIRECTS {
        let answer = agent.get(url.to_string()).call().map_err(|error| cannot_fetch(&url, error))?;
        match answer.status() {
            status if status.is_success() => {
                let document = read_answer(&url, answer)?;
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

fn read_answer(url: &Url, mut answer: Response<Body>) -> anyhow::Result<CertificateDocument> {
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
