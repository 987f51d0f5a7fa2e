//! Each program runs to its end and shows what it is there to show.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::process::Command;

fn output_of(program: &str) -> String {
    let output = Command::new(program).output().unwrap();
    let (stdout, stderr) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stdout}\n{stderr}");
    stdout
}

#[track_caller]
fn assert_shows(output: &str, lines: &[&str]) {
    for line in lines {
        assert!(
            output.lines().any(|shown| shown.split_whitespace().eq(line.split_whitespace())),
            "{line}\n{output}"
        );
    }
}

#[test]
fn grpc() {
    let output = output_of(env!("CARGO_BIN_EXE_grpc"));
    assert_shows(
        &output,
        &[
            "List as alice HSP-1 MKY-1",
            "List as bob HSP-1",
            "Get MKY-1 as alice A bug only staff can see",
            "Discuss as bob Bob Baker: Seen it too",
            "health, unsigned Serving",
            "List, unsigned Unauthenticated (16), MISSING_CERT: Request has no Trusted Application certificate",
            "Import as alice PermissionDenied (7), BAD_URL: Request not allowed to access URL: /issues.v1.Issues/Import",
            "List as charlie Unauthenticated (16), USER_UNKNOWN: Unknown User: charlie",
        ],
    );
}

#[test]
fn shared_port() {
    let output = output_of(env!("CARGO_BIN_EXE_shared-port"));
    assert_shows(
        &output,
        &[
            "GET /rest/issues as bob Bob Baker: HSP-1",
            "Get HSP-1 as bob A bug anyone can see",
            "Get HSP-1, unsigned Unauthenticated (16): Request has no Trusted Application certificate",
        ],
    );
    assert!(output.contains(r#""code":"MISSING_CERT""#) && output.contains(r#""status":401"#), "{output}");
}

#[test]
fn ldap() {
    if !test_services::slapd::is_installed() {
        return;
    }
    let output = output_of(env!("CARGO_BIN_EXE_ldap"));
    assert_shows(
        &output,
        &[
            "alice, of staff 200 Hello alice, in staff",
            "ALICE, in other letters 200 Hello alice, in staff",
            "bob, a guest 403 PERMISSION_DENIED",
            "root, an administrator 403 PERMISSION_DENIED",
            "mallory, disabled 403 PERMISSION_DENIED",
            "*, whom nobody is called 401 USER_UNKNOWN",
            "carol, while it is down 503 UNAVAILABLE",
            "carol, when it is up again 200 Hello carol, in staff",
        ],
    );
}

#[test]
fn cluster() {
    if test_services::postgres::Postgres::start().is_none()
        || test_services::redis::RedisServer::start(&[]).is_none()
    {
        return;
    }
    let output = output_of(env!("CARGO_BIN_EXE_cluster"));
    assert_shows(
        &output,
        &[
            "the wiki asks B, which does not know it 401 APP_UNKNOWN",
            "the wiki is registered on A 200",
            "one request to A 200",
            "the same to B 401 REPLAYED",
            "the wiki is removed on B 200",
            "the wiki asks A 401 APP_UNKNOWN",
        ],
    );
    for within in ["served by B", "refused by A"] {
        let line = output.lines().find(|line| line.starts_with(within)).unwrap();
        assert!(line.contains("within the bound of 1000 ms"), "{output}");
    }
}
