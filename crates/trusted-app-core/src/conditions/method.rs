//! Which methods an application may use.

use http::Method;

use crate::rejection::Rejection;

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

    /// Checks one method. Methods are case-sensitive (RFC 9110, section 9.1).
    ///
    /// # Errors
    ///
    /// [`Rejection::MethodNotAllowed`].
    pub fn check(&self, method: &Method) -> Result<(), Rejection> {
        match &self.0 {
            Some(methods) if !methods.contains(method) => {
                Err(Rejection::MethodNotAllowed { method: method.to_string() })
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_allows_every_method() {
        for method in [Method::GET, Method::DELETE, Method::from_bytes(b"PURGE").expect("a method")] {
            assert_eq!(MethodRule::any().check(&method), Ok(()));
        }
        assert_eq!(MethodRule::any().methods(), None);
    }

    #[test]
    fn a_list_allows_only_what_is_in_it() {
        let rule = MethodRule::only([Method::GET, Method::HEAD]);
        assert_eq!(rule.check(&Method::HEAD), Ok(()));
        for (bytes, method) in [(b"POST".as_slice(), "POST"), (b"get", "get"), (b"GETS", "GETS")] {
            let refused = rule.check(&Method::from_bytes(bytes).expect("a method"));
            assert_eq!(refused, Err(Rejection::MethodNotAllowed { method: method.to_owned() }));
        }
    }

    #[test]
    fn an_empty_list_allows_nothing() {
        assert!(MethodRule::only([]).check(&Method::GET).is_err());
    }
}
