//! Names in rules that no directory can answer: the table is also held against the file, the API and the command line.

use trusted_app_core::application::{TrustedApplication, TrustedApplicationBuilder};
use trusted_app_core::conditions::{AddressRule, MethodRule, PathRule};
use trusted_app_core::{ActAsPolicy, PublicKey};

/// Each with words of the refusal.
fn table() -> Vec<(String, String)> {
    serde_json::from_str(include_str!("data/rule-names.json")).expect("a table")
}

fn wiki() -> TrustedApplicationBuilder {
    let key = PublicKey::from_base64(include_str!("data/public-key-2048.txt")).expect("a key");
    let wiki = TrustedApplication::builder("wiki".parse().expect("an id"), key);
    wiki.addresses(AddressRule::any()).paths(PathRule::any())
}

#[test]
fn no_application_is_built_with_a_name_that_matches_no_one() {
    assert!(table().len() >= 20);
    for (name, words) in table() {
        let name = [name.as_str()];
        for (list, policy) in [
            ("users", ActAsPolicy::nobody().allow_users(name)),
            ("groups", ActAsPolicy::nobody().allow_groups(name)),
            ("deny_users", ActAsPolicy::anybody().deny_users(name)),
            ("deny_groups", ActAsPolicy::anybody().deny_groups(name)),
        ] {
            let error = wiki().act_as(policy).build().expect_err(list).to_string();
            assert!(error.starts_with(&format!("{list}: ")) && error.contains(&words), "{name:?}: {error}");
        }
    }
}

#[test]
fn nor_with_a_list_in_one_path_or_a_method_that_no_request_has() {
    for path in ["/rest /plugins", "/rest, /plugins", "/rest,/plugins", "/my path"] {
        let error = wiki().paths(PathRule::prefixes([path])).build().expect_err(path).to_string();
        assert!(error.starts_with(&format!("`{path}` ")), "{error}");
    }
    for method in ["get", "Post", "ANY", "*"] {
        let written = http::Method::from_bytes(method.as_bytes()).expect(method);
        let error = wiki().methods(MethodRule::only([written])).build().expect_err(method).to_string();
        assert!(error.contains(&format!("`{method}`")), "{error}");
    }
    // Another method in small letters is one, and a path that covers nothing is warned of.
    let propfind = http::Method::from_bytes(b"propfind").expect("a method");
    let built = wiki().methods(MethodRule::only([propfind])).paths(PathRule::prefixes(["rest"])).build();
    assert_eq!(built.expect("an application").warnings().len(), 2);
}
