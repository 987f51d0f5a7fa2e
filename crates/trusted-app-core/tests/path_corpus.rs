//! Paths that try to slip past a path rule, and honest paths that must pass it.

use proptest::prelude::*;
use trusted_app_core::conditions::{PathMismatch, PathPattern, PathRule};

/// Under a rule for `/rest` none of these may pass: some reader resolves each to a place outside it,
/// or to another place inside it than the rule saw.
const BYPASSES: &[&str] = &[
    // dots
    "/rest/..",
    "/rest/../",
    "/rest/../secure/admin",
    "/rest/./x",
    "/rest/.",
    "/rest/a/../../secure/admin",
    "/rest/a/b/../../../secure",
    "/rest/../rest/../secure",
    "/rest/../../../../etc/passwd",
    "/rest/.../secure",
    "/rest/..../secure",
    "/./rest/x",
    "/../rest",
    "/secure/../rest/x",
    "/x/../rest",
    // dots behind parameters
    "/rest/..;/secure/admin",
    "/rest/..;a=b/secure/admin",
    "/rest/..;a=b;c=d/secure",
    "/rest/.;/secure",
    "/rest/.;x=../secure",
    "/rest/;/../secure",
    "/rest;x/../secure",
    "/rest/x;a=/../../secure",
    "/rest/..;",
    "/rest/a/..;jsessionid=0/..;jsessionid=1/secure",
    "/rest;/..;/secure",
    // encoded dots
    "/rest/%2e%2e/secure/admin",
    "/rest/%2E%2E/secure/admin",
    "/rest/%2e%2E/secure",
    "/rest/.%2e/secure",
    "/rest/%2e./secure",
    "/rest/%2E./secure",
    "/rest/%2e",
    "/rest/%2e/x",
    "/rest/%2e%2e;/secure",
    "/rest/%2e%2e;x=1/secure",
    "/rest/x%2ejsp",
    "/rest/%2e%2e%2fsecure",
    "/rest/..%20/secure",
    "/rest/..%20",
    "/rest/%20../secure",
    "/rest/.%20./secure",
    "/rest/..%09/secure",
    "/rest/..%00/secure",
    "/rest/..%0d%0a/secure",
    "/rest/..%c2%85/secure",
    // encoded slashes
    "/rest/..%2fsecure/admin",
    "/rest/..%2Fsecure/admin",
    "/rest%2f..%2fsecure",
    "/rest%2F../secure",
    "/rest/x%2fy",
    "/rest/%2f",
    "/rest%2fx",
    "/rest/%2F%2e%2e%2Fsecure",
    "/%2frest",
    "/%2Frest/x",
    "%2frest",
    // backslashes
    "/rest\\..\\secure",
    "/rest/..\\secure",
    "/rest/\\../secure",
    "/rest/x\\y",
    "\\rest",
    "/\\rest",
    "/rest/..%5csecure/admin",
    "/rest/..%5Csecure/admin",
    "/rest%5c..%5csecure",
    "/rest/%5c../secure",
    "/rest/%5C%2e%2e%5Csecure",
    // slashes
    "//rest",
    "//rest/x",
    "///rest",
    "/rest//x",
    "/rest//",
    "/rest///a",
    "/rest//..//secure",
    "/rest/;/x",
    "/rest/;x=1/y",
    "/;/rest/x",
    "//evil.example.com/rest",
    "http://evil.example.com/rest",
    // encoded semicolons
    "/rest/..%3b/secure",
    "/rest/..%3B/secure",
    "/rest/x%3bjsessionid=1",
    "/rest%3b/../secure",
    // encoded twice
    "/rest/%252e%252e/secure",
    "/rest/%252E%252E%252Fsecure",
    "/rest/..%252fsecure",
    "/rest/..%255csecure",
    "/rest/%25252e%25252e/secure",
    "/rest/x%25y",
    "/rest/%25%32%65%25%32%65/secure",
    "/rest/%2%65%2%65/secure",
    "/rest/%%32%65%%32%65/secure",
    // overlong and broken UTF-8
    "/rest/%c0%ae%c0%ae/secure",
    "/rest/%C0%AE%C0%AE/secure",
    "/rest/%c0%2e%c0%2e/secure",
    "/rest/..%c0%afsecure",
    "/rest/..%c1%9csecure",
    "/rest/..%e0%80%afsecure",
    "/rest/%e0%80%ae%e0%80%ae/secure",
    "/rest/..%f0%80%80%afsecure",
    "/rest/..%f8%80%80%80%afsecure",
    "/rest/..%fc%80%80%80%80%afsecure",
    "/rest/..%c0%9vsecure",
    "/rest/%ff",
    "/rest/%fe%80",
    "/rest/%80",
    "/rest/%c3",
    "/rest/%c3/x",
    "/rest/%c3é",
    "/rest/%e7%ae",
    "/rest/%ed%a0%80",
    "/rest/%f4%90%80%80",
    // other ways to write a character
    "/rest/%u002e%u002e/secure",
    "/rest/..%u2215secure",
    "/rest/..%u005csecure",
    "/rest/%uff0e%uff0e/secure",
    "/rest/%ef%bc%8e%ef%bc%8e/secure",
    "/rest/..%ef%bc%8fsecure",
    "/rest/..%ef%bc%bcsecure",
    "/rest/．．/secure",
    "/rest/..／secure",
    "/rest/%ef%bc%852e%ef%bc%852e/secure",
    "/rest/..%ef%bc%9b/secure",
    // bad escapes
    "/rest/%",
    "/rest/%2",
    "/rest/%zz",
    "/rest/%-1",
    "/rest/%+2e",
    "/rest/% 2e",
    "/rest/%2\u{ff45}",
    // control characters, blanks, what belongs to no path
    "/rest/x%00.jsp",
    "/rest/%00",
    "/rest\0/x",
    "/rest/x%0a",
    "/rest/x%0d%0aX-Header:%20y",
    "/rest/x%7f",
    "/rest/x\n/../secure",
    "/rest/x y",
    "/rest/ ../secure",
    "/rest/x?/../../secure",
    "/rest?x=1",
    "/rest/x#/../secure",
    "/rest#",
    // letter case and look-alikes
    "/REST/x",
    "/Rest",
    "/rEST/../rest",
    "/%72est/x",
    "/%52EST",
    "/r%65st",
    "/ｒest",
    "/re",
    "/",
    "",
    "*",
    "rest",
    "rest/x",
    " /rest",
];

/// Under a rule for `/rest` all of these must pass.
const HONEST: &[&str] = &[
    "/rest",
    "/rest/",
    "/rest/api/2/issue/ABC-1",
    "/rest/api/2/issue/ABC-1/",
    "/rest/api/1.0/x.json",
    "/rest/api/2/.hidden",
    "/rest/api/2/..hidden",
    "/rest/api/2/a..b",
    "/rest/api/2/a.",
    "/rest/compare/v1...v2",
    "/rest;jsessionid=0123456789ABCDEF",
    "/rest/x;jsessionid=0123456789ABCDEF",
    "/rest/x/;jsessionid=0123456789ABCDEF",
    "/rest;v=1/x;w=2;z",
    "/rest/search%20me",
    "/rest/%20",
    "/rest/caf%C3%A9",
    "/rest/caf%c3%a9",
    "/rest/café",
    "/rest/%E7%AE%A1%E7%90%86%E8%80%85",
    "/rest/管理者",
    "/rest/%F0%9F%A6%80",
    "/rest/%7Efred/~fred",
    "/rest/a%2Bb+c",
    "/rest/C%23",
    "/rest/why%3F",
    "/rest/a&b=c,d:e@f!$'()*",
    "/rest/%41%62%63",
    "/rest/user@example.com",
    "/rest/x%E2%80%A6",
    "/rest/x%EF%BC%9F",
];

fn rules() -> [(&'static str, PathRule); 2] {
    [
        ("prefix", PathRule::prefixes(["/rest"])),
        ("subtree", PathRule::only([PathPattern::subtree("/rest").expect("a subtree")])),
    ]
}

#[test]
fn bypasses_are_refused() {
    assert!(BYPASSES.len() >= 100);
    for (kind, rule) in rules() {
        for path in BYPASSES {
            assert!(rule.check(Some(path)).is_err(), "{kind}: {path:?}");
        }
    }
}

#[test]
fn honest_paths_pass() {
    for (kind, rule) in rules() {
        for path in HONEST {
            assert_eq!(rule.check(Some(path)), Ok(()), "{kind}: {path:?}");
        }
    }
}

/// Look-alikes pass under a prefix, as the original's defaults need it, and only there.
#[test]
fn look_alikes() {
    let [(_, prefix), (_, subtree)] = rules();
    for path in ["/restricted", "/rest-api/x", "/rest.json", "/restore", "/rest%20"] {
        assert_eq!(prefix.check(Some(path)), Ok(()), "{path}");
        assert_eq!(subtree.check(Some(path)), Err(PathMismatch::NotCovered), "{path}");
    }
}

/// Where a lenient server ends up: parameters stripped, escapes decoded once, backslashes taken for
/// slashes, slashes merged, dots resolved. Bytes, for they may be no UTF-8.
fn lenient(path: &str) -> Vec<u8> {
    let stripped: Vec<_> =
        path.split('/').map(|segment| segment.split(';').next().unwrap_or_default()).collect();
    let mut decoded = Vec::new();
    let mut rest = stripped.join("/").into_bytes().into_iter().peekable();
    while let Some(byte) = rest.next() {
        let ahead: Vec<_> = rest.clone().take(2).collect();
        let escape = std::str::from_utf8(&ahead).ok().and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match escape {
            Some(escaped) if byte == b'%' && ahead.len() == 2 => {
                decoded.push(escaped);
                rest.nth(1);
            }
            _ => decoded.push(byte),
        }
    }
    let mut resolved: Vec<&[u8]> = Vec::new();
    for segment in decoded.split(|byte| matches!(byte, b'/' | b'\\')) {
        match segment {
            b"" | b"." => {}
            b".." => _ = resolved.pop(),
            name => resolved.push(name),
        }
    }
    [b"/".as_slice(), &resolved.join(b"/".as_slice())].concat()
}

#[test]
fn the_lenient_server_is_fooled_by_the_corpus() {
    assert_eq!(lenient("/rest/x"), b"/rest/x");
    assert_eq!(lenient("/rest;a/x;b"), b"/rest/x");
    for path in [
        "/rest/..;a=b/secure",
        "/rest/%2e%2E/secure",
        "/rest/..%2fsecure",
        "/rest\\..\\secure",
        "/rest//..//secure",
    ] {
        assert_eq!(lenient(path), b"/secure", "{path}");
    }
}

/// Paths below `/rest`, put together from what traversals are made of.
fn path() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "/", "/", "/", ".", ".", "..", "/..", "/../", "\\", ";", ";a=b", "a", "rest", "secure", "%", "%2",
        "2e", "%2e", "%2E", "%2f", "%2F", "%5c", "%5C", "%3b", "%25", "%00", "%20", "%61", "%c0%ae", "%c3",
        "%a9", "é", "?", "#", " ", "\0", "．",
    ]);
    prop::collection::vec(piece, 0..10).prop_map(|pieces| format!("/rest{}", pieces.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    /// What passes stays below the rule for a lenient server too, and has no second reading left.
    #[test]
    fn what_passes_stays_inside(path in path()) {
        for (kind, rule) in rules() {
            if rule.check(Some(&path)).is_ok() {
                let resolved = lenient(&path);
                prop_assert!(resolved.starts_with(b"/rest"), "{kind}: {path:?} resolves outside");
                let text = String::from_utf8(resolved);
                prop_assert!(text.is_ok(), "{kind}: {path:?} is no UTF-8");
                // decoding a second time changes nothing
                let text = text.unwrap_or_default();
                prop_assert_eq!(lenient(&text), text.into_bytes(), "{}: {:?}", kind, path);
            }
        }
    }

    /// Many prefixes together allow exactly what one of them allows.
    #[test]
    fn a_set_allows_what_one_of_its_patterns_allows(
        prefixes in prop::collection::vec("/[ab/-]{0,4}", 0..8),
        path in "/[ab/;-]{0,6}",
    ) {
        let subtrees: Vec<_> = prefixes.iter().filter_map(|path| PathPattern::subtree(path).ok()).collect();
        let one = |patterns: &[PathPattern]| {
            patterns.iter().any(|pattern| PathRule::only([pattern.clone()]).check(Some(&path)).is_ok())
        };
        prop_assert_eq!(PathRule::only(subtrees.clone()).check(Some(&path)).is_ok(), one(&subtrees));

        let prefixes: Vec<_> = prefixes.iter().filter_map(|prefix| PathPattern::prefix(prefix).ok()).collect();
        prop_assert_eq!(PathRule::only(prefixes.clone()).check(Some(&path)).is_ok(), one(&prefixes));
    }

    #[test]
    fn no_text_panics(path in any::<String>()) {
        for (_, rule) in rules() {
            let _ = rule.check(Some(&path));
            let _ = rule.check(Some(&format!("/rest/{path}")));
        }
        let _ = (PathPattern::subtree(&path), PathPattern::rpc(&path), PathPattern::prefix(&path));
    }
}
