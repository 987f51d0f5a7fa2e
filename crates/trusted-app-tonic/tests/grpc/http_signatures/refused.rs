//! Every refusal of the profile as a gRPC status.

use std::collections::BTreeSet;
use std::time::Duration;

use http::HeaderValue;
use http_body_util::BodyExt;
use issues_proto::{Comment, Issue};
use tokio_stream::iter;
use tonic::Status;
use tower_trusted_app::Clock;
use tower_trusted_app::crypto::{PrivateSignatureKey, SignatureAlgorithm};
use tower_trusted_app::httpsig::Code;
use trusted_app_test::{FaultyKeyStore, FixedClock};
use trusted_app_tonic::conditions::{AddressRule, PathPattern, PathRule};
use trusted_app_tonic::{HttpSignatures, RequestExt, TrustedApplication};

use super::{
    Request, Verifying, captured, captured_get, forum, refusal, send, streaming, tracker, verifying,
};
use crate::site::{Site, acting_as, get, layer, trusting};

/// A request, and what the server is set to that refuses it.
struct Case {
    code: Code,
    layer: Verifying,
    request: Request,
    /// The same request came before.
    again: bool,
}

impl Case {
    async fn of(code: Code, change: impl FnOnce(&mut Request)) -> Self {
        let mut request = captured_get().await;
        change(&mut request);
        Self { code, layer: tracker(), request, again: false }
    }

    async fn behind(code: Code, layer: Verifying) -> Self {
        Self { layer, ..Self::of(code, |_| ()).await }
    }
}

/// The last byte of the last message is another.
fn tamper(request: &mut Request) {
    let mut bytes = request.body().to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    *request.body_mut() = bytes.into();
}

async fn cases() -> Vec<Case> {
    let set = |name: &'static str, value: &'static str| {
        move |request: &mut Request| drop(request.headers_mut().insert(name, HeaderValue::from_static(value)))
    };
    let limited = |signatures| verifying(trusting(forum()), signatures);
    let default = HttpSignatures::default;
    let another = PrivateSignatureKey::generate(SignatureAlgorithm::Ed25519).unwrap();
    let another = TrustedApplication::signing_builder("forum".parse().unwrap(), another.public_key().clone());
    let another = another.addresses(AddressRule::any()).paths(PathRule::any());
    let another_rpc = PathRule::only([PathPattern::rpc("issues.v1.Issues/Delete").unwrap()]);
    let later = FixedClock::new(FixedClock::default().now());
    later.advance(Duration::from_secs(100));
    let streamed =
        captured(async |mut client| client.get(acting_as("alice", get()).insecure_unsigned_body()).await);
    let bob = captured(async |mut client| client.get(acting_as("bob", get())).await);
    vec![
        Case::of(Code::Malformed, set("trusted-app-user", "alice")).await,
        Case::of(Code::Ambiguous, set("x-seraph-trusted-app-id", "wiki")).await,
        Case::of(Code::DigestMismatch, tamper).await,
        Case::of(Code::Required, |request| {
            request.headers_mut().remove("signature");
            request.headers_mut().remove("signature-input");
        })
        .await,
        Case::of(Code::InvalidSignature, set("content-type", "application/grpc+proto")).await,
        Case::behind(Code::InvalidSignature, verifying(trusting(another), default())).await,
        Case::behind(Code::Stale, tracker().clock(later)).await,
        Case { request: streamed.await, ..Case::of(Code::Coverage, |_| ()).await },
        Case { again: true, ..Case::of(Code::Replayed, |_| ()).await },
        Case { request: bob.await, ..Case::of(Code::Forbidden, |_| ()).await },
        Case::behind(Code::Forbidden, verifying(trusting(forum().paths(another_rpc)), default())).await,
        Case::behind(Code::TooLarge, limited(default().body_limit(11, Duration::from_secs(10)))).await,
        Case::behind(Code::Overloaded, limited(default().memory(11))).await,
        Case::behind(Code::Overloaded, verifying(layer(FaultyKeyStore::errs()), default())).await,
    ]
}

/// HTTP 200 without a body, the status where trailers without a body stand, our code beside it.
#[tokio::test]
async fn every_code_is_a_grpc_status() {
    let cases = cases().await;
    let codes: BTreeSet<_> = cases.iter().map(|case| case.code).collect();
    assert_eq!(codes, BTreeSet::from(Code::ALL), "there is a case of each");
    for Case { code, layer, request, again } in cases {
        let site = Site::start(layer).await;
        if again {
            let response = send(site.channel(), request.clone()).await.unwrap();
            assert!(!response.headers().contains_key("grpc-status"), "{response:?}");
            assert_eq!(site.calls.take(), ["alice"]);
        }
        let (head, body) = send(site.channel(), request).await.unwrap().into_parts();
        assert_eq!(
            (head.status.as_u16(), body.collect().await.unwrap().to_bytes().len()),
            (200, 0),
            "{code}"
        );
        assert_eq!(head.headers["content-type"], "application/grpc", "{code}");
        let status = Status::from_header_map(&head.headers).unwrap();
        assert_eq!(refusal(&status), (code.class().grpc_code().into(), code.to_string()));
        assert!(site.calls.take().is_empty(), "{code}: the handler ran");
    }
}

/// A handler that gets its request while it comes reads the same status where it must not commit.
#[tokio::test]
async fn a_mismatch_in_what_is_handed_on_ends_the_rpc() {
    let site = Site::start(streaming()).await;
    let mismatch = (tonic::Code::InvalidArgument, "digest_mismatch".to_owned());

    let mut unary = captured_get().await;
    tamper(&mut unary);
    let response = send(site.channel(), unary).await.unwrap();
    assert_eq!(refusal(&Status::from_header_map(response.headers()).unwrap()), mismatch);
    assert!(site.calls.take().is_empty(), "the handler of a message does not run");

    // That of a stream runs, and its reading ends in the status.
    let good = captured_import().await;
    let (mut tampered, mut repeated, mut cut) =
        (captured_import().await, captured_import().await, captured_import().await);
    tamper(&mut tampered);
    *repeated.body_mut() = repeated.body().repeat(2).into();
    *cut.body_mut() = cut.body().slice(..cut.body().len() / 2);
    for request in [tampered, repeated, cut] {
        let response = send(site.channel(), request).await.unwrap();
        assert_eq!(refusal(&Status::from_header_map(response.headers()).unwrap()), mismatch);
    }
    let response = send(site.channel(), good).await.unwrap();
    assert!(!response.headers().contains_key("grpc-status"), "{response:?}");
    assert_eq!(site.calls.take(), ["alice"; 4]);

    // It stands in the trailers where the answer has begun.
    let comments = iter([Comment { text: "why?".into(), ..Comment::default() }]);
    let mut discuss = captured(async |mut client| client.discuss(acting_as("alice", comments)).await).await;
    tamper(&mut discuss);
    let response = send(site.channel(), discuss).await.unwrap();
    assert!(!response.headers().contains_key("grpc-status"), "{response:?}");
    let answers = response.into_body().collect().await.unwrap();
    assert_eq!(refusal(&Status::from_header_map(answers.trailers().unwrap()).unwrap()), mismatch);
    assert!(answers.to_bytes().is_empty(), "no comment comes back");
}

/// Two issues of the same length, which are all there.
async fn captured_import() -> Request {
    let issues = ["HSP-1", "HSP-2"].map(|key| Issue { key: key.into(), summary: "printer on fire".into() });
    captured(async |mut client| client.import(acting_as("alice", iter(issues))).await).await
}
