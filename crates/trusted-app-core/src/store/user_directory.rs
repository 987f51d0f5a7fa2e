//! Where users come from.

use std::borrow::Cow;
use std::future::Future;
use std::sync::Arc;

use super::error::BoxError;
use super::names::NameLookup;
use crate::application::TrustedApplication;
use crate::user::KnownUser;

/// Where users come from.
///
/// As with [`KeyStore`](super::KeyStore), an error means *cannot tell* and becomes a 503.
///
/// ```
/// use trusted_app_core::{TrustedApplication, UserDirectory, UserLookup};
///
/// # #[derive(Clone)] struct User { login: String, active: bool }
/// # struct Accounts;
/// # impl Accounts { async fn fetch(&self, _name: &str) -> std::io::Result<Option<User>> { Ok(None) } }
/// impl UserDirectory for Accounts {
///     type User = User;
///     type Error = std::io::Error;
///
///     async fn user(&self, _: &TrustedApplication, name: &str) -> std::io::Result<UserLookup<User>> {
///         Ok(match self.fetch(name).await? {
///             Some(user) if user.active => UserLookup::found(user.login.clone(), user),
///             Some(_) => UserLookup::Denied,
///             None => UserLookup::Unknown,
///         })
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a user directory",
    note = "implement `UserDirectory`, or make one from a closure with `tower_trusted_app::users::user_directory_fn`"
)]
pub trait UserDirectory: Send + Sync + 'static {
    /// What a handler receives as the user.
    type User: Clone + Send + Sync + 'static;

    /// What can go wrong.
    type Error: Into<BoxError>;

    /// Who `name` is. The name comes from a verified signature and has no control characters.
    fn user(
        &self,
        application: &TrustedApplication,
        name: &str,
    ) -> impl Future<Output = Result<UserLookup<Self::User>, Self::Error>> + Send;

    /// Whether there is a user whose canonical name is `name`, also one who may not log in. It is asked about the names
    /// in rules, when a server starts or a rule is written, and never for a request.
    ///
    /// By default a directory cannot tell.
    fn knows_user(&self, name: &str) -> impl Future<Output = Result<NameLookup, Self::Error>> + Send {
        let _ = name;
        async { Ok(NameLookup::CannotTell) }
    }

    /// Whether a user can be in a group of this name. It is asked about the names in rules, as
    /// [`knows_user`](Self::knows_user) is.
    ///
    /// By default a directory cannot tell.
    fn knows_group(&self, name: &str) -> impl Future<Output = Result<NameLookup, Self::Error>> + Send {
        let _ = name;
        async { Ok(NameLookup::CannotTell) }
    }

    /// The groups whose members this directory takes for administrators, as its operator wrote them. None by default.
    fn administrator_groups(&self) -> &[Arc<str>] {
        &[]
    }
}

/// A directory's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum UserLookup<U> {
    /// The user exists and may log in.
    Found(KnownUser<U>),
    /// The user exists but may not log in: `PERMISSION_DENIED`.
    Denied,
    /// The user exists, and the host application's own policy keeps them out, for this reason:
    /// `PERMISSION_DENIED`. The reason is for the log.
    LogInRefused(Cow<'static, str>),
    /// The name could mean more than one user: `PERMISSION_DENIED`. A directory never answers with the
    /// first hit.
    Ambiguous,
    /// There is nobody of that name: `USER_UNKNOWN`.
    Unknown,
}

impl<U> UserLookup<U> {
    /// The user exists, under this canonical name, and may log in.
    pub fn found(name: impl Into<Arc<str>>, user: U) -> Self {
        Self::Found(KnownUser::new(name, user))
    }
}

impl<D: UserDirectory> UserDirectory for Arc<D> {
    type User = D::User;
    type Error = D::Error;

    fn user(
        &self,
        application: &TrustedApplication,
        name: &str,
    ) -> impl Future<Output = Result<UserLookup<Self::User>, Self::Error>> + Send {
        D::user(self, application, name)
    }

    fn knows_user(&self, name: &str) -> impl Future<Output = Result<NameLookup, Self::Error>> + Send {
        D::knows_user(self, name)
    }

    fn knows_group(&self, name: &str) -> impl Future<Output = Result<NameLookup, Self::Error>> + Send {
        D::knows_group(self, name)
    }

    fn administrator_groups(&self) -> &[Arc<str>] {
        D::administrator_groups(self)
    }
}
