//! The host application's own say in who may log in: the original's `canLogin`.

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;
use std::future::{Future, ready};
use std::sync::Arc;

use trusted_app_core::permission::{GroupNameError, GroupNames};
use trusted_app_core::store::NameLookup;
use trusted_app_core::{BoxError, KnownUser, TrustedApplication, UserDirectory, UserLookup};

/// Who may log in to the host application, of the users that the directory finds.
///
/// The directory says who a user is; this says whether the host application wants them: a permission to
/// use it at all, a maintenance window, a licence. What it rejects is `PERMISSION_DENIED`, with the reason
/// in the log and the audit record and not in the answer. An error means *cannot tell* and becomes a 503.
///
/// Two policies in a tuple are one that asks both, in their order. Put it before a directory with
/// [`log_in_policy`](super::UserDirectoryExt::log_in_policy); before a cached one it is asked for every
/// request, within the cache once per time-to-live.
///
/// ```
/// use tower_trusted_app::KnownUser;
/// use tower_trusted_app::users::{LogIn, MemoryDirectory, RequireGroup, UserDirectoryExt, log_in_fn};
///
/// let users = MemoryDirectory::of_users([KnownUser::new("alice", ()).with_groups(["users"])]);
/// let closed = log_in_fn(|_application, user: &KnownUser<()>| match &*user.name {
///     "guest" => LogIn::Refused("guests come in by the front door".into()),
///     _ => LogIn::Allowed,
/// });
/// let users = users.log_in_policy((RequireGroup::any_of(["users"])?, closed));
/// # Ok::<_, tower_trusted_app::permission::GroupNameError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no log-in policy for users of type `{U}`",
    note = "implement `LogInPolicy`, or make one from a closure with `log_in_fn`"
)]
pub trait LogInPolicy<U>: Send + Sync + 'static {
    /// What can go wrong.
    type Error: Into<BoxError>;

    /// Whether this user may log in, for this application to act as them.
    fn log_in(
        &self,
        application: &TrustedApplication,
        user: &KnownUser<U>,
    ) -> impl Future<Output = Result<LogIn, Self::Error>> + Send;
}

/// A log-in policy's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogIn {
    /// The user may log in.
    Allowed,
    /// The user may not, for this reason, which is for the log.
    Refused(Cow<'static, str>),
}

impl<U, A, B> LogInPolicy<U> for (A, B)
where
    U: Sync,
    A: LogInPolicy<U>,
    B: LogInPolicy<U>,
{
    type Error = BoxError;

    async fn log_in(&self, application: &TrustedApplication, user: &KnownUser<U>) -> Result<LogIn, BoxError> {
        match self.0.log_in(application, user).await.map_err(Into::into)? {
            LogIn::Allowed => self.1.log_in(application, user).await.map_err(Into::into),
            refused => Ok(refused),
        }
    }
}

/// Lets in who is in one of these groups: the original's permission to use JIRA. Names are compared byte for byte.
#[derive(Debug, Clone)]
pub struct RequireGroup {
    groups: GroupNames,
}

impl RequireGroup {
    /// Any of these groups will do; of an empty list, none will. A name that looks like a distinguished name is warned
    /// of in the log.
    ///
    /// # Errors
    ///
    /// When a name [can be no group's](GroupNames::new): no user would be let in.
    pub fn any_of<G: Into<Arc<str>>>(groups: impl IntoIterator<Item = G>) -> Result<Self, GroupNameError> {
        let groups = GroupNames::new(groups)?;
        for warning in groups.warnings() {
            tracing::warn!(target: "trusted_app", "required group: {warning}");
        }
        Ok(Self { groups })
    }
}

impl<U: Sync> LogInPolicy<U> for RequireGroup {
    type Error = Infallible;

    async fn log_in(&self, _: &TrustedApplication, user: &KnownUser<U>) -> Result<LogIn, Infallible> {
        Ok(if user.groups.iter().any(|group| self.groups.contains(group)) {
            LogIn::Allowed
        } else {
            LogIn::Refused(format!("in none of the groups {}", self.groups.as_slice().join(", ")).into())
        })
    }
}

/// Makes a [`LogInPolicy`] of a closure that answers at once.
pub fn log_in_fn<U, F>(policy: F) -> LogInFn<F>
where
    F: Fn(&TrustedApplication, &KnownUser<U>) -> LogIn + Send + Sync + 'static,
{
    LogInFn { policy }
}

/// The [`LogInPolicy`] that [`log_in_fn`] makes.
#[derive(Clone, Copy)]
pub struct LogInFn<F> {
    policy: F,
}

impl<U, F> LogInPolicy<U> for LogInFn<F>
where
    F: Fn(&TrustedApplication, &KnownUser<U>) -> LogIn + Send + Sync + 'static,
{
    type Error = Infallible;

    fn log_in(
        &self,
        application: &TrustedApplication,
        user: &KnownUser<U>,
    ) -> impl Future<Output = Result<LogIn, Infallible>> + Send {
        ready(Ok((self.policy)(application, user)))
    }
}

impl<F> fmt::Debug for LogInFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogInFn").finish_non_exhaustive()
    }
}

/// A directory behind a [`LogInPolicy`].
#[derive(Debug, Clone)]
pub struct WithLogInPolicy<D, P> {
    directory: D,
    policy: P,
}

impl<D, P> WithLogInPolicy<D, P> {
    pub(super) fn new(directory: D, policy: P) -> Self {
        Self { directory, policy }
    }
}

impl<D: UserDirectory, P: LogInPolicy<D::User>> UserDirectory for WithLogInPolicy<D, P> {
    type User = D::User;
    type Error = BoxError;

    async fn user(
        &self,
        application: &TrustedApplication,
        name: &str,
    ) -> Result<UserLookup<D::User>, BoxError> {
        let answer = self.directory.user(application, name).await.map_err(Into::into)?;
        let UserLookup::Found(user) = answer else { return Ok(answer) };
        Ok(match self.policy.log_in(application, &user).await.map_err(Into::into)? {
            LogIn::Allowed => UserLookup::Found(user),
            LogIn::Refused(reason) => UserLookup::LogInRefused(reason),
        })
    }

    async fn knows_user(&self, name: &str) -> Result<NameLookup, BoxError> {
        self.directory.knows_user(name).await.map_err(Into::into)
    }

    async fn knows_group(&self, name: &str) -> Result<NameLookup, BoxError> {
        self.directory.knows_group(name).await.map_err(Into::into)
    }

    fn administrator_groups(&self) -> &[Arc<str>] {
        self.directory.administrator_groups()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{MemoryDirectory, UserDirectoryExt};
    use super::*;

    fn people() -> MemoryDirectory {
        let in_groups =
            |name: &str, groups: &[&str]| KnownUser::new(name, ()).with_groups(groups.iter().copied());
        let users = MemoryDirectory::of_users([
            in_groups("alice", &["staff", "users"]),
            in_groups("bob", &["Users"]),
            in_groups("carol", &[]),
        ]);
        users.deny("mallory");
        users
    }

    async fn answer(directory: impl UserDirectory, name: &str) -> Result<String, String> {
        let wiki = crate::keys::samples::application("wiki", 1024);
        match directory.user(&wiki, name).await {
            Ok(UserLookup::Found(user)) => Ok(user.name.to_string()),
            Ok(UserLookup::LogInRefused(reason)) => Ok(reason.into_owned()),
            Ok(UserLookup::Denied) => Ok("denied".to_owned()),
            Ok(_) => Ok("unknown".to_owned()),
            Err(error) => Err(error.into().to_string()),
        }
    }

    #[tokio::test]
    async fn only_who_is_found_is_asked_about() {
        let nobody = || log_in_fn(|_, _: &KnownUser<()>| LogIn::Refused("closed".into()));
        for (name, expected) in [("alice", "closed"), ("mallory", "denied"), ("dave", "unknown")] {
            assert_eq!(answer(people().log_in_policy(nobody()), name).await.unwrap(), expected);
        }
    }

    #[tokio::test]
    async fn a_group_is_required_as_it_is_spelt() {
        for (groups, name, expected) in [
            (vec!["users"], "alice", "alice"),
            (vec!["guests", "users"], "alice", "alice"),
            (vec!["users"], "bob", "in none of the groups users"),
            (vec!["users", "staff"], "carol", "in none of the groups users, staff"),
            (vec![], "alice", "in none of the groups "),
        ] {
            let directory = people().log_in_policy(RequireGroup::any_of(groups.clone()).unwrap());
            assert_eq!(answer(directory, name).await.unwrap(), expected, "{groups:?} {name}");
        }
    }

    #[test]
    fn a_required_group_that_no_directory_can_answer_is_refused() {
        for name in ["users ", "", "users\u{200b}", "mu\u{308}ller", "*"] {
            assert!(RequireGroup::any_of(["staff", name]).is_err(), "{name:?}");
        }
    }

    #[tokio::test]
    async fn two_policies_ask_both_and_the_first_refusal_counts() {
        let refuse =
            |reason: &'static str| log_in_fn(move |_, _: &KnownUser<()>| LogIn::Refused(reason.into()));
        let allow = || log_in_fn(|_, _: &KnownUser<()>| LogIn::Allowed);
        let directory = people().log_in_policy((refuse("one"), refuse("two")));
        assert_eq!(answer(directory, "alice").await.unwrap(), "one");
        assert_eq!(answer(people().log_in_policy((allow(), refuse("two"))), "alice").await.unwrap(), "two");
        assert_eq!(
            answer(people().log_in_policy((allow(), (allow(), allow()))), "alice").await.unwrap(),
            "alice"
        );
    }

    #[tokio::test]
    async fn a_policy_that_cannot_tell_is_an_error() {
        #[derive(Clone)]
        struct Broken;
        impl LogInPolicy<()> for Broken {
            type Error = &'static str;
            async fn log_in(&self, _: &TrustedApplication, _: &KnownUser<()>) -> Result<LogIn, &'static str> {
                Err("the licence server is away")
            }
        }
        let directory = people().log_in_policy((RequireGroup::any_of(["staff"]).unwrap(), Broken));
        assert_eq!(answer(directory.clone(), "alice").await.unwrap_err(), "the licence server is away");
        assert_eq!(answer(directory, "bob").await.unwrap(), "in none of the groups staff");
    }
}
