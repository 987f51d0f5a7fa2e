//! The peer's address in every set-up of tonic's server.

use http::Uri;
use hyper_util::rt::TokioIo;
use issues_proto::issues_client::IssuesClient;
use issues_proto::issues_server::IssuesServer;
use tokio::net::{UnixListener, UnixStream};
use tokio_stream::wrappers::UnixListenerStream;
use tonic::transport::{Endpoint, Server};
use tonic::{Code, Status};
use tower::{Layer, service_fn};
use trusted_app_test::{FixedClock, TestIdentity};

use crate::site::{Calls, Handler, PUBLIC, Site, acting_as, client, get, refusal, signer, trusting, wiki};

#[tokio::test]
async fn of_a_tcp_connection() {
    let site = Site::start(trusting(wiki().addresses("127.0.0.1".parse().unwrap()))).await;
    assert!(site.client().get(acting_as("alice", get())).await.is_ok());
}

/// Serves at a Unix socket with an address rule.
async fn over_a_unix_socket(addresses: &str) -> Result<(), Status> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tracker.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let layer = trusting(wiki().addresses(addresses.parse().unwrap()));
    let service = IssuesServer::new(Handler(Calls::default()));
    let server = Server::builder().layer(layer.build().unwrap()).add_service(service);
    tokio::spawn(server.serve_with_incoming(UnixListenerStream::new(listener)));

    let connect = service_fn(move |_: Uri| {
        let path = path.clone();
        async move { UnixStream::connect(path).await.map(TokioIo::new) }
    });
    let endpoint = Endpoint::from_static("http://localhost").origin(PUBLIC.parse().unwrap());
    let channel = endpoint.connect_with_connector_lazy(connect);
    let mut client = client(channel, TestIdentity::wiki(), FixedClock::default());
    client.get(acting_as("alice", get())).await.map(drop)
}

#[tokio::test]
async fn a_unix_socket_matches_only_the_word_local() {
    assert!(over_a_unix_socket("local").await.is_ok());
    for addresses in ["127.0.0.1", "0.0.0.0/0, ::/0", "*.*.*.*"] {
        let status = over_a_unix_socket(addresses).await.unwrap_err();
        assert_eq!(refusal(&status), (Code::PermissionDenied, "BAD_REMOTE_IP".to_owned()), "{addresses}");
    }
}

#[tokio::test]
async fn unknown_where_the_server_does_not_say() {
    let layer = trusting(wiki().addresses("127.0.0.1".parse().unwrap()));
    let server = layer.build().unwrap().layer(IssuesServer::new(Handler(Calls::default())));
    let signer = signer(&TestIdentity::wiki(), FixedClock::default());
    let status = IssuesClient::new(signer.layer(server)).get(acting_as("alice", get())).await.unwrap_err();
    assert_eq!(refusal(&status), (Code::PermissionDenied, "UNKNOWN_PEER".to_owned()));
}

/// A service that ends TLS itself leaves only `TlsConnectInfo`.
#[cfg(any(feature = "tls-aws-lc", feature = "tls-ring"))]
mod tls_ended_by_the_service {
    use std::sync::Arc;

    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;
    use tokio_rustls::rustls::ServerConfig;
    use tokio_rustls::rustls::pki_types::PrivateKeyDer;
    use tokio_stream::StreamExt;
    use tokio_stream::wrappers::TcpListenerStream;
    use tonic::transport::{Certificate, ClientTlsConfig};

    use super::*;

    #[tokio::test]
    async fn the_address_is_that_of_the_connection_below() {
        let made = rcgen::generate_simple_self_signed(["tracker.test".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let mut config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = TcpListenerStream::new(listener).then(move |connection| {
            let acceptor = acceptor.clone();
            async move { acceptor.accept(connection?).await }
        });
        let layer = trusting(wiki().addresses("127.0.0.1".parse().unwrap()));
        let service = IssuesServer::new(Handler(Calls::default()));
        tokio::spawn(
            Server::builder()
                .layer(layer.build().unwrap())
                .add_service(service)
                .serve_with_incoming(connections),
        );

        let tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(made.cert.pem()))
            .domain_name("tracker.test");
        let endpoint = Endpoint::from_shared(format!("https://{address}")).unwrap();
        let channel = endpoint.origin(PUBLIC.parse().unwrap()).tls_config(tls).unwrap().connect_lazy();
        let mut client = client(channel, TestIdentity::wiki(), FixedClock::default());
        assert!(client.get(acting_as("alice", get())).await.is_ok());
    }
}
