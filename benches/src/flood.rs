//! Strangers who try to fill the replay store.

use std::fmt;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures_util::FutureExt as _;
use http::StatusCode;
use tower::{Layer as _, Service as _};
use tower_trusted_app::Rejection;
use tower_trusted_app::conditions::ReplayProtection;
use tower_trusted_app::rejection::Code;
use tower_trusted_app::replay::MemoryReplayStore;
use tower_trusted_app::seraph::SIGNATURE;

use crate::subjects::{Inner, Scene};

/// What became of requests with bad signatures.
#[derive(Debug, Clone, Copy)]
pub struct Flood {
    requests: u64,
    refused: u64,
    left: usize,
    claimed_by_good: usize,
    took: Duration,
}

impl Flood {
    /// Sends so many to a layer that accepts each request once. Each has another signature, of the right
    /// length and below the modulus, so that each costs a verification.
    #[must_use]
    pub fn of(requests: u64) -> Self {
        let (scene, claims) = (Scene::new(), MemoryReplayStore::default());
        let layer = scene.layer(1024).replay_store(claims.clone());
        let mut service = layer.replay_protection(ReplayProtection::Every).layer(Inner);
        let mut signature = BASE64_STANDARD.decode(&scene.signed().headers()[SIGNATURE]).unwrap();
        let last = signature.len() - 8;

        let (mut refused, begun) = (0, Instant::now());
        for number in 0..requests {
            signature[last..].copy_from_slice(&number.to_be_bytes());
            let mut request = scene.signed();
            request.headers_mut().insert(SIGNATURE, BASE64_STANDARD.encode(&signature).parse().unwrap());
            let response = service.call(request).now_or_never().expect("nothing waits").unwrap();
            let rejection = response.extensions().get::<Rejection>();
            refused += u64::from(rejection.is_some_and(|why| why.code() == Code::BadSignature));
        }
        let (left, took) = (claims.len(), begun.elapsed());

        // It is not for want of claiming that it is empty.
        let response = service.call(scene.signed()).now_or_never().expect("nothing waits").unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        Self { requests, refused, left, claimed_by_good: claims.len() - left, took }
    }

    /// Whether all were refused and left nothing, and the good one after them was claimed.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        (self.refused, self.left, self.claimed_by_good) == (self.requests, 0, 1)
    }
}

impl fmt::Display for Flood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { requests, refused, left, claimed_by_good, took } = self;
        write!(
            f,
            "{requests} requests with a bad signature: {refused} refused as such in {:.1} s, {left} claims left; \
             of a good one after them {claimed_by_good}",
            took.as_secs_f64()
        )
    }
}
