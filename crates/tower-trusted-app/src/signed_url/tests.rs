use http::{HeaderValue, header};

use super::*;

fn rebuild(
    base: &SignedUrl,
    context: &str,
    target: &str,
    host: Option<&str>,
) -> Result<RebuiltUrl, Rejection> {
    let mut headers = HeaderMap::new();
    if let Some(host) = host {
        headers.insert(header::HOST, HeaderValue::from_str(host).unwrap());
    }
    let uri: Uri = target.parse().unwrap();
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    base.rebuild(&uri, target, &headers, &ContextPath::new(context).unwrap())
}

fn text(rebuilt: Result<RebuiltUrl, Rejection>) -> Option<String> {
    rebuilt.ok().map(|url| url.to_string())
}

#[test]
fn fixed() {
    for (base, context, target, expected) in [
        ("https://t.example", "", "/rest?a=%20+&b", "https://t.example/rest?a=%20+&b"),
        ("https://T.example:443/", "", "/rest?", "https://t.example/rest?"),
        ("http://t.example:8080", "/jira", "/jira/rest", "http://t.example:8080/jira/rest"),
        // The proxy strips a prefix.
        ("https://t.example/tracker", "", "/rest", "https://t.example/tracker/rest"),
        // The public path stands in place of the context path.
        ("https://t.example/tracker", "/jira", "/jira/rest", "https://t.example/tracker/rest"),
        ("https://t.example/jira", "/jira", "/jira/rest", "https://t.example/jira/rest"),
        ("https://t.example", "", "http://other/rest", "https://t.example/rest"),
    ] {
        let base = base.parse().unwrap();
        assert_eq!(rebuild(&base, context, target, Some("backend:3000")).unwrap().as_str(), expected);
    }
}

#[test]
fn a_base_url_has_a_normal_form_and_at_most_one_other_text() {
    for (base, normal, written) in [
        ("https://t.example", "https://t.example", None),
        ("https://t.example/", "https://t.example", None),
        (" https://t.example\n", "https://t.example", None),
        ("https://t.example:8443", "https://t.example:8443", None),
        ("http://t.example:443", "http://t.example:443", None),
        ("https://t.example:80", "https://t.example:80", None),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080", None),
        ("http://[::1]:8080", "http://[::1]:8080", None),
        ("https://t_1.example-2.org", "https://t_1.example-2.org", None),
        ("https://localhost", "https://localhost", None),
        ("https://T.Example", "https://t.example", Some("https://T.Example")),
        ("HTTPS://t.example", "https://t.example", Some("HTTPS://t.example")),
        ("Http://T.Example:80", "http://t.example", Some("Http://T.Example:80")),
        ("https://t.example:443", "https://t.example", Some("https://t.example:443")),
        ("http://t.example:80", "http://t.example", Some("http://t.example:80")),
        ("https://t.example:0443", "https://t.example", Some("https://t.example:0443")),
        ("http://t.example:08080", "http://t.example:8080", Some("http://t.example:08080")),
        ("https://t.example.", "https://t.example", Some("https://t.example.")),
        ("https://T.Example.:443", "https://t.example", Some("https://T.Example.:443")),
        ("https://t.example.:8443", "https://t.example:8443", Some("https://t.example.:8443")),
        ("https://[2001:DB8::1]", "https://[2001:db8::1]", Some("https://[2001:DB8::1]")),
        ("http://[::1]:80", "http://[::1]", Some("http://[::1]:80")),
        // Of the path nothing is rewritten, but for the slash at its end.
        ("https://t.example/Jira/", "https://t.example/Jira", None),
        ("https://t.example/a%C3%A9~b", "https://t.example/a%C3%A9~b", None),
        ("https://T.Example:443/Jira/", "https://t.example/Jira", Some("https://T.Example:443/Jira")),
    ] {
        let parsed: SignedUrl = base.parse().unwrap();
        let url = rebuild(&parsed, "", "/Rest?q=%41", None).unwrap();
        let below = |base: &str| format!("{base}/Rest?q=%41");
        assert_eq!(url.as_str(), below(normal), "{base}");
        assert_eq!(url.as_written(), written.map(below).as_deref(), "{base}");
        assert_eq!(parsed.to_string(), normal);
        assert_eq!(text(rebuild(&normal.parse().unwrap(), "", "/Rest?q=%41", None)), Some(below(normal)));
    }
}

#[test]
fn no_two_targets_have_one_url() {
    let base = "https://t.example/jira".parse().unwrap();
    for target in ["/jirax", "/rest", "/", "/JIRA/rest"] {
        let refused = rebuild(&base, "/jira", target, None);
        assert_eq!(refused, Err(Rejection::BadSignature { url: target.to_owned(), as_written: None }));
    }
    let bases = SignedUrl::any_of(["https://t.example/jira"]).unwrap();
    assert!(rebuild(&bases, "/jira", "/rest", Some("t.example")).is_err());
}

#[test]
fn selected_by_authority() {
    let bases =
        SignedUrl::any_of(["https://a.example", "http://B.example.:8080/x", "http://[::1]:80"]).unwrap();
    for (target, host, expected) in [
        ("/r", Some("A.example"), Some("https://a.example/r")),
        ("/r", Some("a.example:443"), Some("https://a.example/r")),
        ("/r", Some("a.example:"), Some("https://a.example/r")),
        ("/r", Some("a.example."), Some("https://a.example/r")),
        ("/r", Some("a.example.:443"), Some("https://a.example/r")),
        ("/r", Some("a.example.."), None),
        ("/r", Some("a.example:80"), None),
        ("/r", Some("b.example:8080"), Some("http://b.example:8080/x/r")),
        ("/r", Some("b.example.:8080"), Some("http://b.example:8080/x/r")),
        ("/r", Some("b.example"), None),
        ("/r", Some("[::1]"), Some("http://[::1]/r")),
        ("/r", Some("[::1]:80"), Some("http://[::1]/r")),
        ("/r", Some("[::1]:81"), None),
        ("/r", None, None),
        ("http://a.example/r", None, Some("https://a.example/r")),
        ("http://a.example/r", Some("a.example"), Some("https://a.example/r")),
        ("http://a.example:443/r", Some("A.example"), Some("https://a.example/r")),
        ("http://a.example/r", Some("a.example:443"), Some("https://a.example/r")),
        ("http://a.example./r", Some("a.example"), Some("https://a.example/r")),
        ("http://a.example/r", Some("b.example:8080"), None),
        ("/r", Some("x@a.example"), None),
    ] {
        assert_eq!(text(rebuild(&bases, "", target, host)).as_deref(), expected, "{target} {host:?}");
    }
}

#[test]
fn the_refusal_of_an_unknown_host_has_both_hosts() {
    let bases = SignedUrl::any_of(["https://a.example"]).unwrap();
    for (target, host, url, authority, field) in [
        ("/r", Some("b.example"), "//b.example/r", None, Some("b.example")),
        (
            "http://a.example:80/r",
            Some("a.example"),
            "//a.example:80/r",
            Some("a.example:80"),
            Some("a.example"),
        ),
        ("http://b.example/r", None, "//b.example/r", Some("b.example"), None),
        ("/r", None, "/r", None, None),
        ("/r", Some("x@a.example"), "/r", None, Some("x@a.example")),
    ] {
        let expected = Rejection::AuthorityUnknown {
            url: url.to_owned(),
            authority: authority.map(str::to_owned),
            host: field.map(str::to_owned),
        };
        assert_eq!(rebuild(&bases, "", target, host), Err(expected), "{target} {host:?}");
    }
}

#[test]
fn from_request() {
    let base = SignedUrl::insecure_from_request();
    for (target, host, expected) in [
        ("/r", Some("JIRA.example.com:80"), Some("http://JIRA.example.com/r")),
        ("/r?", Some("[::1]"), Some("http://[::1]/r?")),
        ("https://w.example:8443/r", Some("w.example:8443"), Some("https://w.example:8443/r")),
        ("https://w.example:443/r", None, Some("https://w.example/r")),
        ("https://w.example:443/r", Some("w.example"), Some("https://w.example/r")),
        ("https://w.example/r", Some("W.example:443"), Some("https://w.example/r")),
        ("https://w.example/r", Some("w.example:80"), None),
        ("/r", None, None),
    ] {
        assert_eq!(text(rebuild(&base, "", target, host)).as_deref(), expected, "{target} {host:?}");
    }
}

#[test]
fn a_base_url_that_nothing_can_match_is_refused_with_the_reason() {
    for (url, reason) in [
        ("", "begin with http://"),
        ("t.example", "begin with http://"),
        ("t.example:443", "begin with http://"),
        ("/x", "begin with http://"),
        ("//t.example", "begin with http://"),
        ("https:/t.example", "begin with http://"),
        ("ftp://t.example", "begin with http://"),
        ("https://", "no host"),
        ("https:///jira", "no host"),
        ("https://:8443", "no host"),
        ("https://.", "no host"),
        ("https://u@t.example", "user name"),
        ("https://u:p@t.example", "user name"),
        ("https://t.example/?q", "query"),
        ("https://t.example/#f", "fragment"),
        ("https://t.example:", "port after the colon"),
        ("https://t.example:99999", "from 1 to 65535"),
        ("https://t.example:65536", "from 1 to 65535"),
        ("https://t.example:0", "from 1 to 65535"),
        ("https://t.example:+80", "from 1 to 65535"),
        ("https://t.example:https", "from 1 to 65535"),
        ("https://[::1]:", "port after the colon"),
        ("https://[::1", "bracket"),
        ("https://[::1]x", "only a port"),
        ("https://[fe80::1%25eth0]", "zone"),
        ("https://[t.example]", "no IPv6"),
        ("https://::1", "brackets"),
        ("https://*.example", "wildcard"),
        ("https://bücher.example", "ASCII"),
        ("https://t..example", "two dots"),
        ("https://.example", "two dots"),
        ("https://t%2Eexample", "character that no host has"),
        ("https://t.example,u.example", "character that no host has"),
        ("https://t.example, https://u.example", "more than one URL"),
        ("https://t.example,https://u.example", "more than one URL"),
        ("https://t.example https://u.example", "more than one URL"),
        ("https://t .example", "blank"),
        ("https://t.example/a b", "blank"),
        ("https://t.example\\jira", "backslash"),
        ("https://t.example//jira", "two ways (empty segment)"),
        ("https://t.example/a//b", "two ways (empty segment)"),
        ("https://t.example/jira/..", "two ways (dot segment)"),
        ("https://t.example/jira/.", "two ways (dot segment)"),
        ("https://t.example/jira%2Fx", "two ways (encoded slash)"),
        ("https://t.example/%2e", "two ways (encoded dot)"),
        ("https://t.example/a%5Cb", "two ways (encoded backslash)"),
        ("https://t.example/a;b", "two ways (semicolon)"),
        ("https://t.example/a%", "two ways (bad percent escape)"),
        ("https://t.example/a,/b", "more than one path"),
    ] {
        let error = url.parse::<SignedUrl>().unwrap_err().to_string();
        assert!(error.contains(reason), "{url}: {error}");
        assert!(error.starts_with(&format!("`{url}` cannot be a public base URL")), "{error}");
        assert!(SignedUrl::any_of(["https://t.example", url]).is_err(), "{url}");
    }
    assert_eq!(SignedUrl::any_of([] as [&str; 0]), Err(SignedUrlError::Empty));
}
