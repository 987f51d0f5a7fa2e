//! PostgreSQL: for several nodes.

use std::time::Duration;

use sqlx_core::Error;
use sqlx_core::connection::Connection;
use sqlx_core::pool::{Pool, PoolOptions};
use sqlx_postgres::{PgConnectOptions, PgConnection, PgListener, Postgres};
use tower_trusted_app::BoxError;
use tower_trusted_app::keys::ChangeSource;
use tower_trusted_app::registry::RegistryError;

use crate::registry::{SqlRegistry, unavailable};

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
    /// [`RegistryError::Unavailable`] when the database cannot be reached, or its schema is newer
    /// than this program.
    pub async fn connect(url: &str) -> Result<Self, RegistryError> {
        let options: PgConnectOptions = url.parse().map_err(unavailable)?;
        let pool = PoolOptions::new().max_connections(5).acquire_timeout(PATIENCE);
        match pool.connect_with(options.clone()).await {
            Ok(pool) => Self::new(pool).await,
            Err(Error::PoolTimedOut) => Err(unavailable(no_connection(&options).await)),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// Tells a cache of changes as they are committed, by `LISTEN` on a connection of its own.
    #[must_use]
    pub fn listen(&self) -> PostgresChanges {
        let options = PoolOptions::new()
            .max_connections(1)
            .acquire_timeout(PATIENCE)
            .max_lifetime(None)
            .idle_timeout(None);
        let pool = options.connect_lazy_with((*self.pool().connect_options()).clone());
        PostgresChanges { pool, listener: None }
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
    listener: Option<PgListener>,
}

impl PostgresChanges {
    async fn notified(&mut self) -> Result<(), Error> {
        if let Some(listener) = &mut self.listener {
            listener.try_recv().await?;
            while listener.next_buffered().is_some() {}
        } else {
            let mut listener = PgListener::connect_with(&self.pool).await?;
            listener.listen("trusted_app").await?;
            // What happened before nobody told us.
            self.listener = Some(listener);
        }
        Ok(())
    }
}

impl ChangeSource for PostgresChanges {
    async fn changed(&mut self) -> Result<(), BoxError> {
        let outcome = self.notified().await;
        if outcome.is_err() {
            self.listener = None;
        }
        Ok(outcome?)
    }
}
