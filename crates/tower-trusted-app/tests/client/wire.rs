//! Over hyper, by HTTP/1.1 and HTTP/2: what is signed equals what arrives.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http::header::HOST;
use http::{Request, Response, Uri};
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use proptest::prelude::*;
use tokio::net::{TcpListener, TcpStream};
use tower::{BoxError, Layer, ServiceExt, service_fn};
use tower_trusted_app::client::ActAs;

use crate::support::{layer, verify_for};

/// What a server saw: host and path with query, and whether the signature holds for them.
type Arrivals = Arc<Mutex<Vec<(String, Result<String, String>)>>>;

/// Answers anything, rebuilding the URL from `Host` or `:authority` as servlet containers do.
async fn serve(scheme: &'static str, arrivals: Arrivals) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let arrivals = Arc::clone(&arrivals);
            let service = hyper::service::service_fn(move |request: Request<Incoming>| {
                let host = match request.uri().authority() {
                    Some(authority) => authority.to_string(),
                    None => request.headers()[HOST].to_str().unwrap().to_owned(),
                };
                let url = format!("{scheme}://{host}{}", request.uri().path_and_query().unwrap());
                let outcome = verify_for(&url, request.headers())
                    .map(|signature| signature.user().to_owned())
                    .map_err(|rejection| rejection.to_string());
                arrivals.lock().unwrap().push((url, outcome));
                async { Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new())) }
            });
            tokio::spawn(async move {
                let connection = auto::Builder::new(TokioExecutor::new());
                let _ = connection.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    address
}

/// Sends `uris` as alice and answers with what arrived. The client believes whatever scheme, host
/// and port a URI has; all of it goes to one listener.
async fn arrivals(
    http2: bool,
    scheme: &'static str,
    uris: &[String],
) -> Vec<(String, Result<String, String>)> {
    let seen = Arrivals::default();
    let address = serve(scheme, Arc::clone(&seen)).await;
    let connector = service_fn(move |_: Uri| {
        Box::pin(async move { TcpStream::connect(address).await.map(TokioIo::new) })
    });
    let client: Client<_, Empty<Bytes>> =
        Client::builder(TokioExecutor::new()).http2_only(http2).build(connector);
    let signing = layer().layer(client);
    for uri in uris {
        let request = Request::get(uri).extension(ActAs::new("alice")).body(Empty::new()).unwrap();
        let sent: Result<_, BoxError> = signing.clone().oneshot(request).await;
        assert!(sent.unwrap().status().is_success());
    }
    std::mem::take(&mut *seen.lock().unwrap())
}

#[tokio::test]
async fn host_and_port_over_both_versions_of_http() {
    for http2 in [false, true] {
        for (scheme, uri, url) in [
            ("http", "http://tracker.example.com", "http://tracker.example.com/"),
            ("http", "http://tracker.example.com:80/a", "http://tracker.example.com/a"),
            ("http", "http://Tracker.Example.COM:0080/A?b+%2B", "http://tracker.example.com/A?b+%2B"),
            ("http", "http://tracker.example.com:8080?", "http://tracker.example.com:8080/?"),
            ("http", "http://[2001:DB8::1]:80/", "http://[2001:db8::1]/"),
            ("https", "https://tracker.example.com:443/a", "https://tracker.example.com/a"),
            ("https", "https://tracker.example.com:80/a", "https://tracker.example.com:80/a"),
        ] {
            let arrived = arrivals(http2, scheme, &[uri.to_owned()]).await;
            assert_eq!(arrived, [(url.to_owned(), Ok("alice".to_owned()))], "{uri}, HTTP/2: {http2}");
        }
    }
}

/// Any URI that `http` accepts.
fn uris() -> impl Strategy<Value = String> {
    let host = prop_oneof!["[A-Za-z]{1,8}(\\.[a-zA-Z0-9-]{1,8}){0,2}", Just("[::1]".to_owned())];
    let port =
        prop_oneof![Just(String::new()), "0{0,2}(80|443|1|8080|65535)".prop_map(|port| format!(":{port}"))];
    let path = "(/[!-\"$-;=?@-~]{0,12}){0,4}(\\?[!-\"$-~]{0,12})?";
    (host, port, path)
        .prop_map(|(host, port, path)| format!("http://{host}{port}{path}"))
        .prop_filter("not a URI", |uri| uri.parse::<Uri>().is_ok())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, ..ProptestConfig::default() })]

    #[test]
    fn what_is_signed_is_what_arrives(uris in prop::collection::vec(uris(), 24), http2: bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for (arrived, uri) in runtime.block_on(arrivals(http2, "http", &uris)).into_iter().zip(&uris) {
            prop_assert_eq!(arrived.1, Ok("alice".to_owned()), "{} arrived as {}", uri, arrived.0);
        }
    }
}
