//! The four kinds of RPC under every condition, plain and by TLS.

use http::Method;
use issues_proto::{Comment, Issue, ListRequest};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio_stream::iter;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Identity, Server, ServerTlsConfig};
use tonic::{Code, Request, Status};
use tower_trusted_app::{Clock, Timestamp};
use trusted_app_test::{FaultyKeyStore, FixedClock, TestIdentity};
use trusted_app_tonic::RequestExt;
use trusted_app_tonic::conditions::{MethodRule, PathPattern, PathRule};

use crate::site::{Client, Layered, Site, client, get, layer, refusal, trusting, wiki};

/// One condition: what the server is set to, who calls, and what comes of it.
struct Condition {
    name: &'static str,
    layer: Layered,
    identity: TestIdentity,
    user: Option<&'static str>,
    clock: FixedClock,
    /// `None`: the handler runs.
    refused: Option<(Code, &'static str)>,
}

impl Condition {
    /// Nothing is wrong with this one; the others differ from it in one thing.
    fn signed() -> Self {
        Self {
            name: "signed",
            layer: trusting(wiki()),
            identity: TestIdentity::wiki(),
            user: Some("alice"),
            clock: FixedClock::default(),
            refused: None,
        }
    }

    fn refused(name: &'static str, code: Code, reason: &'static str) -> Self {
        Self { name, refused: Some((code, reason)), ..Self::signed() }
    }
}

fn conditions() -> [Condition; 10] {
    let refused = Condition::refused;
    let now = FixedClock::default().now().as_millis();
    let earlier = FixedClock::new(Timestamp::from_millis(now - 11_000));
    let another_rpc = PathPattern::rpc("issues.v1.Issues/Delete").unwrap();
    [
        Condition::signed(),
        Condition { user: None, ..refused("unsigned", Code::Unauthenticated, "MISSING_CERT") },
        Condition {
            identity: TestIdentity::stranger().with_id("wiki"),
            ..refused("wrong key", Code::Unauthenticated, "BAD_SIGNATURE")
        },
        Condition { clock: earlier, ..refused("expired", Code::Unauthenticated, "OLD_CERT") },
        Condition {
            layer: trusting(wiki().addresses("10.0.0.0/8".parse().unwrap())),
            ..refused("address not allowed", Code::PermissionDenied, "BAD_REMOTE_IP")
        },
        Condition {
            layer: trusting(wiki().methods(MethodRule::only([Method::GET]))),
            ..refused("method not allowed", Code::PermissionDenied, "BAD_METHOD")
        },
        Condition {
            layer: trusting(wiki().paths(PathRule::only([another_rpc]))),
            ..refused("RPC not allowed", Code::PermissionDenied, "BAD_URL")
        },
        Condition { user: Some("bob"), ..refused("unknown user", Code::Unauthenticated, "USER_UNKNOWN") },
        Condition {
            user: Some("mallory"),
            ..refused("denied user", Code::PermissionDenied, "PERMISSION_DENIED")
        },
        Condition {
            layer: layer(FaultyKeyStore::errs()),
            ..refused("store down", Code::Unavailable, "UNAVAILABLE")
        },
    ]
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Unary,
    ServerStreaming,
    ClientStreaming,
    Bidirectional,
}

const KINDS: [Kind; 4] = [Kind::Unary, Kind::ServerStreaming, Kind::ClientStreaming, Kind::Bidirectional];

/// Calls one RPC of this kind to its end. Its answer says who called.
async fn call(kind: Kind, mut client: Client, user: Option<&str>) -> Result<String, Status> {
    let issue = Issue { key: "HSP-3".into(), ..Issue::default() };
    match kind {
        Kind::Unary => Ok(client.get(request(user, get())).await?.into_inner().summary),
        Kind::ServerStreaming => {
            let mut issues = client.list(request(user, ListRequest {})).await?.into_inner();
            let first = issues.message().await?.expect("two issues");
            assert!(issues.message().await?.is_some());
            assert!(issues.message().await?.is_none());
            Ok(first.summary)
        }
        Kind::ClientStreaming => {
            let sent = iter([issue.clone(), issue]);
            let summary = client.import(request(user, sent)).await?.into_inner();
            assert_eq!(summary.issues, 2);
            Ok(format!("seen by {}", summary.reporter))
        }
        Kind::Bidirectional => {
            let sent = iter([Comment { text: "why?".into(), ..Comment::default() }]);
            let mut comments = client.discuss(request(user, sent)).await?.into_inner();
            let comment = comments.message().await?.expect("the comment comes back");
            assert_eq!(comment.text, "why?");
            Ok(format!("seen by {}", comment.author))
        }
    }
}

fn request<T>(user: Option<&str>, message: T) -> Request<T> {
    let request = Request::new(message);
    match user {
        Some(user) => request.acting_as(user),
        None => request,
    }
}

/// Every kind under every condition against a server that `start`s, through the channel that `connect`s.
async fn every_kind_under_every_condition(server: impl Fn() -> Server, connect: impl Fn(&Site) -> Channel) {
    for Condition { name, layer, identity, user, clock, refused } in conditions() {
        let site = Site::start_with(server(), layer).await;
        for kind in KINDS {
            let client = client(connect(&site), identity.clone(), clock.clone());
            let answer = call(kind, client, user).await;
            match refused {
                None => {
                    assert_eq!(answer.unwrap_or_else(|s| panic!("{name}, {kind:?}: {s:?}")), "seen by alice");
                    assert_eq!(site.calls.take(), ["alice"], "{name}, {kind:?}");
                }
                Some((code, reason)) => {
                    let status = answer.expect_err(name);
                    assert_eq!(refusal(&status), (code, reason.to_owned()), "{name}, {kind:?}");
                    assert_eq!(site.calls.take(), [""; 0], "{name}, {kind:?}: the handler ran");
                }
            }
        }
    }
}

#[tokio::test]
async fn plain() {
    every_kind_under_every_condition(Server::builder, Site::channel).await;
}

#[tokio::test]
async fn tls() {
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_pem = authority.self_signed(&authority_key).unwrap().pem();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["tracker.test".to_owned()]).unwrap();
    let certificate = certificate.signed_by(&key, &Issuer::new(authority, authority_key)).unwrap();
    let identity = Identity::from_pem(certificate.pem(), key.serialize_pem());

    let server = || Server::builder().tls_config(ServerTlsConfig::new().identity(identity.clone())).unwrap();
    let trusted = Certificate::from_pem(authority_pem);
    let tls = ClientTlsConfig::new().ca_certificate(trusted).domain_name("tracker.test");
    every_kind_under_every_condition(server, |site| {
        site.endpoint("https").tls_config(tls.clone()).unwrap().connect_lazy()
    })
    .await;
}
