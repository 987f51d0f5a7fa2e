//! What may stand before a directory, as methods of every directory.

use trusted_app_core::UserDirectory;

use super::boxed::BoxUserDirectory;
use super::cache::CachedDirectory;
use super::log_in::{LogInPolicy, WithLogInPolicy};
use super::names::{Folded, FoldedDirectory, NameFold, NameRewrite, Rewritten};

/// What every [`UserDirectory`] can do besides.
pub trait UserDirectoryExt: UserDirectory + Sized {
    /// Hides which directory it is, so that different ones fit one type.
    fn boxed(self) -> BoxUserDirectory<Self::User> {
        BoxUserDirectory::new(self)
    }

    /// Remembers the directory's answers for a minute; see [`CachedDirectory`] for other bounds.
    fn cached(self) -> CachedDirectory<Self> {
        CachedDirectory::new(self)
    }

    /// Takes all spellings that fold to one key for one name; see [`names`](super::names).
    fn folding<F: NameFold>(self, fold: F) -> Folded<Self, F>
    where
        Self: FoldedDirectory,
    {
        Folded::new(self, fold)
    }

    /// Makes another name of the peer's before the directory is asked; see [`names`](super::names).
    fn rewriting<R: NameRewrite>(self, rewrite: R) -> Rewritten<Self, R> {
        Rewritten::new(self, rewrite)
    }

    /// Asks the host application's own policy about every user that the directory finds.
    fn log_in_policy<P: LogInPolicy<Self::User>>(self, policy: P) -> WithLogInPolicy<Self, P> {
        WithLogInPolicy::new(self, policy)
    }
}

impl<D: UserDirectory> UserDirectoryExt for D {}
