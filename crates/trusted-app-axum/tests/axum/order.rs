//! Where the layer stands among others, and who passes without credentials.

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use axum::routing::get;
use tower::{Layer, ServiceExt};
use tower_http::cors::CorsLayer;
use tower_http::normalize_path::NormalizePath;
use trusted_app_axum::is_cors_preflight;

use crate::{signed, status, trusting_the_wiki, unsigned};

fn routes() -> Router {
    Router::new().route("/issues", get(|| async {}).options(|| async { StatusCode::NO_CONTENT }))
}

fn options(with_method: bool) -> Request<Body> {
    let request = Request::options("/issues").header("origin", "https://wiki.test");
    let request = if with_method { request.header("access-control-request-method", "GET") } else { request };
    request.body(Body::empty()).unwrap()
}

#[tokio::test]
async fn an_unknown_path_is_404_under_route_layer_and_401_under_layer() {
    let inside = routes().route_layer(trusting_the_wiki().build().unwrap());
    let around = routes().layer(trusting_the_wiki().build().unwrap());
    assert_eq!(status(&inside, unsigned("/nothing")).await, StatusCode::NOT_FOUND);
    assert_eq!(status(&around, unsigned("/nothing")).await, StatusCode::UNAUTHORIZED);
    for app in [inside, around] {
        assert_eq!(status(&app, unsigned("/issues")).await, StatusCode::UNAUTHORIZED);
        assert_eq!(status(&app, signed("/issues")).await, StatusCode::OK);
        assert_eq!(status(&app, signed("/nothing")).await, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn only_around_the_router_no_refusal_tells_which_paths_exist() {
    let refused = async |app: axum::routing::RouterIntoService<Body>, path: &str| {
        let response = app.oneshot(Request::delete(path).body(Body::empty()).unwrap()).await.unwrap();
        (response.status(), response.headers().contains_key("allow"))
    };
    let inside = || routes().layer(trusting_the_wiki().build().unwrap()).into_service();
    assert_eq!(refused(inside(), "/issues").await, (StatusCode::UNAUTHORIZED, true));
    assert_eq!(refused(inside(), "/nothing").await, (StatusCode::UNAUTHORIZED, false));

    let around = Router::new().fallback_service(trusting_the_wiki().build().unwrap().layer(routes()));
    for path in ["/issues", "/nothing"] {
        assert_eq!(refused(around.clone().into_service(), path).await, (StatusCode::UNAUTHORIZED, false));
    }
}

#[tokio::test]
async fn a_route_added_after_the_layer_is_open() {
    for app in [
        routes().layer(trusting_the_wiki().build().unwrap()),
        routes().route_layer(trusting_the_wiki().build().unwrap()),
    ] {
        let app = app.route("/health", get(|| async {}));
        assert_eq!(status(&app, unsigned("/health")).await, StatusCode::OK);
        assert_eq!(status(&app, unsigned("/issues")).await, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn a_preflight_passes_if_the_layer_skips_it_and_any_other_options_does_not() {
    let strict = routes().layer(trusting_the_wiki().build().unwrap());
    assert_eq!(status(&strict, options(true)).await, StatusCode::UNAUTHORIZED);

    let app = routes().layer(trusting_the_wiki().skip(is_cors_preflight).build().unwrap());
    assert_eq!(status(&app, options(true)).await, StatusCode::NO_CONTENT);
    assert_eq!(status(&app, options(false)).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(&app, unsigned("/issues")).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_cors_layer_outside_answers_preflights_and_marks_refusals() {
    let cors =
        CorsLayer::new().allow_origin(["https://wiki.test".parse().unwrap()]).allow_methods([Method::GET]);
    let app = routes().layer(trusting_the_wiki().build().unwrap()).layer(cors);
    assert_eq!(status(&app, options(true)).await, StatusCode::OK);

    let mut request = unsigned("/issues");
    request.headers_mut().insert("origin", "https://wiki.test".parse().unwrap());
    let response = tower::ServiceExt::oneshot(app, request).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(response.headers()["access-control-allow-origin"], "https://wiki.test");
}

#[tokio::test]
async fn a_health_check_behind_the_layer_can_be_exempted() {
    let layer = trusting_the_wiki().skip(|_, uri, _| uri.path() == "/internal/health").build().unwrap();
    let health = Router::new().route("/health", get(|| async {})).layer(layer.clone());
    // The path is the original one, inside `nest` too.
    let app = Router::new().nest("/internal", health).merge(routes().layer(layer));
    assert_eq!(status(&app, unsigned("/internal/health")).await, StatusCode::OK);
    assert_eq!(status(&app, unsigned("/issues")).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn around_the_router_it_sees_the_path_before_a_rewrite() {
    let app = trusting_the_wiki().build().unwrap().layer(NormalizePath::trim_trailing_slash(routes()));
    let rewritten_first =
        NormalizePath::trim_trailing_slash(routes().layer(trusting_the_wiki().build().unwrap()));

    let mut other_path = signed("/issues");
    *other_path.uri_mut() = "/issues/".parse().unwrap();
    for (request, expected) in [
        (signed("/issues/"), StatusCode::OK),
        (signed("/issues"), StatusCode::OK),
        (signed("/nothing"), StatusCode::NOT_FOUND),
        (other_path, StatusCode::UNAUTHORIZED),
        (unsigned("/issues/"), StatusCode::UNAUTHORIZED),
        (unsigned("/nothing"), StatusCode::UNAUTHORIZED),
    ] {
        let path = request.uri().clone();
        assert_eq!(app.clone().oneshot(request).await.unwrap().status(), expected, "{path}");
    }
    let response = rewritten_first.oneshot(signed("/issues/")).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
}
