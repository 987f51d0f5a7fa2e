//! What a change of an application allows that was rejected before.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::key::{ApplicationKey, KeyState};
use super::trusted::TrustedApplication;
use crate::conditions::PathPattern;
use crate::crypto::SignatureKey;
use crate::limits::MIN_RSA_BITS;
use crate::permission::{Members, caseless_eq};
use crate::text::escaped;

/// One rule of an application that allows more than it did before. See [`TrustedApplication::widened_from`].
///
/// Displayed as the rule and what is new, such as `methods: from now on also: DELETE`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Widening {
    /// Which rule.
    pub rule: WidenedRule,
    text: String,
}

impl Widening {
    /// What is new, such as `from now on also: DELETE`.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Widening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.text)
    }
}

/// A rule of an application, as a [`Widening`] names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum WidenedRule {
    /// The keys of Seraph's schemes that sign.
    PublicKeys,
    /// The keys for HTTP message signatures that sign.
    SignatureKeys,
    /// Where those keys come from.
    KeyDirectory,
    /// The smallest RSA key.
    RsaBits,
    /// How a request proves itself.
    Schemes,
    /// Where requests come from.
    Addresses,
    /// Which paths are asked for.
    Paths,
    /// Which methods are used, and whether only safe ones.
    Methods,
    /// How old a request is.
    Timeout,
    /// Which requests count once.
    ReplayProtection,
    /// Whether signatures cover the body.
    Bodies,
    /// Which users the application acts as, and whether as administrators.
    Users,
    /// Which groups' members it acts as.
    Groups,
}

impl WidenedRule {
    /// The rule in words, such as `public keys`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PublicKeys => "public keys",
            Self::SignatureKeys => "signature keys",
            Self::KeyDirectory => "key directory",
            Self::RsaBits => "RSA bits",
            Self::Schemes => "schemes",
            Self::Addresses => "addresses",
            Self::Paths => "paths",
            Self::Methods => "methods",
            Self::Timeout => "time-out",
            Self::ReplayProtection => "replay protection",
            Self::Bodies => "bodies",
            Self::Users => "users",
            Self::Groups => "groups",
        }
    }
}

impl fmt::Display for WidenedRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TrustedApplication {
    /// Which rules of this application allow more than those of what it was `before`: for a warning before or after a
    /// change. Empty if everything that is allowed now was allowed before.
    ///
    /// Rules are compared one by one, and where one cannot be told to be as narrow as before it counts as wider: a
    /// warning too many is the safe side.
    ///
    /// ```
    /// use trusted_app_core::application::TrustedApplication;
    /// use trusted_app_core::conditions::{AddressRule, MethodRule, PathRule};
    /// use trusted_app_core::PublicKey;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let base64 = include_str!("../../tests/data/public-key-2048.txt");
    /// let before = TrustedApplication::builder("wiki".parse()?, PublicKey::from_base64(base64)?)
    ///     .addresses("10.0.0.0/8".parse()?)
    ///     .paths(PathRule::prefixes(["/rest"]))
    ///     .methods(MethodRule::only([http::Method::GET]))
    ///     .build()?;
    ///
    /// let narrower = before.to_builder().addresses("10.1.2.3".parse()?).build()?;
    /// assert!(narrower.widened_from(&before).is_empty());
    ///
    /// let wider = before.to_builder().methods(MethodRule::only([http::Method::GET, http::Method::DELETE])).build()?;
    /// assert_eq!(wider.widened_from(&before)[0].to_string(), "methods: from now on also: DELETE");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn widened_from(&self, before: &Self) -> Vec<Widening> {
        let mut wider = Wider(Vec::new());
        wider.keys(WidenedRule::PublicKeys, &self.keys, &before.keys, |key| key.fingerprint().to_string());
        let thumbprint = |key: &SignatureKey| key.thumbprint().to_string();
        wider.keys(WidenedRule::SignatureKeys, &self.signature_keys, &before.signature_keys, thumbprint);
        if let Some(url) = self.key_directory().filter(|url| before.key_directory() != Some(url)) {
            wider.say(WidenedRule::KeyDirectory, format!("keys come from {} from now on", escaped(url)));
        }
        let (bits, bits_before) = (self.smallest_rsa_bits(), before.smallest_rsa_bits());
        if bits < bits_before {
            wider.say(WidenedRule::RsaBits, format!("from now on {bits}, not {bits_before}"));
        }
        let new = self.schemes.iter().filter(|scheme| !before.schemes.contains(scheme));
        wider.also(WidenedRule::Schemes, new);
        wider.conditions(self, before);
        wider.act_as(self, before);
        wider.0
    }

    fn smallest_rsa_bits(&self) -> usize {
        let smallest = self.keys.iter().map(|key| key.public_key().bits()).min();
        smallest.map_or(MIN_RSA_BITS, |bits| bits.min(MIN_RSA_BITS))
    }
}

/// What was found to be wider.
struct Wider(Vec<Widening>);

impl Wider {
    fn say(&mut self, rule: WidenedRule, text: impl Into<String>) {
        self.0.push(Widening { rule, text: text.into() });
    }

    fn list<T: ToString>(&mut self, rule: WidenedRule, what: &str, items: impl IntoIterator<Item = T>) {
        let items: Vec<_> = items.into_iter().map(|item| item.to_string()).collect();
        if !items.is_empty() {
            self.say(rule, format!("{what}: {}", items.join(", ")));
        }
    }

    fn also<T: ToString>(&mut self, rule: WidenedRule, items: impl IntoIterator<Item = T>) {
        self.list(rule, "from now on also", items);
    }

    /// A list in which each item allows something, where no list allows everything.
    fn rule<T, S: ToString>(
        &mut self,
        rule: WidenedRule,
        now: Option<&[T]>,
        before: Option<&[T]>,
        covers: impl Fn(&T, &T) -> bool,
        show: impl Fn(&T) -> S,
    ) {
        match (now, before) {
            (_, None) => {}
            (None, Some(_)) => self.say(rule, "from now on any"),
            (Some(now), Some(before)) => {
                let new = now.iter().filter(|item| !before.iter().any(|old| covers(old, item)));
                self.also(rule, new.map(show));
            }
        }
    }

    fn keys<K: PartialEq>(
        &mut self,
        rule: WidenedRule,
        now: &[ApplicationKey<K>],
        before: &[ApplicationKey<K>],
        name: fn(&K) -> String,
    ) {
        let of_before = |key: &ApplicationKey<K>| {
            before.iter().find(|old| old.public_key() == key.public_key() && signs(old))
        };
        let signing = || now.iter().filter(|key| signs(key));
        self.also(rule, signing().filter(|key| of_before(key).is_none()).map(|key| name(key.public_key())));
        let longer = signing().filter(|key| of_before(key).is_some_and(|old| !is_valid_throughout(old, key)));
        self.list(rule, "valid for longer", longer.map(|key| name(key.public_key())));
    }

    fn conditions(&mut self, now: &TrustedApplication, before: &TrustedApplication) {
        let (now, before) = (&now.conditions, &before.conditions);
        self.rule(
            WidenedRule::Addresses,
            now.addresses.patterns(),
            before.addresses.patterns(),
            |old, new| old.covers(new),
            ToString::to_string,
        );
        self.rule(
            WidenedRule::Paths,
            now.paths.patterns(),
            before.paths.patterns(),
            PathPattern::covers,
            shown_path,
        );
        self.rule(
            WidenedRule::Methods,
            now.methods.methods(),
            before.methods.methods(),
            |old, new| old == new,
            ToString::to_string,
        );
        if now.timeout > before.timeout {
            let (ms, ms_before) = (now.timeout.as_millis(), before.timeout.as_millis());
            self.say(WidenedRule::Timeout, format!("from now on {ms} ms, not {ms_before} ms"));
        }
        if now.replay_protection < before.replay_protection {
            let text = format!("from now on `{}`, not `{}`", now.replay_protection, before.replay_protection);
            self.say(WidenedRule::ReplayProtection, text);
        }
        if now.insecure_unsigned_bodies && !before.insecure_unsigned_bodies {
            self.say(WidenedRule::Bodies, "from now on also unsigned ones");
        }
    }

    fn act_as(&mut self, now: &TrustedApplication, before: &TrustedApplication) {
        let (now, before) = (&now.act_as, &before.act_as);
        match (now.allowed(), before.allowed()) {
            (_, None) => {}
            (None, Some(_)) => self.say(WidenedRule::Users, "from now on all that are not denied"),
            (Some(Members { users, groups }), Some(old)) => {
                self.also(WidenedRule::Users, users.difference(&old.users).map(|name| escaped(name)));
                self.also(WidenedRule::Groups, groups.difference(&old.groups).map(|name| escaped(name)));
            }
        }
        let (denied, old) = (now.denied(), before.denied());
        self.list(WidenedRule::Users, "no longer denied", missing(&denied.users, &old.users));
        self.list(WidenedRule::Groups, "no longer denied", missing(&denied.groups, &old.groups));
        if now.allows_administrators() && !before.allows_administrators() {
            self.say(WidenedRule::Users, "from now on also administrators");
        }
        if before.is_read_only() && !now.is_read_only() {
            self.say(WidenedRule::Methods, "no longer read-only");
        }
    }
}

fn signs<K>(key: &ApplicationKey<K>) -> bool {
    matches!(key.state(), KeyState::Active | KeyState::Retiring)
}

/// Whether a key was valid at every time at which it is now.
fn is_valid_throughout<K>(old: &ApplicationKey<K>, now: &ApplicationKey<K>) -> bool {
    old.not_before().is_none_or(|first| now.not_before().is_some_and(|now| first <= now))
        && old.not_after().is_none_or(|last| now.not_after().is_some_and(|now| now <= last))
}

/// The names that were denied and are not any more.
fn missing<'n>(
    denied: &'n BTreeSet<Arc<str>>,
    before: &'n BTreeSet<Arc<str>>,
) -> impl Iterator<Item = impl fmt::Display + 'n> {
    let is_gone = |name: &&Arc<str>| !denied.iter().any(|other| caseless_eq(other, name));
    before.iter().filter(is_gone).map(|name| escaped(name))
}

fn shown_path(pattern: &PathPattern) -> String {
    format!("`{}`", escaped(&pattern.to_string()))
}

#[cfg(test)]
mod tests;
