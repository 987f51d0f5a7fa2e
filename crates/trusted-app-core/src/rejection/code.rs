//! The short names of failures.

use std::fmt;

/// The short name of a failure, as it goes over the wire.
///
/// The upper group are the original's; the others are ours, named in the same style.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the module's table says what each one means")]
pub enum Code {
    Unknown,
    AppUnknown,
    ServerError,
    BadProtocolVersion,
    AppIdNotFound,
    SecretKeyNotFound,
    MagicNumberNotFound,
    BadRemoteIp,
    BadXForwardIp,
    BadUrl,
    OldCert,
    MissingCert,
    BadMagic,
    UserUnknown,
    PermissionDenied,
    BadSignature,

    FutureCert,
    RepeatedHeader,
    TooLarge,
    AmbiguousUrl,
    UnknownPeer,
    BadMethod,
    Replayed,
    Unavailable,
}

impl Code {
    /// Every code.
    pub const ALL: [Self; 24] = [
        Self::Unknown,
        Self::AppUnknown,
        Self::ServerError,
        Self::BadProtocolVersion,
        Self::AppIdNotFound,
        Self::SecretKeyNotFound,
        Self::MagicNumberNotFound,
        Self::BadRemoteIp,
        Self::BadXForwardIp,
        Self::BadUrl,
        Self::OldCert,
        Self::MissingCert,
        Self::BadMagic,
        Self::UserUnknown,
        Self::PermissionDenied,
        Self::BadSignature,
        Self::FutureCert,
        Self::RepeatedHeader,
        Self::TooLarge,
        Self::AmbiguousUrl,
        Self::UnknownPeer,
        Self::BadMethod,
        Self::Replayed,
        Self::Unavailable,
    ];

    /// The code as it goes over the wire, such as `BAD_SIGNATURE`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "UNKNOWN",
            Self::AppUnknown => "APP_UNKNOWN",
            Self::ServerError => "SYSTEM",
            Self::BadProtocolVersion => "BAD_PROTOCOL_VERSION",
            Self::AppIdNotFound => "APP_ID_NOT_FOUND",
            Self::SecretKeyNotFound => "SECRET_KEY_NOT_FOUND",
            Self::MagicNumberNotFound => "MAGIC_NUMBER_NOT_FOUND",
            Self::BadRemoteIp => "BAD_REMOTE_IP",
            Self::BadXForwardIp => "BAD_XFORWARD_IP",
            Self::BadUrl => "BAD_URL",
            Self::OldCert => "OLD_CERT",
            Self::MissingCert => "MISSING_CERT",
            Self::BadMagic => "BAD_MAGIC",
            Self::UserUnknown => "USER_UNKNOWN",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::BadSignature => "BAD_SIGNATURE",
            Self::FutureCert => "FUTURE_CERT",
            Self::RepeatedHeader => "REPEATED_HEADER",
            Self::TooLarge => "TOO_LARGE",
            Self::AmbiguousUrl => "AMBIGUOUS_URL",
            Self::UnknownPeer => "UNKNOWN_PEER",
            Self::BadMethod => "BAD_METHOD",
            Self::Replayed => "REPLAYED",
            Self::Unavailable => "UNAVAILABLE",
        }
    }

    /// The code of that name; [`Code::Unknown`] for any other text, as the original reads it.
    #[must_use]
    pub fn from_wire(name: &str) -> Self {
        Self::ALL.into_iter().find(|code| code.as_str() == name).unwrap_or(Self::Unknown)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
