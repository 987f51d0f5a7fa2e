//! A peer that puts a domain before every name.

use tower_trusted_app::users::UserDirectoryExt;
use tower_trusted_app::users::names::{Rewritten, StripDomain};
use tower_trusted_app::{TrustedApplication, UserDirectory, UserLookup};

/// The users behind a [`StripDomain`] that matches: whoever is asked for is asked for as `NOWHERE\\name`.
pub struct InDomain<D>(Rewritten<D, StripDomain>);

impl<D: UserDirectory> InDomain<D> {
    /// These users.
    pub fn new(users: D) -> Self {
        Self(users.rewriting(StripDomain::of(["NOWHERE"])))
    }
}

impl<D: UserDirectory> UserDirectory for InDomain<D> {
    type User = D::User;
    type Error = D::Error;

    async fn user(
        &self,
        application: &TrustedApplication,
        name: &str,
    ) -> Result<UserLookup<D::User>, D::Error> {
        self.0.user(application, &format!("NOWHERE\\{name}")).await
    }
}
