//! The entries of a key directory: which of them give a key, and why others do not.

use serde::Deserialize;
use serde_json::{Number, Value};

use super::error::DirectoryError;
use super::key::DirectoryKey;
use super::proof::MAX_SHOWN;
use super::skipped::{SkipReason, SkippedKey};
use crate::clock::Timestamp;
use crate::crypto::jwk::Jwk;
use crate::crypto::{SignatureKey, Thumbprint, default_provider};
use crate::limits::{MAX_DIRECTORY_BYTES, MAX_DIRECTORY_KEYS};
use crate::text::is_invisible;

#[derive(Deserialize)]
struct Document<'t> {
    #[serde(borrow)]
    keys: Vec<Listed<'t>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Listed<'t> {
    #[serde(borrow)]
    Jwk(Box<Jwk<'t>>),
    Other(Value),
}

/// What an entry is called, whether it gives a key or not.
#[derive(Debug, Clone)]
pub(super) struct EntryName {
    index: usize,
    kind: Option<String>,
    kid: Option<String>,
    thumbprint: Option<Thumbprint>,
}

/// An entry, and the key that it gives.
pub(super) type Entry = (EntryName, Result<DirectoryKey, SkipReason>);

/// Reads a JWKS.
pub(super) fn read_all(text: &str, example_keys: bool) -> Result<Vec<Entry>, DirectoryError> {
    if text.len() > MAX_DIRECTORY_BYTES {
        return Err(DirectoryError::TooLarge);
    }
    let document: Document<'_> = serde_json::from_str(text).map_err(|_| DirectoryError::NotJwks)?;
    if document.keys.len() > MAX_DIRECTORY_KEYS {
        return Err(DirectoryError::TooManyKeys);
    }
    let listed = document.keys.iter().enumerate();
    let mut entries: Vec<Entry> = listed.map(|(index, listed)| read(index, listed, example_keys)).collect();
    skip_repeated(&mut entries);
    Ok(entries)
}

fn read(index: usize, listed: &Listed<'_>, example_keys: bool) -> Entry {
    let jwk = match listed {
        Listed::Jwk(jwk) => jwk,
        Listed::Other(value) => {
            let member = |name| value.get(name).and_then(Value::as_str);
            return (
                EntryName::of(index, member("kty"), member("crv"), member("kid")),
                Err(SkipReason::NotJwk),
            );
        }
    };
    let mut name = EntryName::of(index, Some(jwk.kty), jwk.crv, jwk.kid.as_deref());
    let key = SignatureKey::of(default_provider(), jwk);
    let key = key.and_then(|key| if example_keys { Ok(key) } else { key.if_not_published() });
    name.thumbprint = key.as_ref().ok().map(|key| *key.thumbprint());
    let read = key.map_err(SkipReason::Key).and_then(|key| dated(key, jwk));
    (name, read)
}

/// The key with what a directory must and may say about it.
fn dated(key: SignatureKey, jwk: &Jwk<'_>) -> Result<DirectoryKey, SkipReason> {
    let thumbprint = *key.thumbprint();
    if jwk.kid.as_ref().is_some_and(|kid| **kid != *thumbprint.to_string()) {
        return Err(SkipReason::OtherName(thumbprint));
    }
    if key.rsa_fingerprint().is_some() && jwk.alg.is_none() {
        return Err(SkipReason::AlgorithmNotStated);
    }
    let instant = |member: &Option<Number>, name| match member {
        None => Ok(None),
        Some(number) => {
            let seconds = number.as_i64().ok_or(SkipReason::Date { member: name })?;
            Ok(Some(Timestamp::from_millis(seconds.saturating_mul(1000))))
        }
    };
    let (not_before, not_after) = (instant(&jwk.nbf, "nbf")?, instant(&jwk.exp, "exp")?);
    Ok(DirectoryKey { key, not_before, not_after })
}

/// Of entries with one key only the first counts, and none if they state different dates: the key would live as long as
/// the more generous of them says.
fn skip_repeated(entries: &mut [Entry]) {
    let all = entries.to_vec();
    for (name, read) in entries {
        let Ok(key) = read else { continue };
        let others = || {
            all.iter().filter(|(other, _)| other.index != name.index && other.thumbprint == name.thumbprint)
        };
        if others().any(|(_, other)| match other {
            Ok(other) => other != key,
            Err(reason) => matches!(reason, SkipReason::Date { .. }),
        }) {
            *read = Err(SkipReason::TwiceDifferently);
        } else if others().any(|(other, read)| read.is_ok() && other.index < name.index) {
            *read = Err(SkipReason::Twice);
        }
    }
}

impl EntryName {
    fn of(index: usize, kty: Option<&str>, crv: Option<&str>, kid: Option<&str>) -> Self {
        let kind = match (kty.and_then(shown), crv.and_then(shown)) {
            (Some(kty), Some(crv)) => Some(format!("{kty} {crv}")),
            (kty, _) => kty.map(str::to_owned),
        };
        Self { index, kind, kid: kid.and_then(shown).map(str::to_owned), thumbprint: None }
    }

    pub(super) fn skipped(self, reason: SkipReason) -> SkippedKey {
        let Self { index, kind, kid, thumbprint } = self;
        SkippedKey { index, kind, kid, thumbprint, reason }
    }
}

/// The text, if all of it can be seen and it is no longer than a name.
fn shown(text: &str) -> Option<&str> {
    let hidden = |character: char| character.is_control() || is_invisible(character);
    (!text.trim().is_empty() && text.chars().count() <= MAX_SHOWN && !text.contains(hidden)).then_some(text)
}
