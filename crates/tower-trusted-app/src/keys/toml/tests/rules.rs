//! The entries of rules.

use super::*;

/// Each value is rejected at its line, with the words of the core.
#[test]
fn a_list_in_one_string_and_what_no_request_has_are_refused() {
    for (field, value, words) in [
        ("paths", "/rest /plugins", "is more than one path: write each as an entry of its own"),
        ("paths", "/rest, /plugins", "is more than one path: write each as an entry of its own"),
        ("paths", "/rest,/plugins", "is more than one path: write each as an entry of its own"),
        ("paths", "/rest\\n/plugins", "is more than one path: write each as an entry of its own"),
        ("paths", "/my path", "has a blank in it"),
        ("methods", "GET,POST", "is more than one method: write each as an entry of its own"),
        ("methods", "GET POST", "is more than one method: write each as an entry of its own"),
        ("methods", "GET|POST", "is more than one method: write each as an entry of its own"),
        ("methods", "get", "write `GET`"),
        ("methods", "Get", "write `GET`"),
        ("methods", "*", "write `any` alone"),
        ("addresses", "10.1.2.3 10.1.2.4", "has a blank between two addresses: write a comma there"),
        ("addresses", "10.1.2.3:8080", "has a port, and rules compare addresses alone: write 10.1.2.3."),
        ("addresses", "[::1]", "is in brackets: write ::1."),
        ("addresses", "0:0:0:0:0:0:0:1%0", "has the zone `0`, which no request shows: write ::1."),
        ("addresses", "localhost", "is a name, and rules compare addresses: write 127.0.0.1 and ::1"),
        ("addresses", "10.1.2.3-10.1.2.9", "is a range: write a network such as 10.1.2.0/24"),
        ("addresses", "10.01.2.3", "write 10.1.2.3."),
        ("addresses", "10.0.0.0/33", "has a prefix of more than 32 bits."),
        ("addresses", "10.0.0.0/255.0.0.0", "write 10.0.0.0/8."),
    ] {
        let (line, first) = match field {
            "addresses" => (4, "10.9.9.9"),
            "paths" => (5, "/x"),
            _ => (6, "PUT"),
        };
        for list in [format!("[\"{value}\"]"), format!("['{first}', \"{value}\"]")] {
            let error = error(&with_field(&format!("{field} = {list}")));
            let index = list.matches('\'').count() / 2;
            let place = format!("line {line}: application `wiki`: {field}[{index}]: ");
            assert!(error.starts_with(&place) && error.contains(words), "{list}: {error}");
        }
    }
}

#[test]
fn a_name_in_a_rule_that_matches_no_one_is_refused() {
    let table = include_str!("../../../../../trusted-app-core/tests/data/rule-names.json");
    let table: Vec<(String, String)> = serde_json::from_str(table).unwrap();
    for (name, words) in table {
        for list in ["users", "groups", "deny_users", "deny_groups"] {
            // A JSON string of these characters is one of TOML's.
            let field = format!("act_as = {{ {list} = [{}] }}", serde_json::to_string(&name).unwrap());
            let error = error(&with_field(&field));
            let place = format!("line 6: application `wiki`: act_as: {list}: ");
            assert!(error.starts_with(&place) && error.contains(&words), "{field}: {error}");
        }
    }
    let name = "act_as = { deny_groups = ['cn=contractors,ou=groups,dc=example'] }";
    let warnings = parse_applications(&with_keys(&with_field(name))).unwrap().warnings;
    assert_eq!(
        warnings,
        [
            "line 6: application `wiki`: act_as: deny_groups: `cn=contractors,ou=groups,dc=example` looks like a \
          distinguished name; rules are compared with the name of a user or group, such as `contractors`"
        ]
    );
}

#[test]
fn a_number_that_json_does_not_have_is_no_default() {
    for field in
        ["act_as", "methods", "schemes", "replay_protection", "timeout_ms", "insecure_unsigned_bodies"]
    {
        for number in ["nan", "inf", "-inf", "1e999", "1.5"] {
            let error = error(&with_field(&format!("{field} = {number}")));
            assert!(
                error.starts_with(&format!("line 6: application `wiki`: {field}: ")),
                "{number}: {error}"
            );
        }
    }
    let error = error(&with_field("act_as = []"));
    assert!(error.contains("act_as: expected a table of `users`"), "{error}");
}
