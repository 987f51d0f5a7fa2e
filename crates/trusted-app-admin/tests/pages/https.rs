//! Details over TLS, from a server whose certificate an authority of its own has signed.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use trusted_app_admin::fetch::{AddressPolicy, FetchErrorKind, Fetcher};
use trusted_app_admin::{AdminError, Administrator};
use trusted_app_test::TestIdentity;

use crate::fetches::Always;
use crate::harness::{VALID, World, answer, document, with_pending};

const HOST: &str = "wiki.example.com";

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let (key, mut parameters) = (KeyPair::generate().unwrap(), CertificateParams::default());
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = parameters.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(parameters, key), pem }
    }

    /// Serves the wiki's details under a certificate for `name`; the base URL by [`HOST`].
    async fn serve(&self, name: &str) -> String {
        let key = KeyPair::generate().unwrap();
        let parameters = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = parameters.signed_by(&key, &self.issuer).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )
            .unwrap();
        let (acceptor, listener) =
            (TlsAcceptor::from(Arc::new(config)), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let answer = answer("200 OK", "", &document(&TestIdentity::wiki()));
            while let Ok((connection, _)) = listener.accept().await {
                let Ok(mut connection) = acceptor.accept(connection).await else { continue };
                let _ = connection.read(&mut [0; 4096]).await;
                let _ = connection.write_all(answer.as_bytes()).await;
                let _ = connection.shutdown().await;
            }
        });
        format!("https://{HOST}:{port}/confluence")
    }
}

fn fetcher() -> Fetcher {
    Fetcher::new(AddressPolicy::insecure_any()).resolver(Always("127.0.0.1"))
}

#[tokio::test]
async fn details_come_over_tls() {
    let authority = Authority::new();
    let base_url = authority.serve(HOST).await;
    let world = World::fetching(fetcher().authorities(&authority.pem).unwrap());

    let admin = Administrator::new("admin");
    let fetched = world.administration.request_details(&admin, &base_url).await.unwrap().fetched;
    assert!(!fetched.without_tls);
    assert_eq!(fetched.url, format!("{base_url}/admin/appTrustCertificate"));
    assert_eq!(fetched.document.public_key(), TestIdentity::wiki().local().public_key());

    let (pending, page) = world.request(&base_url).await;
    page.lacks("Fetched without TLS.");
    page.has(&TestIdentity::wiki().local().public_key().fingerprint().to_string());
    world.post("/trusted-applications/add", &with_pending(&pending, &VALID)).await.location();
    world.get("/trusted-applications").await.has("role=\"rowheader\">Wiki</th>");
}

#[tokio::test]
async fn a_certificate_that_does_not_hold_is_refused() {
    let (authority, other) = (Authority::new(), Authority::new());
    for (name, fetcher) in [
        // The system does not know the authority.
        (HOST, fetcher()),
        (HOST, fetcher().authorities(&other.pem).unwrap()),
        ("other.example.com", fetcher().authorities(&authority.pem).unwrap()),
    ] {
        let base_url = authority.serve(name).await;
        let world = World::fetching(fetcher.clone());
        let kind = fetcher.fetch(&base_url).await.unwrap_err().kind().clone();
        assert!(matches!(kind, FetchErrorKind::Tls(_)), "{name}: {kind:?}");

        let admin = Administrator::new("admin");
        let refused = world.administration.request_details(&admin, &base_url).await;
        assert!(matches!(refused, Err(AdminError::Invalid(_))), "{refused:?}");

        let page = world.post("/trusted-applications/request", &[("base_url", &base_url)]).await;
        assert_eq!(page.status, 422);
        page.has("no secure connection: ");
        page.has("The details could not be requested, and no application was added.");
        assert_eq!(page.value("base_url"), base_url);
    }
}
