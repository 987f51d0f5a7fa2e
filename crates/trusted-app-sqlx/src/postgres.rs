//! PostgreSQL: for several nodes.

use std::time::Duration;

use sqlx_core::pool::PoolOptions;
use sqlx_postgres::Postgres;
use tower_trusted_app::registry::RegistryError;

use crate::registry::{SqlRegistry, unavailable};

/// A registry in PostgreSQL, version 12 or later, which any number of nodes may share.
pub type PostgresRegistry = SqlRegistry<Postgres>;

impl SqlRegistry<Postgres> {
    /// Connects, such as to `postgres://user:password@host/database`, with at most 5 connections.
    ///
    /// # Errors
    ///
    /// [`RegistryError::Unavailable`] when the database cannot be reached, or its schema is newer
    /// than this program.
    pub async fn connect(url: &str) -> Result<Self, RegistryError> {
        let options = PoolOptions::new().max_connections(5).acquire_timeout(Duration::from_secs(5));
        Self::new(options.connect(url).await.map_err(unavailable)?).await
    }
}
