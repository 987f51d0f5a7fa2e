//! The path under which the application is mounted on this server.

/// Empty, or a path such as `/jira` below which path rules are held against requests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ContextPath(String);

/// A context path that does not begin with `/`, or has a query or a fragment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a context path is empty or begins with `/`, such as `/jira`; not `{0}`")]
pub struct ContextPathError(String);

impl ContextPath {
    pub(crate) fn new(path: &str) -> Result<Self, ContextPathError> {
        let trimmed = path.trim_end_matches('/');
        if trimmed.is_empty() || (trimmed.starts_with('/') && !trimmed.contains(['?', '#'])) {
            Ok(Self(trimmed.to_owned()))
        } else {
            Err(ContextPathError(path.to_owned()))
        }
    }

    /// What follows the context path, if `target` is at or below it. Stops at segments: `/jirax` is
    /// not below `/jira`.
    pub(crate) fn strip<'t>(&self, target: &'t str) -> Option<&'t str> {
        target.strip_prefix(self.0.as_str()).filter(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_whole_segments() {
        let jira = ContextPath::new("/jira/").unwrap();
        assert_eq!(jira.strip("/jira/rest"), Some("/rest"));
        assert_eq!(jira.strip("/jira"), Some(""));
        assert_eq!(jira.strip("/jira?q"), Some("?q"));
        assert_eq!(jira.strip("/jirax"), None);
        assert_eq!(jira.strip("/JIRA/rest"), None);
        let none = ContextPath::new("").unwrap();
        assert_eq!(none.strip("/rest"), Some("/rest"));
        assert!(ContextPath::new("jira").is_err());
    }
}
