//! The headers: their names, reading and writing them.

use std::borrow::Cow;
use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::java;
use crate::application::ApplicationId;
use crate::limits::{MAX_APPLICATION_ID_BYTES, MAX_HEADER_BYTES};
use crate::rejection::Rejection;

/// The application's id.
pub const ID: HeaderName = HeaderName::from_static("x-seraph-trusted-app-id");
/// The certificate.
pub const CERTIFICATE: HeaderName = HeaderName::from_static("x-seraph-trusted-app-cert");
/// The secret key (versions 0 to 2).
pub const KEY: HeaderName = HeaderName::from_static("x-seraph-trusted-app-key");
/// The protocol version.
pub const VERSION: HeaderName = HeaderName::from_static("x-seraph-trusted-app-version");
/// The magic number (versions 1 and 2).
pub const MAGIC: HeaderName = HeaderName::from_static("x-seraph-trusted-app-magic");
/// The signature (versions 2 and 3).
pub const SIGNATURE: HeaderName = HeaderName::from_static("x-seraph-trusted-app-signature");
/// On a response: `OK` or `ERROR`.
pub const STATUS: HeaderName = HeaderName::from_static("x-seraph-trusted-app-status");
/// On a response: the error.
pub const ERROR: HeaderName = HeaderName::from_static("x-seraph-trusted-app-error");

/// The headers of a request, in the order in which Atlassian's library sends them.
pub const REQUEST_HEADERS: [HeaderName; 6] = [ID, CERTIFICATE, KEY, VERSION, MAGIC, SIGNATURE];

/// The Seraph headers of one request, as they came. `Debug` shows no secret.
#[derive(Clone)]
pub struct Credentials<'a> {
    application: ApplicationId,
    version: i32,
    pub(super) certificate: &'a [u8],
    /// Absent if blank, as the magic number.
    pub(super) key: Option<&'a [u8]>,
    pub(super) magic: Option<&'a [u8]>,
    /// A blank signature is a bad one, not an absent one.
    pub(super) signature: Option<&'a [u8]>,
}

impl<'a> Credentials<'a> {
    /// Whether the request attempts trusted authentication at all. It does if it has a certificate
    /// that is not blank.
    #[must_use]
    pub fn attempted(headers: &HeaderMap) -> bool {
        // Comparing the few names takes less time than hashing this one.
        headers.iter().any(|(name, value)| name == CERTIFICATE && !is_blank(value.as_bytes()))
    }

    /// Reads the headers. `Ok(None)` when the request makes [no attempt](Self::attempted).
    ///
    /// # Errors
    ///
    /// In this order: a header that comes twice or is above
    /// [`MAX_HEADER_BYTES`](crate::limits::MAX_HEADER_BYTES), a version that is no number, no id,
    /// an id above [`MAX_APPLICATION_ID_BYTES`](crate::limits::MAX_APPLICATION_ID_BYTES), an id
    /// that cannot be one.
    pub fn parse(headers: &'a HeaderMap) -> Result<Option<Self>, Rejection> {
        let [mut id, mut certificate, mut key, mut version, mut magic, mut signature] = [None; 6];
        let (mut attempted, mut refusal) = (false, None);
        for (name, value) in headers {
            let (field, spelling) = match name.as_str() {
                "x-seraph-trusted-app-id" => (&mut id, "X-Seraph-Trusted-App-ID"),
                "x-seraph-trusted-app-cert" => (&mut certificate, "X-Seraph-Trusted-App-Cert"),
                "x-seraph-trusted-app-key" => (&mut key, "X-Seraph-Trusted-App-Key"),
                "x-seraph-trusted-app-version" => (&mut version, "X-Seraph-Trusted-App-Version"),
                "x-seraph-trusted-app-magic" => (&mut magic, "X-Seraph-Trusted-App-Magic"),
                "x-seraph-trusted-app-signature" => (&mut signature, "X-Seraph-Trusted-App-Signature"),
                _ => continue,
            };
            attempted |= name == CERTIFICATE && !is_blank(value.as_bytes());
            if field.replace(value.as_bytes()).is_some() {
                refusal.get_or_insert(Rejection::RepeatedHeader { name: spelling });
            }
            if value.len() > MAX_HEADER_BYTES {
                refusal.get_or_insert(Rejection::TooLarge { what: spelling, limit: MAX_HEADER_BYTES });
            }
        }
        if !attempted {
            return Ok(None);
        }
        if let Some(refusal) = refusal {
            return Err(refusal);
        }

        let version = match version.filter(|version| !is_blank(version)) {
            None => 0,
            Some(version) => {
                let version = latin1(version);
                java::parse_int(&version)
                    .ok_or_else(|| Rejection::VersionNotANumber { version: version.into_owned() })?
            }
        };
        let key = key.filter(|key| !is_blank(key));
        let magic = magic.filter(|magic| !is_blank(magic));
        let id = latin1(id.filter(|id| !is_blank(id)).ok_or(Rejection::ApplicationIdMissing)?);
        if id.len() > MAX_APPLICATION_ID_BYTES {
            return Err(Rejection::TooLarge { what: "application id", limit: MAX_APPLICATION_ID_BYTES });
        }
        match ApplicationId::new(&*id) {
            Ok(application) => Ok(certificate.map(|certificate| Self {
                application,
                version,
                certificate,
                key,
                magic,
                signature,
            })),
            Err(_) => Err(missing(version, key, magic)
                .unwrap_or_else(|| Rejection::ApplicationUnknown { id: id.into_owned() })),
        }
    }

    /// The id that the request states. Nothing proves it yet.
    #[must_use]
    pub fn application_id(&self) -> &ApplicationId {
        &self.application
    }

    /// The protocol version; 0 when the request states none.
    #[must_use]
    pub fn version(&self) -> i32 {
        self.version
    }

    /// The rejection for when no application is registered under the
    /// [id](Self::application_id). As in the original, a header that the version needs and that is
    /// missing counts before it.
    #[must_use]
    pub fn unknown_application(&self) -> Rejection {
        missing(self.version, self.key, self.magic)
            .unwrap_or_else(|| Rejection::ApplicationUnknown { id: self.application.to_string() })
    }
}

impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("application", &self.application)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// What versions 0 to 2 cannot do without.
fn missing(version: i32, key: Option<&[u8]>, magic: Option<&[u8]>) -> Option<Rejection> {
    if (0..=2).contains(&version) && key.is_none() {
        Some(Rejection::SecretKeyMissing)
    } else if (1..=2).contains(&version) && magic.is_none() {
        Some(Rejection::MagicMissing)
    } else {
        None
    }
}

/// The only blanks that a header value can have are these.
fn is_blank(value: &[u8]) -> bool {
    value.iter().all(|byte| matches!(byte, b' ' | b'\t'))
}

/// A header's bytes are ISO 8859-1 to the original.
fn latin1(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => Cow::Borrowed(text),
        _ => bytes.iter().copied().map(char::from).collect::<String>().into(),
    }
}

/// The Seraph headers of a signed request. `Debug` shows their names only.
#[derive(Clone, PartialEq, Eq)]
pub struct SeraphHeaders(Vec<(HeaderName, HeaderValue)>);

impl SeraphHeaders {
    pub(super) fn new(headers: impl IntoIterator<Item = (HeaderName, HeaderValue)>) -> Self {
        Self(headers.into_iter().collect())
    }

    /// Name and value in the order in which Atlassian's library hands them out.
    pub fn iter(&self) -> impl Iterator<Item = (HeaderName, &HeaderValue)> {
        self.0.iter().map(|(name, value)| (name.clone(), value))
    }

    /// Replaces every Seraph header of `headers` by these.
    pub fn apply(&self, headers: &mut HeaderMap) {
        for name in REQUEST_HEADERS {
            headers.remove(name);
        }
        for (name, value) in &self.0 {
            headers.insert(name, value.clone());
        }
    }
}

impl fmt::Debug for SeraphHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}
