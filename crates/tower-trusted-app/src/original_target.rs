//! The request target as it came over the wire, where `http::Uri` cannot hold it.

use std::sync::Arc;

use http::Extensions;
use http::uri::{PathAndQuery, Uri};

/// A request's path and query as they came over the wire, in the request's extensions.
///
/// [`Uri`] refuses some targets that Java's clients sign and send: with `"`, `<` or `>` in the
/// query, with a backtick in the path, or longer than 65 534 bytes. A server that reads such
/// targets itself hands the request on under a stand-in URI and leaves the target here. The signed
/// URL is then rebuilt from this target, and path rules are held against it; so the stand-in must
/// lead where the target would.
///
/// Extensions do not come over the wire: only the server itself can put it there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginalTarget(Arc<str>);

impl OriginalTarget {
    /// Takes a path and query, not decoded, such as `/rest?jql="a"`.
    pub fn new(target: impl Into<Arc<str>>) -> Self {
        Self(target.into())
    }

    /// The path and query.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The raw path and query of a request with these extensions and this URI.
pub(crate) fn target_of<'r>(extensions: &'r Extensions, uri: &'r Uri) -> &'r str {
    extensions
        .get()
        .map(OriginalTarget::as_str)
        .or_else(|| uri.path_and_query().map(PathAndQuery::as_str))
        .unwrap_or("/")
}

/// What stands before the query.
pub(crate) fn path_of(target: &str) -> &str {
    target.split_once('?').map_or(target, |(path, _)| path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stands_in_for_the_uri() {
        let uri = Uri::from_static("https://t.example/rest?a");
        let mut extensions = Extensions::new();
        assert_eq!(target_of(&extensions, &uri), "/rest?a");
        extensions.insert(OriginalTarget::new("/`?\"<>?"));
        assert_eq!(target_of(&extensions, &uri), "/`?\"<>?");
        assert_eq!(path_of(target_of(&extensions, &uri)), "/`");
        assert_eq!(target_of(&Extensions::new(), &Uri::from_static("t.example:80")), "/");
    }
}
