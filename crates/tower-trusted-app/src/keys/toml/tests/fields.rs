//! The fields of an application.

use trusted_app_core::conditions::{PathPatternKind, ReplayProtection};
use trusted_app_core::{ActAsPolicy, Scheme};

use super::*;

#[test]
fn what_is_not_stated_has_its_default() {
    let wiki = parse_one(MINIMAL);
    assert_eq!((wiki.id().as_str(), wiki.name()), ("wiki", "wiki"));
    assert_eq!(wiki.keys(), [samples::public_key(2048).into()]);
    assert_eq!(wiki.conditions().timeout.as_millis(), 10_000);
    assert!(wiki.conditions().addresses.is_any());
    assert!(wiki.conditions().paths.is_any());
    assert!(wiki.conditions().methods.methods().is_none());
    assert_eq!(wiki.schemes(), [Scheme::SeraphV3]);
    assert_eq!(wiki.conditions().replay_protection, ReplayProtection::Off);
    assert_eq!(wiki.act_as(), &ActAsPolicy::anybody());
}

#[test]
fn every_field_is_read() {
    let wiki = parse_one(
        r#"
        [[application]]
        id = "confluence:4711"
        name = "Wiki — the one"
        keys = [{ spki = "<2048>" }, { spki = "<1024>" }]
        timeout_ms = 86_399_999
        addresses = ["10.1.*.*, 10.2.0.1", "2001:db8::/32", "local"]
        paths = ["/secure/RunPortlet", "  ", "subtree:/rest", "rpc:wiki.Search/*"]
        methods = ["GET", "PROPFIND"]
        act_as = { users = ["bob"], groups = ["staff"], deny_users = ["eve"], deny_groups = ["guests"], read_only = true, insecure_administrators = true }
        schemes = ["insecure-seraph-v2", "seraph-v3"]
        replay_protection = "non-idempotent"
        insecure_min_rsa_bits = 1024
        "#,
    );
    let conditions = wiki.conditions();
    assert_eq!((wiki.id().as_str(), wiki.name()), ("confluence:4711", "Wiki — the one"));
    assert_eq!(wiki.keys(), [samples::public_key(2048).into(), samples::public_key(1024).into()]);
    assert_eq!(conditions.timeout.as_millis(), 86_399_999);
    let addresses: Vec<_> =
        conditions.addresses.patterns().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(addresses, ["10.1.*.*", "10.2.0.1", "2001:db8::/32", "local"]);
    let paths: Vec<_> =
        conditions.paths.patterns().unwrap().iter().map(|path| (path.kind(), path.as_str())).collect();
    assert_eq!(
        paths,
        [
            (PathPatternKind::Prefix, "/secure/RunPortlet"),
            (PathPatternKind::Subtree, "/rest"),
            (PathPatternKind::Rpc, "wiki.Search/*"),
        ]
    );
    assert_eq!(
        conditions.methods.methods().unwrap().iter().map(|m| m.as_str()).collect::<Vec<_>>(),
        ["GET", "PROPFIND"]
    );
    assert_eq!(wiki.schemes(), [Scheme::InsecureSeraphV2, Scheme::SeraphV3]);
    assert_eq!(conditions.replay_protection, ReplayProtection::NonIdempotent);
    let policy = ActAsPolicy::nobody().allow_users(["bob"]).allow_groups(["staff"]);
    let policy = policy.deny_users(["eve"]).deny_groups(["guests"]).read_only().insecure_administrators();
    assert_eq!(wiki.act_as(), &policy);
}

#[test]
fn a_faulty_field_is_named_with_its_line_and_value() {
    // Each row replaces or adds one field of `MINIMAL`.
    for (field, expected) in [
        // id
        ("id = 7", "line 2: application number 1: id: expected a string, found 7"),
        ("id = ' '", "line 2: application ` `: id: an application id cannot be blank"),
        (
            r#"id = "a\nb""#,
            r"line 2: application `a\nb`: id: an application id cannot have control characters",
        ),
        (
            "id = 'wiki '",
            "line 2: application `wiki `: id: an application id cannot begin or end with a blank",
        ),
        (
            r#"id = "\uFEFFwiki""#,
            r"line 2: application `\u{feff}wiki`: id: an application id cannot have the invisible character \u{feff}",
        ),
        // name
        ("name = true", "line 6: application `wiki`: name: expected a string, found true"),
        // keys
        ("keys = 3.5", "line 3: application `wiki`: keys: expected a list, found 3.5"),
        (
            "keys = ['<2048>']",
            "line 3: application `wiki`: keys[0]: expected a table with `spki` or `jwk`, found a string",
        ),
        (
            "keys = []",
            "line 3: application `wiki`: keys: missing; write at least one key, such as [{ spki = \"…\" }] with base64 or \
             PEM, or [{ jwk = { … } }]",
        ),
        (
            "keys = [\n{ spki = '<2048>' },\n{ spki = '<4096>', jwk = '{}' }]",
            "line 5: application `wiki`: keys[1]: a key has either `spki` or `jwk`, and not both",
        ),
        (
            "keys = [{ spki = '<1024>' }]",
            "line 3: application `wiki`: keys: an RSA key of 1024 bits; at least 2048 are required \
             (an old peer's key can be let in by `insecure_min_rsa_bits`)",
        ),
        // timeout_ms
        (
            "timeout_ms = 0",
            "line 6: application `wiki`: timeout_ms: expected a positive number of milliseconds, found 0",
        ),
        (
            "timeout_ms = -1",
            "line 6: application `wiki`: timeout_ms: expected a positive number of milliseconds, found -1",
        ),
        (
            "timeout_ms = '10s'",
            "line 6: application `wiki`: timeout_ms: expected a positive number of milliseconds, found the string \"10s\"",
        ),
        (
            "timeout_ms = 9223372036854775808",
            "line 6: application `wiki`: timeout_ms: expected a positive number of milliseconds, found 9223372036854775808",
        ),
        // addresses
        (
            "addresses = '10.0.0.1'",
            "line 4: application `wiki`: addresses: expected a list, or the string \"any\", \
             found the string \"10.0.0.1\"",
        ),
        (
            "addresses = ['any', '10.0.0.1']",
            "line 4: application `wiki`: addresses[0]: write \"any\" alone, not beside others",
        ),
        (
            "addresses = [\n'10.0.0.1',\n'10.0.0.256']",
            "line 6: application `wiki`: addresses[1]: The IP address pattern: 10.0.0.256 is invalid. \
             It is neither an address, in which an asterisk can stand for an octet of IPv4, nor a network such as \
             10.0.0.0/8, nor the word local.",
        ),
        ("addresses = [10]", "line 4: application `wiki`: addresses[0]: expected a string, found 10"),
        // paths
        (
            "paths = '/rest'",
            "line 5: application `wiki`: paths: expected a list, or the string \"any\", found the string \"/rest\"",
        ),
        (
            "paths = ['subtree:rest']",
            "line 5: application `wiki`: paths[0]: the subtree `rest` must begin with a slash: `/rest`",
        ),
        (
            "paths = ['rpc:Search']",
            "line 5: application `wiki`: paths[0]: `Search` names no RPC: write `package.Service/Method`, \
             or `package.Service/*` for the whole service",
        ),
        (
            "paths = [{ prefix = '/rest' }]",
            "line 5: application `wiki`: paths[0]: expected a string, found a table",
        ),
        (
            "paths = ['/',\n{ subtree = '/rest' }]",
            "line 6: application `wiki`: paths[1]: expected a string, found a table",
        ),
        // methods
        (
            "methods = 'GET'",
            "line 6: application `wiki`: methods: expected a list, or the string \"any\", found the string \"GET\"",
        ),
        (
            "methods = ['GET POST']",
            "line 6: application `wiki`: methods[0]: `GET POST` is more than one method: write each as an entry of its own",
        ),
        // schemes
        (
            "schemes = 'seraph-v3'",
            "line 6: application `wiki`: schemes: expected a list, found the string \"seraph-v3\"",
        ),
        (
            "schemes = []",
            "line 6: application `wiki`: schemes: an application needs at least one scheme, such as `seraph-v3`",
        ),
        (
            "schemes = ['seraph-v2']",
            "line 6: application `wiki`: schemes[0]: unknown scheme `seraph-v2`: known are `http-signature`, `seraph-v3` and \
             `insecure-seraph-v2`",
        ),
        // replay_protection
        (
            "replay_protection = true",
            "line 6: application `wiki`: replay_protection: expected a string, found true",
        ),
        (
            "replay_protection = 'on'",
            "line 6: application `wiki`: replay_protection: unknown replay protection `on`: known are `off`, \
             `non-idempotent` and `every`",
        ),
        // insecure_unsigned_bodies
        (
            "insecure_unsigned_bodies = 'yes'",
            "line 6: application `wiki`: insecure_unsigned_bodies: expected true or false, found the string \"yes\"",
        ),
        // insecure_min_rsa_bits
        (
            "insecure_min_rsa_bits = 512",
            "line 6: application `wiki`: insecure_min_rsa_bits: insecure_min_rsa_bits is 512; it must be from \
             1024 to 8192",
        ),
        (
            "insecure_min_rsa_bits = -1",
            "line 6: application `wiki`: insecure_min_rsa_bits: expected a number of bits, found -1",
        ),
        // none of them
        (
            "path = '/'",
            "line 6: application `wiki`: path: unknown field; known are id, name, key_directory, timeout_ms, addresses, \
             paths, methods, schemes, replay_protection, insecure_unsigned_bodies, insecure_min_rsa_bits, act_as, keys",
        ),
        // of another form
        ("ip_addresses = []", "line 6: application `wiki`: ip_addresses: unknown field; write `addresses`"),
        ("url_paths = []", "line 6: application `wiki`: url_paths: unknown field; write `paths`"),
        (
            "public_key = ''",
            "line 6: application `wiki`: public_key: unknown field; write `keys = [{ spki = \"…\" }]`",
        ),
        (
            "signature_key = ''",
            "line 6: application `wiki`: signature_key: unknown field; write `keys = [{ jwk = \"…\" }]`",
        ),
    ] {
        assert_eq!(error(&with_field(field)), expected, "{field}");
    }
}

#[test]
fn a_missing_field_is_named() {
    for (field, expected) in [
        ("id", "line 1: application number 1: id: missing; write the name that its requests carry"),
        (
            "keys",
            "line 1: application `wiki`: keys: missing; write at least one key, such as [{ spki = \"…\" }] with base64 or \
             PEM, or [{ jwk = { … } }]",
        ),
        ("addresses", "line 1: application `wiki`: addresses: missing; write a list, or the string \"any\""),
        ("paths", "line 1: application `wiki`: paths: missing; write a list, or the string \"any\""),
    ] {
        let lines = MINIMAL.lines().filter(|line| !line.starts_with(field)).collect::<Vec<_>>();
        assert_eq!(error(&lines.join("\n")), expected, "{field}");
    }
}

#[test]
fn whom_an_application_may_act_as() {
    for (field, policy) in [
        ("act_as = {}", ActAsPolicy::anybody()),
        ("act_as = { deny_groups = ['guests'] }", ActAsPolicy::anybody().deny_groups(["guests"])),
        ("act_as = { read_only = false, insecure_administrators = false }", ActAsPolicy::anybody()),
        ("[application.act_as]\nread_only = true", ActAsPolicy::anybody().read_only()),
        ("act_as.groups = ['staff']\nact_as.users = []", ActAsPolicy::nobody().allow_groups(["staff"])),
        ("act_as.groups = ['staff']", ActAsPolicy::anybody().allow_groups(["staff"])),
    ] {
        assert_eq!(parse_one(&format!("{MINIMAL}{field}")).act_as(), &policy, "{field}");
    }
    for (field, problem) in [
        (
            "act_as = 'any'",
            ": expected a table of `users`, `groups`, `deny_users`, `deny_groups`, `read_only` and \
             `insecure_administrators`, found the string \"any\"",
        ),
        ("act_as = { users = 'any' }", ".users: expected a list, found the string \"any\""),
        (
            "act_as = { users = ['any'] }",
            ": users: `any` is no name of a user or group: for everybody leave the list out",
        ),
        (
            "act_as = { groups = ['*'] }",
            ": groups: `*` is no name of a user or group: for everybody leave the list out",
        ),
        ("act_as = { deny_users = [''] }", ": deny_users: the name `` matches no user or group: it is blank"),
        ("act_as = { users = [1] }", ".users[0]: expected a string, found 1"),
        ("act_as = { read_only = 1 }", ".read_only: expected true or false, found 1"),
        (
            "act_as = { administrators = true }",
            ".administrators: unknown field; known are users, groups, deny_users, deny_groups, read_only, \
             insecure_administrators",
        ),
    ] {
        let expected = format!("line 6: application `wiki`: act_as{problem}");
        assert_eq!(error(&format!("{MINIMAL}{field}")), expected);
    }
    let nobody = with_keys(&format!("{MINIMAL}act_as = {{ users = [] }}"));
    assert_eq!(
        parse_applications(&nobody).unwrap().warnings,
        [
            "line 6: application `wiki`: act_as: the lists are empty, so every request is refused; for everybody \
          leave them out"
        ]
    );
}
