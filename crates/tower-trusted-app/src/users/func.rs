//! A user directory from a closure.

use std::fmt;
use std::future::Future;

use trusted_app_core::{ApplicationId, BoxError, TrustedApplication, UserDirectory, UserLookup};

/// Makes a [`UserDirectory`] of a closure, which gets the application that asks and the name.
///
/// ```
/// use tower_trusted_app::users::user_directory_fn;
/// use trusted_app_core::{ApplicationId, UserDirectory, UserLookup};
///
/// # struct User { login: String, active: bool }
/// # async fn fetch(name: &str) -> std::io::Result<Option<User>> { Ok(None) }
/// # impl Clone for User { fn clone(&self) -> Self { User { login: self.login.clone(), active: self.active } } }
/// let users = user_directory_fn(|_application: ApplicationId, name: String| async move {
///     std::io::Result::Ok(match fetch(&name).await? {
///         Some(user) if user.active => UserLookup::found(user.login.clone(), user),
///         Some(_) => UserLookup::Denied,
///         None => UserLookup::Unknown,
///     })
/// });
/// # fn is_directory(_: impl UserDirectory) {}
/// # is_directory(users);
/// ```
pub fn user_directory_fn<F, Fut, U, E>(look_up: F) -> UserDirectoryFn<F>
where
    F: Fn(ApplicationId, String) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<UserLookup<U>, E>> + Send,
    U: Clone + Send + Sync + 'static,
    E: Into<BoxError>,
{
    UserDirectoryFn { look_up }
}

/// The [`UserDirectory`] that [`user_directory_fn`] makes.
#[derive(Clone, Copy)]
pub struct UserDirectoryFn<F> {
    look_up: F,
}

impl<F, Fut, U, E> UserDirectory for UserDirectoryFn<F>
where
    F: Fn(ApplicationId, String) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<UserLookup<U>, E>> + Send,
    U: Clone + Send + Sync + 'static,
    E: Into<BoxError>,
{
    type User = U;
    type Error = E;

    fn user(
        &self,
        application: &TrustedApplication,
        name: &str,
    ) -> impl Future<Output = Result<UserLookup<U>, E>> + Send {
        (self.look_up)(application.id().clone(), name.to_owned())
    }
}

impl<F> fmt::Debug for UserDirectoryFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserDirectoryFn").field("look_up", &std::any::type_name::<F>()).finish()
    }
}
