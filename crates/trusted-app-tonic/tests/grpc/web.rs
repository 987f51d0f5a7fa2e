//! gRPC-Web: the layer inside and outside of what translates it.

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use issues_proto::issues_client::IssuesClient;
use issues_proto::issues_server::IssuesServer;
use tokio::net::TcpListener;
use tonic::Code;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic_web::{GrpcWebClientLayer, GrpcWebLayer};
use tower::{Layer, ServiceBuilder};
use trusted_app_test::{FixedClock, TestIdentity};

use crate::site::{Calls, Handler, acting_as, get, refusal, trusting, wiki};

/// A server that speaks gRPC-Web over HTTP/1.1, with the layer on either side of the translation.
async fn start(layer_outside: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let layer = trusting(wiki());
    let service = IssuesServer::new(Handler(Calls::default()));
    let server = Server::builder().accept_http1(true);
    let incoming = TcpIncoming::from(listener);
    if layer_outside {
        let server = server.layer(layer.build().unwrap()).layer(GrpcWebLayer::new()).add_service(service);
        tokio::spawn(server.serve_with_incoming(incoming));
    } else {
        let server = server.layer(GrpcWebLayer::new()).layer(layer.build().unwrap()).add_service(service);
        tokio::spawn(server.serve_with_incoming(incoming));
    }
    origin
}

#[tokio::test]
async fn a_web_client_sees_code_and_reason() {
    for layer_outside in [true, false] {
        let origin = start(layer_outside).await;
        let http = Client::builder(TokioExecutor::new()).build_http();
        let web = ServiceBuilder::new().layer(GrpcWebClientLayer::new()).service(http);
        let mut client = IssuesClient::with_origin(web, origin.parse().unwrap());
        let status = client.get(get()).await.unwrap_err();
        assert_eq!(refusal(&status), (Code::Unauthenticated, "MISSING_CERT".to_owned()), "{layer_outside}");
    }
}

#[tokio::test]
async fn a_signed_web_request_is_accepted() {
    for layer_outside in [true, false] {
        let origin = start(layer_outside).await;
        let http = Client::builder(TokioExecutor::new()).build_http();
        // Signed is the public URL; sent to where the server is.
        let to_server = tower::util::MapRequest::new(http, move |mut request: Request<_>| {
            *request.uri_mut() = format!("{origin}{}", request.uri().path()).parse().unwrap();
            request
        });
        let web = ServiceBuilder::new().layer(GrpcWebClientLayer::new()).service(to_server);
        let signer = crate::site::signer(&TestIdentity::wiki(), FixedClock::default());
        let mut client = IssuesClient::new(signer.layer(web));
        let issue = client.get(acting_as("alice", get())).await.unwrap().into_inner();
        assert_eq!(issue.summary, "seen by alice", "{layer_outside}");
    }
}

/// On the wire: HTTP 200, the request's own content type, the status where a client without trailers looks.
#[tokio::test]
async fn on_the_wire() {
    let origin = start(true).await;
    let client = Client::builder(TokioExecutor::new()).build_http();
    for content_type in ["application/grpc-web+proto", "application/grpc-web-text"] {
        let request = Request::post(format!("{origin}/issues.v1.Issues/Get"))
            .header(header::CONTENT_TYPE, content_type)
            .body(Full::new(Bytes::from_static(&[0; 5])))
            .unwrap();
        let response = client.request(request).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()[header::CONTENT_TYPE], content_type);
        assert_eq!(response.headers()["grpc-status"], "16");
        assert!(response.headers().contains_key("grpc-status-details-bin"));
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "");
    }
}
