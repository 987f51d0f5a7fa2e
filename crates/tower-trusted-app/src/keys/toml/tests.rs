use trusted_app_core::application::{ApplicationKey, KeyState};
use trusted_app_core::conditions::{PathPatternKind, ReplayProtection};
use trusted_app_core::{ActAsPolicy, Scheme, Timestamp, TrustedApplication};

use super::super::samples;
use super::{parse_applications, write_applications};

/// An application with everything that must be stated, one field a line from line 2 on.
const MINIMAL: &str = r#"[[application]]
id = "wiki"
public_key = "<2048>"
ip_addresses = "any"
url_paths = "any"
"#;

fn with_keys(text: &str) -> String {
    [1024, 2048, 4096]
        .into_iter()
        .fold(text.to_owned(), |text, bits| text.replace(&format!("<{bits}>"), samples::key(bits)))
}

fn parse_one(text: &str) -> TrustedApplication {
    let mut parsed = parse_applications(&with_keys(text)).unwrap();
    assert_eq!((parsed.warnings.as_slice(), parsed.applications.len()), ([].as_slice(), 1));
    parsed.applications.remove(0)
}

fn error(text: &str) -> String {
    parse_applications(&with_keys(text)).map(|parsed| parsed.applications).unwrap_err().to_string()
}

/// `MINIMAL` with this field in the place of its own, or after the last.
fn with_field(field: &str) -> String {
    let name = field.split(' ').next().unwrap();
    let replaced = MINIMAL.lines().position(|line| line.starts_with(&format!("{name} =")));
    let mut lines: Vec<&str> = MINIMAL.lines().collect();
    match replaced {
        Some(line) => lines[line] = field,
        None => lines.push(field),
    }
    lines.join("\n")
}

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
        public_key = ["<2048>", "<1024>"]
        timeout_ms = 86_399_999
        ip_addresses = ["10.1.*.*, 10.2.0.1", "2001:db8::/32", "local"]
        url_paths = ["/secure/RunPortlet", "  ", { subtree = "/rest" }, { rpc = "wiki.Search/*" }]
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
            "expected a table of users, groups, deny_users, deny_groups, read_only, insecure_administrators, \
             found the string \"any\"",
        ),
        ("act_as = { users = 'any' }", "expected a list of names, found the string \"any\""),
        (
            "act_as = { users = ['any'] }",
            "users: `any` is no name of a user or group: for everybody leave the list out",
        ),
        (
            "act_as = { groups = ['*'] }",
            "groups: `*` is no name of a user or group: for everybody leave the list out",
        ),
        ("act_as = { deny_users = [''] }", "deny_users: the name `` matches no user or group: it is blank"),
        ("act_as = { users = [1] }", "expected a string, found 1"),
        ("act_as = { read_only = 1 }", "expected true or false, found 1"),
        (
            "act_as = { administrators = true }",
            "unknown field `administrators`; known are users, groups, deny_users, deny_groups, read_only, \
             insecure_administrators",
        ),
    ] {
        let expected = format!("line 6: application `wiki`: act_as: {problem}");
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

#[test]
fn a_key_may_be_pem_or_wrapped_base64() {
    let pem = samples::public_key(2048).to_pem();
    let base64 = samples::key(2048);
    let (first, rest) = base64.split_at(64);
    for key in
        [format!("\"\"\"\n{pem}\"\"\""), format!("\"\"\"\n{first}\n  {rest}\n\"\"\""), format!("'{base64}'")]
    {
        let text = MINIMAL.replace("\"<2048>\"", &key);
        assert_eq!(parse_one(&text).keys(), [samples::public_key(2048).into()], "{key}");
    }
}

#[test]
fn line_ends_and_marks_of_other_systems_are_read() {
    parse_one(&MINIMAL.replace('\n', "\r\n"));
    parse_one(&format!("\u{feff}{MINIMAL}"));
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
        // public_key
        (
            "public_key = 3.5",
            "line 3: application `wiki`: public_key: expected a key as base64 or PEM, a table of one, or a list of keys, found a float",
        ),
        (
            "public_key = []",
            "line 3: application `wiki`: public_key: expected at least one key, found an empty list",
        ),
        (
            "public_key = '<1024>'",
            "line 3: application `wiki`: public_key: an RSA key of 1024 bits; at least 2048 are required \
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
            "line 6: application `wiki`: timeout_ms: expected an integer of at most 2^63 - 1, found the string \"10s\"",
        ),
        (
            "timeout_ms = 9223372036854775808",
            "line 6: application `wiki`: timeout_ms: expected an integer of at most 2^63 - 1, found 9223372036854775808",
        ),
        // ip_addresses
        (
            "ip_addresses = '10.0.0.1'",
            "line 4: application `wiki`: ip_addresses: expected a list, or the string \"any\", \
             found the string \"10.0.0.1\"",
        ),
        (
            "ip_addresses = ['any']",
            "line 4: application `wiki`: ip_addresses: write \"any\" alone, not in a list",
        ),
        (
            "ip_addresses = [\n'10.0.0.1',\n'10.0.0.256']",
            "line 6: application `wiki`: ip_addresses: The IP address pattern: 10.0.0.256 is invalid. \
             It is neither an address, in which an asterisk can stand for an octet of IPv4, nor a network such as \
             10.0.0.0/8, nor the word local.",
        ),
        ("ip_addresses = [10]", "line 4: application `wiki`: ip_addresses: expected a string, found 10"),
        // url_paths
        (
            "url_paths = '/rest'",
            "line 5: application `wiki`: url_paths: expected a list, or the string \"any\", found the string \"/rest\"",
        ),
        (
            "url_paths = [{ subtree = 'rest' }]",
            "line 5: application `wiki`: url_paths: the subtree `rest` must begin with a slash: `/rest`",
        ),
        (
            "url_paths = [{ rpc = 'Search' }]",
            "line 5: application `wiki`: url_paths: `Search` names no RPC: write `package.Service/Method`, \
             or `package.Service/*` for the whole service",
        ),
        (
            "url_paths = [{ prefix = '/rest' }]",
            "line 5: application `wiki`: url_paths: expected a prefix, { subtree = \"/…\" } or \
             { rpc = \"package.Service/*\" }, found a table",
        ),
        (
            "url_paths = [{ subtree = 1 }]",
            "line 5: application `wiki`: url_paths: expected a string, found 1",
        ),
        // methods
        (
            "methods = 'GET'",
            "line 6: application `wiki`: methods: expected a list, or the string \"any\", found the string \"GET\"",
        ),
        (
            "methods = ['GET POST']",
            "line 6: application `wiki`: methods: `GET POST` is more than one method: write each as an entry of its own",
        ),
        // schemes
        (
            "schemes = 'seraph-v3'",
            "line 6: application `wiki`: schemes: expected a list of schemes, found the string \"seraph-v3\"",
        ),
        (
            "schemes = []",
            "line 6: application `wiki`: schemes: an application needs at least one scheme, such as `seraph-v3`",
        ),
        (
            "schemes = ['seraph-v2']",
            "line 6: application `wiki`: schemes: unknown scheme `seraph-v2`: known are `http-signature`, `seraph-v3` and \
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
            "url_path = '/'",
            "line 6: application `wiki`: url_path: unknown field; known are id, name, public_key, signature_key, key_directory, timeout_ms, \
             ip_addresses, url_paths, methods, act_as, schemes, replay_protection, \
             insecure_unsigned_bodies, insecure_min_rsa_bits",
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
            "public_key",
            "line 1: application `wiki`: public_key: missing; write base64 or PEM, or a list of them",
        ),
        (
            "ip_addresses",
            "line 1: application `wiki`: ip_addresses: missing; write a list, or the string \"any\"",
        ),
        ("url_paths", "line 1: application `wiki`: url_paths: missing; write a list, or the string \"any\""),
    ] {
        let lines = MINIMAL.lines().filter(|line| !line.starts_with(field)).collect::<Vec<_>>();
        assert_eq!(error(&lines.join("\n")), expected, "{field}");
    }
}

#[test]
fn what_is_no_application_is_refused() {
    for (text, expected) in [
        ("[application]\nid = 'wiki'", "line 1: write [[application]] with two brackets"),
        ("application = [1]", "line 1: expected the table of an application, found 1"),
        ("\n[[applications]]", "line 2: unknown key `applications`; known is only [[application]]"),
        ("version = 1", "line 1: unknown key `version`; known is only [[application]]"),
    ] {
        assert_eq!(error(text), expected, "{text}");
    }
    assert!(error("# one\n[[application").starts_with("line 2: "));
    assert!(error(&format!("{MINIMAL}id = 'twice'")).starts_with("line 6: duplicate key"));
}

#[test]
fn an_id_or_a_key_twice_is_refused() {
    let same_id = format!("{MINIMAL}{}", MINIMAL.replace("<2048>", "<4096>"));
    assert_eq!(error(&same_id), "line 6: application `wiki`: the application id `wiki` is taken");

    let same_key = format!("{MINIMAL}{}", MINIMAL.replace("wiki", "forum"));
    let fingerprint = samples::public_key(2048).fingerprint().to_string();
    assert_eq!(
        error(&same_key),
        format!(
            "line 6: application `forum`: the public key {fingerprint} of application `forum` already belongs \
             to `wiki`; a key belongs to one application only"
        )
    );

    let different = format!("{MINIMAL}{}", MINIMAL.replace("wiki", "forum").replace("<2048>", "<4096>"));
    assert_eq!(parse_applications(&with_keys(&different)).unwrap().applications.len(), 2);
}

#[test]
fn no_error_quotes_a_private_key() {
    let private = include_str!("../../../tests/data/identity.pem");
    let body = private.lines().nth(2).unwrap();
    let (head, tail) = (private.lines().nth(1).unwrap(), private.lines().last().unwrap());
    for text in [
        MINIMAL.replace("\"<2048>\"", &format!("'''{private}'''")),
        MINIMAL.replace("\"<2048>\"", &format!("'''{head}\n{body}\n{tail}'''")),
        MINIMAL.replace("<2048>", body),
        // Not even where the text is no TOML.
        MINIMAL.replace("\"<2048>\"", body),
        MINIMAL.replace("\"<2048>\"", &format!("\"{head}\n{body}\"")),
    ] {
        let error = error(&text);
        for start in (0..body.len() - 8).step_by(4) {
            assert!(!error.contains(&body[start..start + 8]), "{error}");
        }
    }
}

/// Each value is refused at its line, with the words of the core.
#[test]
fn a_list_in_one_string_and_what_no_request_has_are_refused() {
    for (field, value, words) in [
        ("url_paths", "/rest /plugins", "is more than one path: write each as an entry of its own"),
        ("url_paths", "/rest, /plugins", "is more than one path: write each as an entry of its own"),
        ("url_paths", "/rest,/plugins", "is more than one path: write each as an entry of its own"),
        ("url_paths", "/rest\\n/plugins", "is more than one path: write each as an entry of its own"),
        ("url_paths", "/my path", "has a blank in it"),
        ("methods", "GET,POST", "is more than one method: write each as an entry of its own"),
        ("methods", "GET POST", "is more than one method: write each as an entry of its own"),
        ("methods", "GET|POST", "is more than one method: write each as an entry of its own"),
        ("methods", "get", "write `GET`"),
        ("methods", "Get", "write `GET`"),
        ("methods", "*", "write `any` alone"),
        ("ip_addresses", "10.1.2.3 10.1.2.4", "has a blank between two addresses: write a comma there"),
        ("ip_addresses", "10.1.2.3:8080", "has a port, and rules compare addresses alone: write 10.1.2.3."),
        ("ip_addresses", "[::1]", "is in brackets: write ::1."),
        ("ip_addresses", "0:0:0:0:0:0:0:1%0", "has the zone `0`, which no request shows: write ::1."),
        ("ip_addresses", "localhost", "is a name, and rules compare addresses: write 127.0.0.1 and ::1"),
        ("ip_addresses", "10.1.2.3-10.1.2.9", "is a range: write a network such as 10.1.2.0/24"),
        ("ip_addresses", "10.01.2.3", "write 10.1.2.3."),
        ("ip_addresses", "10.0.0.0/33", "has a prefix of more than 32 bits."),
        ("ip_addresses", "10.0.0.0/255.0.0.0", "write 10.0.0.0/8."),
    ] {
        let (line, first) = match field {
            "ip_addresses" => (4, "10.9.9.9"),
            "url_paths" => (5, "/x"),
            _ => (6, "PUT"),
        };
        for list in [format!("[\"{value}\"]"), format!("['{first}', \"{value}\"]")] {
            let error = error(&with_field(&format!("{field} = {list}")));
            let place = format!("line {line}: application `wiki`: {field}: ");
            assert!(error.starts_with(&place) && error.contains(words), "{list}: {error}");
        }
    }
}

#[test]
fn a_name_in_a_rule_that_matches_no_one_is_refused() {
    let table = include_str!("../../../../trusted-app-core/tests/data/rule-names.json");
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
fn what_is_hardly_meant_is_warned_of() {
    let text = with_keys(
        r#"
        [[application]]
        id = "wiki"
        public_key = "<2048>"
        ip_addresses = []
        url_paths = ["rest/api", "/ok", "/a/../b", "/c/*", "/d,e", "//rest", { rpc = "a.B/*" }]
        methods = ["propfind", "POST"]

        [[application]]
        id = "forum"
        public_key = "<4096>"
        ip_addresses = "any"
        url_paths = [" "]
        methods = []
        "#,
    );
    let empty = |list: &str| {
        format!("the list of {list} is empty, so every request is refused; for no rule write \"any\"")
    };
    assert_eq!(
        parse_applications(&text).unwrap().warnings,
        [
            format!("line 5: application `wiki`: ip_addresses: {}", empty("addresses")),
            "line 6: application `wiki`: url_paths: no path begins with `rest/api`, for each begins with a slash: write `/rest/api`".to_owned(),
            "line 6: application `wiki`: url_paths: no path that is accepted begins with `/a/../b` (dot segment): write it in its plain form".to_owned(),
            "line 6: application `wiki`: url_paths: in `/c/*` the asterisk is a plain character and no wildcard: leave it out, for a pattern covers all that begins with it".to_owned(),
            "line 6: application `wiki`: url_paths: in `/d,e` the `,` is a plain character: write several paths as entries of their own".to_owned(),
            "line 6: application `wiki`: url_paths: no path that is accepted begins with `//rest` (empty segment): write it in its plain form".to_owned(),
            "line 7: application `wiki`: methods: `propfind` is not PROPFIND: methods are case-sensitive".to_owned(),
            format!("line 13: application `forum`: url_paths: {}", empty("paths")),
            format!("line 14: application `forum`: methods: {}", empty("methods")),
        ]
    );
    for none in ["", "# nothing yet\n"] {
        let parsed = parse_applications(none).unwrap();
        assert!(parsed.applications.is_empty() && !parsed.states_none);
        assert_eq!(parsed.warnings, ["no application is listed, so every trusted request is refused"]);
    }
    for none in ["application = []", "# none yet\napplication = [\n]\n", &write_applications([])] {
        let parsed = parse_applications(none).unwrap();
        assert!(parsed.applications.is_empty() && parsed.states_none);
        assert!(parsed.warnings.is_empty());
    }
}

#[test]
fn what_no_administrator_means_is_warned_of() {
    for (field, value, expected) in [
        (
            "id",
            "'${WIKI_ID}'",
            "line 2: application `${WIKI_ID}`: id: the id `${WIKI_ID}` looks like a variable that was not replaced",
        ),
        (
            "timeout_ms",
            "999999999999",
            "line 6: application `wiki`: timeout_ms: a time-out of 999999999999 ms is 31 years: a captured request is good \
             for as long",
        ),
        (
            "ip_addresses",
            "[]",
            "line 4: application `wiki`: ip_addresses: the list of addresses is empty, so every request is refused; for \
             no rule write \"any\"",
        ),
    ] {
        let lines = MINIMAL.lines().map(|line| match line.starts_with(field) {
            true => format!("{field} = {value}"),
            false => line.to_owned(),
        });
        let mut text = lines.collect::<Vec<_>>().join("\n");
        if !MINIMAL.contains(field) {
            text += &format!("\n{field} = {value}");
        }
        assert_eq!(parse_applications(&with_keys(&text)).unwrap().warnings, [expected]);
    }
}

#[test]
fn other_forms_of_keys_are_named_or_read() {
    let block = |label: &str| format!("\"\"\"-----BEGIN {label}-----\nc2VjcmV0\n-----END {label}-----\"\"\"");
    for (key, expected) in [
        (block("CERTIFICATE"), "`openssl x509 -pubkey -noout -in FILE` prints its public key"),
        (block("RSA PRIVATE KEY"), "`openssl pkey -pubout -in FILE` prints its public key"),
        ("'ssh-rsa c2VjcmV0 wiki'".to_owned(), "`ssh-keygen -e -m PKCS8 -f FILE` prints"),
    ] {
        let error = error(&MINIMAL.replace("\"<2048>\"", &key));
        assert!(error.starts_with("line 3: application `wiki`: public_key: this is a"), "{error}");
        assert!(error.contains(expected) && !error.contains("c2VjcmV0"), "{error}");
    }
}

#[test]
fn a_text_that_ends_too_early_is_known() {
    let text = with_keys(MINIMAL);
    let is_at_end = |text: &str| parse_applications(text).map(drop).unwrap_err().is_at_end();
    for (cut, line) in [
        ("url_paths", "in a line"),
        ("ip_addresses = \"a", "in a string"),
        ("= \"any\"\nurl", "in a key"),
        ("\nip_addresses", "before a field that must be there"),
    ] {
        let at = text.find(cut).unwrap() + cut.len();
        assert!(is_at_end(&text[..at]), "{line}: {:?}", &text[at - 10..at]);
    }
    for whole in [
        text.replace("\"any\"", "\"all\""),
        text.replace("url_paths", "url_path"),
        format!("{text}id = 'twice'"),
        text.replace("id = \"wiki\"", "id = \"wiki"),
        format!("{}{}", text.replace("url_paths = \"any\"", ""), text.replace("wiki", "forum")),
    ] {
        assert!(!is_at_end(&whole), "{whole}");
    }
}

#[test]
fn keys_with_states_and_dates() {
    let text = MINIMAL.replace(
        "\"<2048>\"",
        "[{ key = '<2048>' }, { key = '<4096>', state = 'retiring', not_after = 2027-01-31T13:00:00.5+01:00 }, \
         { key = '<1024>', state = 'revoked', not_before = 2020-01-01T00:00:00Z }]",
    ) + "insecure_min_rsa_bits = 1024";
    let wiki = parse_one(&text);
    let at = |text| Timestamp::from_rfc3339(text).unwrap();
    let expected = [
        samples::public_key(2048).into(),
        ApplicationKey::from(samples::public_key(4096))
            .with_state(KeyState::Retiring)
            .with_not_after(at("2027-01-31T12:00:00.500Z")),
        ApplicationKey::from(samples::public_key(1024))
            .with_state(KeyState::Revoked)
            .with_not_before(at("2020-01-01T00:00:00Z")),
    ];
    assert_eq!(wiki.keys(), expected);
    let single = MINIMAL.replace("\"<2048>\"", "{ key = '<2048>', state = 'next' }");
    assert_eq!(parse_one(&single).keys()[0].state(), KeyState::Next);

    for (key, expected) in [
        ("{ state = 'next' }", "`key` is missing; write base64 or PEM"),
        (
            "{ key = '<2048>', states = 'next' }",
            "unknown field of a key; known are key, state, not_before, not_after",
        ),
        (
            "{ key = '<2048>', state = 'dead' }",
            "unknown state `dead`: known are `next`, `active`, `retiring` and `revoked`",
        ),
        (
            "{ key = '<2048>', not_after = 2027-01-31 }",
            "expected a date and time with an offset, such as 2027-01-31T12:00:00Z, without quotes, found a datetime",
        ),
    ] {
        let text = MINIMAL.replace("\"<2048>\"", key);
        assert_eq!(error(&text), format!("line 3: application `wiki`: public_key: {expected}"));
    }
    let fingerprint = samples::public_key(2048).fingerprint().to_string();
    let twice = MINIMAL.replace("\"<2048>\"", "['<2048>', { key = '<2048>', state = 'revoked' }]");
    let expected = format!("line 3: application `wiki`: public_key: the key {fingerprint} is listed twice");
    assert_eq!(error(&twice), expected);
    let never = "{ key = '<2048>', not_before = 2027-01-02T00:00:00Z, not_after = 2027-01-01T00:00:00Z }";
    assert!(error(&MINIMAL.replace("\"<2048>\"", never)).contains("is never valid"));
}

#[test]
fn what_is_written_comes_back() {
    let text = with_keys(
        r#"
        [[application]]
        id = "odd \"id\" \\ # ü"
        name = "line\nend\ttab\u0007"
        public_key = { key = "<1024>", state = "retiring", not_before = 1969-12-31T23:59:59.999Z, not_after = 2027-01-31T12:00:00Z }
        timeout_ms = 1
        ip_addresses = ["10.1.*.*", "2001:db8::/32", "local"]
        url_paths = ["/secure/RunPortlet", { subtree = "/rest" }, { rpc = "wiki.Search/*" }]
        methods = []
        act_as = { users = ["o\"hara"], deny_users = ["bob"], deny_groups = ["a", "b"], insecure_administrators = true }
        schemes = ["insecure-seraph-v2", "seraph-v3"]
        insecure_min_rsa_bits = 1024

        [[application]]
        id = "forum"
        public_key = ["<2048>", { key = "<4096>", state = "next" }]
        ip_addresses = []
        url_paths = "any"
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

const JWK: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

#[test]
fn keys_for_http_message_signatures() {
    let text = MINIMAL.replace("public_key = \"<2048>\"", &format!("signature_key = '{JWK}'"));
    let wiki = parse_one(&text);
    assert_eq!((wiki.schemes(), wiki.keys().len()), (&[Scheme::HttpSignature][..], 0));
    assert_eq!(wiki.conditions().timeout.as_secs(), 60);
    let thumbprint = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
    assert_eq!(wiki.signature_keys()[0].public_key().thumbprint().to_string(), thumbprint);

    let other = JWK
        .replace("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "_FHNjmIYoaONpH7QAjDwWAgW7RO6MwOsXeuRFUiQgCU")
        .replace("\"x\"", "\"nbf\":1,\"x\"");
    let both = format!(
        "{MINIMAL}signature_key = ['{JWK}', {{ key = '{other}', state = 'next', not_before = 2027-01-01T00:00:00Z }}]\n\
         schemes = ['seraph-v3', 'http-signature']"
    );
    let wiki = parse_one(&both);
    assert_eq!((wiki.keys().len(), wiki.signature_keys().len()), (1, 2));
    assert_eq!(wiki.conditions().timeout.as_secs(), 10);
    let written = write_applications([&wiki]);
    assert_eq!(format!("{:?}", parse_one(&written)), format!("{wiki:?}"));
    assert_eq!(write_applications([&parse_one(&written)]), written);

    for (change, expected) in [
        (
            "signature_key = []",
            "line 6: application `wiki`: signature_key: expected at least one key, found an empty list",
        ),
        (
            "signature_key = 1",
            "line 6: application `wiki`: signature_key: expected a JWK as a string, a table of one, or a list of keys, found 1",
        ),
        (
            "schemes = ['http-signature']",
            "line 6: application `wiki`: schemes: the scheme `http-signature` needs a key of its own kind",
        ),
    ] {
        assert_eq!(error(&format!("{MINIMAL}{change}")), expected);
    }
    let no_legacy = format!("{text}schemes = ['seraph-v3']");
    assert!(error(&no_legacy).ends_with("schemes: the scheme `seraph-v3` needs a key of its own kind"));
    let twice = text.replace(&format!("'{JWK}'"), &format!("['{JWK}', '{JWK}']"));
    assert!(error(&twice).contains("signature_key: the key ") && error(&twice).ends_with("is listed twice"));
}

#[test]
fn a_signature_key_belongs_to_one_application() {
    let wiki = MINIMAL.replace("public_key = \"<2048>\"", &format!("signature_key = '{JWK}'"));
    let forum =
        MINIMAL.replace("wiki", "forum") + &format!("signature_key = {{ key = '{JWK}', state = 'revoked' }}");
    let error = error(&format!("{wiki}{forum}"));
    assert!(error.ends_with("already belongs to `wiki`; a key belongs to one application only"), "{error}");
}

#[test]
fn no_error_quotes_a_private_jwk() {
    let secret = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
    let private = JWK.replace("\"x\"", &format!("\"d\":\"{secret}\",\"x\""));
    for value in [format!("'{private}'"), format!("'{}'", &private[1..]), format!("{{ key = '{private}' }}")]
    {
        let error = error(&MINIMAL.replace("public_key = \"<2048>\"", &format!("signature_key = {value}")));
        assert!(error.starts_with("line 3: application `wiki`: signature_key: not a usable JWK"), "{error}");
        assert!(!error.contains(&secret[..8]), "{error}");
    }
}

#[test]
fn a_key_directory_is_kept() {
    let url = "https://wiki.example.com/.well-known/http-message-signatures-directory";
    let keyed = MINIMAL.replace("public_key = \"<2048>\"", &format!("signature_key = '{JWK}'"));
    let wiki = parse_one(&format!("{keyed}key_directory = '{url}'"));
    assert_eq!(wiki.key_directory(), Some(url));
    let again = parse_one(&write_applications([&wiki]));
    assert_eq!(again.to_builder().build().unwrap().key_directory(), Some(url));
    for bad in [
        "",
        "wiki.example.com",
        "file:///etc/passwd",
        "https://wiki.example.com/x",
        &url.replace("//", "//user:secret@"),
        &format!("{url}?x"),
        &format!("ftp{url}"),
    ] {
        let error = error(&format!("{keyed}key_directory = '{bad}'"));
        assert!(error.contains("key_directory: the URL of a key directory is"), "{bad}: {error}");
    }
}
