//! Whether one path pattern covers all that another covers.

use super::{EVERY_METHOD, PathPattern, PathPatternKind, with_slash};

impl PathPattern {
    /// Whether this pattern covers every path that `other` covers. Where it cannot tell, it says no.
    ///
    /// ```
    /// use trusted_app_core::conditions::PathPattern;
    ///
    /// let rest = PathPattern::subtree("/rest")?;
    /// assert!(rest.covers(&PathPattern::prefix("/rest/api")?));
    /// assert!(!rest.covers(&PathPattern::prefix("/rest")?)); // which covers /restricted too
    /// # Ok::<_, trusted_app_core::conditions::PathPatternError>(())
    /// ```
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        use PathPatternKind::{Prefix, Rpc, Subtree};

        if self == other || other.never_matches() {
            return true;
        }
        match (self.kind, other.kind) {
            (Prefix, Prefix) => other.text.starts_with(&*self.text),
            // Below it, `;` parameters may stand in each segment: what the prefix says of a second one need not hold.
            (Prefix, Subtree) => other.text.starts_with(&*self.text) && self.text.matches('/').count() == 1,
            (Subtree, Prefix) => other.text.starts_with(&with_slash(self.text.to_string())),
            (Subtree, Subtree) => {
                with_slash(other.text.to_string()).starts_with(&with_slash(self.text.to_string()))
            }
            (Prefix, Rpc) => other.rpc_path().starts_with(&*self.text),
            (Subtree, Rpc) => other.rpc_path().starts_with(&with_slash(self.text.to_string())),
            (Rpc, Rpc) => self.text.split_once('/').zip(other.text.split_once('/')).is_some_and(
                |((service, method), (other_service, _))| service == other_service && method == EVERY_METHOD,
            ),
            (Rpc, Prefix | Subtree) => false,
        }
    }

    /// What the paths of an RPC begin with.
    fn rpc_path(&self) -> String {
        format!("/{}", self.text.strip_suffix(EVERY_METHOD).unwrap_or(&self.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> PathPattern {
        match text.split_once(' ') {
            Some(("subtree", path)) => PathPattern::subtree(path),
            Some(("rpc", name)) => PathPattern::rpc(name),
            _ => PathPattern::prefix(text),
        }
        .unwrap()
    }

    #[test]
    fn a_pattern_covers_what_matches_no_more() {
        for (one, other, covers) in [
            ("/rest", "/rest/api", true),
            ("/rest", "/restricted", true),
            ("/rest/api", "/rest", false),
            ("/", "subtree /rest/api", true),
            ("/rest", "subtree /rest/api", true),
            ("/rest/", "subtree /rest", false),
            // /rest;v=1/api is in the subtree.
            ("/rest/api", "subtree /rest/api", false),
            ("subtree /rest", "/rest", false),
            ("subtree /rest", "/rest/", true),
            ("subtree /rest", "/rest/api", true),
            ("subtree /rest", "subtree /rest/api", true),
            ("subtree /rest", "subtree /restricted", false),
            ("subtree /rest/api", "subtree /rest", false),
            ("subtree /", "/a", true),
            ("subtree /", "subtree /a", true),
            ("subtree /", "rpc a.B/*", true),
            ("subtree /a.B", "rpc a.B/C", true),
            ("subtree /a", "rpc a.B/C", false),
            ("/a.", "rpc a.B/*", true),
            ("/a.B/C", "rpc a.B/*", false),
            ("/a.B/C", "rpc a.B/C", true),
            ("rpc a.B/*", "rpc a.B/C", true),
            ("rpc a.B/C", "rpc a.B/*", false),
            ("rpc a.B/*", "rpc a.C/*", false),
            ("rpc a.B/*", "/a.B/C", false),
            // Covers no path at all.
            ("/rest", "plugins", true),
        ] {
            assert_eq!(pattern(one).covers(&pattern(other)), covers, "{one} | {other}");
        }
    }
}
