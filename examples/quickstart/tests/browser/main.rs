//! The running quick start in a browser, as a newcomer clicks through it. Screenshots are kept in `target/browser`.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests"
)]

mod accessibility;
mod driver;
mod emulation;
mod page;
mod peer;
mod quickstart;

use driver::Driver;
use page::Page;
use quickstart::Quickstart;
use trusted_app_test::TestIdentity;

/// Where the tracker is mounted.
const CONTEXT_PATHS: [&str; 2] = ["/", "/a/b/"];

/// Whether the browser runs the scripts of pages. None of ours needs one.
const SCRIPTS: [bool; 2] = [true, false];

/// Mount point and scripts of each walk.
const WALKS: [(&str, bool); 3] = [("/", true), ("/", false), ("/a/b/", true)];

/// The steps of JIRA 4.1's documentation, by its words; and what comes after them.
#[tokio::test]
async fn the_eleven_steps_and_what_comes_after() {
    let Some(driver) = Driver::start().await else { return };
    for (context_path, scripts) in WALKS {
        let quickstart = Quickstart::start(context_path).await;
        let name = if context_path == "/" { "walk" } else { "walk-below" };
        let page = Page::open(&driver, name, scripts).await;
        steps(&page, &quickstart).await;
        the_wiki_works(&page, &quickstart).await;
        edit(&page, &quickstart).await;
        rotate(&page, &quickstart).await;
        delete(&page, &quickstart).await;
        page.close().await;
    }
}

async fn list(page: &Page, quickstart: &Quickstart) {
    page.go(&quickstart.tracker).await;
    page.follow("Administration").await;
    page.follow("Trusted Applications").await;
}

async fn steps(page: &Page, quickstart: &Quickstart) {
    // 1 to 3: as an administrator, through "Administration" and the left panel to the page.
    page.go(&quickstart.tracker).await;
    page.fill("User", "admin").await;
    page.fill("Password", "admin").await;
    page.press("Log in").await;
    page.judge("home").await;
    page.follow("Administration").await;
    page.judge("administration").await;
    page.follow("Trusted Applications").await;
    page.shows("No trusted applications have been configured.").await;
    page.judge("empty").await;

    // 4 and 5: the base URL, first one where nothing is.
    page.shows("Request New Trusted Application Details").await;
    page.fill("Base URL", &format!("{}/nothing", quickstart.wiki)).await;
    page.press("Send Request").await;
    page.shows("does not support the Trusted Application protocol.").await;
    page.judge("no-application").await;
    page.fill("Base URL", &quickstart.wiki).await;
    page.press("Send Request").await;
    page.shows("Add New Trusted Application").await;
    page.shows(&quickstart.fingerprint).await;
    page.shows("Security warning.").await;
    page.judge("add").await;

    // 6 to 10: the fields and what stands in them.
    assert_eq!(page.value("Application Name").await, quickstart.wiki);
    page.fill("Application Name", "Confluence").await;
    page.shows("wiki").await;
    assert_eq!(page.kind("Application ID").await, "output", "nobody can write there");
    assert_eq!(page.value("Timeout").await, "10000");
    assert_eq!(page.value("IP Address Matches").await, "127.0.0.1");
    let paths = "/sr/jira.issueviews:searchrequest\n/secure/RunPortlet\n/rest";
    assert_eq!(page.value("URL Paths to Allow").await, paths);

    // 11: Add, and there it is.
    page.press("Add").await;
    page.shows("View Trusted Applications").await;
    page.shows("Confluence").await;
    page.judge("list").await;
}

async fn the_wiki_works(page: &Page, quickstart: &Quickstart) {
    page.go(&quickstart.wiki).await;
    page.judge("wiki").await;
    page.press("alice").await;
    page.shows("The tracker shows you, though you never logged in there").await;
    page.shows("Raise bob's salary").await;
    page.judge("wiki-alice").await;
    page.press("bob").await;
    page.shows("The tea is cold <again>").await;
    page.does_not_show("Raise bob's salary").await;
    page.press("charlie").await;
    page.shows("The tracker refused: USER_UNKNOWN: Unknown User: charlie").await;
    page.judge("wiki-refused").await;
}

async fn edit(page: &Page, quickstart: &Quickstart) {
    list(page, quickstart).await;
    page.follow_id("edit-wiki").await;
    page.shows("Edit Trusted Application Details").await;
    page.judge("edit").await;
    page.unfold("More conditions").await;
    page.shows("May act as").await;
    page.shows("seraph-v3").await;
    page.judge("edit-more").await;
    page.fill("Timeout", "0").await;
    page.fill("IP Address Matches", "192,168,0,1").await;
    page.press("Update").await;
    page.shows("You must specify a positive Timeout value.").await;
    page.shows("The IP address pattern: 192,168,0,1 is invalid.").await;
    page.judge("edit-refused").await;
    page.fill("Timeout", "5000").await;
    page.fill("IP Address Matches", "127.0.0.1, 192.111.*.*").await;
    page.press("Update").await;
    page.follow_id("edit-wiki").await;
    assert_eq!(page.value("Timeout").await, "5000");
    assert_eq!(page.value("IP Address Matches").await, "127.0.0.1\n192.111.*.*");

    list(page, quickstart).await;
    page.follow_id("decisions-wiki").await;
    page.shows("USER_UNKNOWN").await;
    page.judge("decisions").await;
}

async fn rotate(page: &Page, quickstart: &Quickstart) {
    let new = TestIdentity::stranger().with_id("wiki");
    let elsewhere = peer::serve(&new).await;
    list(page, quickstart).await;
    page.follow_id("rotate-wiki").await;
    page.judge("rotate").await;
    page.fill("Base URL", &quickstart.wiki).await;
    page.press("Send Request").await;
    page.shows("still has the key that is registered.").await;
    page.fill("Base URL", &elsewhere).await;
    page.press("Send Request").await;
    let fingerprint = new.local().public_key().fingerprint().to_string();
    page.shows(&fingerprint).await;
    page.shows(&quickstart.fingerprint).await;
    page.judge("rotate-confirm").await;
    page.tick("I have compared the fingerprint").await;
    page.press("Change Key").await;
    page.shows("View Trusted Applications").await;
    page.shows(&fingerprint).await;
    page.shows(&quickstart.fingerprint).await;
    page.judge("both-keys").await;
    page.go(&quickstart.wiki).await;
    page.press("alice").await;
    page.shows("The tracker shows you, though you never logged in there").await;

    list(page, quickstart).await;
    page.follow_id("revoke-wiki").await;
    page.shows("Are you sure you want to revoke the retiring key of Confluence").await;
    page.judge("revoke").await;
    page.press("Revoke Old Key").await;
    page.shows("View Trusted Applications").await;
    page.shows(&fingerprint).await;
    page.does_not_show(&quickstart.fingerprint).await;
    page.go(&quickstart.wiki).await;
    page.press("alice").await;
    page.shows("The tracker refused: BAD_SIGNATURE").await;
}

async fn delete(page: &Page, quickstart: &Quickstart) {
    list(page, quickstart).await;
    page.follow_id("delete-wiki").await;
    page.shows("Are you sure you want to delete Confluence").await;
    page.judge("delete").await;
    page.press("Delete").await;
    page.shows("No trusted applications have been configured.").await;
    page.follow("Change Log").await;
    page.shows("Deleted wiki").await;
    page.judge("changes").await;
    page.go(&quickstart.wiki).await;
    page.press("alice").await;
    page.shows("The tracker refused: APP_UNKNOWN").await;
}

#[tokio::test]
async fn nobody_but_the_administrator_comes_in() {
    let Some(driver) = Driver::start().await else { return };
    let quickstart = Quickstart::start("/").await;
    let page = Page::open(&driver, "plain", true).await;
    let administration = format!("{}/secure/admin/trusted-applications", quickstart.tracker);
    page.go(&administration).await;
    page.fill("User", "bob").await;
    page.fill("Password", "bob").await;
    page.press("Log in").await;
    page.shows("You are bob.").await;
    page.does_not_show("Administration").await;
    page.go(&administration).await;
    page.shows("You do not have permission to access Trusted Application info.").await;
    page.judge("refused").await;
    page.close().await;
}

#[tokio::test]
async fn the_tracker_has_a_log_in_of_its_own() {
    let Some(driver) = Driver::start().await else { return };
    for (context_path, scripts) in CONTEXT_PATHS.into_iter().zip(SCRIPTS) {
        let quickstart = Quickstart::start(context_path).await;
        let page = Page::open(&driver, "tracker", scripts).await;
        page.go(&quickstart.tracker).await;
        page.judge("log-in").await;
        page.fill("User", "mallory").await;
        page.fill("Password", "guessed").await;
        page.press("Log in").await;
        page.shows("Nobody of that name and password.").await;
        page.judge("refused").await;
        // The form is there again.
        page.fill("User", "bob").await;
        page.fill("Password", "bob").await;
        page.press("Log in").await;
        page.shows("You are bob.").await;
        page.judge("bob").await;
        page.press("Log out").await;
        page.does_not_show("You are").await;
        page.fill("User", "admin").await;
        page.fill("Password", "admin").await;
        page.press("Log in").await;
        page.shows("No issues.").await;
        page.close().await;
    }
}

/// That a page can fail: each of these would pass a judge who looks at nothing.
#[tokio::test]
async fn the_judges_judge() {
    let Some(driver) = Driver::start().await else { return };
    let page = Page::open(&driver, "judged", true).await;
    page.go(
        "data:text/html,<html lang=en><title>x</title><main><h1>x</h1><p style='width:900px'>wide</p></main>",
    )
    .await;
    assert!(page.overflow(360).await.is_some(), "a page wider than the window");
    assert_eq!(page.overflow(1280).await, None);
    page.go("data:text/html,<title>x</title><p style='color:%23eee;background:white'>pale<input>").await;
    let violations = page.violations().await;
    for rule in ["color-contrast", "html-has-lang", "label"] {
        assert!(violations.iter().any(|violation| violation.starts_with(rule)), "{rule}: {violations:?}");
    }
    page.close().await;

    // And that scripts are off where they are said to be.
    let script = "data:text/html,<title>without</title><script>document.title='with'</script>";
    for (scripts, title) in [(true, "with"), (false, "without")] {
        let page = Page::open(&driver, "scripts", scripts).await;
        page.go(script).await;
        assert_eq!(page.title().await, title);
        page.close().await;
    }
}
