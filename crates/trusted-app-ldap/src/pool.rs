//! Connections that are kept.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::connection::{Connection, Server};
use crate::error::LdapDirectoryError;

/// A bounded number of connections to one server.
pub(crate) struct Pool {
    server: Server,
    idle: Mutex<Vec<Idle>>,
    idle_timeout: Duration,
    places: Semaphore,
}

struct Idle {
    connection: Connection,
    since: Instant,
}

impl Pool {
    pub(crate) fn new(server: Server, size: usize, idle_timeout: Duration) -> Self {
        Self { server, idle: Mutex::new(Vec::new()), idle_timeout, places: Semaphore::new(size) }
    }

    /// Waits for a place among the connections.
    pub(crate) async fn place(&self) -> Place<'_> {
        // It is never closed; if it were, there would only be no bound.
        Place { pool: self, _permit: self.places.acquire().await.ok() }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to one connection. A look-up that is given up takes its connection with it, and an answer that comes late
/// finds nobody.
pub(crate) struct Place<'p> {
    pool: &'p Pool,
    _permit: Option<SemaphorePermit<'p>>,
}

impl Place<'_> {
    /// A connection that was kept. It may be dead without our knowing: the server was restarted, a firewall forgot it.
    pub(crate) fn kept(&self) -> Option<Connection> {
        let mut idle = self.pool.idle();
        let longest = self.pool.idle_timeout;
        idle.retain_mut(|idle| idle.since.elapsed() < longest && !idle.connection.is_closed());
        idle.pop().map(|idle| idle.connection)
    }

    /// Drops all connections that are kept: one of them was silent, so the others may be.
    pub(crate) fn distrust_kept(&self) {
        self.pool.idle().clear();
    }

    /// A fresh connection.
    pub(crate) async fn open(&self) -> Result<Connection, LdapDirectoryError> {
        Connection::open(&self.pool.server).await
    }

    /// Keeps a connection on which all went well.
    pub(crate) fn keep(self, connection: Connection) {
        self.pool.idle().push(Idle { connection, since: Instant::now() });
    }
}
