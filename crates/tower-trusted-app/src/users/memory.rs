//! Users in memory.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use foldhash::fast::RandomState;
use trusted_app_core::store::{FoldedDirectory, FoldedName, NameLookup};
use trusted_app_core::{KnownUser, TrustedApplication, UserDirectory, UserLookup};

/// Users in memory, which can be changed while requests are served.
///
/// Names match byte for byte. Clones share the users. A look-up takes no lock; each change copies
/// the table, so bring many users in at once, by [`new`](Self::new).
///
/// ```
/// use tower_trusted_app::KnownUser;
/// use tower_trusted_app::users::MemoryDirectory;
///
/// let users = MemoryDirectory::of_names(["alice", "bob"]);
/// users.deny("bob"); // has left, but the name is still his
/// users.insert_user(KnownUser::new("carol", ()).with_groups(["staff", "admins"]).as_administrator());
/// ```
pub struct MemoryDirectory<U = ()> {
    entries: Arc<ArcSwap<Entries<U>>>,
}

/// The users by name; `None` for one who may not log in.
type Entries<U> = HashMap<Arc<str>, Option<KnownUser<U>>, RandomState>;

impl MemoryDirectory {
    /// A directory that knows no more than these names.
    pub fn of_names<N: Into<Arc<str>>>(names: impl IntoIterator<Item = N>) -> Self {
        Self::new(names.into_iter().map(|name| (name, ())))
    }
}

impl<U: Clone> MemoryDirectory<U> {
    /// A directory of these users. Of two with one name, the later counts.
    pub fn new<N: Into<Arc<str>>>(users: impl IntoIterator<Item = (N, U)>) -> Self {
        Self::of_users(users.into_iter().map(|(name, user)| KnownUser::new(name, user)))
    }

    /// A directory of these users, each with groups and whether an administrator. Of two with one name,
    /// the later counts.
    pub fn of_users(users: impl IntoIterator<Item = KnownUser<U>>) -> Self {
        let entries: Entries<U> =
            users.into_iter().map(|user| (Arc::clone(&user.name), Some(user))).collect();
        Self { entries: Arc::new(ArcSwap::from_pointee(entries)) }
    }

    /// Lets `name` log in as `user`, in no group, whatever stood there before.
    pub fn insert(&self, name: impl Into<Arc<str>>, user: U) {
        self.insert_user(KnownUser::new(name, user));
    }

    /// Lets this user log in, whatever stood under the name before.
    pub fn insert_user(&self, user: KnownUser<U>) {
        self.put(Arc::clone(&user.name), Some(user));
    }

    /// Keeps `name` as somebody who exists but may not log in.
    pub fn deny(&self, name: impl Into<Arc<str>>) {
        self.put(name.into(), None);
    }

    /// Forgets `name`.
    pub fn remove(&self, name: &str) {
        self.change(|entries| drop(entries.remove(name)));
    }

    /// What the directory says about `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> UserLookup<U> {
        match self.entries.load().get(name) {
            Some(Some(user)) => UserLookup::Found(user.clone()),
            Some(None) => UserLookup::Denied,
            None => UserLookup::Unknown,
        }
    }

    fn put(&self, name: Arc<str>, entry: Option<KnownUser<U>>) {
        self.change(|entries| drop(entries.insert(Arc::clone(&name), entry.clone())));
    }

    /// Changes a copy and publishes it; starts again if another change came first.
    fn change(&self, change: impl Fn(&mut Entries<U>)) {
        self.entries.rcu(|entries| {
            let mut entries = Entries::clone(entries);
            change(&mut entries);
            entries
        });
    }
}

impl<U: Clone + Send + Sync + 'static> UserDirectory for MemoryDirectory<U> {
    type User = U;
    type Error = Infallible;

    async fn user(&self, _: &TrustedApplication, name: &str) -> Result<UserLookup<U>, Infallible> {
        Ok(self.get(name))
    }

    async fn knows_user(&self, name: &str) -> Result<NameLookup, Infallible> {
        Ok(NameLookup::among(name, self.entries.load().keys()))
    }

    /// A group that no user is in is not known.
    async fn knows_group(&self, name: &str) -> Result<NameLookup, Infallible> {
        let entries = self.entries.load();
        Ok(NameLookup::among(name, entries.values().flatten().flat_map(|user| user.groups.iter())))
    }
}

/// Looks at every name.
impl<U: Clone + Send + Sync + 'static> FoldedDirectory for MemoryDirectory<U> {
    async fn folded_user(
        &self,
        _: &TrustedApplication,
        name: &FoldedName<'_>,
    ) -> Result<UserLookup<U>, Infallible> {
        let entries = self.entries.load();
        let covered = entries.keys().filter(|one| name.covers(one));
        Ok(UserLookup::only(covered.map(|one| self.get(one))))
    }
}

impl<U> Clone for MemoryDirectory<U> {
    fn clone(&self) -> Self {
        Self { entries: Arc::clone(&self.entries) }
    }
}

impl<U> fmt::Debug for MemoryDirectory<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryDirectory").field("users", &self.entries.load().len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_byte_for_byte() {
        let users = MemoryDirectory::new([("alice", 1), ("bob", 2), ("bob", 3)]);
        assert_eq!(users.get("alice"), UserLookup::found("alice", 1));
        assert_eq!(users.get("bob"), UserLookup::found("bob", 3));
        for unknown in ["Alice", "alice ", "", "alic", "аlice"] {
            assert_eq!(users.get(unknown), UserLookup::Unknown, "{unknown}");
        }
    }

    #[tokio::test]
    async fn changes_are_seen_by_every_clone() {
        let users = MemoryDirectory::of_names(["alice"]);
        let clone = users.clone();
        let wiki = crate::keys::samples::application("wiki", 1024);
        let ask = async |name| {
            let Ok(answer) = clone.user(&wiki, name).await;
            answer
        };
        users.insert("bob", ());
        assert_eq!(ask("bob").await, UserLookup::found("bob", ()));
        users.deny("alice");
        assert_eq!(ask("alice").await, UserLookup::Denied);
        users.insert("alice", ());
        assert_eq!(ask("alice").await, UserLookup::found("alice", ()));
        users.remove("alice");
        assert_eq!(ask("alice").await, UserLookup::Unknown);
    }
}
