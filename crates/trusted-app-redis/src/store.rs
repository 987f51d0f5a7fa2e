//! Claims in Redis.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::{Client, Value};
use trusted_app_core::store::{ReplayClaim, ReplayOutcome, ReplayStore};

use crate::error::{RedisReplayError, RedisUrlError};
use crate::link::Link;

/// Claims in Redis, in common for all servers that use it; clones share one connection.
///
/// A claim is one `SET key "" NX PX milliseconds`, where the key is a prefix and a digest, from which
/// nothing can be read. It counts for as long as the claim says, whatever the clocks of Redis and the
/// servers show.
///
/// There is no answer but Redis's: while it is away, slow, full or still loading, a claim ends with an
/// error within the [time-out](Self::timeout), and the next one tries anew. A claim whose answer was
/// lost may have been made all the same, so a request that was refused as unavailable has to be signed
/// anew.
#[derive(Clone)]
pub struct RedisReplayStore {
    link: Arc<Link>,
    prefix: Arc<str>,
    timeout: Duration,
    may_evict: bool,
}

impl RedisReplayStore {
    /// What keys begin with, unless stated.
    pub const DEFAULT_KEY_PREFIX: &str = "trusted-app:replay:";

    /// How long a claim may take, unless stated: half a second.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_millis(500);

    /// A store in the Redis of this URL: `redis://[[user]:password@]host[:port][/database]`,
    /// `rediss://…` over TLS with the feature `tls`, or `redis+unix:///path/to/socket`. Nothing is
    /// connected before the first claim.
    ///
    /// # Errors
    ///
    /// When it is no such URL.
    pub fn new(url: &str) -> Result<Self, RedisUrlError> {
        let client = Client::open(url).map_err(|_| RedisUrlError)?;
        Ok(Self {
            link: Arc::new(Link::new(client)),
            prefix: Self::DEFAULT_KEY_PREFIX.into(),
            timeout: Self::DEFAULT_TIMEOUT,
            may_evict: false,
        })
    }

    /// What keys begin with. All servers of one service have the same, and no other service has it.
    #[must_use]
    pub fn key_prefix(self, prefix: impl Into<Arc<str>>) -> Self {
        Self { prefix: prefix.into(), ..self }
    }

    /// How long a claim may take, connecting included. Half a second unless stated; more than the
    /// layer's own time-out for look-ups makes no difference.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Uses a Redis that may forget claims before their time to make room for other keys.
    ///
    /// Insecure: whoever can make it fill up can have a request accepted again.
    #[must_use]
    pub fn insecure_allow_eviction(self) -> Self {
        Self { may_evict: true, ..self }
    }
}

impl ReplayStore for RedisReplayStore {
    type Error = RedisReplayError;

    async fn claim(&self, claim: &ReplayClaim<'_>) -> Result<ReplayOutcome, RedisReplayError> {
        let mut set = redis::cmd("SET");
        set.arg(format!("{}{}", self.prefix, claim.id)).arg("").arg("NX");
        set.arg("PX").arg(claim.lifetime_ms().min(LONGEST_MS));
        match self.link.send(&set, self.timeout, self.may_evict).await? {
            Value::Okay => Ok(ReplayOutcome::Fresh),
            Value::Nil => Ok(ReplayOutcome::Seen),
            _ => Err(RedisReplayError::Unexpected),
        }
    }
}

/// Redis adds its own time to the lifetime, and refuses what goes beyond 2^63 then.
const LONGEST_MS: u64 = 1 << 62;

/// Shows no password.
impl fmt::Debug for RedisReplayStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisReplayStore")
            .field("server", &self.link)
            .field("key_prefix", &self.prefix)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_the_server_and_no_secret() {
        let store = RedisReplayStore::new("redis://somebody:open-sesame@redis.internal:6380/3").unwrap();
        let text = format!("{store:?} {store:#?}");
        assert!(text.contains("redis.internal:6380/3"), "{text}");
        for secret in ["somebody", "open-sesame"] {
            assert!(!text.contains(secret), "{text}");
        }
    }

    #[test]
    fn what_is_no_url_is_refused_and_not_quoted() {
        for wrong in ["", "redis", "http://:open-sesame@localhost", "redis://:open-sesame@:x/", "redis://h/x"]
        {
            let error = RedisReplayStore::new(wrong).unwrap_err();
            let text = format!("{error} {error:?} {error:#?}");
            assert!(!text.contains("open-sesame"), "{text}");
        }
    }

    #[test]
    fn tls_needs_its_feature() {
        assert_eq!(RedisReplayStore::new("rediss://redis.internal").is_ok(), cfg!(feature = "tls"));
    }

    #[tokio::test]
    async fn nobody_there_is_an_error() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("redis://:open-sesame@{}", socket.local_addr().unwrap());
        drop(socket);
        let store = RedisReplayStore::new(&url).unwrap();
        let wiki = "wiki".parse().unwrap();
        let [now, until] = [0, 1].map(trusted_app_core::Timestamp::from_millis);
        let claim = ReplayClaim::new(&wiki, [b"nonce".as_slice()], now, until);
        let error = store.claim(&claim).await.unwrap_err();
        assert!(matches!(error, RedisReplayError::Failed(_)), "{error}");
        assert!(!format!("{error} {error:?}").contains("open-sesame"), "{error:?}");
    }
}
