//! How a request proves itself.

use std::fmt;
use std::str::FromStr;

/// How a request proves itself. An application may use only the schemes it is registered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// Seraph version 0: no signature at all; anybody can forge it from public data.
    #[cfg(feature = "insecure-seraph-v1")]
    InsecureSeraphV0,
    /// Seraph version 1: no signature; forgeable for ever once one request was seen.
    #[cfg(feature = "insecure-seraph-v1")]
    InsecureSeraphV1,
    /// Seraph version 2: the URL is signed, the user name is *not*.
    InsecureSeraphV2,
    /// Seraph version 3: timestamp, URL and user are signed (SHA-1 with RSA). The method and the
    /// body are not.
    SeraphV3,
    /// HTTP message signatures (RFC 9421) as the profile in [`httpsig`](crate::httpsig) has them:
    /// method, URL, user and a digest of the body are signed, and each signature counts once.
    HttpSignature,
}

impl Scheme {
    /// Every scheme compiled in, weakest first.
    pub const ALL: &'static [Self] = &[
        #[cfg(feature = "insecure-seraph-v1")]
        Self::InsecureSeraphV0,
        #[cfg(feature = "insecure-seraph-v1")]
        Self::InsecureSeraphV1,
        Self::InsecureSeraphV2,
        Self::SeraphV3,
        Self::HttpSignature,
    ];

    /// The name used in configuration, such as `seraph-v3`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            #[cfg(feature = "insecure-seraph-v1")]
            Self::InsecureSeraphV0 => "insecure-seraph-v0",
            #[cfg(feature = "insecure-seraph-v1")]
            Self::InsecureSeraphV1 => "insecure-seraph-v1",
            Self::InsecureSeraphV2 => "insecure-seraph-v2",
            Self::SeraphV3 => "seraph-v3",
            Self::HttpSignature => "http-signature",
        }
    }

    /// The number in the `X-Seraph-Trusted-App-Version` header; `None` of a scheme that is none of
    /// Seraph's.
    #[must_use]
    pub const fn version(self) -> Option<i32> {
        match self {
            #[cfg(feature = "insecure-seraph-v1")]
            Self::InsecureSeraphV0 => Some(0),
            #[cfg(feature = "insecure-seraph-v1")]
            Self::InsecureSeraphV1 => Some(1),
            Self::InsecureSeraphV2 => Some(2),
            Self::SeraphV3 => Some(3),
            Self::HttpSignature => None,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scheme {
    type Err = SchemeError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|scheme| scheme.as_str() == name).ok_or_else(|| {
            if matches!(name, "insecure-seraph-v0" | "insecure-seraph-v1") {
                SchemeError::NotCompiledIn(name.to_owned())
            } else {
                SchemeError::Unknown(name.to_owned())
            }
        })
    }
}

/// Why a text names no usable scheme.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SchemeError {
    /// No scheme of that name.
    #[error("unknown scheme `{0}`: known are `http-signature`, `seraph-v3` and `insecure-seraph-v2`")]
    Unknown(String),
    /// The scheme exists but its cargo feature is off.
    #[error("the scheme `{0}` is compiled in only with the cargo feature `insecure-seraph-v1`")]
    NotCompiledIn(String),
}
