//! Strangers who try to fill the replay store.

use std::convert::Infallible;
use std::fmt;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tokio::runtime::Builder;
use tower::{Layer as _, Service};
use tower_trusted_app::conditions::ReplayProtection;
use tower_trusted_app::replay::MemoryReplayStore;
use tower_trusted_app::seraph::Code;
use tower_trusted_app::{Rejected, Scheme, httpsig, seraph};

use crate::signatures::SignedScene;
use crate::subjects::{Inner, Scene};

/// What became of requests with bad signatures.
#[derive(Debug, Clone, Copy)]
pub struct Flood {
    scheme: Scheme,
    requests: u64,
    refused: u64,
    left: usize,
    claimed_by_good: usize,
    took: Duration,
}

impl Flood {
    /// Sends so many by Seraph to a layer that accepts each request once. Each has another signature, of the right
    /// length and below the modulus, so that each costs a verification.
    #[must_use]
    pub fn of_seraph(requests: u64) -> Self {
        let (scene, claims) = (Scene::new(), MemoryReplayStore::default());
        let layer = scene.layer(1024).replay_store(claims.clone());
        let service = layer.replay_protection(ReplayProtection::Every).build().unwrap().layer(Inner);
        let mut signature = BASE64_STANDARD.decode(&scene.signed().headers()[seraph::SIGNATURE]).unwrap();
        let last = signature.len() - 8;
        let forged = |number: u64| {
            signature[last..].copy_from_slice(&number.to_be_bytes());
            let mut request = scene.signed();
            let signature = BASE64_STANDARD.encode(&signature).parse().unwrap();
            request.headers_mut().insert(seraph::SIGNATURE, signature);
            request
        };
        let why = Code::BadSignature.as_str();
        Self::of(Scheme::SeraphV3, requests, why, service, forged, scene.signed(), &claims)
    }

    /// Sends so many with HTTP message signatures. Each has another nonce under the same signature, of the right length,
    /// so that each costs a verification.
    #[must_use]
    pub fn of_http_signatures(requests: u64) -> Self {
        // Reading the body of the good one has a time-out.
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        let _entered = runtime.enter();
        let (scene, claims) = (SignedScene::new(), MemoryReplayStore::default());
        let service = scene.layer().replay_store(claims.clone()).build().unwrap().layer(Inner);
        let input = scene.signed().headers()[httpsig::SIGNATURE_INPUT].to_str().unwrap().to_owned();
        let (before, nonce) = input.split_once(";nonce=\"").unwrap();
        let (_, after) = nonce.split_once('"').unwrap();
        let forged = |number: u64| {
            let mut request = scene.signed();
            let input = format!("{before};nonce=\"{number:032x}\"{after}").parse().unwrap();
            request.headers_mut().insert(httpsig::SIGNATURE_INPUT, input);
            request
        };
        let why = httpsig::Code::InvalidSignature.as_str();
        Self::of(Scheme::HttpSignature, requests, why, service, forged, scene.signed(), &claims)
    }

    fn of<S, B>(
        scheme: Scheme,
        requests: u64,
        why: &str,
        mut service: S,
        forged: impl FnMut(u64) -> Request<B>,
        good: Request<B>,
        claims: &MemoryReplayStore,
    ) -> Self
    where
        S: Service<Request<B>, Response = Response<Full<Bytes>>, Error = Infallible>,
    {
        let mut answer = |request| service.call(request).now_or_never().expect("nothing waits").unwrap();
        let is_refused = |response: &Response<Full<Bytes>>| {
            response.extensions().get::<Rejected>().is_some_and(|rejected| rejected.code() == why)
        };
        let begun = Instant::now();
        let refused = (0..requests).map(forged).map(|request| u64::from(is_refused(&answer(request)))).sum();
        let (left, took) = (claims.len(), begun.elapsed());

        // It is not for want of claiming that it is empty.
        assert_eq!(answer(good).status(), StatusCode::OK);
        Self { scheme, requests, refused, left, claimed_by_good: claims.len() - left, took }
    }

    /// Whether all were refused and left nothing, and the good one after them was claimed.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        (self.refused, self.left, self.claimed_by_good) == (self.requests, 0, 1)
    }
}

impl fmt::Display for Flood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scheme, requests, refused, left, claimed_by_good, took } = self;
        write!(
            f,
            "{scheme}: {requests} requests with a bad signature: {refused} refused as such in {:.1} s, {left} claims left; \
             of a good one after them {claimed_by_good}",
            took.as_secs_f64()
        )
    }
}
