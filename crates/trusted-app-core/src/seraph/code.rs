//! The codes: the short names of rejections.

use std::fmt;

use crate::rejection::{Class, Rejection, TimeLimit};

/// The short name of a rejection, as it goes over the wire.
///
/// "Before" are the codes that may be answered before a signature was found to hold; whoever sees
/// one of the others has the application's private key. The peer sees the code and the message,
/// both in the response's `X-Seraph-Trusted-App-Error` header and in its body. The log has the same
/// and beside it the server-side facts: the rebuilt URL, the resolved address, the age, the rule.
///
/// | Code | HTTP | gRPC | Before | What the peer sees | What to do |
/// |---|---|---|---|---|---|
/// | `MISSING_CERT` | 401 | 16 | yes | no credentials in the request | sign the request, or make the layer `optional()` |
/// | `BAD_PROTOCOL_VERSION` | 400, 401 | 3, 16 | yes | the version it sent and the highest it may use | set the peer to version 3 (Atlassian's products: the Java system property `trustedapps.protocol.version`), or list the scheme with the application; 0 is also a request without a version header |
/// | `APP_ID_NOT_FOUND` | 401 | 16 | yes | the id header is missing | correct the peer |
/// | `SECRET_KEY_NOT_FOUND` | 401 | 16 | yes | the key header is missing (version 2) | correct the peer |
/// | `MAGIC_NUMBER_NOT_FOUND` | 401 | 16 | yes | the magic header is missing (version 2) | correct the peer |
/// | `APP_UNKNOWN` | 401 | 16 | yes | the id it sent | register the application; ids are compared byte for byte |
/// | `BAD_MAGIC` | 401 | 16 | yes | which part could not be read | look whether a header was cut; compare the registered key's fingerprint with the peer's |
/// | `SYSTEM` | 401 | 16 | yes | the timestamp that is no number | correct the peer |
/// | `BAD_SIGNATURE` | 401 | 16 | yes | the URL as this server rebuilt it | compare that URL with the one the peer signed: host, scheme, port, context path, escapes; set the public URL; compare the key's fingerprint. Where the public URL is not written in its normal form there are two, and the signature holds for neither |
/// | `REPEATED_HEADER` | 400 | 3 | yes | which header came twice | look for a proxy that adds headers |
/// | `TOO_LARGE` | 400 | 3 | yes | what was too large, and the limit | correct the peer |
/// | `OLD_CERT` | 401 | 16 | no | when it was created, the time-out | compare the clocks; sign each request again |
/// | `FUTURE_CERT` | 401 | 16 | no | how far ahead it was | compare the clocks |
/// | `BAD_METHOD` | 403 | 7 | no | the method | add the method to the application |
/// | `BAD_REMOTE_IP` | 403 | 7 | no | the address | add the address to the application |
/// | `BAD_XFORWARD_IP` | 403 | 7 | no | the forwarded address | add the address, or name the proxies as trusted; what has a port or a zone is no address |
/// | `UNKNOWN_PEER` | 403 | 7 | no | that this server does not know the address | serve with connection info (axum: `into_make_service_with_connect_info`) |
/// | `BAD_URL` | 403 | 7 | no | the path | add a path pattern to the application; if the path begins with `//`, take the slash off the end of the base URL that the peer has of this server |
/// | `AMBIGUOUS_URL` | 400 | 3 | no | the path and what is ambiguous in it | ask for the path in its plain form; `//` at its beginning as above |
/// | `USER_UNKNOWN` | 401 | 16 | no | the user name | create the user; names are compared byte for byte |
/// | `PERMISSION_DENIED` | 403 | 7 | no | nothing more | look at the rule that the log names |
/// | `REPLAYED` | 401 | 16 | no | when the certificate was created | have the peer sign each request again, repetitions too; or turn the application's replay protection off |
/// | `UNAVAILABLE` | 503 | 14 | yes | nothing more | look at the store named in the log |
///
///
/// The upper group of the variants are the original's; the others are ours, named in the same style.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the table says what each one means")]
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

    /// The code of a rejection. Reasons that no request of Seraph's can have get the nearest one.
    #[must_use]
    pub const fn of(rejection: &Rejection) -> Self {
        match rejection {
            Rejection::CredentialsMissing => Self::MissingCert,
            Rejection::VersionNotANumber { .. }
            | Rejection::VersionNotAllowed { .. }
            | Rejection::SchemeNotAllowed => Self::BadProtocolVersion,
            Rejection::ApplicationIdMissing => Self::AppIdNotFound,
            Rejection::SecretKeyMissing => Self::SecretKeyNotFound,
            Rejection::MagicMissing => Self::MagicNumberNotFound,
            Rejection::ApplicationUnknown { .. } | Rejection::KeyUnknown { .. } => Self::AppUnknown,
            Rejection::BadMagic { .. } | Rejection::Malformed { .. } => Self::BadMagic,
            Rejection::TimestampNotANumber { .. } => Self::ServerError,
            Rejection::SignatureMissing
            | Rejection::BadSignature { .. }
            | Rejection::BadSignatureBase { .. }
            | Rejection::AlgorithmMismatch
            | Rejection::NotCovered { .. }
            | Rejection::FieldNotCovered { .. }
            | Rejection::ContentMismatch
            | Rejection::AuthorityUnknown { .. } => Self::BadSignature,
            Rejection::RepeatedHeader { .. } | Rejection::TwoSchemes => Self::RepeatedHeader,
            Rejection::TooLarge { .. } | Rejection::ContentTooLarge { .. } => Self::TooLarge,
            Rejection::CertificateFromFuture { .. } | Rejection::Stale { limit: TimeLimit::Created, .. } => {
                Self::FutureCert
            }
            Rejection::CertificateTooOld { .. } | Rejection::Stale { .. } => Self::OldCert,
            Rejection::MethodNotAllowed { .. } => Self::BadMethod,
            Rejection::AddressNotAllowed { .. } => Self::BadRemoteIp,
            Rejection::ForwardedAddressNotAllowed { .. } => Self::BadXForwardIp,
            Rejection::PeerUnknown => Self::UnknownPeer,
            Rejection::PathNotAllowed { .. } => Self::BadUrl,
            Rejection::PathAmbiguous { .. } => Self::AmbiguousUrl,
            Rejection::UserUnknown { .. } => Self::UserUnknown,
            Rejection::PermissionDenied { .. } | Rejection::TenantUnknown { .. } => Self::PermissionDenied,
            Rejection::Replayed { .. } => Self::Replayed,
            Rejection::Unavailable { .. } | Rejection::ContentNotHeld { .. } => Self::Unavailable,
        }
    }

    const fn class(self) -> Class {
        match self {
            Self::RepeatedHeader | Self::TooLarge | Self::AmbiguousUrl => Class::Malformed,
            Self::BadMethod
            | Self::BadRemoteIp
            | Self::BadXForwardIp
            | Self::UnknownPeer
            | Self::BadUrl
            | Self::PermissionDenied => Class::Denied,
            Self::Unavailable => Class::Unavailable,
            Self::Unknown
            | Self::AppUnknown
            | Self::ServerError
            | Self::BadProtocolVersion
            | Self::AppIdNotFound
            | Self::SecretKeyNotFound
            | Self::MagicNumberNotFound
            | Self::OldCert
            | Self::MissingCert
            | Self::BadMagic
            | Self::UserUnknown
            | Self::BadSignature
            | Self::FutureCert
            | Self::Replayed => Class::Unauthenticated,
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

/// What a rejection of a request with Seraph's credentials is for HTTP and gRPC. The code does not tell: a version
/// that is no number is malformed, one that is not allowed is not.
#[must_use]
pub const fn class(rejection: &Rejection) -> Class {
    match rejection {
        Rejection::VersionNotANumber { .. } => Class::Malformed,
        other => Code::of(other).class(),
    }
}
