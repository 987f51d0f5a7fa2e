//! A key store chosen at run time.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use trusted_app_core::crypto::Thumbprint;
use trusted_app_core::{ApplicationId, BoxError, KeyStore, TrustedApplication};

type Answer<'a> =
    Pin<Box<dyn Future<Output = Result<Option<Arc<TrustedApplication>>, BoxError>> + Send + 'a>>;

/// [`KeyStore`] in a form that can be a trait object: each look-up allocates one future.
trait DynKeyStore: Send + Sync {
    fn boxed_application<'a>(&'a self, id: &'a ApplicationId) -> Answer<'a>;
    fn boxed_application_by_key<'a>(&'a self, key: &'a Thumbprint) -> Answer<'a>;
}

impl<K: KeyStore> DynKeyStore for K {
    fn boxed_application<'a>(&'a self, id: &'a ApplicationId) -> Answer<'a> {
        Box::pin(async move { KeyStore::application(self, id).await.map_err(Into::into) })
    }

    fn boxed_application_by_key<'a>(&'a self, key: &'a Thumbprint) -> Answer<'a> {
        Box::pin(async move { KeyStore::application_by_key(self, key).await.map_err(Into::into) })
    }
}

/// Any key store, chosen at run time. Made by [`KeyStoreExt::boxed`]; clones share the store.
#[derive(Clone)]
pub struct BoxKeyStore {
    store: Arc<dyn DynKeyStore>,
}

impl KeyStore for BoxKeyStore {
    type Error = BoxError;

    async fn application(&self, id: &ApplicationId) -> Result<Option<Arc<TrustedApplication>>, BoxError> {
        self.store.boxed_application(id).await
    }

    async fn application_by_key(
        &self,
        key: &Thumbprint,
    ) -> Result<Option<Arc<TrustedApplication>>, BoxError> {
        self.store.boxed_application_by_key(key).await
    }
}

impl fmt::Debug for BoxKeyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxKeyStore").finish_non_exhaustive()
    }
}

/// What every [`KeyStore`] can do besides.
pub trait KeyStoreExt: KeyStore + Sized {
    /// Hides which store it is, so that different ones fit one type.
    ///
    /// ```
    /// use tower_trusted_app::keys::{BoxKeyStore, KeyStoreExt, MemoryKeyStore, key_store_fn};
    ///
    /// # fn choose(empty: bool) -> Result<BoxKeyStore, Box<dyn std::error::Error>> {
    /// Ok(if empty {
    ///     MemoryKeyStore::new([])?.boxed()
    /// } else {
    ///     key_store_fn(|_id| async { Err("the registry is down") }).boxed()
    /// })
    /// # }
    /// # choose(true).and(choose(false)).unwrap();
    /// ```
    fn boxed(self) -> BoxKeyStore {
        BoxKeyStore { store: Arc::new(self) }
    }
}

impl<K: KeyStore> KeyStoreExt for K {}

#[cfg(test)]
mod tests {
    use super::super::samples::application;
    use super::super::{MemoryKeyStore, key_store_fn};
    use super::*;

    #[tokio::test]
    async fn answers_as_the_store_within() {
        let id = "a".parse().unwrap();
        let memory = MemoryKeyStore::new([application("a", 1024)]).unwrap();
        let boxed = memory.clone().boxed();
        assert_eq!(boxed.clone().application(&id).await.unwrap().unwrap().id(), &id);
        memory.remove(&id);
        assert!(boxed.application(&id).await.unwrap().is_none());

        let down = key_store_fn(|_| async { Err("the registry is down") }).boxed();
        assert_eq!(down.application(&id).await.unwrap_err().to_string(), "the registry is down");
    }
}
