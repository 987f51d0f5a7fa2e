//! Which requests count once only.

use std::fmt;
use std::str::FromStr;

use http::Method;

/// Which of an application's requests count once only: the same signature again is then rejected as
/// `REPLAYED`. What was claimed is kept in a [`ReplayStore`](crate::store::ReplayStore).
///
/// Off by default, because it breaks peers that do nothing wrong: Atlassian's clients (since library
/// 3.0.7) send one certificate again for 15 minutes, with every request of the same user to the same
/// URL, and so does a client that repeats a request whose answer it did not get. Turn it on for a
/// peer that signs each request again, as `SignLayer` does unless told otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ReplayProtection {
    /// None. Whoever captures a request can send it again until its certificate is too old.
    #[default]
    Off,
    /// Requests whose method is not known to be idempotent (RFC 9110, section 9.2.2): all but `GET`,
    /// `HEAD`, `OPTIONS`, `TRACE`, `PUT` and `DELETE`.
    ///
    /// Seraph does not sign the method. A captured `POST` is rejected as a `POST`, but passes as a
    /// `PUT` or `DELETE`, and a captured `GET` passes once as a `POST`: list the
    /// [methods](crate::conditions::MethodRule) as well.
    NonIdempotent,
    /// Every request.
    Every,
}

impl ReplayProtection {
    /// Every value, weakest first.
    pub const ALL: [Self; 3] = [Self::Off, Self::NonIdempotent, Self::Every];

    /// The name used in configuration, such as `non-idempotent`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::NonIdempotent => "non-idempotent",
            Self::Every => "every",
        }
    }

    /// Whether a request of this method counts once only.
    #[must_use]
    pub fn covers(self, method: &Method) -> bool {
        match self {
            Self::Off => false,
            Self::NonIdempotent => !method.is_idempotent(),
            Self::Every => true,
        }
    }
}

impl fmt::Display for ReplayProtection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ReplayProtection {
    type Err = ReplayProtectionError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let named = Self::ALL.into_iter().find(|protection| protection.as_str() == name);
        named.ok_or_else(|| ReplayProtectionError(name.to_owned()))
    }
}

/// A text that names no [`ReplayProtection`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown replay protection `{0}`: known are `off`, `non-idempotent` and `every`")]
pub struct ReplayProtectionError(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_to_be_idempotent_is_not() {
        for (method, idempotent) in [
            ("GET", true),
            ("HEAD", true),
            ("OPTIONS", true),
            ("TRACE", true),
            ("PUT", true),
            ("DELETE", true),
            ("POST", false),
            ("PATCH", false),
            ("CONNECT", false),
            ("PURGE", false),
            ("get", false),
        ] {
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            assert!(!ReplayProtection::Off.covers(&method), "{method}");
            assert_eq!(ReplayProtection::NonIdempotent.covers(&method), !idempotent, "{method}");
            assert!(ReplayProtection::Every.covers(&method), "{method}");
        }
    }

    #[test]
    fn a_name_is_read_as_it_is_written() {
        for protection in ReplayProtection::ALL {
            assert_eq!(protection.to_string().parse(), Ok(protection));
        }
        for wrong in ["", "Every", "on", "all "] {
            assert!(wrong.parse::<ReplayProtection>().is_err(), "{wrong}");
        }
    }
}
