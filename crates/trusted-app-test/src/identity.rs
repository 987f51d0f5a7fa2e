//! Applications with fixed keys, and requests that they signed.

use http::Request;
use trusted_app_core::application::TrustedApplicationBuilder;
use trusted_app_core::conditions::{AddressRule, PathRule};
use trusted_app_core::seraph::SigningRequest;
use trusted_app_core::{ApplicationId, Clock, LocalApplication, TrustedApplication};

/// An application with a fixed RSA key of 2048 bits, so that no test has to generate one.
///
/// The private keys are published with this crate: **never trust them anywhere but in a test.**
///
/// ```
/// use http::Request;
/// use trusted_app_core::seraph::Credentials;
/// use trusted_app_test::{FixedClock, TestIdentity};
///
/// let request = Request::get("https://tracker.test/rest/issues").body(()).unwrap();
/// let signed = TestIdentity::wiki().sign(request, "alice", &FixedClock::default());
/// assert!(Credentials::attempted(signed.headers()));
/// ```
#[derive(Debug, Clone)]
pub struct TestIdentity {
    local: LocalApplication,
}

impl TestIdentity {
    /// The application `wiki`: the one that calls.
    #[must_use]
    pub fn wiki() -> Self {
        Self::embedded(include_str!("../keys/wiki.pem"))
    }

    /// The application `tracker`: the one that is called, where a test needs its identity too.
    #[must_use]
    pub fn tracker() -> Self {
        Self::embedded(include_str!("../keys/tracker.pem"))
    }

    /// The application `stranger`: the one whose key nobody registered.
    #[must_use]
    pub fn stranger() -> Self {
        Self::embedded(include_str!("../keys/stranger.pem"))
    }

    fn embedded(pem: &str) -> Self {
        Self { local: LocalApplication::from_pem(pem).expect("an embedded identity") }
    }

    /// The same key under another id.
    ///
    /// # Panics
    ///
    /// When `id` is no application id.
    #[must_use]
    pub fn with_id(self, id: &str) -> Self {
        match id.parse() {
            Ok(id) => Self { local: LocalApplication::new(id, self.local.key().clone()) },
            Err(error) => panic!("`{id}`: {error}"),
        }
    }

    /// The application's id.
    #[must_use]
    pub fn id(&self) -> &ApplicationId {
        self.local.id()
    }

    /// Id and private key, such as [`SignLayer`](tower_trusted_app::client::SignLayer) takes them.
    #[must_use]
    pub fn local(&self) -> &LocalApplication {
        &self.local
    }

    /// The application as a server registers it: any address and any path, unless the test states
    /// them.
    pub fn trusted(&self) -> TrustedApplicationBuilder {
        TrustedApplication::builder(self.id().clone(), self.local.public_key().clone())
            .addresses(AddressRule::any())
            .paths(PathRule::any())
    }

    /// Signs `request` for `user`, with Seraph version 3, stamped with the time of `clock`.
    ///
    /// # Panics
    ///
    /// When the request's URI is not absolute (the server's public URL is part of what is signed),
    /// or user or URL are such that they must not be signed.
    #[must_use]
    pub fn sign<B>(&self, mut request: Request<B>, user: &str, clock: &impl Clock) -> Request<B> {
        let url = request.uri().to_string();
        assert!(
            request.uri().scheme().is_some(),
            "`{url}` cannot be signed: write the URL in full, such as https://tracker.test{url}"
        );
        match SigningRequest::new(user, &url, clock.now()).sign(&self.local) {
            Ok(headers) => headers.apply(request.headers_mut()),
            Err(error) => panic!("cannot sign {url} for {user:?}: {error}"),
        }
        request
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FixedClock;

    #[test]
    fn three_keys() {
        let all = [TestIdentity::wiki(), TestIdentity::tracker(), TestIdentity::stranger()];
        for (at, one) in all.iter().enumerate() {
            assert_eq!(one.local().public_key().bits(), 2048);
            for other in &all[at + 1..] {
                assert_ne!(one.local().public_key(), other.local().public_key());
                assert_ne!(one.id(), other.id());
            }
        }
    }

    #[test]
    fn same_key_under_another_id() {
        let (wiki, other) = (TestIdentity::wiki(), TestIdentity::wiki().with_id("confluence:4711"));
        assert_eq!(other.id().as_str(), "confluence:4711");
        assert_eq!(other.local().public_key(), wiki.local().public_key());
    }

    #[test]
    #[should_panic(expected = "write the URL in full, such as https://tracker.test/rest")]
    fn a_path_alone_is_no_url() {
        let request = Request::get("/rest").body(()).unwrap();
        let _ = TestIdentity::wiki().sign(request, "alice", &FixedClock::default());
    }

    #[test]
    #[should_panic(expected = "cannot sign https://tracker.test/ for \"\"")]
    fn nobody_is_no_user() {
        let request = Request::get("https://tracker.test/").body(()).unwrap();
        let _ = TestIdentity::wiki().sign(request, "", &FixedClock::default());
    }
}
