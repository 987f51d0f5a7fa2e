//! The signature and the path rules are held against the path as it came, wherever the layer stands.

use axum::Router;
use axum::http::{StatusCode, Uri};
use axum::routing::get;
use tower::{Layer as _, ServiceExt};
use trusted_app_axum::conditions::PathRule;
use trusted_app_axum::keys::MemoryKeyStore;
use trusted_app_axum::users::MemoryDirectory;
use trusted_app_axum::{Caller, TrustedAppLayer};
use trusted_app_test::TestIdentity;

use crate::{User, answer, signed, status, trusting};

/// Says which path is left for it.
async fn handler(uri: Uri, caller: Caller<User>) -> String {
    format!("{} {}", uri.path(), caller.user_name())
}

fn routes() -> Router {
    Router::new().route("/issues", get(handler)).route("/admin", get(handler))
}

/// The routes below `/api/v1`, each with the layer elsewhere, and the path that the handler sees.
fn routers(
    layer: &TrustedAppLayer<MemoryKeyStore, MemoryDirectory<User>>,
) -> [(&'static str, Router, &'static str); 7] {
    let v1 = || Router::new().nest("/v1", routes());
    let full = Router::new().route("/api/v1/issues", get(handler)).route("/api/v1/admin", get(handler));
    [
        ("outside", Router::new().nest("/api", v1()).layer(layer.clone()), "/issues"),
        ("inside nest", Router::new().nest("/api", v1().layer(layer.clone())), "/issues"),
        (
            "two levels deep",
            Router::new().nest("/api", Router::new().nest("/v1", routes().layer(layer.clone()))),
            "/issues",
        ),
        ("nest_service", Router::new().nest_service("/api/v1", routes().layer(layer.clone())), "/issues"),
        ("nest_service, around", Router::new().nest_service("/api/v1", layer.layer(routes())), "/issues"),
        ("route_layer", Router::new().nest("/api/v1", routes().route_layer(layer.clone())), "/issues"),
        ("not nested", full.route_layer(layer.clone()), "/api/v1/issues"),
    ]
}

#[tokio::test]
async fn the_same_request_passes_everywhere() {
    let layer = trusting(TestIdentity::wiki().trusted().build().unwrap()).build().unwrap();
    for (place, app, seen) in routers(&layer) {
        let expected = (StatusCode::OK, format!("{seen} alice"));
        assert_eq!(answer(&app, signed("/api/v1/issues")).await, expected, "{place}");
        assert_eq!(answer(&app, signed("/api/v1/issues?a=%20+&b")).await, expected, "{place}");
    }
}

#[tokio::test]
async fn in_front_of_the_whole_router_there_is_no_original_uri_and_none_is_needed() {
    let layer = trusting(TestIdentity::wiki().trusted().build().unwrap()).build().unwrap();
    let app = layer.layer(Router::new().nest("/api/v1", routes()));
    let response = app.oneshot(signed("/api/v1/issues")).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_signature_for_the_path_that_is_left_is_no_good() {
    let layer = trusting(TestIdentity::wiki().trusted().build().unwrap()).build().unwrap();
    for (place, app, _) in routers(&layer) {
        let mut request = signed("/issues");
        *request.uri_mut() = "/api/v1/issues".parse().unwrap();
        assert_eq!(status(&app, request).await, StatusCode::UNAUTHORIZED, "{place}");
    }
}

#[tokio::test]
async fn a_path_rule_holds_everywhere() {
    let application = TestIdentity::wiki().trusted().paths(PathRule::prefixes(["/api/v1/issues"]));
    let layer = trusting(application.build().unwrap()).build().unwrap();
    for (place, app, _) in routers(&layer) {
        assert_eq!(status(&app, signed("/api/v1/issues")).await, StatusCode::OK, "{place}");
        assert_eq!(status(&app, signed("/api/v1/admin")).await, StatusCode::FORBIDDEN, "{place}");
    }
    let application = TestIdentity::wiki().trusted().paths(PathRule::prefixes(["/issues"]));
    let layer = trusting(application.build().unwrap()).build().unwrap();
    for (place, app, _) in routers(&layer) {
        assert_eq!(status(&app, signed("/api/v1/issues")).await, StatusCode::FORBIDDEN, "{place}");
    }
}

#[tokio::test]
async fn a_context_path_stands_before_path_rules() {
    let application = TestIdentity::wiki().trusted().paths(PathRule::prefixes(["/v1/issues"]));
    let layer = trusting(application.build().unwrap()).context_path("/api").build().unwrap();
    for (place, app, _) in routers(&layer) {
        assert_eq!(status(&app, signed("/api/v1/issues")).await, StatusCode::OK, "{place}");
        assert_eq!(status(&app, signed("/api/v1/admin")).await, StatusCode::FORBIDDEN, "{place}");
    }
}
