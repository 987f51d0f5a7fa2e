//! The connection to Redis: one for all, and a new one after it failed.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, Pipeline, RedisError, Value};

use crate::error::RedisReplayError;

/// Makes its connection when it is first needed. One that failed, or did not answer in time, is given
/// up: a dead peer may otherwise look like a slow one for a quarter of an hour.
pub(crate) struct Link {
    client: Client,
    current: Mutex<Option<Connected>>,
    /// Held by the task that connects.
    connecting: tokio::sync::Mutex<u64>,
}

#[derive(Clone)]
struct Connected {
    number: u64,
    connection: MultiplexedConnection,
    /// Whether it was made for this command.
    is_new: bool,
}

impl Link {
    pub(crate) fn new(client: Client) -> Self {
        Self { client, current: Mutex::default(), connecting: tokio::sync::Mutex::default() }
    }

    /// Sends a command and waits for the answer: for all of it, the connecting too, no longer than
    /// `limit`. A connection that was open already may prove to be closed, as Redis closes one that is idle or that an
    /// administrator kills. Then `again` is sent over a new one: several commands, with as many answers, because the
    /// first may have been carried out and its answer lost.
    pub(crate) async fn send(
        &self,
        command: &Cmd,
        again: &Pipeline,
        limit: Duration,
        may_evict: bool,
    ) -> Result<Vec<Value>, RedisReplayError> {
        let mut used = None;
        let answer = tokio::time::timeout(limit, async {
            let mut connected = self.connected(may_evict).await?;
            used = Some(connected.number);
            let error = match command.query_async(&mut connected.connection).await {
                Ok(value) => return Ok(vec![value]),
                Err(error) => error,
            };
            if connected.is_new || !error.is_connection_dropped() {
                return Err(Failure::of(error));
            }
            self.give_up(used.take());
            let mut connected = self.connected(may_evict).await?;
            used = Some(connected.number);
            again.query_async(&mut connected.connection).await.map_err(Failure::of)
        });
        match answer.await {
            Ok(Ok(values)) => Ok(values),
            Ok(Err(failure)) => {
                self.give_up(used.filter(|_| failure.breaks_connection));
                Err(failure.error)
            }
            Err(_) => {
                self.give_up(used);
                Err(RedisReplayError::TooSlow(limit))
            }
        }
    }

    async fn connected(&self, may_evict: bool) -> Result<Connected, Failure> {
        if let Some(connected) = &*self.current() {
            return Ok(connected.clone());
        }
        let mut number = self.connecting.lock().await;
        // Another task may have connected meanwhile.
        if let Some(connected) = &*self.current() {
            return Ok(connected.clone());
        }
        *number += 1;
        // The sender has a limit of time for everything together.
        let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let connection = self.client.get_multiplexed_async_connection_with_config(&config).await;
        let connection = connection.map_err(Failure::of)?;
        let mut connected = Connected { number: *number, connection, is_new: false };
        if !may_evict {
            check_eviction(&mut connected.connection).await?;
        }
        *self.current() = Some(connected.clone());
        Ok(Connected { is_new: true, ..connected })
    }

    /// The next one to send connects again, unless another has already.
    fn give_up(&self, used: Option<u64>) {
        let mut current = self.current();
        if used.is_some() && current.as_ref().map(|connected| connected.number) == used {
            *current = None;
        }
    }

    fn current(&self) -> MutexGuard<'_, Option<Connected>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether Redis may forget what has not lapsed. One whose operator does not let it tell is taken at its word.
async fn check_eviction(connection: &mut MultiplexedConnection) -> Result<(), Failure> {
    let memory: String = match redis::cmd("INFO").arg("memory").query_async(connection).await {
        Ok(memory) => memory,
        Err(error) if is_withheld(&error) => return Ok(()),
        Err(error) => return Err(Failure::of(error)),
    };
    match evicting_policy(&memory) {
        Some(policy) => {
            Err(Failure { error: RedisReplayError::Evicts(policy.to_owned()), breaks_connection: true })
        }
        None => Ok(()),
    }
}

/// Whether the server keeps a command from us for good: by its access rules, or by having renamed it.
fn is_withheld(error: &RedisError) -> bool {
    error.code() == Some("NOPERM")
        || error.detail().is_some_and(|detail| detail.to_ascii_lowercase().starts_with("unknown command"))
}

/// The policy by which a server with this `INFO memory` forgets what has not lapsed.
fn evicting_policy(memory: &str) -> Option<&str> {
    let field = |name| memory.lines().find_map(|line| line.trim_end().strip_prefix(name));
    let is_limited = field("maxmemory:").is_some_and(|bytes| bytes != "0");
    field("maxmemory_policy:").filter(|policy| is_limited && *policy != "noeviction")
}

struct Failure {
    error: RedisReplayError,
    breaks_connection: bool,
}

impl Failure {
    /// A server that is full is full over every connection. After any other error a new one may lead
    /// to a server that can: one that has loaded its data, that is the primary now, that is there.
    fn of(error: RedisError) -> Self {
        Self { breaks_connection: error.code() != Some("OOM"), error: RedisReplayError::Failed(error.into()) }
    }
}

/// Shows neither user nor password.
impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let server = self.client.get_connection_info();
        write!(f, "{}/{}", server.addr(), server.redis_settings().db())
    }
}

#[cfg(test)]
mod tests {
    use super::evicting_policy;

    #[test]
    fn a_server_that_forgets_is_told_from_one_that_does_not() {
        let memory = |max, policy| {
            format!("# Memory\r\nused_memory:1\r\nmaxmemory:{max}\r\nmaxmemory_policy:{policy}\r\n")
        };
        for (max, policy, evicts) in [
            ("0", "allkeys-lru", false),
            ("0", "noeviction", false),
            ("1048576", "noeviction", false),
            ("1048576", "volatile-ttl", true),
            ("1048576", "allkeys-random", true),
        ] {
            assert_eq!(evicting_policy(&memory(max, policy)), evicts.then_some(policy), "{max} {policy}");
        }
        assert_eq!(evicting_policy(""), None);
    }
}
