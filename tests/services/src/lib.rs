//! Servers that tests start, and what a test does when a server or a tool that it wants is missing.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "for tests"
)]

#[cfg(unix)]
pub mod postgres;
pub mod redis;
pub mod slapd;

/// Says visibly that a test is skipped, because `what` is missing. Where the environment variable
/// `TRUSTED_APP_TEST_SERVICES` is `required`, as in `.ci/run`, the test fails instead.
///
/// ```ignore
/// let Some(server) = connect() else { return test_services::missing("PostgreSQL on 127.0.0.1:5432") };
/// ```
///
/// # Panics
///
/// Where services are required.
#[track_caller]
pub fn missing(what: &str) {
    let required = std::env::var_os("TRUSTED_APP_TEST_SERVICES").is_some_and(|value| value == "required");
    assert!(!required, "missing, but required here: {what}");
    // With one thread for all tests it is `main`, and names none.
    let thread = std::thread::current();
    let test = thread.name().filter(|name| *name != "main");
    let place = std::panic::Location::caller();
    match test {
        Some(test) => eprintln!("SKIPPED: {test}: {what} is missing"),
        None => eprintln!("SKIPPED: the test at {place}: {what} is missing"),
    }
}
