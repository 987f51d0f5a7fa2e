//! Where trusted applications come from.

use std::future::Future;
use std::sync::Arc;

use super::error::BoxError;
use crate::application::{ApplicationId, TrustedApplication};
use crate::crypto::Thumbprint;

/// Where trusted applications come from: the read path. A request of Seraph's names its application, an
/// HTTP message signature only the key.
///
/// `Ok(None)` means *not registered* and becomes a 401; an error means *cannot tell* and becomes a
/// 503, never a 401 and never a pass.
///
/// A public key belongs to one application. Seraph does not sign the id, so the holder of a key that
/// a store hands out under two ids chooses whose rules hold; only the store can see to that.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a key store",
    note = "implement `KeyStore`, or make one from a closure with `tower_trusted_app::keys::key_store_fn`"
)]
pub trait KeyStore: Send + Sync + 'static {
    /// What can go wrong.
    type Error: Into<BoxError>;

    /// The application registered under `id`, compared byte for byte.
    fn application(
        &self,
        id: &ApplicationId,
    ) -> impl Future<Output = Result<Option<Arc<TrustedApplication>>, Self::Error>> + Send;

    /// The application that has this key among its
    /// [`signature_keys`](TrustedApplication::signature_keys), in whatever state. A store of applications
    /// that have none answers `Ok(None)`.
    fn application_by_key(
        &self,
        key: &Thumbprint,
    ) -> impl Future<Output = Result<Option<Arc<TrustedApplication>>, Self::Error>> + Send;
}

impl<K: KeyStore> KeyStore for Arc<K> {
    type Error = K::Error;

    fn application(
        &self,
        id: &ApplicationId,
    ) -> impl Future<Output = Result<Option<Arc<TrustedApplication>>, Self::Error>> + Send {
        K::application(self, id)
    }

    fn application_by_key(
        &self,
        key: &Thumbprint,
    ) -> impl Future<Output = Result<Option<Arc<TrustedApplication>>, Self::Error>> + Send {
        K::application_by_key(self, key)
    }
}
