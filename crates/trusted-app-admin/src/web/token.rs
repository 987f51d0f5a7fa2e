//! The tokens of forms, against requests that another site makes the administrator's browser send.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tower_trusted_app::Timestamp;

use crate::administrator::Administrator;
use crate::hex;

/// How long a form may be sent after it was shown.
const TOKEN_FOR: Duration = Duration::from_secs(12 * 60 * 60);

/// The field of a form that carries its token.
pub(crate) const TOKEN: &str = "token";

/// What became of a form's token.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Token {
    Holds,
    /// It is this administrator's, and too old.
    Expired,
    Wrong,
}

/// The key of the tokens that forms carry.
pub(crate) struct TokenKey([u8; 32]);

impl TokenKey {
    pub(crate) fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// The token of an administrator's forms: when it was made, and a code over that.
    pub(super) fn token(&self, administrator: &Administrator, now: Timestamp) -> Option<String> {
        let made = now.as_millis();
        Some(format!("{made}.{}", hex::encode(&self.mac(administrator, made)?.finalize().into_bytes())))
    }

    /// Whether the token is one of this administrator. Takes the same time for any wrong one.
    pub(super) fn check(&self, administrator: &Administrator, token: &str, now: Timestamp) -> Token {
        self.made(administrator, token).map_or(Token::Wrong, |made| {
            let age = now.millis_since(made);
            if i128::from(age) < i128::try_from(TOKEN_FOR.as_millis()).unwrap_or(i128::MAX) {
                Token::Holds
            } else {
                Token::Expired
            }
        })
    }

    /// When the token was made, if it was made here for this administrator.
    fn made(&self, administrator: &Administrator, token: &str) -> Option<Timestamp> {
        let (made, code) = token.split_once('.')?;
        let made = made.parse().ok()?;
        self.mac(administrator, made)?.verify_slice(&hex::decode(code)?).ok()?;
        Some(Timestamp::from_millis(made))
    }

    fn mac(&self, administrator: &Administrator, made: i64) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(&made.to_be_bytes());
        for part in [administrator.name(), administrator.session().unwrap_or_default()] {
            mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            mac.update(part.as_bytes());
        }
        Some(mac)
    }
}
