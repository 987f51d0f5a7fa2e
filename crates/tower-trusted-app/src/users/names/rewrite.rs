//! Names that are other names here.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use trusted_app_core::store::NameLookup;
use trusted_app_core::{TrustedApplication, UserDirectory, UserLookup};

use super::log::log_tried;

/// Makes of a peer's name the name that the user has here.
pub trait NameRewrite: Send + Sync + 'static {
    /// What the name is here.
    fn rewrite<'n>(&self, name: &'n str) -> Rewrite<'n>;
}

/// What becomes of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rewrite<'n> {
    /// It is the same here.
    Same,
    /// Somebody decided that it is this one here.
    Stated(Cow<'n, str>),
    /// By a rule it is this one here. A user who has the peer's name as it stands, and is another, makes
    /// the name ambiguous.
    Derived(Cow<'n, str>),
    /// It is the name here of somebody who is called otherwise there.
    Ambiguous,
}

/// Drops these domains: `DOM\user` and `user@dom` are `user` here. ASCII letters of a domain match in
/// either case; a domain that is not listed stays, for its `alice` is another.
#[derive(Debug, Clone)]
pub struct StripDomain {
    domains: Vec<String>,
}

impl StripDomain {
    /// Drops each of these, before a backslash and after an `@`.
    pub fn of<D: Into<String>>(domains: impl IntoIterator<Item = D>) -> Self {
        Self { domains: domains.into_iter().map(Into::into).collect() }
    }

    fn drops(&self, domain: &str) -> bool {
        self.domains.iter().any(|one| one.eq_ignore_ascii_case(domain))
    }
}

impl NameRewrite for StripDomain {
    fn rewrite<'n>(&self, name: &'n str) -> Rewrite<'n> {
        let before = name.split_once('\\').map(|(domain, user)| (user, domain));
        let after = name.rsplit_once('@');
        match before.into_iter().chain(after).find(|(user, domain)| !user.is_empty() && self.drops(domain)) {
            Some((user, _)) => Rewrite::Derived(Cow::Borrowed(user)),
            None => Rewrite::Same,
        }
    }
}

/// Who is called what here, one by one. Who does not stand in it has the same name.
///
/// A name that stands only on the right is ambiguous: with `asmith` → `alice`, the peer's own `alice` is
/// not our `alice`. If she is, say so by `alice` → `alice`. That holds for every spelling under which the
/// directory would find her, by a fold or without a domain.
///
/// Spell our names as the directory does: an entry whose name on the right it knows by another spelling finds nobody.
///
/// ```
/// use tower_trusted_app::UserLookup;
/// use tower_trusted_app::users::names::{LowerCase, NameTable};
/// use tower_trusted_app::users::{MemoryDirectory, UserDirectoryExt};
/// # use tower_trusted_app::{PublicKey, TrustedApplication, UserDirectory, conditions::{AddressRule, PathRule}};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let wiki_key = PublicKey::from_base64(include_str!("../../../../trusted-app-core/tests/data/public-key-2048.txt"))?;
/// # let wiki = TrustedApplication::builder("wiki".parse()?, wiki_key)
/// #     .addresses(AddressRule::any()).paths(PathRule::any()).build()?;
/// let users = MemoryDirectory::of_names(["alice"])
///     .folding(LowerCase)
///     .rewriting(NameTable::new([("asmith", "alice")])?);
///
/// assert!(matches!(users.user(&wiki, "asmith").await?, UserLookup::Found(user) if &*user.name == "alice"));
/// assert!(matches!(users.user(&wiki, "Alice").await?, UserLookup::Ambiguous));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct NameTable {
    names: HashMap<String, String>,
    taken: HashSet<String>,
}

impl NameTable {
    /// A table of pairs: the peer's name, and ours.
    ///
    /// # Errors
    ///
    /// When one of the peer's names is listed twice.
    pub fn new<P, O>(pairs: impl IntoIterator<Item = (P, O)>) -> Result<Self, NameTableError>
    where
        P: Into<String>,
        O: Into<String>,
    {
        let mut table = Self::default();
        for (theirs, ours) in pairs {
            let (theirs, ours) = (theirs.into(), ours.into());
            table.taken.insert(ours.clone());
            if table.names.contains_key(&theirs) {
                return Err(NameTableError { name: theirs });
            }
            table.names.insert(theirs, ours);
        }
        Ok(table)
    }
}

impl NameRewrite for NameTable {
    fn rewrite<'n>(&self, name: &'n str) -> Rewrite<'n> {
        match self.names.get(name) {
            Some(ours) => Rewrite::Stated(Cow::Owned(ours.clone())),
            None if self.taken.contains(name) => Rewrite::Ambiguous,
            None => Rewrite::Same,
        }
    }
}

/// A peer's name that stands in a [`NameTable`] twice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the peer's user {name:?} is listed twice")]
pub struct NameTableError {
    name: String,
}

/// A directory that is asked for rewritten names. Made by
/// [`rewriting`](crate::users::UserDirectoryExt::rewriting).
#[derive(Debug, Clone)]
pub struct Rewritten<D, R> {
    directory: D,
    rewrite: R,
}

impl<D, R> Rewritten<D, R> {
    pub(in crate::users) fn new(directory: D, rewrite: R) -> Self {
        Self { directory, rewrite }
    }
}

impl<D, R: NameRewrite> Rewritten<D, R> {
    /// Whether the user who was found under a name is, by their own name here, somebody else's: what is behind this
    /// directory may find a user under many spellings, and only their canonical name is sure to be in a table.
    fn is_of_another(&self, name: &str, canonical: &str) -> bool {
        name != canonical
            && match self.rewrite.rewrite(canonical) {
                Rewrite::Same | Rewrite::Derived(_) => false,
                Rewrite::Stated(ours) => *ours != *canonical,
                Rewrite::Ambiguous => true,
            }
    }
}

impl<D: UserDirectory, R: NameRewrite> UserDirectory for Rewritten<D, R> {
    type User = D::User;
    type Error = D::Error;

    async fn user(
        &self,
        application: &TrustedApplication,
        name: &str,
    ) -> Result<UserLookup<D::User>, D::Error> {
        let (tried, answer) = match self.rewrite.rewrite(name) {
            Rewrite::Same => match self.directory.user(application, name).await? {
                UserLookup::Found(user) if self.is_of_another(name, &user.name) => {
                    (Cow::Owned(user.name.to_string()), UserLookup::Ambiguous)
                }
                answer => return Ok(answer),
            },
            Rewrite::Ambiguous => (Cow::Borrowed(name), UserLookup::Ambiguous),
            Rewrite::Stated(ours) => match self.directory.user(application, &ours).await? {
                // Stated of a spelling: under the name itself the peer's own user would be found too.
                UserLookup::Found(user) if *user.name != *ours => (ours, UserLookup::Unknown),
                answer => (ours, answer),
            },
            Rewrite::Derived(ours) => {
                let derived = self.directory.user(application, &ours).await?;
                let as_it_stands = self.directory.user(application, name).await?;
                let answer = if same_user(&derived, &as_it_stands) {
                    derived
                } else {
                    UserLookup::only([derived, as_it_stands])
                };
                match answer {
                    UserLookup::Found(user) if self.is_of_another(name, &user.name) => {
                        (ours, UserLookup::Ambiguous)
                    }
                    answer => (ours, answer),
                }
            }
        };
        log_tried(application, name, &tried, &answer);
        Ok(answer)
    }

    /// Rules are about canonical names, which are not mapped.
    async fn knows_user(&self, name: &str) -> Result<NameLookup, D::Error> {
        self.directory.knows_user(name).await
    }

    async fn knows_group(&self, name: &str) -> Result<NameLookup, D::Error> {
        self.directory.knows_group(name).await
    }

    fn administrator_groups(&self) -> &[Arc<str>] {
        self.directory.administrator_groups()
    }
}

/// Whether two answers are about one user, as far as they tell.
fn same_user<U>(one: &UserLookup<U>, other: &UserLookup<U>) -> bool {
    matches!((one, other), (UserLookup::Found(one), UserLookup::Found(other)) if one.name == other.name)
}
