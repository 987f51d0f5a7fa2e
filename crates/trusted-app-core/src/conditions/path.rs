//! Path rules: which parts of the server an application may ask for.

mod pattern;

mod covers;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use self::pattern::{EVERY_METHOD, is_identifier};
use crate::conditions::ambiguity::{ambiguity, without_parameters};

pub use pattern::{PathPattern, PathPatternError, PathPatternKind};

/// Which paths may be asked for: every path, or those that a set of patterns covers.
///
/// ```
/// use trusted_app_core::conditions::{PathPattern, PathRule};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let rule = PathRule::only([PathPattern::subtree("/rest")?, PathPattern::prefix("/secure/RunPortlet")?]);
/// assert!(rule.check(Some("/rest/api/2/issue")).is_ok());
/// assert!(rule.check(Some("/secure/RunPortlet.jspa")).is_ok());
/// assert!(rule.check(Some("/restricted")).is_err());
/// assert!(rule.check(Some("/rest/../secure/admin")).is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PathRule(Option<Arc<PathSet>>);

impl PathRule {
    /// Every path.
    #[must_use]
    pub const fn any() -> Self {
        Self(None)
    }

    /// Only what a pattern covers; an empty list allows nothing.
    #[must_use]
    pub fn only(patterns: impl IntoIterator<Item = PathPattern>) -> Self {
        Self(Some(Arc::new(PathSet::new(patterns.into_iter().collect()))))
    }

    /// Only what one of these [prefixes](PathPatternKind::Prefix) covers. Blanks around each are
    /// trimmed, blank ones dropped; when none is left, the rule allows nothing. An application with one that
    /// [`PathPattern::prefix`] rejects is not built.
    #[must_use]
    pub fn prefixes<P: Into<String>>(prefixes: impl IntoIterator<Item = P>) -> Self {
        Self::only(prefixes.into_iter().filter_map(|prefix| PathPattern::unchecked_prefix(&prefix.into())))
    }

    /// Whether it is [`any`](Self::any).
    #[must_use]
    pub const fn is_any(&self) -> bool {
        self.0.is_none()
    }

    /// The patterns in the order given, or `None` for [`any`](Self::any).
    #[must_use]
    pub fn patterns(&self) -> Option<&[PathPattern]> {
        self.0.as_ref().map(|set| &*set.patterns)
    }

    /// Checks the raw path below the context path (`None`: not below it). [`any`](Self::any) does
    /// not look at it.
    ///
    /// A covered path is rejected all the same when a server behind the rule could read it in
    /// another way: when, without the `;` parameters of each segment, a segment is `.` or `..`, or
    /// empty and not the last; when it has `\`, `?`, `#`, a blank or a control character; when
    /// `/`, `\`, `.`, `;`, `%` or a control character is percent-encoded; when a character that
    /// Unicode normalisation turns into one of the five, such as a full-width form, stands for it
    /// (an ellipsis does not); when an escape is bad or decodes to no UTF-8.
    ///
    /// # Errors
    ///
    /// [`PathMismatch::NotCovered`] when no pattern covers the path, and then
    /// [`PathMismatch::Ambiguous`].
    pub fn check(&self, path: Option<&str>) -> Result<(), PathMismatch> {
        let Some(set) = &self.0 else { return Ok(()) };
        let path = path.unwrap_or_default();
        if !set.covers(path) {
            return Err(PathMismatch::NotCovered);
        }
        ambiguity(path).map_or(Ok(()), |reason| Err(PathMismatch::Ambiguous(reason)))
    }
}

/// Why a path rule does not allow a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathMismatch {
    /// No pattern covers it.
    NotCovered,
    /// A pattern covers it, but it could mean two things, for this reason.
    Ambiguous(&'static str),
}

impl fmt::Debug for PathRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.patterns() {
            None => f.write_str("any"),
            Some(patterns) => f.debug_set().entries(patterns).finish(),
        }
    }
}

/// Patterns, and beside them what makes looking up independent of how many there are.
struct PathSet {
    patterns: Box<[PathPattern]>,
    prefixes: Prefixes,
    /// Each with a slash at its end, for paths with a slash at theirs.
    subtrees: Prefixes,
    /// The methods, among them `*`, of each service.
    rpcs: BTreeMap<String, BTreeSet<String>>,
}

impl PathSet {
    fn new(patterns: Vec<PathPattern>) -> Self {
        let mut prefixes = Vec::new();
        let mut subtrees = Vec::new();
        let mut rpcs = BTreeMap::<_, BTreeSet<_>>::new();
        for pattern in &patterns {
            let text = Arc::clone(&pattern.text);
            match pattern.kind {
                PathPatternKind::Prefix => prefixes.push(text),
                PathPatternKind::Subtree => subtrees.push(with_slash(text.to_string()).into()),
                PathPatternKind::Rpc => {
                    let (service, method) = text.split_once('/').unwrap_or_default();
                    rpcs.entry(service.to_owned()).or_default().insert(method.to_owned());
                }
            }
        }
        Self {
            patterns: patterns.into(),
            prefixes: Prefixes::new(prefixes),
            subtrees: Prefixes::new(subtrees),
            rpcs,
        }
    }

    fn covers(&self, path: &str) -> bool {
        path.starts_with('/')
            && (self.prefixes.cover(path) || self.subtrees_cover(path) || self.rpcs_cover(path))
    }

    fn subtrees_cover(&self, path: &str) -> bool {
        if self.subtrees.0.is_empty() {
            return false;
        }
        let names: Vec<_> = path.split('/').map(without_parameters).collect();
        self.subtrees.cover(&with_slash(names.join("/")))
    }

    fn rpcs_cover(&self, path: &str) -> bool {
        let Some((service, method)) = path.strip_prefix('/').and_then(|rpc| rpc.split_once('/')) else {
            return false;
        };
        is_identifier(method)
            && self.rpcs.get(service).is_some_and(|of| of.contains(method) || of.contains(EVERY_METHOD))
    }
}

fn with_slash(mut path: String) -> String {
    if !path.ends_with('/') {
        path.push('/');
    }
    path
}

/// Sorted prefixes, none of which is a prefix of another, so that only one can cover a path: the
/// last that is not behind it.
struct Prefixes(Box<[Arc<str>]>);

impl Prefixes {
    fn new(mut prefixes: Vec<Arc<str>>) -> Self {
        prefixes.sort_unstable();
        prefixes.dedup_by(|next, kept| next.starts_with(&**kept));
        Self(prefixes.into())
    }

    fn cover(&self, path: &str) -> bool {
        let behind = self.0.partition_point(|prefix| **prefix <= *path);
        behind
            .checked_sub(1)
            .and_then(|index| self.0.get(index))
            .is_some_and(|prefix| path.starts_with(&**prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(rule: &PathRule, path: &str) -> bool {
        rule.check(Some(path)).is_ok()
    }

    #[test]
    fn a_prefix_may_end_inside_a_segment() {
        let rule = PathRule::prefixes(["/secure/RunPortlet", " /rest/*\t", ""]);
        for path in ["/secure/RunPortlet", "/secure/RunPortlet.jspa", "/secure/RunPortlet;a/b", "/rest/*x"] {
            assert!(allows(&rule, path), "{path}");
        }
        for path in ["/secure/runportlet", "/secure/RunPortle", "/rest/x", "/", "", "secure/RunPortlet"] {
            assert!(!allows(&rule, path), "{path}");
        }
    }

    #[test]
    fn a_subtree_stops_at_segments() {
        for written in ["/rest/api", "/rest/api/"] {
            let rule = PathRule::only([PathPattern::subtree(written).expect("a subtree")]);
            for path in
                ["/rest/api", "/rest/api/", "/rest/api/2", "/rest;v=1/api;w/2", "/rest/api;jsessionid=1"]
            {
                assert!(allows(&rule, path), "{path}");
            }
            for path in [
                "/rest",
                "/rest/apis",
                "/rest/api-x",
                "/rest/API",
                "/rest/ap;i",
                "/x/rest/api",
                "/rest%2Fapi",
            ] {
                assert!(matches!(rule.check(Some(path)), Err(PathMismatch::NotCovered)), "{path}");
            }
        }
    }

    #[test]
    fn the_root_subtree_covers_every_path_below_the_context_path() {
        let rule = PathRule::only([PathPattern::subtree("/").expect("the root")]);
        assert!(allows(&rule, "/"));
        assert!(allows(&rule, "/x/y"));
        assert!(!allows(&rule, "*"));
        assert!(!allows(&rule, ""));
        assert!(rule.check(None).is_err());
    }

    #[test]
    fn an_rpc_is_one_method_or_a_service() {
        let rule = PathRule::only([
            PathPattern::rpc("shop.v1.Cart/Get").expect("a method"),
            PathPattern::rpc("shop.v1.Stock/*").expect("a service"),
        ]);
        for path in ["/shop.v1.Cart/Get", "/shop.v1.Stock/Get", "/shop.v1.Stock/Put"] {
            assert!(allows(&rule, path), "{path}");
        }
        for path in [
            "/shop.v1.Cart/GetAll",
            "/shop.v1.Cart/get",
            "/shop.v1.Cart/*",
            "/shop.v1.Cart",
            "/shop.v1.Cart/Get/",
            "/shop.v1.Stock/",
            "/shop.v1.Stock/*",
            "/shop.v1.Stock/a/b",
            "/shop.v1.Stocks/Get",
            "/v1.Stock/Get",
            "shop.v1.Cart/Get",
            "/shop.v1.Cart/Get;x",
        ] {
            assert!(!allows(&rule, path), "{path}");
        }
    }

    #[test]
    fn constructors_take_no_list() {
        for text in ["/rest /plugins", "/rest, /plugins", "/rest,/plugins", "/rest\n/x"] {
            let several = PathPatternError::Several(text.to_owned());
            assert_eq!(PathPattern::prefix(text), Err(several.clone()));
            assert_eq!(PathPattern::subtree(text), Err(several));
        }
        // A prefix that covers no path is taken, as by the original.
        for text in ["rest", "/a/../b", "//rest", "/rest/*", "/rest,x"] {
            assert!(PathPattern::prefix(text).is_ok(), "{text}");
        }
        let rule = PathRule::prefixes(["/rest /plugins"]);
        assert!(!allows(&rule, "/rest"));
        assert!(!allows(&rule, "/rest /plugins"));
    }

    #[test]
    fn any_looks_at_nothing_and_an_empty_set_allows_nothing() {
        for path in [None, Some(""), Some("/rest/../x"), Some("/%zz")] {
            assert_eq!(PathRule::any().check(path), Ok(()));
            assert!(PathRule::only([]).check(path).is_err());
            assert!(PathRule::prefixes(["", " ", "\n"]).check(path).is_err());
        }
        assert!(PathRule::any().is_any());
        assert_eq!(PathRule::prefixes([""]).patterns(), Some([].as_slice()));
    }

    #[test]
    fn not_covered_comes_before_ambiguous() {
        let rule = PathRule::prefixes(["/rest"]);
        assert_eq!(rule.check(Some("/secure/../rest/x")), Err(PathMismatch::NotCovered));
        assert_eq!(rule.check(Some("/rest/../secure")), Err(PathMismatch::Ambiguous("dot segment")));
        assert_eq!(rule.check(None), Err(PathMismatch::NotCovered));
    }

    #[test]
    fn only_the_shortest_of_nested_prefixes_is_kept() {
        let prefixes = Prefixes::new(["/b", "/a/b", "/a", "/ab", "/b", "/a-b"].map(Arc::from).to_vec());
        assert_eq!(*prefixes.0, ["/a", "/b"].map(Arc::from));
    }
}
