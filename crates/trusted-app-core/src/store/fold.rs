//! Names that are written differently and mean one user.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use super::user_directory::{UserDirectory, UserLookup};
use crate::application::TrustedApplication;

/// Which spellings are one name: those that fold to the same key.
pub trait NameFold: Send + Sync + 'static {
    /// The key of a name.
    fn fold<'n>(&self, name: &'n str) -> Cow<'n, str>;
}

/// Each spelling is a name of its own: no fold.
#[derive(Debug, Clone, Copy, Default)]
pub struct Exact;

impl NameFold for Exact {
    fn fold<'n>(&self, name: &'n str) -> Cow<'n, str> {
        Cow::Borrowed(name)
    }
}

/// One after the other.
impl<A: NameFold, B: NameFold> NameFold for (A, B) {
    fn fold<'n>(&self, name: &'n str) -> Cow<'n, str> {
        match self.0.fold(name) {
            Cow::Borrowed(name) => self.1.fold(name),
            Cow::Owned(name) => Cow::Owned(self.1.fold(&name).into_owned()),
        }
    }
}

/// A name under a [`NameFold`].
pub struct FoldedName<'a> {
    key: Cow<'a, str>,
    fold: &'a dyn NameFold,
}

impl<'a> FoldedName<'a> {
    /// Folds a name.
    pub fn new(name: &'a str, fold: &'a dyn NameFold) -> Self {
        Self { key: fold.fold(name), fold }
    }

    /// The name alone, which covers nothing but itself.
    #[must_use]
    pub fn exact(name: &'a str) -> Self {
        Self::new(name, &Exact)
    }

    /// What the name folds to.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Whether this name folds to the same.
    #[must_use]
    pub fn covers(&self, name: &str) -> bool {
        self.fold.fold(name) == self.key
    }
}

impl fmt::Debug for FoldedName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FoldedName").field("key", &self.key).finish_non_exhaustive()
    }
}

/// A directory that can see all its users whose names fold to one key.
///
/// Only the directory can: whoever stands before one that compares byte for byte, and asks it for `alice`
/// when the peer said `ALICE`, never hears of a user `Alice`, and takes the first hit for the one who was
/// meant.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be asked for every user whose name folds to one key",
    note = "only the directory can see that two of its users fold to one name: implement `FoldedDirectory`"
)]
pub trait FoldedDirectory: UserDirectory {
    /// The one user whose name [is covered](FoldedName::covers). [`UserLookup::Ambiguous`] if there are
    /// more, also if some of them may not log in.
    fn folded_user(
        &self,
        application: &TrustedApplication,
        name: &FoldedName<'_>,
    ) -> impl Future<Output = Result<UserLookup<Self::User>, Self::Error>> + Send;
}

impl<D: FoldedDirectory> FoldedDirectory for Arc<D> {
    fn folded_user(
        &self,
        application: &TrustedApplication,
        name: &FoldedName<'_>,
    ) -> impl Future<Output = Result<UserLookup<Self::User>, Self::Error>> + Send {
        D::folded_user(self, application, name)
    }
}

impl<U> UserLookup<U> {
    /// The answer where each of several records may be who was meant: the one, or
    /// [`Ambiguous`](Self::Ambiguous), and never the first hit. [`Unknown`](Self::Unknown) ones do not count.
    pub fn only(candidates: impl IntoIterator<Item = Self>) -> Self {
        let mut candidates = candidates.into_iter().filter(|one| !matches!(one, Self::Unknown));
        match (candidates.next(), candidates.next()) {
            (None, _) => Self::Unknown,
            (Some(one), None) => one,
            (Some(_), Some(_)) => Self::Ambiguous,
        }
    }
}
