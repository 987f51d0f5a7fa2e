//! Which methods an application may use.

use http::Method;

use crate::text::escaped;

/// Reads a method as an operator writes it in a list.
///
/// ```
/// use trusted_app_core::conditions::{MethodError, parse_method};
///
/// assert_eq!(parse_method("GET")?, http::Method::GET);
/// assert_eq!(parse_method("PURGE")?.as_str(), "PURGE");
///
/// let error = parse_method("get").unwrap_err();
/// assert_eq!(error.to_string(), "no request has the method `get`, for letter case counts: write `GET`");
/// # Ok::<(), MethodError>(())
/// ```
///
/// # Errors
///
/// When it is no method (RFC 9110, section 9.1), is several in one text, means every method, or differs from a
/// standard one by letter case only.
pub fn parse_method(text: &str) -> Result<Method, MethodError> {
    let is_separator =
        |character: char| character.is_whitespace() || matches!(character, ',' | ';' | '|' | '/' | '+');
    let mut parts = text.split(is_separator).filter(|part| !part.is_empty());
    if parts.clone().count() > 1 && parts.all(|part| Method::from_bytes(part.as_bytes()).is_ok()) {
        return Err(MethodError::Several(text.to_owned()));
    }
    let method = Method::from_bytes(text.as_bytes()).map_err(|_| MethodError::NoMethod(text.to_owned()))?;
    check_method(&method).map(|()| method)
}

/// Checks that a request could have the method, and that it is meant.
pub(crate) fn check_method(method: &Method) -> Result<(), MethodError> {
    let name = method.as_str();
    if ["*", "any", "all"].iter().any(|every| every.eq_ignore_ascii_case(name)) {
        return Err(MethodError::Every(name.to_owned()));
    }
    match STANDARD.into_iter().find(|standard| standard.eq_ignore_ascii_case(name)) {
        Some(standard) if standard != name => {
            Err(MethodError::LetterCase { written: name.to_owned(), standard })
        }
        _ => Ok(()),
    }
}

/// The methods of RFC 9110 and RFC 5789.
const STANDARD: [&str; 9] = ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"];

/// Why a text in a list of methods is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MethodError {
    /// No token, or blank.
    #[error("`{}` is no method: write one such as GET", escaped(.0))]
    NoMethod(String),
    /// More than one method in one text.
    #[error("`{}` is more than one method: write each as an entry of its own", escaped(.0))]
    Several(String),
    /// A word or asterisk that is meant for every method.
    #[error("`{0}` is no method: for every method write `any` alone")]
    Every(String),
    /// A standard method in other letters: methods are case-sensitive (RFC 9110, section 9.1).
    #[error("no request has the method `{written}`, for letter case counts: write `{standard}`")]
    LetterCase {
        /// What was written.
        written: String,
        /// The method that is meant.
        standard: &'static str,
    },
}

/// Which methods an application may use: any, or the listed ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MethodRule(Option<Vec<Method>>);

impl MethodRule {
    /// Every method.
    #[must_use]
    pub const fn any() -> Self {
        Self(None)
    }

    /// Only these; an empty list allows nothing.
    #[must_use]
    pub fn only(methods: impl IntoIterator<Item = Method>) -> Self {
        Self(Some(methods.into_iter().collect()))
    }

    /// The listed methods, or `None` for any.
    #[must_use]
    pub fn methods(&self) -> Option<&[Method]> {
        self.0.as_deref()
    }

    /// Whether it allows this method. Methods are case-sensitive (RFC 9110, section 9.1).
    #[must_use]
    #[inline]
    pub fn allows(&self, method: &Method) -> bool {
        self.0.as_ref().is_none_or(|methods| methods.contains(method))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_allows_every_method() {
        for method in [Method::GET, Method::DELETE, Method::from_bytes(b"PURGE").expect("a method")] {
            assert!(MethodRule::any().allows(&method));
        }
        assert_eq!(MethodRule::any().methods(), None);
    }

    #[test]
    fn a_list_allows_only_what_is_in_it() {
        let rule = MethodRule::only([Method::GET, Method::HEAD]);
        assert!(rule.allows(&Method::HEAD));
        for method in [b"POST".as_slice(), b"get", b"GETS"] {
            let method = Method::from_bytes(method).expect("a method");
            assert!(!rule.allows(&method), "{method}");
        }
    }

    #[test]
    fn what_no_request_has_is_refused() {
        let several = |text: &str| MethodError::Several(text.to_owned());
        let no_method = |text: &str| MethodError::NoMethod(text.to_owned());
        let every = |text: &str| MethodError::Every(text.to_owned());
        let case =
            |written: &str, standard| MethodError::LetterCase { written: written.to_owned(), standard };
        for (text, error) in [
            ("get", case("get", "GET")),
            ("Get", case("Get", "GET")),
            ("options", case("options", "OPTIONS")),
            ("pATCH", case("pATCH", "PATCH")),
            ("GET,POST", several("GET,POST")),
            ("GET POST", several("GET POST")),
            ("GET, POST", several("GET, POST")),
            ("GET;POST", several("GET;POST")),
            ("GET|POST", several("GET|POST")),
            ("GET/HEAD", several("GET/HEAD")),
            ("get\npost", several("get\npost")),
            ("*", every("*")),
            ("ANY", every("ANY")),
            ("All", every("All")),
            ("", no_method("")),
            (" GET", no_method(" GET")),
            ("GET,", no_method("GET,")),
            ("GÉT", no_method("GÉT")),
            ("\"GET\"", no_method("\"GET\"")),
            ("GET\u{200b}", no_method("GET\u{200b}")),
        ] {
            assert_eq!(parse_method(text), Err(error), "{text:?}");
        }
        for method in ["GET", "PURGE", "M-SEARCH", "propfind", "VERSION-CONTROL"] {
            assert_eq!(parse_method(method).expect(method).as_str(), method);
        }
    }

    #[test]
    fn an_empty_list_allows_nothing() {
        assert!(!MethodRule::only([]).allows(&Method::GET));
    }
}
