//! A user directory chosen at run time.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use trusted_app_core::store::NameLookup;
use trusted_app_core::{BoxError, TrustedApplication, UserDirectory, UserLookup};

type Answer<'a, A> = Pin<Box<dyn Future<Output = Result<A, BoxError>> + Send + 'a>>;

/// [`UserDirectory`] in a form that can be a trait object: each look-up allocates one future.
trait DynUserDirectory<U>: Send + Sync {
    fn boxed_user<'a>(
        &'a self,
        application: &'a TrustedApplication,
        name: &'a str,
    ) -> Answer<'a, UserLookup<U>>;

    fn boxed_knows_user<'a>(&'a self, name: &'a str) -> Answer<'a, NameLookup>;

    fn boxed_knows_group<'a>(&'a self, name: &'a str) -> Answer<'a, NameLookup>;

    fn dyn_administrator_groups(&self) -> &[Arc<str>];
}

impl<D: UserDirectory> DynUserDirectory<D::User> for D {
    fn boxed_user<'a>(
        &'a self,
        application: &'a TrustedApplication,
        name: &'a str,
    ) -> Answer<'a, UserLookup<D::User>> {
        Box::pin(async move { UserDirectory::user(self, application, name).await.map_err(Into::into) })
    }

    fn boxed_knows_user<'a>(&'a self, name: &'a str) -> Answer<'a, NameLookup> {
        Box::pin(async move { self.knows_user(name).await.map_err(Into::into) })
    }

    fn boxed_knows_group<'a>(&'a self, name: &'a str) -> Answer<'a, NameLookup> {
        Box::pin(async move { self.knows_group(name).await.map_err(Into::into) })
    }

    fn dyn_administrator_groups(&self) -> &[Arc<str>] {
        self.administrator_groups()
    }
}

/// Any directory of users of type `U`, chosen at run time. Made by [`UserDirectoryExt::boxed`](super::UserDirectoryExt::boxed);
/// clones share the directory.
pub struct BoxUserDirectory<U> {
    directory: Arc<dyn DynUserDirectory<U>>,
}

impl<U> BoxUserDirectory<U> {
    pub(super) fn new(directory: impl UserDirectory<User = U>) -> Self {
        Self { directory: Arc::new(directory) }
    }
}

impl<U: Clone + Send + Sync + 'static> UserDirectory for BoxUserDirectory<U> {
    type User = U;
    type Error = BoxError;

    async fn user(&self, application: &TrustedApplication, name: &str) -> Result<UserLookup<U>, BoxError> {
        self.directory.boxed_user(application, name).await
    }

    async fn knows_user(&self, name: &str) -> Result<NameLookup, BoxError> {
        self.directory.boxed_knows_user(name).await
    }

    async fn knows_group(&self, name: &str) -> Result<NameLookup, BoxError> {
        self.directory.boxed_knows_group(name).await
    }

    fn administrator_groups(&self) -> &[Arc<str>] {
        self.directory.dyn_administrator_groups()
    }
}

impl<U> Clone for BoxUserDirectory<U> {
    fn clone(&self) -> Self {
        Self { directory: Arc::clone(&self.directory) }
    }
}

impl<U> fmt::Debug for BoxUserDirectory<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxUserDirectory").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{MemoryDirectory, UserDirectoryExt, user_directory_fn};
    use super::*;

    #[tokio::test]
    async fn answers_as_the_directory_within() {
        let wiki = crate::keys::samples::application("wiki", 1024);
        let memory = MemoryDirectory::new([("alice", 7)]);
        let by_application = user_directory_fn(|application, name: String| async move {
            if name == "nobody" {
                Err("no such table")
            } else {
                Ok(UserLookup::found(format!("{application}/{name}"), 8))
            }
        });
        for (directory, expected) in [
            (memory.boxed(), UserLookup::found("alice", 7)),
            (by_application.boxed(), UserLookup::found("wiki/alice", 8)),
        ] {
            assert_eq!(directory.clone().user(&wiki, "alice").await.unwrap(), expected);
        }
        assert_eq!(
            by_application.boxed().user(&wiki, "nobody").await.unwrap_err().to_string(),
            "no such table"
        );
    }
}
