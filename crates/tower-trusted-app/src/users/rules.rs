//! Whether the directory has the users and groups that rules name.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use trusted_app_core::permission::{Members, caseless_eq};
use trusted_app_core::store::NameLookup;
use trusted_app_core::text::escaped;
use trusted_app_core::{ApplicationId, TrustedApplication, UserDirectory, UserLookup};

/// Asks a directory about every name in the rules of these applications, and about its own groups of administrators.
/// Returns those that match no user or group as they are written.
///
/// A rule that denies `contractor` where the group is `contractors` denies no one. So call it when a server starts, and
/// log what it finds. Each name is asked for once. Names about which the directory
/// [cannot tell](NameLookup::CannotTell) are left out.
///
/// ```
/// # use tower_trusted_app::{PublicKey, conditions::{AddressRule, PathRule}};
/// use tower_trusted_app::users::{MemoryDirectory, check_rule_names};
/// use tower_trusted_app::{ActAsPolicy, KnownUser, TrustedApplication};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let key = PublicKey::from_base64(include_str!("../../../trusted-app-core/tests/data/public-key-2048.txt"))?;
/// let users = MemoryDirectory::of_users([KnownUser::new("bob", ()).with_groups(["contractors"])]);
/// # let (addresses, paths) = (AddressRule::any(), PathRule::any());
/// let application = TrustedApplication::builder("wiki".parse()?, key).addresses(addresses).paths(paths);
///
/// let right = application.clone().act_as(ActAsPolicy::anybody().deny_groups(["contractors"])).build()?;
/// assert!(check_rule_names(&users, [&right]).await?.is_empty());
///
/// let wrong = application.act_as(ActAsPolicy::anybody().deny_groups(["contractor"])).build()?;
/// let problems = check_rule_names(&users, [&wrong]).await?;
/// assert_eq!(
///     problems[0].to_string(),
///     "the application `wiki` denies the group `contractor`, but the directory has no such group"
/// );
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// The first error of the directory.
pub async fn check_rule_names<'a, D: UserDirectory>(
    directory: &D,
    applications: impl IntoIterator<Item = &'a TrustedApplication>,
) -> Result<Vec<RuleNameProblem>, D::Error> {
    let mut check =
        Check { directory, users: BTreeMap::new(), groups: BTreeMap::new(), problems: Vec::new() };
    for name in directory.administrator_groups() {
        check.group(None, RuleList::AdministratorGroups, name).await?;
    }
    for application in applications {
        let policy = application.act_as();
        let allowed =
            policy.allowed().map(|allowed| (allowed, RuleList::AllowedUsers, RuleList::AllowedGroups));
        let denied = (policy.denied(), RuleList::DeniedUsers, RuleList::DeniedGroups);
        for (Members { users, groups, .. }, of_users, of_groups) in allowed.into_iter().chain([denied]) {
            for name in users {
                check.user(application, of_users, name).await?;
            }
            for name in groups {
                check.group(Some(application), of_groups, name).await?;
            }
        }
    }
    Ok(check.problems)
}

struct Check<'a, D> {
    directory: &'a D,
    /// What was asked for already.
    users: BTreeMap<Arc<str>, NameLookup>,
    groups: BTreeMap<Arc<str>, NameLookup>,
    problems: Vec<RuleNameProblem>,
}

impl<D: UserDirectory> Check<'_, D> {
    async fn user(
        &mut self,
        application: &TrustedApplication,
        list: RuleList,
        name: &Arc<str>,
    ) -> Result<(), D::Error> {
        let mut answer = match self.users.get(name) {
            Some(answer) => answer.clone(),
            None => {
                let answer = self.directory.knows_user(name).await?;
                self.users.insert(Arc::clone(name), answer.clone());
                answer
            }
        };
        if answer == NameLookup::CannotTell {
            // As a request of this application would find out.
            answer = match self.directory.user(application, name).await? {
                UserLookup::Found(user) => NameLookup::Known(user.name),
                UserLookup::Unknown => NameLookup::Unknown,
                _ => NameLookup::CannotTell,
            };
        }
        self.judge(Some(application), list, name, answer);
        Ok(())
    }

    async fn group(
        &mut self,
        application: Option<&TrustedApplication>,
        list: RuleList,
        name: &Arc<str>,
    ) -> Result<(), D::Error> {
        let answer = match self.groups.get(name) {
            Some(answer) => answer.clone(),
            None => {
                let answer = self.directory.knows_group(name).await?;
                self.groups.insert(Arc::clone(name), answer.clone());
                answer
            }
        };
        self.judge(application, list, name, answer);
        Ok(())
    }

    fn judge(
        &mut self,
        application: Option<&TrustedApplication>,
        list: RuleList,
        name: &Arc<str>,
        answer: NameLookup,
    ) {
        let spelling = match answer {
            NameLookup::Known(spelling) if list.matches(name, &spelling) => return,
            NameLookup::Known(spelling) => Some(spelling),
            NameLookup::Unknown => None,
            _ => return,
        };
        let application = application.map(|application| application.id().clone());
        self.problems.push(RuleNameProblem { application, list, name: Arc::clone(name), spelling });
    }
}

/// A name in a rule that matches no user or group of the directory. Found by [`check_rule_names`]; its text says what to
/// change.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuleNameProblem {
    /// Whose rule it is; `None` for the directory's own list.
    pub application: Option<ApplicationId>,
    /// The list that has the name.
    pub list: RuleList,
    /// The name as it is written there.
    pub name: Arc<str>,
    /// How the directory spells it, if it knows it by another spelling that the rule does not match.
    pub spelling: Option<Arc<str>>,
}

/// A list of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RuleList {
    /// Users whom an application may act as.
    AllowedUsers,
    /// Groups whose members an application may act as.
    AllowedGroups,
    /// Users whom an application may not act as.
    DeniedUsers,
    /// Groups whose members an application may not act as.
    DeniedGroups,
    /// Groups whose members the directory takes for administrators.
    AdministratorGroups,
}

impl RuleList {
    /// Whether a rule of this list that says `name` is about what the directory spells so.
    fn matches(self, name: &str, spelling: &str) -> bool {
        match self {
            Self::AllowedUsers | Self::AllowedGroups => name == spelling,
            Self::DeniedUsers | Self::DeniedGroups | Self::AdministratorGroups => caseless_eq(name, spelling),
        }
    }

    const fn kind(self) -> &'static str {
        match self {
            Self::AllowedUsers | Self::DeniedUsers => "user",
            Self::AllowedGroups | Self::DeniedGroups | Self::AdministratorGroups => "group",
        }
    }
}

impl fmt::Display for RuleNameProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.application {
            Some(application) => write!(f, "the application `{}`", escaped(application.as_str()))?,
            None => f.write_str("the user directory")?,
        }
        let verb = match self.list {
            RuleList::AllowedUsers | RuleList::AllowedGroups => "allows",
            RuleList::DeniedUsers | RuleList::DeniedGroups => "denies",
            RuleList::AdministratorGroups => "takes for administrators",
        };
        let kind = self.list.kind();
        write!(f, " {verb} the {kind} `{}`, but ", escaped(&self.name))?;
        match &self.spelling {
            None => write!(f, "the directory has no such {kind}"),
            Some(spelling) => write!(f, "the directory spells it `{0}`: write `{0}`", escaped(spelling)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use trusted_app_core::{ActAsPolicy, KnownUser};

    use super::super::names::{LowerCase, NameTable};
    use super::super::{LogIn, MemoryDirectory, UserDirectoryExt, log_in_fn, user_directory_fn};
    use super::*;
    use crate::keys::samples;

    fn people() -> MemoryDirectory {
        let in_groups = |name: &str, groups: &[&str]| KnownUser::new(name, ()).with_groups(groups.to_vec());
        let users = MemoryDirectory::of_users([
            in_groups("alice", &["staff"]),
            in_groups("bob", &["contractors", "müller"]),
        ]);
        users.deny("mallory");
        users
    }

    fn application(policy: ActAsPolicy) -> TrustedApplication {
        samples::application("wiki", 1024).to_builder().act_as(policy).build().unwrap()
    }

    async fn said(directory: &impl UserDirectory, policy: ActAsPolicy) -> Vec<String> {
        let problems = check_rule_names(directory, [&application(policy)]).await;
        let problems = problems.unwrap_or_else(|error| panic!("{}", error.into()));
        let texts = problems.iter().map(ToString::to_string);
        texts.map(|text| text.replace("the application `wiki` ", "")).collect()
    }

    #[tokio::test]
    async fn names_that_match_no_one_are_found() {
        let (anybody, nobody) = (ActAsPolicy::anybody, ActAsPolicy::nobody);
        for (policy, expected) in [
            (anybody(), ""),
            (anybody().deny_users(["alice", "mallory"]).deny_groups(["staff", "Contractors", "MÜLLER"]), ""),
            (nobody().allow_users(["alice", "mallory"]).allow_groups(["staff"]), ""),
            (
                anybody().deny_groups(["contractor"]),
                "denies the group `contractor`, but the directory has no such group",
            ),
            (anybody().deny_users(["mal"]), "denies the user `mal`, but the directory has no such user"),
            (
                nobody().allow_groups(["alice"]),
                "allows the group `alice`, but the directory has no such group",
            ),
            (nobody().allow_users(["staff"]), "allows the user `staff`, but the directory has no such user"),
            // Who is allowed is compared byte for byte.
            (
                nobody().allow_groups(["Staff"]),
                "allows the group `Staff`, but the directory spells it `staff`: write `staff`",
            ),
            (
                nobody().allow_users(["ALICE"]),
                "allows the user `ALICE`, but the directory spells it `alice`: write `alice`",
            ),
            (
                anybody().deny_groups(["cn=staff,dc=example"]),
                "denies the group `cn=staff,dc=example`, but the directory has no such group",
            ),
        ] {
            assert_eq!(said(&people(), policy).await.join("\n"), expected);
        }
    }

    #[tokio::test]
    async fn every_wrapper_passes_the_question_on() {
        let policy = || ActAsPolicy::anybody().deny_groups(["contractor"]).deny_users(["mal", "ALICE"]);
        let expected = [
            "denies the user `mal`, but the directory has no such user",
            "denies the group `contractor`, but the directory has no such group",
        ];
        let table = NameTable::new([("asmith", "alice")]).unwrap();
        assert_eq!(said(&people(), policy()).await, expected);
        assert_eq!(said(&Arc::new(people()), policy()).await, expected);
        assert_eq!(said(&people().boxed(), policy()).await, expected);
        assert_eq!(said(&people().cached(), policy()).await, expected);
        assert_eq!(said(&people().folding(LowerCase), policy()).await, expected);
        assert_eq!(said(&people().rewriting(table), policy()).await, expected);
        let closed = log_in_fn(|_, _: &KnownUser<()>| LogIn::Refused("closed".into()));
        assert_eq!(said(&people().log_in_policy(closed), policy()).await, expected);
    }

    /// A directory with groups of administrators.
    struct Host(Vec<Arc<str>>);

    impl UserDirectory for Host {
        type User = ();
        type Error = Infallible;

        async fn user(&self, _: &TrustedApplication, _: &str) -> Result<UserLookup<()>, Infallible> {
            Ok(UserLookup::Unknown)
        }

        async fn knows_group(&self, name: &str) -> Result<NameLookup, Infallible> {
            Ok(NameLookup::among(name, ["admins"]))
        }

        fn administrator_groups(&self) -> &[Arc<str>] {
            &self.0
        }
    }

    #[tokio::test]
    async fn a_group_of_administrators_that_is_not_there_is_found() {
        let host = || Host(vec!["Admins".into(), "admin".into()]);
        let expected = [
            "the user directory takes for administrators the group `admin`, but the directory has no such group",
        ];
        let policy = ActAsPolicy::anybody;
        assert_eq!(said(&host(), policy()).await, expected);
        assert_eq!(said(&Arc::new(host()), policy()).await, expected);
        assert_eq!(said(&host().boxed(), policy()).await, expected);
        assert_eq!(said(&host().cached(), policy()).await, expected);
        let table = NameTable::new([("asmith", "alice")]).unwrap();
        assert_eq!(said(&host().rewriting(table), policy()).await, expected);
        let open = log_in_fn(|_, _: &KnownUser<()>| LogIn::Allowed);
        assert_eq!(said(&host().log_in_policy(open), policy()).await, expected);
    }

    #[tokio::test]
    async fn a_directory_that_cannot_tell_is_asked_for_its_users() {
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        let users = user_directory_fn(move |_, name: String| {
            counted.fetch_add(1, Ordering::Relaxed);
            async move {
                Ok::<_, Infallible>(match &*name {
                    "asmith" | "alice" => UserLookup::found("alice", ()),
                    "mallory" => UserLookup::Denied,
                    _ => UserLookup::Unknown,
                })
            }
        });
        let policy =
            ActAsPolicy::anybody().deny_users(["alice", "asmith", "mallory", "bob"]).deny_groups(["x"]);
        assert_eq!(
            said(&users, policy).await,
            [
                "denies the user `asmith`, but the directory spells it `alice`: write `alice`",
                "denies the user `bob`, but the directory has no such user",
            ]
        );
        assert_eq!(asked.load(Ordering::Relaxed), 4);
    }

    #[tokio::test]
    async fn an_outage_is_an_error() {
        let users = user_directory_fn(|_, _| async { Err::<UserLookup<()>, _>("no route to host") });
        let policy = ActAsPolicy::anybody().deny_users(["alice"]);
        assert_eq!(check_rule_names(&users, [&application(policy)]).await.unwrap_err(), "no route to host");
    }
}
