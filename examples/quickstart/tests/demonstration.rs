//! What the quick start prints, up to its end.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::process::Command;

#[test]
fn every_refusal_is_for_its_own_reason() {
    let ran = Command::new(env!("CARGO_BIN_EXE_quickstart")).arg("--once").output().unwrap();
    let shown = String::from_utf8(ran.stdout).unwrap();
    assert!(ran.status.success(), "{shown}");
    let (_, refusals) = shown.split_once("4. What is refused, and why").unwrap();
    for (what, answer) in [
        ("a path that the wiki may not use", "403  BAD_URL"),
        ("an administrator, as whom the wiki may not act", "403  PERMISSION_DENIED"),
        ("bob's signature with alice's name put in", "401  BAD_SIGNATURE"),
        ("a request captured an hour ago", "401  OLD_CERT"),
    ] {
        assert!(refusals.contains(&format!("   {what}\n      {answer}")), "{what}: {refusals}");
    }
}
