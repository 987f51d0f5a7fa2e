//! Atlassian's vectors for address and path patterns, and every row on which we answer differently.
//!
//! The tables are exact: a difference that is not in them fails the test, and so does a row that no
//! longer differs.

#![allow(clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::Index;
use trusted_app_core::conditions::{
    AddressMismatch, AddressRule, PathMismatch, PathRule, Peer, SourceAddress, parse_forwarded_address,
};

const IP_MATCH: &str = include_str!("../../../tests/vectors/ip_match.json");
const AUTHENTICATE: &str = include_str!("../../../tests/vectors/authenticate.json");
const URL_MATCH: &str = include_str!("../../../tests/vectors/url_match.json");

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Allowed,
    Refused,
    /// A pattern was refused before any address could be held against it.
    BadPattern,
}
use Answer::{Allowed, BadPattern, Refused};

/// A vector's id, what it holds against what, our answer, and why it is another than the original's.
type Difference = (&'static str, &'static str, Answer, &'static str);

const NOTHING: &str = "an empty set allows nothing; \"any\" must be written out";
const EMPTY: &str = "an empty line is dropped; it neither stops the others nor allows everything";
const BLANKS: &str = "blanks around a pattern are trimmed";
const COMMAS: &str = "commas separate patterns, as JIRA's documentation promised";
const MIDDLE: &str = "`*` may stand for any octet, as JIRA's own form accepts it";
const PREFIX: &str =
    "a prefix length beyond the address is refused when it is configured, not when it is matched";
const MAPPED: &str = "an IPv4-mapped network is the IPv4 network; the original's arithmetic goes astray";
const SIGN: &str = "a sign is no part of an address or prefix length";
const ZEROS: &str = "leading zeros are octal to some";
const DIGITS: &str = "only the digits 0 to 9 are digits";
const GROUP: &str = "a group of IPv6 has at most four digits; the original drops those before them";
const COLONS: &str = "`::` stands for one group at least";
const HEADER_BLANKS: &str = "blanks around an address are trimmed, as in the original one step earlier";

const AMBIGUOUS: &str = "a path that could mean two things is refused";
const QUERY: &str = "a path has no query";
const NO_SLASH: &str = "what does not begin with a slash is no path";
const TRIMMED: &str = "blanks around a prefix are trimmed";

const LINES: &str = "all lines of X-Forwarded-For are read, not the first alone";
const SPELLING: &str = "the peer is an address, not a text: it is shown in its shortest spelling";

const ADDRESS_DIFFERENCES: &[Difference] = &[
    ("pub-ip-001", " ~ 1.2.3.4", Refused, NOTHING),
    ("pub-ip-002", " ~ not an address", Refused, NOTHING),
    ("pub-ip-003", " ~ 1.2.3.4.5", Refused, NOTHING),
    ("pub-ip-004", " ~ fe80::1%eth0", Refused, NOTHING),
    ("pub-ip-005", " ~ [::1]", Refused, NOTHING),
    ("pub-ip-028", "192.*.1.1 ~ 192.2.1.1", Allowed, MIDDLE),
    ("pub-ip-035", "1.2.3.*  ~ 1.2.3.4", Allowed, BLANKS),
    ("pub-ip-079", "1.2.3.4/33 ~ 1.2.3.4", BadPattern, PREFIX),
    ("pub-ip-080", "1.2.3.4/33 ~ ::1", BadPattern, PREFIX),
    ("pub-ip-081", "1.2.3.0/40 ~ 9.9.9.9", BadPattern, PREFIX),
    ("pub-ip-082", "1.2.3.4/-1 ~ 1.2.3.4", BadPattern, PREFIX),
    ("pub-ip-083", "1.2.3.4/-1 ~ ::1", BadPattern, PREFIX),
    ("pub-ip-084", "1.2.3.4/-9 ~ 1.2.3.4", BadPattern, PREFIX),
    ("pub-ip-085", "1.2.3.4/-7 ~ 1.2.3.4", BadPattern, PREFIX),
    ("pub-ip-086", "1.2.3.4/-0 ~ 9.9.9.9", BadPattern, SIGN),
    ("pub-ip-087", "1.2.3.4/+24 ~ 1.2.4.9", BadPattern, SIGN),
    ("pub-ip-088", "1.2.3.4/024 ~ 1.2.3.9", BadPattern, ZEROS),
    ("pub-ip-090", "::1/129 ~ ::2", BadPattern, PREFIX),
    ("pub-ip-091", "::1/200 ~ ::1", BadPattern, PREFIX),
    ("pub-ip-092", "::1/-1 ~ 8000::", BadPattern, PREFIX),
    ("pub-ip-093", "1.2.3.4/2147483647 ~ 9.9.9.9", BadPattern, PREFIX),
    ("pub-ip-094", "10.0.0.1/-8 ~ 10.0.0.1", BadPattern, PREFIX),
    ("pub-ip-095", "10.0.0.1/-16 ~ 10.0.0.1", BadPattern, PREFIX),
    ("pub-ip-096", "10.0.0.1/48 ~ 10.0.0.1", BadPattern, PREFIX),
    ("pub-ip-097", "10.0.0.1/64 ~ 10.0.0.1", BadPattern, PREFIX),
    ("pub-ip-098", "2001:db8::1/-9 ~ 2001:db8::1", BadPattern, PREFIX),
    ("pub-ip-099", "2001:db8::1/136 ~ 2001:db8::1", BadPattern, PREFIX),
    ("pub-ip-100", "2001:db8::1/192 ~ 2001:db8::1", BadPattern, PREFIX),
    ("pub-ip-101", "::ffff:10.0.0.1/128 ~ 10.0.0.1", Allowed, MAPPED),
    ("pub-ip-103", "::ffff:10.0.0.1/96 ~ ::ffff:10.0.0.1", Allowed, MAPPED),
    ("pub-ip-104", "::ffff:10.0.0.1/96 ~ 11.0.0.1", Allowed, MAPPED),
    ("pub-ip-105", "::ffff:10.0.0.1/104 ~ ::ffff:10.0.0.1", Allowed, MAPPED),
    ("pub-ip-106", "::ffff:10.0.0.1/120 ~ 10.0.0.1", Allowed, MAPPED),
    ("pub-ip-107", "::ffff:10.0.0.1/120 ~ ::ffff:10.0.0.1", Allowed, MAPPED),
    ("pub-ip-108", "::ffff:10.0.0.1/127 ~ 10.0.0.1", Allowed, MAPPED),
    ("pub-ip-116", "1.2.3.4/24  ~ 1.2.3.4", Allowed, BLANKS),
    ("pub-ip-161", "::ffff:1.2.3.4/128 ~ 1.2.3.4", Allowed, MAPPED),
    ("pub-ip-162", "::ffff:1.2.3.4/128 ~ ::ffff:1.2.3.4", Allowed, MAPPED),
    ("pub-ip-163", "::ffff:0:0/96 ~ 0.0.0.0", Allowed, MAPPED),
    ("pub-ip-164", "::ffff:0:0/96 ~ ::ffff:1.2.3.4", Allowed, MAPPED),
    ("pub-ip-189", "1.2.3.4 ~ 1.+2.3.4", Refused, SIGN),
    ("pub-ip-191", "1.2.3.4 ~ ١.2.3.4", Refused, DIGITS),
    ("pub-ip-192", "1.2.3.4 ~ 1.2.٣.4", Refused, DIGITS),
    ("pub-ip-193", "0.2.3.4 ~ -0.2.3.4", Refused, SIGN),
    ("pub-ip-202", "1.2.3.4 ~  1.2.3.4", Allowed, HEADER_BLANKS),
    ("pub-ip-205", "::1 ~  ::1", Allowed, HEADER_BLANKS),
    ("pub-ip-206", " 1.2.3.4 ~ 1.2.3.4", Allowed, BLANKS),
    ("pub-ip-207", "1.2.3.4\t ~ 1.2.3.4", Allowed, BLANKS),
    ("pub-ip-208", "1.2.3.4,5.6.7.8 ~ 1.2.3.4", Allowed, COMMAS),
    ("pub-ip-209", " ~ 1.2.3.4", Refused, EMPTY),
    ("pub-ip-213", "+1.2.3.4 ~ 1.2.3.4", BadPattern, SIGN),
    ("pub-ip-234", "::2345 ~ ::12345", Refused, GROUP),
    ("pub-ip-235", "::2345 ~ ::00002345", Refused, GROUP),
    ("pub-ip-236", "::ffff ~ ::-1", Refused, SIGN),
    ("pub-ip-238", "::1 ~ ::+1", Refused, SIGN),
    ("pub-ip-239", "::1 ~ ::10001", Refused, GROUP),
    ("pub-ip-240", "::1 ~ ::00001", Refused, GROUP),
    ("pub-ip-241", "::12345 ~ ::12345", BadPattern, GROUP),
    ("pub-ip-242", "1:2:3:4:5:6:7:8 ~ 1::2:3:4:5:6:7:8", Refused, COLONS),
    ("pub-ip-257", "::1,  ~ ::1", Allowed, EMPTY),
];

const PATH_DIFFERENCES: &[Difference] = &[
    ("pub-url-001", " ~ /anything", Refused, NOTHING),
    ("pub-url-002", " ~ /", Refused, NOTHING),
    ("pub-url-014", "/rest ~ /rest/../secure", Refused, AMBIGUOUS),
    ("pub-url-016", "/rest ~ /rest/./x", Refused, AMBIGUOUS),
    ("pub-url-029", " ~ ", Refused, EMPTY),
    ("pub-url-030", " ~ /anything", Refused, EMPTY),
    ("pub-url-036", "* ~ *", Refused, NO_SLASH),
    ("pub-url-040", "^/rest ~ ^/rest", Refused, NO_SLASH),
    ("pub-url-042", "rest ~ restricted", Refused, NO_SLASH),
    ("pub-url-043", "/rest?x=1 ~ /rest?x=1", Refused, QUERY),
    ("pub-url-044", "/rest?x=1 ~ /rest?x=12", Refused, QUERY),
    ("pub-url-049", "/a, /ab,  ~ /b", Refused, EMPTY),
    ("pub-url-051", " /rest ~ /rest", Allowed, TRIMMED),
    ("pub-url-052", "/rest  ~ /rest", Allowed, TRIMMED),
    ("pub-url-053", "/rest  ~ /rest ", Refused, AMBIGUOUS),
];

/// As the others; the answer is `ok`, or code and parameter of the rejection.
const REQUEST_DIFFERENCES: &[(&str, &str, &str)] = &[
    ("pub-auth-549", "BAD_REMOTE_IP ::2:0:0:0:1", SPELLING),
    ("pub-auth-607", "BAD_XFORWARD_IP 192.0.3.1", LINES),
    ("pub-auth-608", "BAD_XFORWARD_IP 198.51.101.1", LINES),
    ("pub-auth-609", "BAD_XFORWARD_IP 127.0.0.2", LINES),
    ("pub-auth-640", "AMBIGUOUS_URL /rest/../secure/admin", AMBIGUOUS),
    ("pub-auth-641", "AMBIGUOUS_URL /rest/x/../../admin", AMBIGUOUS),
    ("pub-auth-642", "AMBIGUOUS_URL /rest/..", AMBIGUOUS),
    ("pub-auth-643", "AMBIGUOUS_URL /rest/%2e%2e/secure/admin", AMBIGUOUS),
    ("pub-auth-644", "AMBIGUOUS_URL /rest/%2E%2E/admin", AMBIGUOUS),
    ("pub-auth-645", "AMBIGUOUS_URL /rest/.%2e/x", AMBIGUOUS),
    ("pub-auth-652", "AMBIGUOUS_URL /rest//x", AMBIGUOUS),
    ("pub-auth-653", "AMBIGUOUS_URL /rest//", AMBIGUOUS),
    ("pub-auth-654", "AMBIGUOUS_URL /rest///a", AMBIGUOUS),
    ("pub-auth-667", "BAD_URL /any", EMPTY),
    ("pub-auth-668", "BAD_URL /secure", EMPTY),
    ("pub-auth-669", "BAD_URL /", EMPTY),
];

#[test]
fn addresses() {
    hold("ip", IP_MATCH, ADDRESS_DIFFERENCES, |vector| {
        let Ok(rule) = AddressRule::parse_lines(texts(vector, "patterns")) else { return BadPattern };
        let address = parse_forwarded_address(text(vector, "address"));
        allowed(address.is_some_and(|address| rule.matches(Peer::Ip(address))))
    });
}

#[test]
fn paths() {
    hold("url", URL_MATCH, PATH_DIFFERENCES, |vector| {
        let rule = PathRule::prefixes(texts(vector, "patterns"));
        allowed(rule.check(Some(text(vector, "path"))).is_ok())
    });
}

/// The requests that differ in nothing but address and path, held against the conditions alone.
#[test]
fn requests() {
    let file: Value = serde_json::from_str(AUTHENTICATE).expect("JSON");
    let vectors = file["vectors"].as_array().expect("a list");
    let of_conditions =
        |vector: &&Value| ["ip-", "xff-", "url-"].iter().any(|kind| text(vector, "kind").starts_with(kind));

    let mut stated: BTreeMap<_, _> = REQUEST_DIFFERENCES.iter().map(|&(id, ours, _)| (id, ours)).collect();
    assert_eq!(stated.len(), REQUEST_DIFFERENCES.len(), "a row is there twice");
    let mut held = 0;
    for vector in vectors.iter().filter(of_conditions) {
        let id = text(vector, "id");
        let (original, ours) = (original_decision(&vector["outcome"]), decision(vector));
        let same = if original == "exception" { ours != "ok" } else { ours == original };
        match stated.remove(id) {
            None => assert!(same, "{id}: the original says {original}, we say {ours}"),
            Some(_) if same => panic!("{id} does not differ any more"),
            Some(stated) => assert_eq!(ours, stated, "{id}: not the difference in the table"),
        }
        held += 1;
    }
    assert!(stated.is_empty(), "no such vectors: {stated:?}");
    assert!(held >= 140, "only {held} vectors");
}

/// `ok`, `exception`, or code and parameter of the error header.
fn original_decision(outcome: &Value) -> String {
    match text(outcome, "status") {
        "success" => "ok".to_owned(),
        "exception" => "exception".to_owned(),
        _ => {
            let headers = outcome["response_headers"].as_array().expect("a list");
            let error =
                headers.iter().find(|header| header[0] == "X-Seraph-Trusted-App-Error").expect("an error");
            let parameter =
                text(error, 1).rsplit('\t').next().and_then(|list| serde_json::from_str(list).ok());
            let [parameter]: [String; 1] = parameter.expect("one parameter");
            format!("{} {parameter}", text(outcome, "error_code"))
        }
    }
}

/// The same in our words. The original reads an empty set as "any".
fn decision(vector: &Value) -> String {
    let (app, request) = (&vector["app"], &vector["request"]);
    let patterns: Vec<_> = texts(app, "ip_patterns").collect();
    let addresses = match patterns.as_slice() {
        [] => AddressRule::any(),
        patterns => AddressRule::parse_lines(patterns.iter().copied()).expect("patterns"),
    };
    let patterns: Vec<_> = texts(app, "url_patterns").collect();
    let paths = match patterns.as_slice() {
        [] => PathRule::any(),
        patterns => PathRule::prefixes(patterns.iter().copied()),
    };
    let peer = match text(request, "remote_addr").parse() {
        Ok(address) => SourceAddress::Peer(Peer::Ip(address)),
        Err(_) => SourceAddress::UnknownPeer,
    };
    let headers = request["headers"].as_array().expect("a list").iter();
    let forwarded = headers
        .filter(|header| text(header, 0).eq_ignore_ascii_case("x-forwarded-for"))
        .flat_map(|header| text(header, 1).split(','))
        .map(SourceAddress::Forwarded);
    let path = text(request, "request_uri").strip_prefix(text(request, "context_path"));

    match addresses.check(std::iter::once(peer).chain(forwarded)) {
        Ok(()) => {}
        Err(AddressMismatch::Peer(peer)) => return format!("BAD_REMOTE_IP {peer}"),
        Err(AddressMismatch::Forwarded(text)) => return format!("BAD_XFORWARD_IP {text}"),
        Err(AddressMismatch::PeerUnknown) => return "UNKNOWN_PEER ".to_owned(),
    }
    let shown = path.unwrap_or_default();
    match paths.check(path) {
        Ok(()) => "ok".to_owned(),
        Err(PathMismatch::NotCovered) => format!("BAD_URL {shown}"),
        Err(PathMismatch::Ambiguous(_)) => format!("AMBIGUOUS_URL {shown}"),
    }
}

/// Holds our answer to each vector against the original's and all differences against the table.
fn hold(name: &str, file: &str, table: &[Difference], ours: impl Fn(&Value) -> Answer) {
    let file: Value = serde_json::from_str(file).expect("JSON");
    let vectors = file["vectors"].as_array().expect("a list");
    assert!(vectors.len() >= 60, "{name}: only {} vectors", vectors.len());

    let found: BTreeMap<_, _> = vectors
        .iter()
        .filter(|vector| originals(vector) != ours(vector))
        .map(|vector| (text(vector, "id"), (question(vector), ours(vector))))
        .collect();
    let stated: BTreeMap<_, _> =
        table.iter().map(|&(id, question, ours, _)| (id, (question.to_owned(), ours))).collect();
    assert_eq!(stated.len(), table.len(), "{name}: a row is there twice");
    for (id, difference) in &found {
        assert_eq!(
            stated.get(id),
            Some(difference),
            "{name}: {id} differs: left the table, right the answer"
        );
    }
    for id in stated.keys() {
        assert!(found.contains_key(id), "{name}: {id} does not differ any more");
    }
}

/// What the vector holds against what.
fn question(vector: &Value) -> String {
    let subject = vector.get("address").or(vector.get("path")).and_then(Value::as_str).expect("a text");
    format!("{} ~ {subject}", texts(vector, "patterns").collect::<Vec<_>>().join(", "))
}

/// The original's answer. An exception is a refusal: of the pattern when it came while the pattern
/// was being read.
fn originals(vector: &Value) -> Answer {
    match &vector["result"] {
        Value::Bool(result) => allowed(*result),
        _ if vector["exception_stage"] == "construct" => BadPattern,
        _ => Refused,
    }
}

fn allowed(yes: bool) -> Answer {
    if yes { Allowed } else { Refused }
}

fn text(vector: &Value, name: impl Index) -> &str {
    vector[name].as_str().expect("a text")
}

fn texts<'v>(vector: &'v Value, name: &str) -> impl Iterator<Item = &'v str> {
    vector[name].as_array().expect("a list").iter().map(|item| item.as_str().expect("a text"))
}
