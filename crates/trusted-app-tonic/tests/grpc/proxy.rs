//! Behind a reverse proxy that rewrites host, port and path: the public URL makes both sides agree.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::State;
use http::Uri;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use issues_proto::issues_client::IssuesClient;
use tokio::net::TcpListener;
use tonic::transport::Endpoint;
use tonic::{Code, Status};
use tower::Layer;
use tower_trusted_app::keys::MemoryKeyStore;
use tower_trusted_app::users::MemoryDirectory;
use trusted_app_test::{FixedClock, TestIdentity};
use trusted_app_tonic::{KeyStore, SignedUrl, sign_layer};

use crate::site::{Site, acting_as, get, refusal, wiki};

type HttpClient = Client<HttpConnector, axum::body::Body>;

/// Takes `/tracker/…` and passes `/…` on to the server, by HTTP/2, under the server's own authority.
async fn proxy(server: SocketAddr) -> SocketAddr {
    async fn pass_on(
        State((client, server)): State<(HttpClient, SocketAddr)>,
        mut request: axum::extract::Request,
    ) -> axum::response::Response {
        let path = request.uri().path().strip_prefix("/tracker").expect("only this prefix is routed here");
        *request.uri_mut() = format!("http://{server}{path}").parse().unwrap();
        client.request(request).await.unwrap().map(axum::body::Body::new)
    }
    let client: HttpClient = Client::builder(TokioExecutor::new()).http2_only(true).build_http();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().fallback(pass_on).with_state((client, server));
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// Calls through the proxy as `https://public.example/tracker/issues.v1.Issues/Get`; the proxy would end TLS, so that
/// it is sent in the clear here.
async fn call(public_url: SignedUrl) -> (SocketAddr, Result<String, Status>) {
    let keys = MemoryKeyStore::new([wiki().build().unwrap()]).unwrap();
    let users = MemoryDirectory::of_names(["alice"]);
    let layer = trusted_app_tonic::layer_builder(boxed(keys), users, public_url).clock(FixedClock::default());
    let site = Site::start(layer).await;
    let proxy = proxy(site.address).await;

    let signer = sign_layer(TestIdentity::wiki().local().clone(), "https://public.example".parse().unwrap())
        .clock(FixedClock::default());
    let endpoint = Endpoint::from_shared(format!("http://{proxy}")).unwrap();
    let channel = endpoint.origin(Uri::from_static("https://public.example")).connect_lazy();
    let mut client =
        IssuesClient::with_origin(signer.layer(channel), Uri::from_static("https://public.example/tracker"));
    let answer = client.get(acting_as("alice", get())).await;
    (site.address, answer.map(|issue| issue.into_inner().summary))
}

fn boxed(keys: impl KeyStore) -> tower_trusted_app::keys::BoxKeyStore {
    tower_trusted_app::keys::KeyStoreExt::boxed(keys)
}

#[tokio::test]
async fn with_the_public_url_the_signature_holds() {
    let (_, answer) = call("https://public.example/tracker".parse().unwrap()).await;
    assert_eq!(answer.unwrap(), "seen by alice");
}

#[tokio::test]
async fn without_it_the_status_shows_the_url_as_the_server_saw_it() {
    let (server, answer) = call(SignedUrl::insecure_from_request()).await;
    let status = answer.unwrap_err();
    assert_eq!(refusal(&status), (Code::Unauthenticated, "BAD_SIGNATURE".to_owned()));
    assert_eq!(status.message(), format!("Bad signature for URL: http://{server}/issues.v1.Issues/Get"));
}
