//! One path pattern: how it is written, and what is none.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::conditions::ambiguity::{ambiguity, spoils_all_below};
use crate::text::escaped;

/// One pattern, held against the raw path below the context path: without the query, nothing
/// decoded, letter case as it stands.
///
/// As text it is a plain prefix, `subtree:/rest` or `rpc:package.Service/*`; what `Display` writes is read as the same
/// pattern again.
///
/// ```
/// use trusted_app_core::conditions::{PathPattern, PathPatternError};
///
/// let pattern: PathPattern = "subtree:/rest".parse()?;
/// assert_eq!(pattern, PathPattern::subtree("/rest")?);
/// assert_eq!(pattern.to_string(), "subtree:/rest");
///
/// let list = "/rest, /plugins".parse::<PathPattern>().unwrap_err();
/// assert_eq!(list.to_string(), "`/rest, /plugins` is more than one path: write each as an entry of its own");
/// # Ok::<(), PathPatternError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PathPattern {
    pub(super) kind: PathPatternKind,
    pub(super) text: Arc<str>,
}

/// How a [`PathPattern`] is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PathPatternKind {
    /// A plain string prefix, as in the original. It may end inside a segment: `/secure/RunPortlet`
    /// covers `/secure/RunPortlet.jspa`, and so `/rest` covers `/restricted`. A `*` is a star.
    Prefix,
    /// A path and all below it: `/rest` covers `/rest` and `/rest/api`, not `/restricted`. `;`
    /// parameters in the request's path are left out of the comparison.
    Subtree,
    /// One gRPC method, `package.Service/Method`, or all of a service, `package.Service/*`.
    Rpc,
}

impl PathPattern {
    /// A plain string prefix. Blanks around it are trimmed.
    ///
    /// # Errors
    ///
    /// When it is blank, which would cover every path, has a blank inside, which no path has, is a list of paths, or
    /// would be read as something else: the word `any`, and what begins like a pattern of another kind.
    pub fn prefix(text: &str) -> Result<Self, PathPatternError> {
        let prefix = Self::unchecked_prefix(text).ok_or(PathPatternError::Blank)?;
        prefix.check()?;
        Ok(prefix)
    }

    /// `None` for a blank one.
    pub(super) fn unchecked_prefix(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self { kind: PathPatternKind::Prefix, text: text.into() })
    }

    /// Checks that it is one pattern, and not a list in one text, and that its text is read as the same again.
    pub(crate) fn check(&self) -> Result<(), PathPatternError> {
        check_single(&self.text)?;
        let text = self.text.as_ref();
        if text.contains(char::is_whitespace) {
            Err(PathPatternError::InnerBlank(text.to_owned()))
        } else if self.kind == PathPatternKind::Prefix && text == ANY {
            Err(PathPatternError::Everything(text.to_owned()))
        } else if self.kind == PathPatternKind::Prefix && (text.starts_with(SUBTREE) || text.starts_with(RPC))
        {
            Err(PathPatternError::PrefixWithoutSlash(text.to_owned()))
        } else {
            Ok(())
        }
    }

    /// A path and all below it; `/` is every path. A slash at its end makes no difference.
    ///
    /// # Errors
    ///
    /// When it is blank, does not begin with a slash, has a blank, `;` parameters or an asterisk, or could mean two things.
    pub fn subtree(path: &str) -> Result<Self, PathPatternError> {
        if path.trim().is_empty() {
            return Err(PathPatternError::Blank);
        }
        if !path.starts_with('/') {
            return Err(PathPatternError::NoSlash(path.to_owned()));
        }
        check_single(path)?;
        if path.contains('*') {
            return Err(PathPatternError::Asterisk(path.to_owned()));
        }
        if path.contains(';') {
            return Err(PathPatternError::Ambiguous { path: path.to_owned(), reason: "semicolon" });
        }
        if let Some(reason) = ambiguity(path) {
            return Err(PathPatternError::Ambiguous { path: path.to_owned(), reason });
        }
        if path.contains(char::is_whitespace) {
            return Err(PathPatternError::InnerBlank(path.to_owned()));
        }
        let text = if path == "/" { path } else { path.trim_end_matches('/') };
        Ok(Self { kind: PathPatternKind::Subtree, text: text.into() })
    }

    /// One gRPC method, `package.Service/Method`, or all of a service, `package.Service/*`.
    ///
    /// # Errors
    ///
    /// [`PathPatternError::Rpc`] when it is neither.
    pub fn rpc(text: &str) -> Result<Self, PathPatternError> {
        let mut parts = text.split(is_separator).filter(|part| !part.is_empty());
        if parts.clone().count() > 1 && parts.all(|part| Self::rpc(part).is_ok()) {
            return Err(PathPatternError::Several(text.to_owned()));
        }
        let (service, method) = text.split_once('/').unwrap_or_default();
        if service.split('.').all(is_identifier) && (method == EVERY_METHOD || is_identifier(method)) {
            Ok(Self { kind: PathPatternKind::Rpc, text: text.into() })
        } else {
            Err(PathPatternError::Rpc(text.to_owned()))
        }
    }

    /// How it is compared.
    #[must_use]
    pub fn kind(&self) -> PathPatternKind {
        self.kind
    }

    /// Its text, from which the constructor of its kind makes the same pattern again.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it covers no path that a request can have: a prefix without the slash at its
    /// beginning, as the original accepts it, or one whose whole segments could mean two things, or that
    /// has a character, such as `?`, by which every path could.
    #[must_use]
    pub fn never_matches(&self) -> bool {
        let whole_segments = self.text.rfind('/').and_then(|last| self.text.get(..=last)).unwrap_or_default();
        self.kind == PathPatternKind::Prefix
            && (!self.text.starts_with('/')
                || ambiguity(whole_segments).is_some()
                || spoils_all_below(&self.text))
    }
}

impl PathPattern {
    /// Reads a pattern that a person types, and rejects also what is [hardly meant](Self::hardly_meant).
    ///
    /// # Errors
    ///
    /// When it is no pattern, or a prefix that covers no path or has an asterisk.
    pub fn typed(text: &str) -> Result<Self, PathPatternError> {
        let pattern: Self = text.parse()?;
        pattern.hardly_meant().map_or(Ok(pattern), Err)
    }

    /// Why a person can hardly mean this pattern, although it is one: it is a prefix that covers no path, as the
    /// original accepts it, or has an asterisk.
    #[must_use]
    pub fn hardly_meant(&self) -> Option<PathPatternError> {
        let text = self.text.as_ref();
        if self.kind != PathPatternKind::Prefix {
            None
        } else if text == "*" || text.eq_ignore_ascii_case(ANY) || text.eq_ignore_ascii_case("all") {
            Some(PathPatternError::Everything(text.to_owned()))
        } else if text.contains("://") {
            Some(PathPatternError::Url(text.to_owned()))
        } else if !text.starts_with('/') {
            Some(PathPatternError::PrefixWithoutSlash(text.to_owned()))
        } else if self.never_matches() {
            Some(PathPatternError::NeverMatches { prefix: text.to_owned(), reason: ambiguity(text) })
        } else if text.contains('*') {
            Some(PathPatternError::Asterisk(text.to_owned()))
        } else {
            None
        }
    }
}

impl FromStr for PathPattern {
    type Err = PathPatternError;

    /// Reads `subtree:/rest` and `rpc:package.Service/*` (in the place of the colon may be a blank), and anything else
    /// as a prefix. Blanks around it are trimmed.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        check_single(text)?;
        match text.split_once(|character: char| character == ':' || character.is_whitespace()) {
            Some(("subtree", path)) => Self::subtree(path.trim()),
            Some(("rpc", name)) => Self::rpc(name.trim()),
            _ => Self::prefix(text),
        }
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            PathPatternKind::Prefix => "",
            PathPatternKind::Subtree => SUBTREE,
            PathPatternKind::Rpc => RPC,
        })?;
        f.write_str(&self.text)
    }
}

const SUBTREE: &str = "subtree:";
const RPC: &str = "rpc:";
/// The word for every path, which stands in the place of patterns.
const ANY: &str = "any";

/// What people put between the entries of a list.
fn is_separator(character: char) -> bool {
    character.is_whitespace() || matches!(character, ',' | ';' | '|')
}

/// Checks that a text is no list of paths: that behind a separator no other path or pattern begins. A separator alone
/// may be part of a path.
fn check_single(text: &str) -> Result<(), PathPatternError> {
    let begins = |part: &str| ["/", SUBTREE, RPC].iter().any(|start| part.starts_with(start));
    let mut parts = text.split(is_separator);
    let first = parts.next().unwrap_or_default();
    let first = first.strip_suffix(':').unwrap_or(first);
    match !["", "subtree", "rpc"].contains(&first) && parts.any(begins) {
        true => Err(PathPatternError::Several(text.to_owned())),
        false => Ok(()),
    }
}

pub(super) const EVERY_METHOD: &str = "*";

/// An identifier of Protocol Buffers.
pub(super) fn is_identifier(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Why a text is no path pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathPatternError {
    /// A blank pattern.
    #[error("a path pattern cannot be blank: it would cover every path")]
    Blank,
    /// More than one path in one text.
    #[error("`{}` is more than one path: write each as an entry of its own", escaped(.0))]
    Several(String),
    /// A blank inside, which no path has.
    #[error("`{}` has a blank in it, and no path has: write %20 for one that is in a name", escaped(.0))]
    InnerBlank(String),
    /// A word for every path.
    #[error("`{0}` is no path: for every path write `any`, alone and in small letters")]
    Everything(String),
    /// A URL.
    #[error("`{}` is a URL: write its path, without scheme and host", escaped(.0))]
    Url(String),
    /// A prefix that does not begin with a slash.
    #[error("no path begins with `{}`, for each begins with a slash: write `/{}`", escaped(.0), escaped(.0))]
    PrefixWithoutSlash(String),
    /// A prefix of ambiguous paths, which are rejected.
    #[error(
        "no path that is accepted begins with `{}`{}: write it in its plain form",
        escaped(prefix),
        reason.map(|reason| format!(" ({reason})")).unwrap_or_default()
    )]
    NeverMatches {
        /// The prefix.
        prefix: String,
        /// What is ambiguous in it.
        reason: Option<&'static str>,
    },
    /// A path with an asterisk.
    #[error(
        "in `{}` the asterisk is a plain character and no wildcard: leave it out, for a pattern covers all that begins with it",
        escaped(.0)
    )]
    Asterisk(String),
    /// A subtree that does not begin with a slash.
    #[error("the subtree `{0}` must begin with a slash: `/{0}`")]
    NoSlash(String),
    /// A subtree that could mean two things.
    #[error("the subtree `{path}` could mean two things ({reason}): write the path in its plain form")]
    Ambiguous {
        /// The subtree.
        path: String,
        /// What is ambiguous in it.
        reason: &'static str,
    },
    /// Not the name of an RPC.
    #[error(
        "`{0}` names no RPC: write `package.Service/Method`, or `package.Service/*` for the whole service"
    )]
    Rpc(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constructors_say_what_to_write() {
        let error = |pattern: Result<PathPattern, PathPatternError>| pattern.expect_err("bad").to_string();
        assert_eq!(
            error(PathPattern::prefix(" \t")),
            "a path pattern cannot be blank: it would cover every path"
        );
        assert_eq!(
            error(PathPattern::subtree("")),
            "a path pattern cannot be blank: it would cover every path"
        );
        assert_eq!(
            error(PathPattern::subtree("rest")),
            "the subtree `rest` must begin with a slash: `/rest`"
        );
        assert_eq!(
            error(PathPattern::subtree("/a/../b")),
            "the subtree `/a/../b` could mean two things (dot segment): write the path in its plain form"
        );
        assert!(PathPattern::subtree("/a;x").is_err());
        for text in [
            "",
            "/",
            "Cart",
            "Cart/",
            "/Get",
            "/shop.Cart/Get",
            "shop..Cart/Get",
            "shop.Cart/Get/x",
            "shop.Cart/G*",
            "*/Get",
            "1a/Get",
            "shop.Cärt/Get",
        ] {
            assert!(matches!(PathPattern::rpc(text), Err(PathPatternError::Rpc(_))), "{text}");
        }
    }

    #[test]
    fn what_a_person_hardly_means_is_told_and_refused_where_it_is_typed() {
        let no_slash = |text: &str| PathPatternError::PrefixWithoutSlash(text.to_owned());
        let asterisk = |text: &str| PathPatternError::Asterisk(text.to_owned());
        let never = |text: &str, reason| PathPatternError::NeverMatches { prefix: text.to_owned(), reason };
        for (text, error) in [
            ("rest", no_slash("rest")),
            ("subtree", no_slash("subtree")),
            ("https://t.example/rest", PathPatternError::Url("https://t.example/rest".to_owned())),
            ("//rest", never("//rest", Some("empty segment"))),
            ("/a/../b/", never("/a/../b/", Some("dot segment"))),
            ("/rest?x=1", never("/rest?x=1", Some("query"))),
            ("/%2e", never("/%2e", Some("encoded dot"))),
            ("/rest/*", asterisk("/rest/*")),
            ("*", PathPatternError::Everything("*".to_owned())),
            ("Any", PathPatternError::Everything("Any".to_owned())),
        ] {
            let pattern: PathPattern = text.parse().expect(text);
            assert_eq!(pattern.hardly_meant(), Some(error.clone()), "{text:?}");
            assert_eq!(PathPattern::typed(text), Err(error), "{text:?}");
            assert_eq!(pattern.to_string().parse(), Ok(pattern));
        }
        for text in ["/rest", "/rest,x", "/", "subtree:/rest", "rpc:a.B/*", "/a/.."] {
            assert_eq!(PathPattern::typed(text), text.parse(), "{text}");
        }
    }

    #[test]
    fn a_prefix_is_not_written_like_something_else() {
        for text in ["any", " any ", "subtree:/rest", "subtree:", "rpc:a.B/*"] {
            assert!(PathPattern::prefix(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_pattern_is_read_as_a_person_writes_it() {
        let several = |text: &str| PathPatternError::Several(text.to_owned());
        let blank = |text: &str| PathPatternError::InnerBlank(text.to_owned());
        let asterisk = |text: &str| PathPatternError::Asterisk(text.to_owned());
        for (text, error) in [
            ("/rest /plugins", several("/rest /plugins")),
            ("/rest, /plugins", several("/rest, /plugins")),
            ("/rest,/plugins", several("/rest,/plugins")),
            ("/rest;/plugins", several("/rest;/plugins")),
            ("/rest | /plugins", several("/rest | /plugins")),
            ("/rest\n/plugins", several("/rest\n/plugins")),
            ("/rest\t/plugins", several("/rest\t/plugins")),
            ("/rest, subtree:/x", several("/rest, subtree:/x")),
            ("subtree:/rest, /x", several("subtree:/rest, /x")),
            ("subtree:/rest rpc:a.B/*", several("subtree:/rest rpc:a.B/*")),
            ("subtree /rest /x", several("/rest /x")),
            ("rpc:a.B/*, c.D/*", several("a.B/*, c.D/*")),
            ("/my path", blank("/my path")),
            ("any rest", blank("any rest")),
            ("subtree:/rest/*", asterisk("/rest/*")),
            ("any", PathPatternError::Everything("any".to_owned())),
            ("", PathPatternError::Blank),
            ("  ", PathPatternError::Blank),
            ("subtree:", PathPatternError::Blank),
            ("subtree:rest", PathPatternError::NoSlash("rest".to_owned())),
            ("rpc:Search", PathPatternError::Rpc("Search".to_owned())),
        ] {
            assert_eq!(text.parse::<PathPattern>(), Err(error), "{text:?}");
        }
        for (text, shown) in [
            ("/rest", "/rest"),
            (" /rest/ ", "/rest/"),
            ("/rest,x", "/rest,x"),
            ("/rest;v=1", "/rest;v=1"),
            ("/sr/jira.issueviews:searchrequest", "/sr/jira.issueviews:searchrequest"),
            ("/subtree:x", "/subtree:x"),
            ("subtree:/rest/", "subtree:/rest"),
            ("subtree /rest", "subtree:/rest"),
            ("subtree: /rest", "subtree:/rest"),
            ("rpc:a.B/*", "rpc:a.B/*"),
            ("rpc\ta.B/Get", "rpc:a.B/Get"),
        ] {
            let pattern: PathPattern = text.parse().expect(text);
            assert_eq!(pattern.to_string(), shown);
            assert_eq!(shown.parse(), Ok(pattern));
        }
    }

    #[test]
    fn patterns_can_be_made_again_from_kind_and_text() {
        let prefix = PathPattern::prefix(" rest ").expect("a prefix");
        assert_eq!((prefix.kind(), prefix.as_str()), (PathPatternKind::Prefix, "rest"));
        let subtree = PathPattern::subtree("/rest/").expect("a subtree");
        assert_eq!((subtree.kind(), subtree.as_str()), (PathPatternKind::Subtree, "/rest"));
        assert_eq!(PathPattern::subtree(subtree.as_str()), Ok(subtree));
    }

    #[test]
    fn prefixes_that_never_match_are_told() {
        for (prefix, never) in [
            ("rest", true),
            ("rest/", true),
            ("*", true),
            ("/a/../b", true),
            ("/a//b", true),
            ("/a%2Fb/c", true),
            ("/%2e", true),
            ("/rest?x=1", true),
            ("/", false),
            ("/a/..", false),
            ("/a%2", false),
            ("/a%C3", false),
            ("/a/*", false),
        ] {
            assert_eq!(PathPattern::prefix(prefix).expect(prefix).never_matches(), never, "{prefix}");
        }
        assert!(!PathPattern::rpc("a.B/*").expect("an RPC").never_matches());
    }
}
