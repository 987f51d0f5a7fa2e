//! Our own certificate document.

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use axum::routing::get;
use tower::ServiceExt;
use tower_trusted_app::seraph::CertificateDocument;
use trusted_app_axum::certificate_route;
use trusted_app_test::TestIdentity;

use crate::{answer, status, trusting_the_wiki, unsigned};

const PATH: &str = "/admin/appTrustCertificate";

#[tokio::test]
async fn served_to_everybody_before_and_behind_the_layer() {
    let tracker = TestIdentity::tracker();
    let routes = || Router::new().route("/issues", get(|| async {}));
    for app in [
        routes().merge(certificate_route(tracker.local())).layer(trusting_the_wiki().build().unwrap()),
        routes().layer(trusting_the_wiki().build().unwrap()).merge(certificate_route(tracker.local())),
    ] {
        let (status_of_document, text) = answer(&app, unsigned(PATH)).await;
        assert_eq!(status_of_document, StatusCode::OK);
        let lines: Vec<_> = text.split('\n').collect();
        assert_eq!(lines, ["tracker", &tracker.local().public_key().to_base64(), "3", "-1159983122"]);
        let read = CertificateDocument::parse(&text).unwrap();
        assert_eq!(read.public_key(), tracker.local().public_key());
        assert_eq!(status(&app, unsigned("/issues")).await, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn plain_text_for_get_and_head_only() {
    let app: Router = certificate_route(TestIdentity::tracker().local());
    let request = |method: Method| Request::builder().method(method).uri(PATH).body(Body::empty()).unwrap();
    for method in [Method::GET, Method::HEAD] {
        let response = app.clone().oneshot(request(method.clone())).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/plain");
        assert_eq!(response.headers()["cache-control"], "no-cache");
        let body = axum::body::to_bytes(response.into_body(), 4096).await.unwrap();
        assert_eq!(body.is_empty(), method == Method::HEAD);
    }
    assert_eq!(status(&app, request(Method::POST)).await, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn fits_a_router_with_state() {
    let document = CertificateDocument::of(TestIdentity::tracker().local());
    let app = Router::<u8>::new().merge(certificate_route(document)).with_state(1);
    assert_eq!(status(&app, unsigned(PATH)).await, StatusCode::OK);
}
