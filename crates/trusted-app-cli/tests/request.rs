//! `request` against a server of the test's own.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod program;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread;

use program::{Ran, run};
use serde_json::Value;
use tower_trusted_app::Scheme;
use tower_trusted_app::seraph::CertificateDocument;
use trusted_app_test::TestIdentity;

/// Serves the document of an application, and answers with its base URL.
fn serve(identity: &TestIdentity) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/wiki", listener.local_addr().unwrap());
    let document = CertificateDocument::of(identity.local()).to_text(Scheme::SeraphV3);
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let mut lines = BufReader::new(&connection).lines().map_while(Result::ok);
            let is_right =
                lines.next().is_some_and(|line| line.starts_with("GET /wiki/admin/appTrustCertificate "));
            let _ = lines.find(String::is_empty);
            let status = if is_right { "200 OK" } else { "404 Not Found" };
            let head = format!(
                "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                document.len()
            );
            let _ = (&connection).write_all((head + &document).as_bytes());
        }
    });
    base
}

fn request(store: &str, url: &str, args: &[&str], input: &str) -> Ran {
    let args = ["request", "--store", store, "--by", "carol", url].into_iter().chain(args.iter().copied());
    run(args, input.as_bytes())
}

fn show(store: &str) -> Value {
    serde_json::from_str(&run(["apps", "show", "--json", "wiki", "--store", store], b"").stdout).unwrap()
}

#[test]
fn what_is_fetched_is_shown_and_trusted_after_a_yes() {
    let directory = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", directory.path().join("trust.db").display());
    let url = serve(&TestIdentity::wiki());
    let fingerprint = TestIdentity::wiki().local().public_key().fingerprint().to_string();

    let refused = request(&store, &url, &[], "n\n");
    assert_eq!((refused.status, refused.stdout.as_str()), (2, ""), "{refused:?}");
    for text in [
        "warning: fetched without TLS",
        "id         wiki\n",
        &format!("name       {url}\n"),
        &fingerprint,
        "addresses  127.0.0.1\n",
        "paths      /sr/jira.issueviews:searchrequest\n           /secure/RunPortlet\n           /rest\n",
        "Trust wiki with this? [y/N] ",
        "trusted-app: nothing was changed\n",
    ] {
        assert!(refused.stderr.contains(text), "{text}: {}", refused.stderr);
    }

    assert!(!directory.path().join("trust.db").exists(), "nothing was made");

    let asked =
        request(&store, &url, &["--name", "The wiki", "--path", "/rest", "--timeout", "5000ms"], "y\n");
    assert_eq!((asked.status, asked.stdout.as_str()), (0, "added wiki\n"), "{asked:?}");
    let shown = show(&store);
    assert_eq!((&shown["name"], &shown["timeout_ms"]), (&"The wiki".into(), &5000.into()));
    assert_eq!((&shown["paths"], &shown["addresses"]), (&vec!["/rest"].into(), &vec!["127.0.0.1"].into()));
    assert_eq!(
        (&shown["created"]["by"], &shown["keys"][0]["fingerprint"]),
        (&"carol".into(), &fingerprint.into())
    );

    let again = request(&store, &url, &["--yes"], "");
    assert!(
        again.stderr.ends_with("`apps edit` changes what it may do, `apps rotate` its key\n"),
        "{again:?}"
    );
}

#[test]
fn a_script_states_the_fingerprint() {
    let directory = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", directory.path().join("trust.db").display());
    let url = serve(&TestIdentity::wiki());
    let of = |identity: TestIdentity| identity.local().public_key().fingerprint().to_string();

    let other = request(&store, &url, &["--fingerprint", &of(TestIdentity::stranger())], "");
    assert!(other.stderr.contains("the key has another fingerprint: SHA256 "), "{other:?}");
    assert_eq!(other.status, 2);
    let stated = format!("SHA256 {}", of(TestIdentity::wiki()).to_uppercase());
    let added = request(&store, &url, &["--json", "--fingerprint", &stated], "");
    let json: Value = serde_json::from_str(&added.stdout).unwrap_or_else(|_| panic!("{added:?}"));
    assert_eq!(json["id"], "wiki");
}

#[test]
fn a_new_key_is_fetched_shown_and_rotated_in_after_a_yes() {
    let directory = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", directory.path().join("trust.db").display());
    request(&store, &serve(&TestIdentity::wiki()), &["--yes"], "");
    let new = TestIdentity::stranger().with_id("wiki");
    let url = serve(&new);
    let rotate = |args: &[&str], input: &str| {
        let start = ["apps", "rotate", "wiki", "--store", &store, "--url"];
        run(start.into_iter().chain(args.iter().copied()), input.as_bytes())
    };
    let refused = rotate(&[&url], "n\n");
    let fingerprint = new.local().public_key().fingerprint().to_string();
    assert!(refused.stderr.contains(&format!("fetched: SHA256 {fingerprint}, 2048 bits\n")), "{refused:?}");
    assert!(refused.stderr.contains(&format!("Is that the key of wiki at {url}? [y/N] ")), "{refused:?}");
    assert_eq!(show(&store)["keys"].as_array().unwrap().len(), 1);
    let other = serve(&TestIdentity::stranger());
    let foreign = rotate(&[&other, "--yes"], "");
    assert!(
        foreign.stderr.ends_with("the document is that of `stranger`, and not of `wiki`\n"),
        "{foreign:?}"
    );

    assert_eq!(rotate(&[&url], "y\n").status, 0);
    let keys = &show(&store)["keys"];
    assert_eq!((&keys[0]["fingerprint"], &keys[0]["state"]), (&fingerprint.into(), &"active".into()));
    assert_eq!(keys[1]["state"], "retiring");
}

#[test]
fn what_is_no_application_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", directory.path().join("trust.db").display());
    let url = serve(&TestIdentity::wiki()).replace("/wiki", "/elsewhere");
    let nothing = request(&store, &url, &["--yes"], "");
    assert!(nothing.failure().ends_with("answers 404 Not Found: no certificate document is served there"));
    assert!(
        request(&store, "wiki", &["--yes"], "").failure().contains("a URL begins with http:// or https://")
    );
    assert!(!directory.path().join("trust.db").exists(), "nothing was made");
}
