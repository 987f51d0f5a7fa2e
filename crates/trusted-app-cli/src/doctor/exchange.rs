//! What was asked, and what came back.

use std::io::Read;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::Value;
use tower_trusted_app::Timestamp;
use tower_trusted_app::conditions::STAMPED_AHEAD;
use tower_trusted_app::httpsig::{self, RequestMessage, UserField};
use tower_trusted_app::seraph::{ERROR, STATUS, SigningRequest};

use crate::signer::Signer;
use crate::url::Url;

/// The code of a rejection (section 7 of the profile).
pub(super) const TRUSTED_APP_ERROR: HeaderName = HeaderName::from_static("trusted-app-error");

/// What was asked.
pub(super) struct Asked<'a> {
    pub(super) signer: &'a Signer,
    pub(super) user: &'a str,
    pub(super) url: &'a Url,
    /// Our clock when it was.
    pub(super) sent: Timestamp,
}

impl Asked<'_> {
    pub(super) fn sign(&self, url: &str) -> anyhow::Result<Vec<(HeaderName, HeaderValue)>> {
        match self.signer {
            Signer::Seraph(identity) => {
                let created = self.sent.saturating_add(STAMPED_AHEAD);
                let signed = SigningRequest::new(self.user, url, created).sign(identity)?;
                Ok(signed.iter().map(|(name, value)| (name, value.clone())).collect())
            }
            Signer::HttpSignature(key) => {
                let request = RequestMessage { method: &Method::GET, url, headers: &HeaderMap::new() };
                let user = UserField::new(self.user)?;
                let signed = httpsig::SigningRequest::new(user, request, self.sent).sign(key)?;
                Ok(signed.iter().map(|(name, value)| (name.clone(), value.clone())).collect())
            }
        }
    }
}

/// What came back.
pub(super) struct Received {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// The beginning of the body, with U+FFFD for what is no UTF-8.
    pub(super) body: String,
}

impl Received {
    /// Reads as much of the body as tells whose it is, unless the headers do.
    pub(super) fn of(mut answer: http::Response<ureq::Body>) -> Self {
        let headers = answer.headers();
        let is_told = [STATUS, ERROR, TRUSTED_APP_ERROR].iter().any(|name| headers.contains_key(name));
        let is_stream = headers.get(CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream");
        let mut body = Vec::new();
        if !is_told && !is_stream {
            // A body that breaks off is as good.
            let _ = answer.body_mut().as_reader().take(MAX_BODY_BYTES).read_to_end(&mut body);
        }
        let (parts, _) = answer.into_parts();
        let body = String::from_utf8_lossy(&body).into_owned();
        Self { status: parts.status, headers: parts.headers, body }
    }

    /// The value of a header field, if it is text.
    pub(super) fn text(&self, field: HeaderName) -> Option<&str> {
        self.headers.get(field)?.to_str().ok()
    }

    /// Code and detail of a rejection of ours, as the body has them: for an answer whose headers a proxy took away.
    pub(super) fn problem(&self) -> Option<(String, Option<String>)> {
        let kind = self.text(CONTENT_TYPE)?;
        let problem: Value = serde_json::from_str(&self.body).ok().filter(|_| kind.contains("json"))?;
        let text = |name: &str| problem.get(name).and_then(Value::as_str).map(str::to_owned);
        Some((text("code")?, text("detail")))
    }
}

const MAX_BODY_BYTES: u64 = 64 * 1024;
