//! What is written comes back.

use proptest::prelude::*;
use trusted_app_core::ActAsPolicy;

use super::super::write_applications;
use super::*;

#[test]
fn what_is_written_comes_back() {
    let text = with_keys(
        r#"
        [[application]]
        id = "odd \"id\" \\ # ü"
        name = "line\nend\ttab\u0007"
        keys = [{ spki = "<1024>", state = "retiring", not_before = 1969-12-31T23:59:59.999Z, not_after = 2027-01-31T12:00:00Z }]
        timeout_ms = 1
        addresses = ["10.1.*.*", "2001:db8::/32", "local"]
        paths = ["/secure/RunPortlet", "subtree:/rest", "rpc:wiki.Search/*"]
        methods = []
        act_as = { users = ["o\"hara"], deny_users = ["bob"], deny_groups = ["a", "b"], insecure_administrators = true }
        schemes = ["insecure-seraph-v2", "seraph-v3"]
        insecure_min_rsa_bits = 1024

        [[application]]
        id = "forum"
        keys = [{ spki = "<2048>" }, { spki = "<4096>", state = "next" }]
        addresses = []
        paths = "any"
        methods = ["GET"]
        act_as = { read_only = true }
        "#,
    );
    let applications = parse_applications(&text).unwrap().applications;
    let written = write_applications(&applications);
    let again = parse_applications(&written).unwrap().applications;
    assert_eq!(format!("{again:?}"), format!("{applications:?}"));
    assert_eq!(write_applications(&again), written);
}

/// The keys come last.
#[test]
fn what_was_written_and_cut_is_noticed() {
    let text = with_field("act_as = { deny_users = ['bob'], read_only = true }");
    let forum = text.replace("wiki", "forum").replace("<2048>", "<4096>");
    let applications = parse_applications(&with_keys(&format!("{text}\n{forum}"))).unwrap().applications;
    let written = write_applications(&applications);
    let second = written.rfind("[[application]]").unwrap();
    let whole = written.trim_end().len();
    for (end, _) in written.match_indices('\n').filter(|(end, _)| (second..whole).contains(end)) {
        let error = parse_applications(&written[..=end]).map(drop).unwrap_err();
        assert!(error.is_at_end(), "{}: {error}", &written[second..end]);
    }
}

#[test]
fn it_is_written_a_field_a_line() {
    let jwk = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    let keys = format!(
        "keys = [{{ spki = '<2048>' }}, {{ jwk = '{jwk}', state = 'next', not_before = 2027-02-01T00:00:00Z }}]"
    );
    let text = with_field(&keys) + "\nmethods = ['GET']\nact_as.deny_users = ['bob']";
    let written = write_applications(&parse_applications(&with_keys(&text)).unwrap().applications);
    let expected = r#"[[application]]
id = "wiki"
timeout_ms = 10000
addresses = "any"
paths = "any"
methods = ["GET"]
schemes = ["seraph-v3"]
act_as = { deny_users = ["bob"], deny_groups = [], read_only = false, insecure_administrators = false }
keys = [{ spki = "<2048>" }, { jwk = { crv = "Ed25519", kid = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", kty = "OKP", use = "sig", x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }, state = "next", not_before = "2027-02-01T00:00:00Z" }]
"#;
    assert_eq!(written, with_keys(expected));
}

proptest! {
    #[test]
    fn every_text_comes_back(name in any::<String>(), user in "[a-z\"'\\\\#=\u{e9}]{1,12}") {
        let wiki = parse_one(MINIMAL).to_builder().name(&*name).act_as(ActAsPolicy::anybody().deny_users([user]));
        let wiki = wiki.build().unwrap();
        let again = parse_applications(&write_applications([&wiki])).unwrap().applications;
        prop_assert_eq!(format!("{again:?}"), format!("{:?}", [wiki]));
    }
}
