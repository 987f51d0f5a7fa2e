//! The options that state what an application may do.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use tower_trusted_app::application::{
    ApplicationError, DescriptionError, RuleDescription, TrustedApplicationBuilder,
};
use tower_trusted_app::conditions::{PathPattern, ReplayProtection};
use tower_trusted_app::permission::RuleList;
use tower_trusted_app::{ActAsPolicy, Scheme, TrustedApplication};

use crate::duration;

const RULES: &str = "What it may do";
const ACT_AS: &str = "Whom it may act as (each option changes its own part only)";

#[derive(Debug, Default, PartialEq, Args)]
pub(crate) struct Rules {
    /// The name for people
    #[arg(long, value_name = "NAME", help_heading = RULES)]
    name: Option<String>,

    /// How long after its stamp a request is accepted, with the unit (ms, s, m or h): 10s for a new application,
    /// 60s if it uses http-signature alone, which takes at most 300s. Atlassian's clients stamp 15 minutes ahead, so that theirs are accepted for so much longer
    #[arg(long, value_name = "TIME", value_parser = duration::parse, help_heading = RULES)]
    timeout: Option<Duration>,

    /// Where requests may come from, such as 10.1.*.* or 2001:db8::/32, or `any`; repeatable
    #[arg(long = "address", value_name = "PATTERN", help_heading = RULES)]
    addresses: Vec<String>,

    /// Which paths may be asked for. /TEXT: paths that begin so; subtree:/PATH; rpc:package.Service/Method;
    /// any. Repeatable
    #[arg(long = "path", value_name = "PATTERN", help_heading = RULES)]
    paths: Vec<String>,

    /// Which methods may be used, such as GET, or `any`; repeatable
    #[arg(long = "method", value_name = "M", help_heading = RULES)]
    methods: Vec<String>,

    /// How a request may prove itself: http-signature, seraph-v3 or insecure-seraph-v2; repeatable
    #[arg(long = "scheme", value_name = "SCHEME", help_heading = RULES)]
    schemes: Vec<Scheme>,

    /// Which requests by Seraph count once only; every one by http-signature does
    #[arg(long, value_parser = replay_protection(), value_name = "WHICH", help_heading = RULES)]
    replay_protection: Option<ReplayProtection>,

    /// Whether signatures of http-signature may leave the body out, so that anybody on the way can replace it
    #[arg(long, value_name = "TRUTH", help_heading = RULES)]
    insecure_unsigned_bodies: Option<bool>,

    #[command(flatten)]
    act_as: ActAs,
}

#[derive(Debug, Clone, Default, PartialEq, Args)]
struct ActAs {
    /// Everybody who is not denied, which is the default: takes away what --act-as-user and --act-as-group stated
    #[arg(long, help_heading = ACT_AS)]
    anybody: bool,

    /// Only this user; repeatable. These options take the place of those who were allowed before
    #[arg(long = "act-as-user", value_name = "NAME", conflicts_with = "anybody", help_heading = ACT_AS)]
    users: Vec<String>,

    /// Only the users of this group; repeatable
    #[arg(long = "act-as-group", value_name = "NAME", conflicts_with = "anybody", help_heading = ACT_AS)]
    groups: Vec<String>,

    /// Not this user, and none of those who are denied already; repeatable
    #[arg(long = "deny-user", value_name = "NAME", help_heading = ACT_AS)]
    denied_users: Vec<String>,

    /// Not the users of this group, and none of those who are denied already; repeatable
    #[arg(long = "deny-group", value_name = "NAME", help_heading = ACT_AS)]
    denied_groups: Vec<String>,

    /// Denies nobody any more but whom --deny-user and --deny-group state beside it
    #[arg(long, help_heading = ACT_AS)]
    deny_afresh: bool,

    /// Only by GET, HEAD and the like; =false takes that back
    #[arg(long, value_name = "TRUTH", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = ACT_AS)]
    read_only: Option<bool>,

    /// Administrators too; =false takes that back
    #[arg(long, value_name = "TRUTH", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = ACT_AS)]
    insecure_administrators: Option<bool>,
}

impl Rules {
    /// The registered application with all that is stated.
    pub(crate) fn edit(self, application: &TrustedApplication) -> anyhow::Result<TrustedApplicationBuilder> {
        if self == Self::default() {
            bail!(
                "say what to change: by --name, --timeout, --address, --path, --method, --scheme, --replay-protection or \
                 --insecure-unsigned-bodies; or whom it may act as, by --anybody, --act-as-user, --act-as-group, --deny-user, \
                 --deny-group, --deny-afresh, --read-only or --insecure-administrators (see --help)"
            );
        }
        let policy = self.act_as.clone().change(application.act_as());
        self.apply(application.to_builder().act_as(policy))
    }

    /// The description of a new application with all that is stated.
    pub(crate) fn describe(
        self,
        application: TrustedApplicationBuilder,
    ) -> anyhow::Result<TrustedApplicationBuilder> {
        let policy = self.act_as.clone().change(&ActAsPolicy::anybody());
        self.apply(application.act_as(policy))
    }

    /// All but the policy.
    fn apply(self, mut application: TrustedApplicationBuilder) -> anyhow::Result<TrustedApplicationBuilder> {
        if let Some(name) = self.name {
            application = application.name(name);
        }
        if let Some(timeout) = self.timeout {
            application = application.timeout(timeout);
        }
        if !self.addresses.is_empty() {
            application = application.addresses(rule("--address", &self.addresses)?);
        }
        if !self.paths.is_empty() {
            let typed = self.paths.iter().filter(|path| *path != "any");
            typed.map(|path| PathPattern::typed(path)).collect::<Result<Vec<_>, _>>().context("--path")?;
            application = application.paths(rule("--path", &self.paths)?);
        }
        if !self.methods.is_empty() {
            application = application.methods(rule("--method", &self.methods)?);
        }
        if !self.schemes.is_empty() {
            application = application.schemes(self.schemes);
        }
        if let Some(replays) = self.replay_protection {
            application = application.replay_protection(replays);
        }
        if let Some(allowed) = self.insecure_unsigned_bodies {
            application = application.insecure_unsigned_bodies(allowed);
        }
        Ok(application)
    }
}

impl ActAs {
    /// A policy with what is stated here; the rest of it stays.
    fn change(self, policy: &ActAsPolicy) -> ActAsPolicy {
        let only = !self.users.is_empty() || !self.groups.is_empty();
        let mut changed = match policy.allowed() {
            _ if only => ActAsPolicy::nobody().allow_users(self.users).allow_groups(self.groups),
            Some(allowed) if !self.anybody => {
                ActAsPolicy::nobody().allow_users(names(&allowed.users)).allow_groups(names(&allowed.groups))
            }
            _ => ActAsPolicy::anybody(),
        };
        if !self.deny_afresh {
            let denied = policy.denied();
            changed = changed.deny_users(names(&denied.users)).deny_groups(names(&denied.groups));
        }
        changed = changed.deny_users(self.denied_users).deny_groups(self.denied_groups);
        if self.read_only.unwrap_or(policy.is_read_only()) {
            changed = changed.read_only();
        }
        if self.insecure_administrators.unwrap_or(policy.allows_administrators()) {
            changed = changed.insecure_administrators();
        }
        changed
    }
}

fn names(names: &BTreeSet<Arc<str>>) -> impl Iterator<Item = Arc<str>> {
    names.iter().cloned()
}

/// Builds it, and says which option is wrong.
pub(crate) fn build(application: TrustedApplicationBuilder) -> anyhow::Result<TrustedApplication> {
    application.build().map_err(|error| match error {
        ApplicationError::AddressesNotStated => {
            anyhow::anyhow!("say by --address where requests may come from: a pattern, or `any`")
        }
        ApplicationError::PathsNotStated => {
            anyhow::anyhow!("say by --path which paths may be asked for: a pattern, or `any`")
        }
        error @ ApplicationError::NoKey(scheme) => {
            let taken = match scheme {
                Scheme::HttpSignature => "`apps add` and `apps rotate` take one by --jwk",
                _ => "`apps add` takes one by --spki",
            };
            anyhow::anyhow!("--scheme: {error}: {taken}, `apps import` from a file")
        }
        error => match option_of(&error) {
            Some(option) => anyhow::Error::from(error).context(option),
            None => error.into(),
        },
    })
}

fn option_of(error: &ApplicationError) -> Option<&'static str> {
    Some(match error {
        ApplicationError::RuleName { list, .. } | ApplicationError::ActAsName { list, .. } => match list {
            RuleList::Users => "--act-as-user",
            RuleList::Groups => "--act-as-group",
            RuleList::DenyUsers => "--deny-user",
            RuleList::DenyGroups => "--deny-group",
            _ => return None,
        },
        ApplicationError::Path(_) => "--path",
        ApplicationError::Method(_) => "--method",
        ApplicationError::Timeout => "--timeout",
        _ => return None,
    })
}

/// What an option states of a rule.
fn rule<R>(option: &'static str, entries: &[String]) -> anyhow::Result<R>
where
    R: for<'d> TryFrom<&'d RuleDescription, Error = DescriptionError>,
{
    let written: RuleDescription = entries.iter().collect();
    R::try_from(&written).map_err(|error| anyhow::Error::new(error.into_problem()).context(option))
}

/// The words of the option, each with what it means.
fn replay_protection() -> impl TypedValueParser<Value = ReplayProtection> {
    let help = |protection| match protection {
        ReplayProtection::NonIdempotent => "POST, PATCH and the like",
        ReplayProtection::Every => "Every request",
        _ => "None",
    };
    let words = ReplayProtection::ALL
        .map(|protection| PossibleValue::new(protection.as_str()).help(help(protection)));
    PossibleValuesParser::new(words).try_map(|word| word.parse())
}
