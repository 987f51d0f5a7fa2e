//! The text that a request's signature must be of, as lines.

use std::fmt;

use anyhow::{Context, bail};
use bytes::Bytes;
use http::Request;
use http::request::Parts;
use serde::{Serialize, Serializer};
use tower_trusted_app::application::Scheme;
use tower_trusted_app::httpsig::{self, BaseLine, RequestMessage, SignatureFields};
use tower_trusted_app::keys::MemoryKeyStore;
use tower_trusted_app::seraph;
use tower_trusted_app::signed_url::RebuiltUrl;
use tower_trusted_app::users::MemoryDirectory;

use super::signature;
use crate::public_url::{PublicUrlOptions, in_words_of_options};

#[derive(Serialize)]
pub(super) struct SignedText {
    pub(super) scheme: &'static str,
    /// How the request names the key.
    pub(super) key: String,
    pub(super) lines: Vec<Line>,
    /// Whether the lines are all that there are.
    #[serde(skip)]
    pub(super) is_whole: bool,
    #[serde(skip)]
    pub(super) signature: Option<Vec<u8>>,
    /// What the line `URL` may be too: the server's public URL as it is written, where that is not its normal form.
    #[serde(skip)]
    pub(super) url_as_written: Option<String>,
    /// Whether the body has the digest that is signed, if both are there.
    pub(super) body: Option<bool>,
}

#[derive(Serialize)]
pub(super) struct Line {
    /// Such as `"@method"`, with its quotation marks, or `URL`.
    pub(super) component: String,
    pub(super) value: Value,
    pub(super) from: String,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Value {
    Is(String),
    /// One that is compared and not shown.
    Secret(String),
    /// One that a log does not have.
    NotLogged,
    /// Not one, but what is to be said of it.
    Said(&'static str),
    /// Why there is none.
    None(String),
}

pub(super) const HTTP_SIGNATURE: &str = "http-signature";
const SERAPH: &str = "seraph-v3";

impl SignedText {
    pub(super) fn of(request: Request<Bytes>, options: &PublicUrlOptions) -> anyhow::Result<Self> {
        let (parts, body) = request.into_parts();
        let layer = options.layer(MemoryKeyStore::new([])?, MemoryDirectory::<()>::of_users([]));
        let layer = layer.build().map_err(in_words_of_options)?;
        let url = layer.rebuilt_url(&parts).context("no URL can be made of the request and the options")?;
        let origin = match (options.has_public_url(), parts.uri.authority()) {
            (true, _) => "--public-url and the request line",
            (false, Some(_)) => "the request line",
            (false, None) => "--scheme, the field host and the request line",
        };
        match SignatureFields::attempted(&parts.headers) {
            true => Self::of_http_signature(&parts, &body, url.as_str(), origin),
            false => Self::of_seraph(&parts, &url, origin),
        }
    }

    fn of_http_signature(parts: &Parts, body: &Bytes, url: &str, origin: &str) -> anyhow::Result<Self> {
        let fields = SignatureFields::of(&parts.headers)?;
        let credentials =
            httpsig::Credentials::parse(&fields)?.context("no signature with the tag `trusted-app`")?;
        let message = RequestMessage { method: &parts.method, url, headers: &parts.headers };
        let lines: Vec<_> =
            credentials.base_lines(&message).into_iter().map(|line| Line::of(line, origin)).collect();
        let signs_digest = lines.iter().any(|line| line.component == "\"content-digest\"");
        let body = match httpsig::parse_content_digest(&parts.headers) {
            Ok(digest) if signs_digest && !body.is_empty() => {
                let mut hasher = digest.hasher();
                hasher.update(body);
                Some(hasher.is_match())
            }
            _ => None,
        };
        let key = format!("thumbprint {}", credentials.key_id());
        let signature = Some(signature::of_profile(&parts.headers)?);
        Ok(Self { scheme: HTTP_SIGNATURE, key, lines, is_whole: true, signature, url_as_written: None, body })
    }

    fn of_seraph(parts: &Parts, url: &RebuiltUrl, origin: &str) -> anyhow::Result<Self> {
        let Some(credentials) = seraph::Credentials::parse(&parts.headers)? else {
            bail!(
                "the request is signed by no scheme: it has no Signature-Input with the tag `trusted-app`, and no \
                   X-Seraph-Trusted-App-Cert"
            )
        };
        if Scheme::SeraphV3.version() != Some(credentials.version()) {
            bail!(
                "the certificate is one of version {}: only in version 3 of Seraph can it be read, since others \
                 encrypt it",
                credentials.version()
            )
        }
        let text = credentials.signed_text(url.as_str()).context(
            "X-Seraph-Trusted-App-Cert cannot be read: base64 of three lines, timestamp, user and magic number; was it \
             cut?",
        )?;
        let from = ["the first line of the certificate", origin, "the second line of the certificate"];
        let lines = ["timestamp", "URL", "user"].into_iter().zip(text.split('\n')).zip(from);
        let lines = lines.map(|((component, value), from)| Line {
            component: component.to_owned(),
            value: Value::Is(value.to_owned()),
            from: from.to_owned(),
        });
        let key = format!("of the application {}", credentials.application_id());
        let signature = signature::of_seraph(&parts.headers);
        let url_as_written = url.as_written().map(str::to_owned);
        Ok(Self {
            scheme: SERAPH,
            key,
            lines: lines.collect(),
            is_whole: true,
            signature,
            url_as_written,
            body: None,
        })
    }

    pub(super) fn get(&self, component: &str) -> Option<&Line> {
        self.lines.iter().find(|line| line.component == component)
    }
}

impl Line {
    fn of(line: BaseLine, origin: &str) -> Self {
        let name = line.component.split('"').nth(1).unwrap_or_default();
        let from = match name {
            "@target-uri" | "@authority" | "@scheme" => origin.to_owned(),
            "@signature-params" => "the field signature-input, after the label".to_owned(),
            name if name.starts_with('@') => "the request line".to_owned(),
            name => format!("the field {name}"),
        };
        let value = match line.value {
            Ok(value) if line.is_secret => Value::Secret(value),
            Ok(value) => Value::Is(value),
            Err(refusal) => Value::None(refusal.to_string()),
        };
        Self { component: line.component, value, from }
    }
}

/// The nonce in the value of the line `"@signature-params"`.
pub(super) fn nonce(params: &str) -> Option<&str> {
    let (_, nonce) = params.split_once(";nonce=\"")?;
    nonce.split_once('"').map(|(nonce, _)| nonce)
}

pub(super) fn body_in_words(matches: bool) -> &'static str {
    if matches { "has the digest that is signed" } else { "has another digest than is signed" }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.component, self.value)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Is(value) => f.write_str(value),
            Self::Secret(_) => f.write_str("(not shown)"),
            Self::NotLogged => f.write_str(BaseLine::NOT_LOGGED),
            Self::Said(words) => f.write_str(words),
            Self::None(why) => write!(f, "(none: {why})"),
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::None(_) => serializer.serialize_none(),
            value => serializer.collect_str(value),
        }
    }
}
