//! What the user configures.

use std::fmt;
use std::sync::Arc;

use http::Extensions;
use tower_layer::Layer;
use trusted_app_core::seraph::Signer;
use trusted_app_core::{Clock, Scheme};

use super::act_as::ActAs;
use super::origin::Origin;
use super::reuse::Certificates;
use super::service::{Sign, Signing};
use super::target::Origins;
use crate::clock::SystemClock;

/// Layer that signs the requests of an HTTP client for the user named by their
/// [`ActAs`](super::ActAs) extension.
///
/// See the [module](super) for what leaves and what does not, and for where to put the layer.
///
/// The `signer` is a [`LocalApplication`](trusted_app_core::LocalApplication), which signs on the
/// thread that polls the request (milliseconds with a big key), or any other [`Signer`], such as one
/// that asks a key management service.
#[must_use]
pub struct SignLayer<G, C = SystemClock> {
    signing: Signing<G, C>,
}

impl<G> SignLayer<G> {
    /// Signs by `signer`, with Seraph version 3, for any origin, each request again.
    pub fn new(signer: G) -> Self {
        Self {
            signing: Signing {
                signer: Arc::new(signer),
                clock: Arc::new(SystemClock),
                scheme: Scheme::SeraphV3,
                user: None,
                origins: Origins::default(),
                reuse: None,
            },
        }
    }
}

impl<G, C> SignLayer<G, C> {
    /// Stamps by another clock.
    pub fn clock<D: Clock>(self, clock: D) -> SignLayer<G, D> {
        let Signing { signer, clock: _, scheme, user, origins, reuse } = self.signing;
        SignLayer { signing: Signing { signer, clock: Arc::new(clock), scheme, user, origins, reuse } }
    }

    /// Signs by another scheme than [`Scheme::SeraphV3`], for receivers that know only that one.
    pub fn scheme(mut self, scheme: Scheme) -> Self {
        self.signing.scheme = scheme;
        self
    }

    /// Asks `user` whom a request is made for that has no [`ActAs`] extension, by its other extensions
    /// or by whatever else `user` knows. With `None` the request leaves unsigned.
    ///
    /// Nothing binds such a request to the server it was meant for, so it is signed only for the
    /// [`origin`](Self::origin) and those of [`only_to`](Self::only_to): state at least one.
    pub fn acting_as(mut self, user: impl Fn(&Extensions) -> Option<ActAs> + Send + Sync + 'static) -> Self {
        self.signing.user = Some(Arc::new(user));
        self.signing.origins.listed.get_or_insert_with(|| Arc::new([]));
        self
    }

    /// Says where requests go whose URI is only a path, because the client below knows its server.
    /// It must be the origin under which that server is reached. An absolute URI for another origin
    /// is rejected, unless [`only_to`](Self::only_to) lists it.
    pub fn origin(mut self, origin: Origin) -> Self {
        self.signing.origins.own = Some(origin);
        self
    }

    /// Signs for these origins only; a request for any other that names a user is rejected.
    pub fn only_to(mut self, origins: impl IntoIterator<Item = Origin>) -> Self {
        self.signing.origins.listed = Some(origins.into_iter().collect());
        self
    }

    /// Sends the same headers again for 15 minutes, as Atlassian's clients do, for each of up to
    /// `capacity` pairs of user and URL (at least one; theirs keep 1000).
    ///
    /// It saves the signature (and the question to a key management service) on every request but
    /// the first. The price: certificates are stamped 15 minutes ahead, so whoever captures a request
    /// can repeat it for 15 minutes and the receiver's time-out, instead of for the time-out alone;
    /// and a receiver that remembers certificates to reject replays rejects the second request.
    ///
    /// Requests for one pair that come at the same time wait for one signature. The certificates
    /// belong to this layer, its clones and the services it makes.
    pub fn reuse_certificates(mut self, capacity: usize) -> Self {
        self.signing.reuse = Some(Arc::new(Certificates::new(capacity)));
        self
    }
}

impl<S, G, C> Layer<S> for SignLayer<G, C> {
    type Service = Sign<S, G, C>;

    fn layer(&self, inner: S) -> Self::Service {
        Sign::new(inner, Arc::new(self.signing.clone()))
    }
}

impl<G, C> Clone for SignLayer<G, C> {
    fn clone(&self) -> Self {
        Self { signing: self.signing.clone() }
    }
}

impl<G: Signer, C> fmt::Debug for SignLayer<G, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignLayer").field("signing", &self.signing).finish()
    }
}
