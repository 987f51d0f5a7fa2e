//! `apps check`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod program;
mod stage;

use stage::Stage;
use trusted_app_test::TestIdentity;

/// The wiki with these options besides.
fn stage(options: &str) -> Stage {
    let stage = Stage::new();
    let document = stage.document(&TestIdentity::wiki());
    // What is odd about it is said here too.
    let added = stage.run(&format!("add --document {document} --address 10.1.*.* --path /rest {options}"));
    assert_eq!(added.status, 0, "{added:?}");
    stage
}

const USERS: &str = "--user alice:staff,editors --users bob:contractors --user mallory";

#[track_caller]
fn odd(stage: &Stage, args: &str) -> String {
    let ran = stage.run(args);
    assert_eq!((ran.status, ran.stderr.as_str()), (1, ""), "{ran:?}");
    ran.stdout
}

#[test]
fn rules_about_users_and_groups_that_are_there() {
    let stage =
        stage("--deny-group contractors --deny-group STAFF --deny-user mallory --act-as-group editors");
    assert_eq!(stage.done(&format!("check {USERS}")), "1 application: nothing is odd\n");
}

#[test]
fn a_rule_about_no_one_is_listed() {
    let stage =
        stage("--deny-group contractor --deny-user Mallorie --act-as-group Editors --act-as-user alice");
    assert_eq!(
        odd(&stage, &format!("check {USERS}")),
        "the application `wiki` allows the group `Editors`, but the directory spells it `editors`: write `editors`\n\
         the application `wiki` denies the user `Mallorie`, but the directory has no such user\n\
         the application `wiki` denies the group `contractor`, but the directory has no such group\n"
    );
}

#[test]
fn several_names_in_one_text_are_warned_of() {
    for name in ["alice,bob", "alice;bob", "\"carol\""] {
        let stage = stage(&format!("--deny-user {name}"));
        let listed = odd(&stage, "check --user alice --user bob");
        assert!(listed.contains(&format!("deny_users: `{name}` is one name here")), "{listed}");
    }
}

#[test]
fn users_are_read_from_a_file() {
    let stage = stage("--deny-group contractors --deny-user bob");
    let file = |text: &str| stage.file("users.txt", text);
    let users = file("\u{feff}# who is where\r\n\r\nalice:staff,editors\r\nbob:contractors\r\n");
    assert_eq!(stage.done(&format!("check --users-file {users}")), "1 application: nothing is odd\n");
    let users = file("alice:staff\n");
    assert_eq!(odd(&stage, &format!("check --users-file {users}")).lines().count(), 2);
    // With options beside it.
    assert_eq!(odd(&stage, &format!("check --user bob --users-file {users}")).lines().count(), 1);
    let users = file("alice:staff\nbob:\n");
    let failure = stage.run(&format!("check --users-file {users}"));
    assert!(failure.failure().ends_with("users.txt, line 2: write NAME, or NAME:GROUP,GROUP"), "{failure:?}");
    assert!(stage.run("check --users-file nowhere.txt").failure().contains("cannot read nowhere.txt"));
}

#[test]
fn what_is_odd_without_users_is_listed_too() {
    let stage = stage("--deny-group cn=staff,dc=example --timeout 999999999999ms");
    let ran = stage.run("check");
    assert_eq!(ran.status, 1, "{ran:?}");
    assert!(ran.stderr.starts_with("hint: state users by --user or --users-file"), "{ran:?}");
    let lines: Vec<_> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines[0].starts_with("the application `wiki`: a time-out of 999999999999 ms is 31 years"),
        "{lines:?}"
    );
    assert!(lines[1].ends_with("such as `staff`"), "{lines:?}");
    // With users, it is a name that is not there as well.
    assert_eq!(odd(&stage, &format!("check {USERS}")).lines().count(), 3);
}

#[test]
fn an_empty_store_has_nothing_odd() {
    let stage = Stage::new();
    stage.add_wiki();
    assert_eq!(stage.json("list --json").as_array().map(Vec::len), Some(1));
    stage.done("remove wiki --yes");
    assert_eq!(stage.done(&format!("check {USERS}")), "0 applications: nothing is odd\n");
}
