//! What handlers get, and what happens when there is nothing to get.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use trusted_app_axum::{Caller, CallerMissing, CallingApplication};
use trusted_app_test::{FixedClock, TestIdentity};

use crate::logged::Log;
use crate::{PUBLIC_URL, User, answer, signed, status, trusting_the_wiki, unsigned};

async fn caller(caller: Caller<User>) -> String {
    format!("{} as {} ({})", caller.application_id(), caller.user_name(), caller.user().full_name)
}

async fn application(application: CallingApplication) -> String {
    application.id().to_string()
}

async fn perhaps(caller: Option<Caller<User>>, application: Option<CallingApplication>) -> String {
    format!("{} {}", caller.is_some(), application.is_some())
}

/// Not the directory's type.
#[derive(Clone)]
struct Account;

async fn wrong_type(_: Caller<Account>) {}
async fn perhaps_wrong_type(_: Option<Caller<Account>>) {}

fn routes() -> Router {
    Router::new()
        .route("/caller", get(caller))
        .route("/application", get(application))
        .route("/perhaps", get(perhaps))
        .route("/wrong", get(wrong_type))
        .route("/wrong/perhaps", get(perhaps_wrong_type))
}

#[tokio::test]
async fn handlers_get_what_they_ask_for() {
    let app = routes().layer(trusting_the_wiki().build().unwrap());
    for (path, body) in
        [("/caller", "wiki as alice (Alice Adams)"), ("/application", "wiki"), ("/perhaps", "true true")]
    {
        assert_eq!(answer(&app, signed(path)).await, (StatusCode::OK, body.into()));
        let (status, problem) = answer(&app, unsigned(path)).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        assert!(problem.contains(r#""status":401"#), "{problem}");
    }
}

#[tokio::test]
async fn anonymous_requests_have_no_caller() {
    let app = routes().layer(trusting_the_wiki().optional().build().unwrap());
    assert_eq!(answer(&app, unsigned("/perhaps")).await, (StatusCode::OK, "false false".into()));
    assert_eq!(answer(&app, signed("/perhaps")).await, (StatusCode::OK, "true true".into()));

    let url = format!("{PUBLIC_URL}/perhaps");
    let forged =
        TestIdentity::stranger().with_id("wiki").sign(unsigned(&url), "alice", &FixedClock::default());
    assert_eq!(status(&app, forged).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn without_the_layer_the_log_says_why_and_the_peer_learns_nothing() {
    for path in ["/caller", "/application"] {
        for app in [routes(), routes().layer(trusting_the_wiki().optional().build().unwrap())] {
            let log = Log::start();
            assert_eq!(
                answer(&app, unsigned(path)).await,
                (StatusCode::INTERNAL_SERVER_ERROR, String::new()),
                "{path}"
            );
            let log = log.text();
            assert!(log.contains("ERROR trusted_app: a handler asks for the caller"), "{log}");
            for cause in
                ["not behind a trusted-app layer", "added after it", "`.optional()`", "an optional caller"]
            {
                assert!(log.contains(cause), "{cause} in {log}");
            }
        }
    }
    assert_eq!(answer(&routes(), unsigned("/perhaps")).await, (StatusCode::OK, "false false".into()));
}

#[tokio::test]
async fn another_user_type_is_a_mistake_even_where_a_caller_is_optional() {
    let app = routes().layer(trusting_the_wiki().optional().build().unwrap());
    for path in ["/wrong", "/wrong/perhaps"] {
        let log = Log::start();
        assert_eq!(
            answer(&app, signed(path)).await,
            (StatusCode::INTERNAL_SERVER_ERROR, String::new()),
            "{path}"
        );
        let log = log.text();
        assert!(log.contains("extract::Account`") && log.contains("`UserDirectory::User`"), "{log}");
    }
    assert_eq!(status(&app, unsigned("/wrong/perhaps")).await, StatusCode::OK);
}

#[tokio::test]
async fn a_handler_can_look_at_the_mistake_itself() {
    async fn handler(caller: Result<Caller<User>, CallerMissing>) -> String {
        caller.map_or_else(|missing| missing.to_string(), |caller| caller.user_name().to_owned())
    }
    let log = Log::start();
    let (status, text) = answer(&Router::new().route("/", get(handler)), unsigned("/")).await;
    assert_eq!(status, StatusCode::OK);
    assert!(text.contains("Likely causes"), "{text}");
    assert_eq!(log.text(), "");
}
