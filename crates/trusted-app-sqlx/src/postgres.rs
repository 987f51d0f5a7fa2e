//! PostgreSQL: for several nodes.

use std::time::Duration;

use sqlx_core::Error;
use sqlx_core::pool::{Pool, PoolOptions};
use sqlx_postgres::{PgListener, Postgres};
use tower_trusted_app::BoxError;
use tower_trusted_app::keys::ChangeSource;
use tower_trusted_app::registry::RegistryError;

use crate::registry::{SqlRegistry, unavailable};

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
        let options = PoolOptions::new().max_connections(5).acquire_timeout(Duration::from_secs(5));
        Self::new(options.connect(url).await.map_err(unavailable)?).await
    }

    /// Tells a cache of changes as they are committed, by `LISTEN` on a connection of its own.
    #[must_use]
    pub fn listen(&self) -> PostgresChanges {
        let options = PoolOptions::new()
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(5))
            .max_lifetime(None)
            .idle_timeout(None);
        let pool = options.connect_lazy_with((*self.pool().connect_options()).clone());
        PostgresChanges { pool, listener: None }
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
