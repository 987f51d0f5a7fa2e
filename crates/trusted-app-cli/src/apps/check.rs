//! `trusted-app apps check`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use tower_trusted_app::users::{MemoryDirectory, check_rule_names};
use tower_trusted_app::{KnownUser, TrustedApplication};

use crate::store::StoreOption;
use crate::{output, users};

/// List what is odd about the registered applications: rules about users or groups that are not there, rules that match
/// nothing
///
/// A rule that denies the group `contractor` where it is called `contractors` denies no one. State the users and their
/// groups, and each name in a rule that none of them has is listed. A group without users is not there. In a rule that
/// allows, letter case counts; in one that denies, it does not. LDAP and SQL directories are not asked: there the
/// server itself can, by `check_rule_names`.
#[derive(Debug, Args)]
#[command(after_help = EXIT_STATUS, after_long_help = MORE)]
pub(crate) struct Check {
    #[command(flatten)]
    store: StoreOption,

    /// A user, and the groups of the user; repeatable
    #[arg(long = "user", visible_alias = "users", value_name = "NAME[:GROUP,…]", value_parser = users::user)]
    users: Vec<KnownUser<()>>,

    /// A file of users, one a line as with --user. Empty lines and lines that begin with # do not count
    #[arg(long, value_name = "FILE")]
    users_file: Option<PathBuf>,
}

const EXIT_STATUS: &str = "\
Exit status: 0 nothing is odd, 1 something is, 2 bad options or a bad file.";

const MORE: &str = "\
Examples:
  trusted-app apps check --store sqlite:trust.db --user alice:staff,editors --user bob
  trusted-app apps check --store sqlite:trust.db --users-file users.txt

users.txt:
  # name, and after a colon the groups
  alice:staff,editors
  bob

Without users only the rules themselves are looked at.

Exit status:
  0  nothing is odd
  1  something is, and was listed
  2  bad options or a bad file";

impl Check {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let (mut applications, mut odd) = (Vec::new(), Vec::new());
        for entry in self.store.open().await?.all().await? {
            match entry {
                Ok(registered) => applications.push(registered.application),
                Err(broken) => {
                    odd.push(format!("the application `{}` cannot be read: see `apps show`", broken.id));
                }
            }
        }
        let applications: Vec<&TrustedApplication> = applications.iter().map(AsRef::as_ref).collect();
        if let Some(directory) = self.directory()? {
            let Ok(problems) = check_rule_names(&directory, applications.iter().copied()).await;
            odd.extend(problems.iter().map(ToString::to_string));
        } else {
            output::remark("hint", "state users by --user or --users-file to check the names in rules too");
        }
        for application in &applications {
            let warnings = application.warnings();
            odd.extend(warnings.iter().map(|odd| format!("the application `{}`: {odd}", application.id())));
        }
        for text in &odd {
            output::line(text)?;
        }
        if odd.is_empty() {
            output::line(format_args!("{}: nothing is odd", count(applications.len())))?;
            return Ok(ExitCode::SUCCESS);
        }
        Ok(ExitCode::FAILURE)
    }

    /// The users that are stated, if any are.
    fn directory(&self) -> anyhow::Result<Option<MemoryDirectory>> {
        let of_file = self.users_file.as_deref().map(users::file).transpose()?;
        if self.users.is_empty() && of_file.is_none() {
            return Ok(None);
        }
        let users = of_file.into_iter().flatten().chain(self.users.iter().cloned());
        Ok(Some(MemoryDirectory::of_users(users)))
    }
}

fn count(applications: usize) -> String {
    match applications {
        1 => "1 application".to_owned(),
        count => format!("{count} applications"),
    }
}
