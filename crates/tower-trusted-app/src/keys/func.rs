//! A key store from a closure.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use trusted_app_core::crypto::Thumbprint;
use trusted_app_core::{ApplicationId, BoxError, KeyStore, TrustedApplication};

/// Makes a [`KeyStore`] of a closure.
///
/// ```
/// use std::sync::Arc;
/// use tower_trusted_app::keys::key_store_fn;
/// use trusted_app_core::{ApplicationId, KeyStore, TrustedApplication};
///
/// # async fn fetch(id: &str) -> std::io::Result<Option<Arc<TrustedApplication>>> { Ok(None) }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let keys = key_store_fn(|id: ApplicationId| async move { fetch(id.as_str()).await });
/// assert!(keys.application(&"wiki".parse()?).await?.is_none());
/// # Ok(())
/// # }
/// ```
///
/// It finds applications by their id alone, which is what Seraph asks for; for HTTP message signatures see
/// [`by_key`](KeyStoreFn::by_key).
pub fn key_store_fn<F, Fut, E>(look_up: F) -> KeyStoreFn<F>
where
    F: Fn(ApplicationId) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Option<Arc<TrustedApplication>>, E>> + Send,
    E: Into<BoxError>,
{
    KeyStoreFn { look_up, by_key: NoKeys }
}

/// The [`KeyStore`] that [`key_store_fn`] makes.
#[derive(Clone, Copy)]
pub struct KeyStoreFn<F, G = NoKeys> {
    look_up: F,
    by_key: G,
}

/// No application has a key for HTTP message signatures.
#[derive(Debug, Clone, Copy)]
pub struct NoKeys;

impl<F> KeyStoreFn<F> {
    /// The same with a second closure, which finds the application that has a key for HTTP message
    /// signatures.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use tower_trusted_app::crypto::Thumbprint;
    /// # use tower_trusted_app::keys::key_store_fn;
    /// # use trusted_app_core::{ApplicationId, KeyStore, TrustedApplication};
    /// # async fn fetch(id: &str) -> std::io::Result<Option<Arc<TrustedApplication>>> { Ok(None) }
    /// # async fn fetch_by_key(key: &str) -> std::io::Result<Option<Arc<TrustedApplication>>> { Ok(None) }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let keys = key_store_fn(|id: ApplicationId| async move { fetch(id.as_str()).await })
    ///     .by_key(|key: Thumbprint| async move { fetch_by_key(&key.to_string()).await });
    /// let key: Thumbprint = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k".parse()?;
    /// assert!(keys.application_by_key(&key).await?.is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub fn by_key<G, Fut, E>(self, by_key: G) -> KeyStoreFn<F, G>
    where
        G: Fn(Thumbprint) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Option<Arc<TrustedApplication>>, E>> + Send,
        E: Into<BoxError>,
    {
        KeyStoreFn { look_up: self.look_up, by_key }
    }
}

impl<F, Fut, E> KeyStore for KeyStoreFn<F>
where
    F: Fn(ApplicationId) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Option<Arc<TrustedApplication>>, E>> + Send,
    E: Into<BoxError>,
{
    type Error = E;

    fn application(
        &self,
        id: &ApplicationId,
    ) -> impl Future<Output = Result<Option<Arc<TrustedApplication>>, E>> + Send {
        (self.look_up)(id.clone())
    }

    async fn application_by_key(&self, _: &Thumbprint) -> Result<Option<Arc<TrustedApplication>>, E> {
        Ok(None)
    }
}

impl<F, G, Fut, ByKey, E> KeyStore for KeyStoreFn<F, G>
where
    F: Fn(ApplicationId) -> Fut + Send + Sync + 'static,
    G: Fn(Thumbprint) -> ByKey + Send + Sync + 'static,
    Fut: Future<Output = Result<Option<Arc<TrustedApplication>>, E>> + Send,
    ByKey: Future<Output = Result<Option<Arc<TrustedApplication>>, E>> + Send,
    E: Into<BoxError>,
{
    type Error = E;

    fn application(
        &self,
        id: &ApplicationId,
    ) -> impl Future<Output = Result<Option<Arc<TrustedApplication>>, E>> + Send {
        (self.look_up)(id.clone())
    }

    fn application_by_key(
        &self,
        key: &Thumbprint,
    ) -> impl Future<Output = Result<Option<Arc<TrustedApplication>>, E>> + Send {
        (self.by_key)(*key)
    }
}

impl<F, G> fmt::Debug for KeyStoreFn<F, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyStoreFn").field("look_up", &std::any::type_name::<F>()).finish()
    }
}
