//! A key store from a closure.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

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
pub fn key_store_fn<F, Fut, E>(look_up: F) -> KeyStoreFn<F>
where
    F: Fn(ApplicationId) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Option<Arc<TrustedApplication>>, E>> + Send,
    E: Into<BoxError>,
{
    KeyStoreFn { look_up }
}

/// The [`KeyStore`] that [`key_store_fn`] makes.
#[derive(Clone, Copy)]
pub struct KeyStoreFn<F> {
    look_up: F,
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
}

impl<F> fmt::Debug for KeyStoreFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyStoreFn").field("look_up", &std::any::type_name::<F>()).finish()
    }
}
