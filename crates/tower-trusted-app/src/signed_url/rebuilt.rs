//! The URL of one request, as this server rebuilt it.

use std::fmt;

use trusted_app_core::Rejection;

/// The URL of one request as this server rebuilt it, of which a signature must be. `Display` is its normal form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RebuiltUrl {
    url: String,
    as_written: Option<String>,
}

impl RebuiltUrl {
    pub(super) const fn new(url: String) -> Self {
        Self { url, as_written: None }
    }

    pub(super) fn with_written(self, as_written: Option<String>) -> Self {
        Self { as_written, ..self }
    }

    /// Its normal form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.url
    }

    /// The same URL with the origin as the operator wrote it, where that is another text: a Seraph signature may be of
    /// this one too.
    #[must_use]
    pub fn as_written(&self) -> Option<&str> {
        self.as_written.as_deref()
    }

    /// A signature holds for none of its texts.
    pub(crate) fn bad_signature(&self) -> Rejection {
        Rejection::BadSignature { url: self.url.clone(), as_written: self.as_written.clone() }
    }
}

impl fmt::Display for RebuiltUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}
