//! What a request asks for.

use std::sync::Arc;

use http::Extensions;
use http::uri::{PathAndQuery, Uri};

use crate::context_path::ContextPath;

/// A request's path and query as they came over the wire, in the request's extensions.
///
/// [`Uri`] rejects some targets that Java's clients sign and send: with `"`, `<` or `>` in the
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

/// What a request asks for, found out once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target<'r> {
    /// The URI as it came, before a framework stripped a prefix.
    pub(crate) uri: &'r Uri,
    /// The raw path and query, nothing decoded.
    pub(crate) raw: &'r str,
    /// The raw path.
    pub(crate) path: &'r str,
}

impl<'r> Target<'r> {
    /// Of a request with these extensions and this original URI.
    #[inline]
    pub(crate) fn new(extensions: &'r Extensions, uri: &'r Uri) -> Self {
        let raw = raw_target(extensions, uri);
        let path = raw.split_once('?').map_or(raw, |(path, _)| path);
        Self { uri, raw, path }
    }

    /// What of the path is below the context path, if the request is.
    pub(crate) fn below(&self, context_path: &ContextPath) -> Option<&'r str> {
        context_path.strip(self.path)
    }
}

/// The raw path and query of a request with these extensions and this URI.
fn raw_target<'r>(extensions: &'r Extensions, uri: &'r Uri) -> &'r str {
    extensions
        .get()
        .map(OriginalTarget::as_str)
        .or_else(|| uri.path_and_query().map(PathAndQuery::as_str))
        .unwrap_or("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stands_in_for_the_uri() {
        let uri = Uri::from_static("https://t.example/rest?a");
        let mut extensions = Extensions::new();
        let jira = ContextPath::new("/jira").unwrap();
        let target = Target::new(&extensions, &uri);
        assert_eq!((target.raw, target.path, target.below(&jira)), ("/rest?a", "/rest", None));
        extensions.insert(OriginalTarget::new("/jira/`?\"<>?"));
        let target = Target::new(&extensions, &uri);
        assert_eq!((target.raw, target.path), ("/jira/`?\"<>?", "/jira/`"));
        assert_eq!(target.below(&jira), Some("/`"));
        assert_eq!(raw_target(&Extensions::new(), &Uri::from_static("t.example:80")), "/");
    }
}
