//! The peer's address: from a real server, from a test, from nowhere.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::connect_info::MockConnectInfo;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use axum::{Extension, Router, ServiceExt};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tower::Layer;
use trusted_app_axum::Caller;
use trusted_app_axum::conditions::Peer;
use trusted_app_test::TestIdentity;

use crate::logged::Log;
use crate::{User, answer, signed, status, trusting};

/// A router for requests of the wiki that come from these addresses.
fn allowing(addresses: &str) -> Router {
    let wiki = TestIdentity::wiki().trusted().addresses(addresses.parse().unwrap());
    let handler = get(|caller: Caller<User>| async move { caller.user_name().to_owned() });
    Router::new().route("/issues", handler).layer(trusting(wiki.build().unwrap()).build().unwrap())
}

/// Sends a signed request to a server on this machine.
async fn ask(server: SocketAddr) -> (StatusCode, String) {
    let client = Client::builder(TokioExecutor::new()).build_http::<Body>();
    let mut request: Request<Body> = signed("/issues");
    *request.uri_mut() = format!("http://{server}/issues").parse().unwrap();
    let response = client.request(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.into()).unwrap())
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

async fn serve_with_connect_info(app: Router) -> SocketAddr {
    let (listener, address) = listen().await;
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

#[tokio::test]
async fn a_server_with_connect_info_knows_the_peer() {
    let app = serve_with_connect_info(allowing("127.0.0.1")).await;
    assert_eq!(ask(app).await, (StatusCode::OK, "alice".into()));

    let (status, problem) = ask(serve_with_connect_info(allowing("10.0.0.1")).await).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(problem.contains("BAD_REMOTE_IP") && problem.contains("127.0.0.1"), "{problem}");
}

#[tokio::test]
async fn so_does_a_layer_around_the_router() {
    let around = |addresses: &str| {
        let wiki = TestIdentity::wiki().trusted().addresses(addresses.parse().unwrap()).build().unwrap();
        let handler = get(|caller: Caller<User>| async move { caller.user_name().to_owned() });
        let app = trusting(wiki).build().unwrap().layer(Router::new().route("/issues", handler));
        ServiceExt::<Request<Body>>::into_make_service_with_connect_info::<SocketAddr>(app)
    };
    for (addresses, expected) in [("127.0.0.1", StatusCode::OK), ("10.0.0.1", StatusCode::FORBIDDEN)] {
        let (listener, address) = listen().await;
        let app = around(addresses);
        tokio::spawn(async move { axum::serve(listener, app).await });
        assert_eq!(ask(address).await.0, expected);
    }
}

#[tokio::test]
async fn a_server_without_it_refuses_and_the_log_says_what_to_do() {
    let log = Log::start();
    let (listener, address) = listen().await;
    tokio::spawn(async move { axum::serve(listener, allowing("127.0.0.1")).await });
    let (status, problem) = ask(address).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(problem.contains("UNKNOWN_PEER"), "{problem}");
    let log = log.text();
    assert!(log.contains("into_make_service_with_connect_info::<SocketAddr>()"), "{log}");
}

#[tokio::test]
async fn a_test_states_the_peer() {
    let mock = |last| MockConnectInfo(SocketAddr::from(([10, 0, 0, last], 1234)));
    let app = |last| allowing("10.0.0.1").layer(mock(last));
    assert_eq!(answer(&app(1), signed("/issues")).await, (StatusCode::OK, "alice".into()));
    assert_eq!(status(&app(2), signed("/issues")).await, StatusCode::FORBIDDEN);
    assert_eq!(status(&allowing("10.0.0.1"), signed("/issues")).await, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_real_peer_counts_more_than_a_stated_one() {
    let mock = MockConnectInfo(SocketAddr::from(([10, 0, 0, 1], 1234)));
    let app = serve_with_connect_info(allowing("10.0.0.1").layer(mock)).await;
    assert_eq!(ask(app).await.0, StatusCode::FORBIDDEN);
}

#[cfg(unix)]
#[tokio::test]
async fn a_unix_socket_is_local() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{UnixListener, UnixStream};

    for (rule, expected) in
        [("local", "HTTP/1.1 200 OK\r\n"), ("0.0.0.0/0, ::/0", "HTTP/1.1 403 Forbidden\r\n")]
    {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        let app = allowing(rule).layer(Extension(Peer::Local));
        tokio::spawn(async move { axum::serve(listener, app).await });

        let mut request = b"GET /issues HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n".to_vec();
        for (name, value) in signed("/issues").headers() {
            request.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
        request.extend(b"\r\n");
        let mut stream = UnixStream::connect(&path).await.unwrap();
        stream.write_all(&request).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with(expected), "{answer}");
    }
}
