//! What a change of an application allows that was refused before.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::{ApplicationKey, KeyState, TrustedApplication};
use crate::conditions::{PathPattern, PathPatternKind};
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
    let text = escaped(pattern.as_str());
    match pattern.kind() {
        PathPatternKind::Prefix => format!("`{text}`"),
        PathPatternKind::Subtree => format!("the subtree `{text}`"),
        PathPatternKind::Rpc => format!("the RPC `{text}`"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::Method;

    use super::*;
    use crate::application::{Scheme, TrustedApplicationBuilder as Builder};
    use crate::clock::Timestamp;
    use crate::conditions::{AddressRule, MethodRule, PathRule, ReplayProtection};
    use crate::crypto::PublicKey;
    use crate::permission::ActAsPolicy;

    const JWK: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    const DIRECTORY: &str = "https://wiki.example.com/.well-known/http-message-signatures-directory";

    fn key(bits: usize) -> PublicKey {
        let text = include_str!("../../../../tests/vectors/certificate_document.json");
        let vectors: serde_json::Value = serde_json::from_str(text).unwrap();
        let key = vectors["keys"][format!("pub-rsa{bits}")]["public_key_spki_b64"].as_str();
        PublicKey::from_base64(key.unwrap()).unwrap()
    }

    fn signature_key() -> SignatureKey {
        SignatureKey::from_jwk(JWK).unwrap()
    }

    /// Every rule states something.
    fn base() -> TrustedApplication {
        TrustedApplication::builder("wiki".parse().unwrap(), key(2048))
            .signature_key(signature_key())
            .schemes([Scheme::SeraphV3])
            .addresses("10.0.0.0/8".parse().unwrap())
            .paths(PathRule::only([PathPattern::subtree("/rest").unwrap()]))
            .methods(MethodRule::only([Method::GET, Method::POST]))
            .act_as(policy())
            .timeout(Duration::from_secs(10))
            .replay_protection(ReplayProtection::NonIdempotent)
            .insecure_min_rsa_bits(1024)
            .build()
            .unwrap()
    }

    fn policy() -> ActAsPolicy {
        ActAsPolicy::nobody()
            .allow_users(["alice"])
            .allow_groups(["staff"])
            .deny_users(["bob"])
            .deny_groups(["guests"])
    }

    fn changed(change: fn(Builder) -> Builder) -> TrustedApplication {
        change(base().to_builder().insecure_min_rsa_bits(1024)).build().unwrap()
    }

    fn key_with(state: KeyState, first: Option<i64>, last: Option<i64>) -> [ApplicationKey; 1] {
        let mut key = ApplicationKey::from(key(2048)).with_state(state);
        if let Some(first) = first {
            key = key.with_not_before(Timestamp::from_millis(first));
        }
        if let Some(last) = last {
            key = key.with_not_after(Timestamp::from_millis(last));
        }
        [key]
    }

    /// A row: what it was, what it is, what is said of the change, and of the change back.
    type Row =
        (fn(Builder) -> Builder, fn(Builder) -> Builder, &'static [&'static str], &'static [&'static str]);

    #[test]
    fn each_rule_that_allows_more_is_named_and_none_that_allows_less() {
        use KeyState::{Active, Next, Retiring, Revoked};

        let same: fn(Builder) -> Builder = |app| app;
        let rows: &[Row] = &[
            (same, same, &[], &[]),
            (same, |app| app.name("another"), &[], &[]),
            // addresses
            (same, |app| app.addresses(AddressRule::any()), &["addresses: from now on any"], &[]),
            (
                same,
                |app| app.addresses("10.0.0.0/8, 192.0.2.*, local".parse().unwrap()),
                &["addresses: from now on also: 192.0.2.*, local"],
                &[],
            ),
            (
                same,
                |app| app.addresses("10.1.2.3, 10.2.*.*".parse().unwrap()),
                &[],
                &["addresses: from now on also: 10.0.0.0/8"],
            ),
            (
                same,
                |app| app.addresses(AddressRule::only([])),
                &[],
                &["addresses: from now on also: 10.0.0.0/8"],
            ),
            // paths
            (same, |app| app.paths(PathRule::any()), &["paths: from now on any"], &[]),
            (
                same,
                |app| app.paths(PathRule::prefixes(["/rest"])),
                &["paths: from now on also: `/rest`"],
                &[],
            ),
            (
                same,
                |app| app.paths(PathRule::prefixes(["/rest/api"])),
                &[],
                &["paths: from now on also: the subtree `/rest`"],
            ),
            (
                same,
                |app| app.paths(PathRule::only([PathPattern::rpc("a.B/*").unwrap()])),
                &["paths: from now on also: the RPC `a.B/*`"],
                &["paths: from now on also: the subtree `/rest`"],
            ),
            // methods
            (same, |app| app.methods(MethodRule::any()), &["methods: from now on any"], &[]),
            (
                same,
                |app| app.methods(MethodRule::only([Method::DELETE, Method::PUT, Method::GET])),
                &["methods: from now on also: DELETE, PUT"],
                &["methods: from now on also: POST"],
            ),
            (|app| app.act_as(policy().read_only()), same, &["methods: no longer read-only"], &[]),
            // time, replay, bodies
            (
                same,
                |app| app.timeout(Duration::from_secs(60)),
                &["time-out: from now on 60000 ms, not 10000 ms"],
                &[],
            ),
            (
                same,
                |app| app.replay_protection(ReplayProtection::Off),
                &["replay protection: from now on `off`, not `non-idempotent`"],
                &[],
            ),
            (
                same,
                |app| app.replay_protection(ReplayProtection::Every),
                &[],
                &["replay protection: from now on `non-idempotent`, not `every`"],
            ),
            (
                same,
                |app| app.insecure_unsigned_bodies(true),
                &["bodies: from now on also unsigned ones"],
                &[],
            ),
            // users and groups
            (
                same,
                |app| app.act_as(ActAsPolicy::anybody().deny_users(["bob"]).deny_groups(["guests"])),
                &["users: from now on all that are not denied"],
                &[],
            ),
            (
                same,
                |app| app.act_as(policy().allow_users(["carol", "dave"]).allow_groups(["contractors"])),
                &["users: from now on also: carol, dave", "groups: from now on also: contractors"],
                &[],
            ),
            (
                same,
                |app| app.act_as(policy().deny_users(["carol"]).deny_groups(["temps"])),
                &[],
                &["users: no longer denied: carol", "groups: no longer denied: temps"],
            ),
            // Denied names are compared without regard to case.
            (
                |app| app.act_as(ActAsPolicy::anybody().deny_users(["Bob"])),
                |app| app.act_as(ActAsPolicy::anybody().deny_users(["bob"])),
                &[],
                &[],
            ),
            (
                same,
                |app| app.act_as(policy().insecure_administrators()),
                &["users: from now on also administrators"],
                &[],
            ),
            // schemes
            (
                same,
                |app| app.schemes([Scheme::InsecureSeraphV2, Scheme::SeraphV3]),
                &["schemes: from now on also: insecure-seraph-v2"],
                &[],
            ),
            // keys
            (same, |app| app.key(ApplicationKey::from(key(4096)).with_state(KeyState::Next)), &[], &[]),
            (
                |app| app.signature_keys([]),
                same,
                &["signature keys: from now on also: kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"],
                &[],
            ),
            (
                same,
                |app| app.key_directory(DIRECTORY),
                &[
                    "key directory: keys come from https://wiki.example.com/.well-known/http-message-signatures-directory \
                   from now on",
                ],
                &[],
            ),
            (
                |app| app.keys(key_with(Active, None, None)),
                |app| app.keys(key_with(Retiring, None, None)),
                &[],
                &[],
            ),
            (
                |app| app.keys(key_with(Active, None, None)),
                |app| app.keys(key_with(Active, Some(1), Some(2))),
                &[],
                &["public keys: valid for longer: <2048>"],
            ),
            (
                |app| app.keys(key_with(Active, Some(1), Some(3))),
                |app| app.keys(key_with(Active, Some(2), Some(4))),
                &["public keys: valid for longer: <2048>"],
                &["public keys: valid for longer: <2048>"],
            ),
            (
                |app| app.keys(key_with(Next, None, None)),
                |app| app.keys(key_with(Active, None, None)),
                &["public keys: from now on also: <2048>"],
                &[],
            ),
            (
                |app| app.keys(key_with(Revoked, None, None)),
                |app| app.keys(key_with(Retiring, None, None)),
                &["public keys: from now on also: <2048>"],
                &[],
            ),
            (same, |app| app.key(key(4096)), &["public keys: from now on also: <4096>"], &[]),
            (
                same,
                |app| app.key(key(1024)),
                &["public keys: from now on also: <1024>", "RSA bits: from now on 1024, not 2048"],
                &[],
            ),
        ];
        for (number, (before, after, forth, back)) in rows.iter().enumerate() {
            let (before, after) = (changed(*before), changed(*after));
            for (now, then, expected) in [(&after, &before, forth), (&before, &after, back)] {
                let said: Vec<_> = now.widened_from(then).iter().map(ToString::to_string).collect();
                let expected: Vec<_> = expected
                    .iter()
                    .map(|text| {
                        [1024, 2048, 4096].into_iter().fold((*text).to_owned(), |text, bits| {
                            text.replace(&format!("<{bits}>"), &key(bits).fingerprint().to_string())
                        })
                    })
                    .collect();
                assert_eq!(said, expected, "row {number}");
            }
        }
    }

    #[test]
    fn a_widening_says_which_rule_it_is() {
        let wider = base().to_builder().timeout(Duration::from_secs(11)).build().unwrap();
        let widened = wider.widened_from(&base());
        assert_eq!((widened[0].rule, widened.len()), (WidenedRule::Timeout, 1));
        assert_eq!(widened[0].text(), "from now on 11000 ms, not 10000 ms");
    }
}
