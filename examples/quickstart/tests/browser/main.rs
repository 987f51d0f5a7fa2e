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
mod quickstart;

use driver::Driver;
use page::Page;
use quickstart::Quickstart;

/// Where the tracker is mounted.
const CONTEXT_PATHS: [&str; 2] = ["/", "/a/b/"];

/// Whether the browser runs the scripts of pages. None of ours needs one.
const SCRIPTS: [bool; 2] = [true, false];

#[tokio::test]
async fn the_wiki_shows_a_user_what_the_tracker_does() {
    let Some(driver) = Driver::start().await else { return };
    let quickstart = Quickstart::start("/").await;
    for scripts in SCRIPTS {
        let page = Page::open(&driver, "wiki", scripts).await;
        page.go(&quickstart.wiki).await;
        page.judge("log-in").await;
        page.press("alice").await;
        page.shows("The tracker shows you, though you never logged in there").await;
        page.shows("Raise bob's salary").await;
        page.judge("alice").await;
        page.press("bob").await;
        page.shows("The tea is cold <again>").await;
        page.does_not_show("Raise bob's salary").await;
        page.press("charlie").await;
        page.shows("The tracker refused: USER_UNKNOWN: Unknown User: charlie").await;
        page.judge("refused").await;
        page.close().await;
    }
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
        page.go(&quickstart.tracker).await;
        page.fill("User", "bob").await;
        page.fill("Password", "bob").await;
        page.press("Log in").await;
        page.shows("You are bob.").await;
        page.judge("bob").await;
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
