//! What is measured of HTTP message signatures: one request, Ed25519.

use aws_lc_rs::signature::{ED25519, ParsedPublicKey};
use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{HeaderMap, Method, Request, header};
use http_body_util::Empty;
use tower_trusted_app::conditions::PathRule;
use tower_trusted_app::crypto::{PrivateSignatureKey, SignatureAlgorithm};
use tower_trusted_app::httpsig::{
    Credentials, RequestMessage, SignatureBase, SignatureFields, SignaturePolicy, SigningRequest, UserField,
};
use tower_trusted_app::keys::MemoryKeyStore;
use tower_trusted_app::replay::MemoryReplayStore;
use tower_trusted_app::users::MemoryDirectory;
use tower_trusted_app::{
    Digested, HttpSignatures, ProblemJson, Timestamp, TrustedAppLayer, TrustedAppLayerBuilder,
    TrustedApplication,
};
use trusted_app_core::conditions::{Peer, SourceAddress};
use trusted_app_core::{KeyStore, RequestFacts, UserDirectory};
use trusted_app_test::FixedClock;

const ORIGIN: &str = "https://tracker.example.com";
const URL: &str = "https://tracker.example.com/rest/api/2/search?jql=project%20%3D%20HSP&maxResults=50";
const PATH: &str = "/rest/api/2/search";
const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
const PEER: Peer = Peer::Ip(std::net::IpAddr::V4(std::net::Ipv4Addr::new(10, 1, 2, 3)));

/// One signed request, and what the tracker knows.
pub(crate) struct SignedScene {
    headers: HeaderMap,
    base: Vec<u8>,
    signature: Vec<u8>,
    public: Vec<u8>,
    policy: SignaturePolicy,
    keys: MemoryKeyStore,
    users: MemoryDirectory<()>,
}

impl SignedScene {
    pub(crate) fn new() -> Self {
        let key = PrivateSignatureKey::generate(SignatureAlgorithm::Ed25519).unwrap();
        let trusted = TrustedApplication::signing_builder("wiki".parse().unwrap(), key.public_key().clone())
            .addresses("10.1.*.*, 192.168.0.0/16".parse().unwrap())
            .paths(PathRule::prefixes(["/sr/jira.issueviews:searchrequest", "/secure/RunPortlet", "/rest"]))
            .build()
            .unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, "tracker.example.com".parse().unwrap());
        headers.insert(header::USER_AGENT, "bench".parse().unwrap());
        headers.insert(header::ACCEPT, "*/*".parse().unwrap());
        let signing = SigningRequest::new(UserField::new("alice").unwrap(), message(&headers), NOW);
        let signed = signing.sign(&key).unwrap();
        signed.apply(&mut headers);
        let fields = SignatureFields::of(&headers).unwrap();
        let base = SignatureBase::of_request(&fields, "ta", &message(&headers)).unwrap();
        let jwk: serde_json::Value = serde_json::from_str(&key.public_key().to_jwk()).unwrap();
        Self {
            base: base.as_bytes().to_vec(),
            signature: fields.signature("ta").unwrap(),
            public: public_key(jwk["x"].as_str().unwrap()),
            policy: SignaturePolicy::default(),
            keys: MemoryKeyStore::new([trusted]).unwrap(),
            users: MemoryDirectory::of_names(["alice", "bob"]),
            headers,
        }
    }

    /// Bare verification by `aws-lc-rs`, the key parsed once.
    pub(crate) fn bare_aws_lc(&self) -> impl Fn(()) + '_ {
        let key = ParsedPublicKey::new(&ED25519, self.public.as_slice()).unwrap();
        move |()| key.verify_sig(&self.base, &self.signature).expect("the signature holds")
    }

    /// The whole authentication in the core: from the fields to the user.
    pub(crate) fn core(&self) -> impl Fn(()) + '_ {
        move |()| {
            let fields = SignatureFields::of(&self.headers).unwrap();
            let credentials = Credentials::parse(&fields).unwrap().unwrap();
            let checked = credentials.check(&message(&self.headers), false, &self.policy, NOW).unwrap();
            let application = self.keys.application_by_key(checked.key()).now_or_never().unwrap();
            let application = application.unwrap().unwrap();
            let verified = checked.verify(&application, NOW).unwrap();
            let request = RequestFacts { method: &Method::GET, path: Some(PATH) };
            let admitted = verified.admit(&request, [SourceAddress::Peer(PEER)]).unwrap();
            let user = self.users.user(&application, admitted.user()).now_or_never().unwrap().unwrap();
            std::hint::black_box(user);
        }
    }

    /// A layer that accepts the request, each once.
    pub(crate) fn layer(
        &self,
    ) -> TrustedAppLayerBuilder<MemoryKeyStore, MemoryDirectory<()>, ProblemJson, Digested> {
        TrustedAppLayer::builder(self.keys.clone(), self.users.clone(), ORIGIN.parse().unwrap())
            .clock(FixedClock::new(NOW))
            .http_signatures(HttpSignatures::default().policy(self.policy.clone()))
            .replay_store(MemoryReplayStore::default())
    }

    pub(crate) fn signed(&self) -> Request<Empty<Bytes>> {
        let mut request = Request::get(URL).body(Empty::new()).unwrap();
        request.headers_mut().extend(self.headers.clone());
        request.extensions_mut().insert(PEER);
        request
    }
}

fn message(headers: &HeaderMap) -> RequestMessage<'_> {
    RequestMessage { method: &Method::GET, url: URL, headers }
}

fn public_key(x: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(x).unwrap()
}
