//! PostgreSQL: for several nodes.

use std::time::Duration;

use sqlx_core::Error;
use sqlx_core::connection::Connection;
use sqlx_core::pool::{Pool, PoolOptions};
use sqlx_postgres::{PgConnectOptions, PgConnection, PgListener, Postgres};
use tower_trusted_app::BoxError;
use tower_trusted_app::keys::ChangeSource;
use tower_trusted_app::registry::RegistryError;

use crate::error::SqlError;
use crate::purpose::Purpose;
use crate::registry::SqlRegistry;

/// How long a connection may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// A registry in PostgreSQL, version 12 or later, which any number of nodes may share.
pub type PostgresRegistry = SqlRegistry<Postgres>;

impl SqlRegistry<Postgres> {
    /// Connects, such as to `postgres://user:password@host/database?sslmode=verify-full`, with at most 5 connections.
    /// Without an `sslmode` it [may be in plain text](crate#tls).
    ///
    /// # Errors
    ///
    /// As of [`new`](SqlRegistry::new).
    pub async fn connect(url: &str) -> Result<Self, RegistryError> {
        let refused = |error: Error| SqlError::at::<Postgres>(Purpose::Connect, None, &error);
        let options: PgConnectOptions = url.parse().map_err(refused)?;
        let pool = PoolOptions::new().max_connections(5).acquire_timeout(PATIENCE);
        match pool.connect_with(options.clone()).await {
            Ok(pool) => Self::new(pool).await,
            Err(Error::PoolTimedOut) => Err(refused(no_connection(&options).await).into()),
            Err(error) => Err(refused(error).into()),
        }
    }

    /// Tells a cache of changes as they are committed, by `LISTEN` on a connection of its own. A hot standby announces
    /// nothing: the cache says so once and polls, and listens from the next poll after the standby was promoted.
    #[must_use]
    pub fn listen(&self) -> PostgresChanges {
        let options = PoolOptions::new()
            .max_connections(1)
            .acquire_timeout(PATIENCE)
            .max_lifetime(None)
            .idle_timeout(None);
        let pool = options.connect_lazy_with((*self.pool().connect_options()).clone());
        PostgresChanges { pool, state: State::Away }
    }
}

/// Why there is no connection: a pool tries until its time is over, and then does not tell.
async fn no_connection(options: &PgConnectOptions) -> Error {
    match tokio::time::timeout(PATIENCE, PgConnection::connect_with(options)).await {
        Ok(Err(error)) => error,
        Ok(Ok(_)) | Err(_) => Error::PoolTimedOut,
    }
}

/// The notifications of a registry's database.
#[derive(Debug)]
pub struct PostgresChanges {
    pool: Pool<Postgres>,
    state: State,
}

#[derive(Debug)]
enum State {
    Away,
    /// Connected to a server that announces nothing.
    OnStandby(PgListener),
    Listening(PgListener),
}

impl PostgresChanges {
    /// Waits for a notification, or begins to listen; then what happened before is still to be read. The state is
    /// `Away` after an error, and if this is dropped before it has begun to listen.
    async fn notified(&mut self) -> Result<(), BoxError> {
        if let State::Listening(listener) = &mut self.state {
            let outcome = listener.try_recv().await;
            while listener.next_buffered().is_some() {}
            return outcome.map(drop).map_err(|error| self.refused(&error));
        }
        let mut listener = match std::mem::replace(&mut self.state, State::Away) {
            State::OnStandby(listener) | State::Listening(listener) => listener,
            State::Away => {
                PgListener::connect_with(&self.pool).await.map_err(|error| self.refused(&error))?
            }
        };
        // LISTEN would fail there, and each time leave an error in the server's log.
        let is_standby =
            sqlx_core::query_scalar::query_scalar::<Postgres, bool>("SELECT pg_is_in_recovery()");
        if is_standby.fetch_one(&mut listener).await.map_err(|error| self.refused(&error))? {
            self.state = State::OnStandby(listener);
            return Err("the server is a standby, which announces no changes".into());
        }
        listener.listen("trusted_app").await.map_err(|error| self.refused(&error))?;
        self.state = State::Listening(listener);
        Ok(())
    }

    fn refused(&self, error: &Error) -> BoxError {
        SqlError::new(Purpose::Listen, &self.pool, error).into()
    }
}

impl ChangeSource for PostgresChanges {
    async fn changed(&mut self) -> Result<(), BoxError> {
        let outcome = self.notified().await;
        if outcome.is_err() && matches!(self.state, State::Listening(_)) {
            self.state = State::Away;
        }
        outcome
    }
}
