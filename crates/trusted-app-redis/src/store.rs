//! Claims in Redis.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use redis::{Client, Value};
use trusted_app_core::store::{ReplayClaim, ReplayOutcome, ReplayStore};

use crate::error::{RedisReplayError, RedisUrlError};
use crate::link::Link;

/// Claims in Redis, in common for all servers that use it; clones share one connection.
///
/// A claim is one `SET key number NX PX milliseconds`, where the key is a prefix and a digest, from which
/// nothing can be read, and the number is random. It counts for as long as the claim says, as time passes for Redis,
/// whatever the servers' clocks show.
///
/// There is no answer but Redis's: while it is away, slow, full or still loading, a claim ends with an
/// error within the [time-out](Self::timeout), and the next one tries again.
///
/// Where the connection turns out to be closed, as Redis's option `timeout` or an administrator closes it, it is opened
/// again and the claim is made again, within the same time-out. The first may have been made and its answer lost; so
/// the second also asks with `GET` for the number under the key, by which a claim knows itself from any other. An account
/// of Redis's therefore needs `SET` and `GET`, and `INFO` to find out whether Redis [may forget](crate#what-redis-must-be-like).
///
/// A claim that ended with an error may have been made all the same, so a request that was rejected as unavailable has to
/// be signed again.
#[derive(Clone)]
pub struct RedisReplayStore {
    link: Arc<Link>,
    numbers: Arc<Numbers>,
    prefix: Arc<str>,
    timeout: Duration,
    may_evict: bool,
}

impl RedisReplayStore {
    /// What keys begin with by default.
    pub const DEFAULT_KEY_PREFIX: &str = "trusted-app:replay:";

    /// How long a claim may take by default: half a second.
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
            numbers: Arc::default(),
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

    /// How long a claim may take, connecting included. Half a second by default; more than the
    /// layer's own time-out for look-ups makes no difference.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Uses a Redis that may forget claims before their time to make room for other keys.
    ///
    /// Insecure: an attacker who can fill it up can have a request accepted again.
    #[must_use]
    pub fn insecure_allow_eviction(self) -> Self {
        Self { may_evict: true, ..self }
    }
}

impl ReplayStore for RedisReplayStore {
    type Error = RedisReplayError;

    async fn claim(&self, claim: &ReplayClaim<'_>) -> Result<ReplayOutcome, RedisReplayError> {
        let (key, number) = (format!("{}{}", self.prefix, claim.id), self.numbers.next());
        let mut set = redis::cmd("SET");
        set.arg(&key).arg(&number).arg("NX").arg("PX").arg(claim.lifetime_ms().min(LONGEST_MS));
        let mut again = redis::pipe();
        again.add_command(set.clone()).cmd("GET").arg(&key);
        match &*self.link.send(&set, &again, self.timeout, self.may_evict).await? {
            [Value::Okay, ..] => Ok(ReplayOutcome::Fresh),
            [Value::Nil] => Ok(ReplayOutcome::Seen),
            // The first one was carried out.
            [Value::Nil, Value::BulkString(held)] if *held == number.as_bytes() => Ok(ReplayOutcome::Fresh),
            [Value::Nil, Value::BulkString(_)] => Ok(ReplayOutcome::Seen),
            _ => Err(RedisReplayError::Unexpected),
        }
    }
}

/// A number for each claim, which no other claim of any server has. Redis keeps a number in fewer bytes than a text.
#[derive(Default)]
struct Numbers {
    /// Its keys are random.
    random: RandomState,
    count: AtomicU64,
}

impl Numbers {
    fn next(&self) -> String {
        let number = self.random.hash_one(self.count.fetch_add(1, Ordering::Relaxed));
        number.cast_signed().to_string()
    }
}

/// Redis adds its own time to the lifetime, and rejects what goes beyond 2^63 then.
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

    #[test]
    fn no_two_claims_have_one_number() {
        let stores = ["redis://a", "redis://a"].map(|url| RedisReplayStore::new(url).unwrap());
        let numbers = (0..1000).flat_map(|_| stores.each_ref().map(|store| store.clone().numbers.next()));
        let numbers: std::collections::HashSet<_> = numbers.collect();
        assert_eq!(numbers.len(), 2000);
        assert!(numbers.iter().all(|number| number.parse::<i64>().is_ok()));
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
