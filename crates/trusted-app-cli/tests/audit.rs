//! `audit tail` on what a server recorded.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod program;

use std::convert::Infallible;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use bytes::Bytes;
use http::{Request, Response};
use program::run;
use serde_json::Value;
use tower::{Layer, ServiceExt, service_fn};
use tower_trusted_app::conditions::Peer;
use tower_trusted_app::users::MemoryDirectory;
use tower_trusted_app::{ApplicationRegistry, SystemClock, TrustedAppLayer};
use trusted_app_sqlx::{SqlAudit, SqliteRegistry};
use trusted_app_test::TestIdentity;

async fn handle(_: Request<Bytes>) -> Result<Response<Bytes>, Infallible> {
    Ok(Response::new(Bytes::new()))
}

#[tokio::test]
async fn a_reader_who_has_enough_ends_it_silently() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("trust.db");
    decide(&file, &[(TestIdentity::wiki(), "alice")]).await;
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let ended = Command::new(env!("CARGO_BIN_EXE_trusted-app"))
        .args(["audit", "tail", "--store", &format!("sqlite:{}", file.display())])
        .stdout(writer)
        .output()
        .unwrap();
    assert_eq!((ended.status.code(), ended.stderr.as_slice()), (Some(141), &b""[..]));
}

/// Lets a tracker decide about one request of each of these applications as each of these users.
async fn decide(file: &Path, requests: &[(TestIdentity, &str)]) {
    let registry = SqliteRegistry::open(file).await.unwrap();
    let _ = registry
        .add(TestIdentity::wiki().trusted().addresses("10.1.*.*".parse().unwrap()).build().unwrap(), "carol")
        .await;
    let audit = SqlAudit::new(&registry);
    let layer = TrustedAppLayer::builder(
        registry,
        MemoryDirectory::of_names(["alice"]),
        "https://tracker.example.com".parse().unwrap(),
    )
    .audit(audit.clone())
    .build()
    .unwrap();
    let tracker = layer.layer(service_fn(handle));
    let peer = Peer::Ip("10.1.2.3".parse().unwrap());
    for (identity, user) in requests {
        let request =
            Request::get("https://tracker.example.com/rest/issues").extension(peer).body(Bytes::new());
        let request = request.unwrap();
        tracker.clone().oneshot(identity.sign(request, user, &SystemClock)).await.unwrap();
    }
    audit.flush().await;
}

#[tokio::test]
async fn decisions_are_shown_oldest_first() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("trust.db");
    let store = format!("sqlite:{}", file.display());
    let missing = run(["audit", "tail", "--store", &store], b"");
    assert!(missing.failure().contains("there is no such file"), "{missing:?}");
    let toml = directory.path().join("apps.toml");
    std::fs::write(&toml, "").unwrap();
    for (command, why) in [
        ("tail", "a file has no records of decisions"),
        ("changes", "a file keeps no log of changes; sqlite: and postgres: do"),
    ] {
        let of_a_file = run(["audit", command, "--store", &format!("file:{}", toml.display())], b"");
        assert!(of_a_file.failure().contains(why), "{of_a_file:?}");
    }
    decide(&file, &[]).await;
    let tail = |args: &[&str]| {
        let ran = run(["audit", "tail", "--store", &store].into_iter().chain(args.iter().copied()), b"");
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{ran:?}");
        ran.stdout
    };
    assert_eq!(tail(&[]), "no decision is recorded\n");

    let (wiki, stranger) = (TestIdentity::wiki(), TestIdentity::stranger());
    decide(
        &file,
        &[(wiki.clone(), "alice"), (wiki.clone(), "nob\u{202e}ody"), (stranger, "alice"), (wiki, "bob")],
    )
    .await;
    let text = tail(&[]);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 8, "{text}");
    assert!(lines[0].ends_with("Z  ok  seraph-v3  wiki as alice"), "{text}");
    assert_eq!(lines[1], "    GET /rest/issues");
    assert!(lines[2].contains("Z  USER_UNKNOWN  seraph-v3  wiki as nob"), "{text}");
    assert!(!text.contains('\u{202e}'), "nobody turns the text's direction");
    assert!(lines[4].ends_with("  APP_UNKNOWN  -  stranger (as it claims)"), "{text}");
    assert_eq!(lines[5], "    GET /rest/issues: Unknown Application: stranger");
    assert!(lines[6].ends_with("  USER_UNKNOWN  seraph-v3  wiki as bob"), "{text}");

    let json = |args: &[&str]| -> Vec<Value> {
        tail(args).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let all = json(&["--json"]);
    assert_eq!((&all[0]["user"], &all[0]["code"], all.len()), (&"alice".into(), &Value::Null, 4));
    assert_eq!(all[0]["addresses"], serde_json::json!(["peer 10.1.2.3"]));
    assert_eq!(json(&["--json", "--refused"]).len(), 3);
    assert_eq!(json(&["--json", "--app", "stranger"])[0]["code"], "APP_UNKNOWN");
    let newest = json(&["--json", "-n", "2"]);
    assert_eq!((&newest[0]["code"], &newest[1]["claimed_user"]), (&"APP_UNKNOWN".into(), &"bob".into()));
}

#[test]
fn changes_say_who_made_them() {
    let directory = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", directory.path().join("trust.db").display());
    let done = |args: &[&str]| {
        let ran = run(args.iter().copied().chain(["--store", &store]), b"");
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{ran:?}");
        ran.stdout
    };
    let key = TestIdentity::wiki().local().public_key().to_base64();
    done(&["apps", "add", "wiki", "--spki", &key, "--address", "any", "--path", "/rest", "--by", "carol"]);
    let second = TestIdentity::stranger().local().public_key().to_base64();
    done(&["apps", "add", "z", "--spki", &second, "--address", "any", "--path", "any", "--by", "carol"]);
    done(&["apps", "edit", "wiki", "--timeout", "5000ms", "--by", "dave"]);
    done(&["apps", "remove", "wiki", "--yes", "--by", "erin"]);

    let text = done(&["audit", "changes", "--app", "wiki"]);
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[0].ends_with("Z  added wiki by carol"), "{text}");
    assert!(lines[1].ends_with("Z  changed wiki by dave"), "{text}");
    assert_eq!(lines[2..4], ["time-out  10000 ms", "  now     5000 ms"], "{text}");
    assert!(lines[4].ends_with("Z  removed wiki by erin") && lines.len() == 5, "{text}");

    let json = done(&["audit", "changes", "--json", "-n", "2"]);
    let json: Vec<Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((json.len(), &json[1]["what"], &json[1]["by"]), (2, &"removed".into(), &"erin".into()));
    assert!(json[1]["before"]["timeout_ms"] == 5000, "{json:?}");
    assert_eq!(json[1]["after"], Value::Null);
}

#[tokio::test]
async fn further_decisions_follow() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("trust.db");
    decide(&file, &[(TestIdentity::wiki(), "alice")]).await;
    let mut program = Command::new(env!("CARGO_BIN_EXE_trusted-app"))
        .args(["audit", "tail", "--json", "--follow", "--store", &format!("sqlite:{}", file.display())])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
    let mut next =
        || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap()["claimed_user"].clone();
    assert_eq!(next(), "alice");
    decide(&file, &[(TestIdentity::wiki(), "bob"), (TestIdentity::wiki(), "carl")]).await;
    assert_eq!((next(), next()), ("bob".into(), "carl".into()));
    program.kill().unwrap();
    program.wait().unwrap();
}
