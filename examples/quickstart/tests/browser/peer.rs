//! Another application than the wiki, of the test's own.

use tokio::net::TcpListener;
use trusted_app_test::TestIdentity;

/// Serves an identity's certificate document until the test ends, and answers with its base URL.
pub(crate) async fn serve(identity: &TestIdentity) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let app = trusted_app_axum::certificate_route::<()>(identity.local());
    tokio::spawn(async move { axum::serve(listener, app).await });
    base
}
