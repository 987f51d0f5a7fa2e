//! What people would take instead: a JSON web token, RS256, verified in an extractor of an axum router
//! as axum's own example `jwt` does it; but beside the age they check issuer and audience, as the
//! trusted request's age, source and path are.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use axum::RequestPartsExt as _;
use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::routing::get;
use axum_extra::TypedHeader;
use axum_extra::headers::Authorization;
use axum_extra::headers::authorization::Bearer;
use http::request::Parts;
use http::{Request, Response, StatusCode, header};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use trusted_app_test::TestIdentity;

use crate::subjects::{PATH, PEER, TARGET, answer, ready};

const KEY_ID: &str = "wiki:1";

/// The server that verifies the tokens.
pub(crate) struct Verifier {
    keys: Keys,
    rules: Option<Validation>,
}

enum Keys {
    One(DecodingKey),
    ByKid(HashMap<String, DecodingKey>),
}

impl Verifier {
    /// One that has several applications: the token's header says whose key to take, as the
    /// application's id does in a trusted request. The rules are made for each request.
    pub(crate) fn of_applications() -> Self {
        Self { keys: Keys::ByKid(HashMap::from([(KEY_ID.to_owned(), public_key())])), rules: None }
    }

    /// One that has one key, as in axum's example.
    pub(crate) fn of_one_key() -> Self {
        Self { keys: Keys::One(public_key()), rules: None }
    }

    /// The same, the rules made once.
    pub(crate) fn with_rules_made_once(self) -> Self {
        Self { rules: Some(rules()), ..self }
    }

    /// It in a router.
    pub(crate) fn axum(self) -> impl FnMut(Request<Body>) -> Response<Body> {
        async fn handler(claims: Claims) -> String {
            claims.sub
        }
        answer(ready(axum::Router::new().route(PATH, get(handler)).with_state(Arc::new(self))))
    }

    fn verify(&self, token: &str) -> Option<Claims> {
        let key = match &self.keys {
            Keys::One(key) => key,
            Keys::ByKid(keys) => keys.get(jsonwebtoken::decode_header(token).ok()?.kid.as_deref()?)?,
        };
        let rules = self.rules.as_ref().map_or_else(|| Cow::Owned(rules()), Cow::Borrowed);
        jsonwebtoken::decode(token, key, &rules).ok().map(|token| token.claims)
    }
}

fn public_key() -> DecodingKey {
    let pem = TestIdentity::wiki().local().public_key().to_pem();
    DecodingKey::from_rsa_pem(pem.as_bytes()).unwrap()
}

fn rules() -> Validation {
    let mut rules = Validation::new(Algorithm::RS256);
    rules.set_issuer(&["wiki"]);
    rules.set_audience(&["tracker"]);
    rules
}

/// The same request over and over, with a token; from a server that says who the peer is, as for the
/// trusted request.
pub(crate) fn request() -> impl Fn() -> Request<Body> {
    let pem = TestIdentity::wiki().local().key().to_pkcs8_pem();
    let key = EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap();
    let claims = Claims {
        sub: "alice".to_owned(),
        iss: "wiki".to_owned(),
        aud: "tracker".to_owned(),
        iat: 1_700_000_000,
        exp: 4_000_000_000,
    };
    let head = Header { kid: Some(KEY_ID.to_owned()), ..Header::new(Algorithm::RS256) };
    let token = jsonwebtoken::encode(&head, &claims, &key).unwrap();
    move || {
        let request = Request::get(TARGET)
            .extension(PEER)
            .header(header::HOST, "tracker.example.com")
            .header(header::USER_AGENT, "bench")
            .header(header::ACCEPT, "*/*")
            .header(header::AUTHORIZATION, format!("Bearer {token}"));
        request.body(Body::empty()).unwrap()
    }
}

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    iss: String,
    aud: String,
    iat: u64,
    exp: u64,
}

impl FromRequestParts<Arc<Verifier>> for Claims {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, verifier: &Arc<Verifier>) -> Result<Self, StatusCode> {
        let bearer = parts.extract::<TypedHeader<Authorization<Bearer>>>().await;
        let TypedHeader(Authorization(bearer)) = bearer.map_err(|_| StatusCode::UNAUTHORIZED)?;
        verifier.verify(bearer.token()).ok_or(StatusCode::UNAUTHORIZED)
    }
}
