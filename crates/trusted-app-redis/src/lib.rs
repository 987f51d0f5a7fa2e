//! A replay store for [`trusted_app_core`] in Redis: what several servers accept counts once.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use tower_trusted_app::keys::MemoryKeyStore;
//! use tower_trusted_app::users::MemoryDirectory;
//! use tower_trusted_app::TrustedAppLayer;
//! use trusted_app_redis::RedisReplayStore;
//!
//! # fn layer(keys: MemoryKeyStore, users: MemoryDirectory) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! let claims = RedisReplayStore::new("redis://:password@redis.internal:6379/2")?
//!     .key_prefix("tracker:replay:")
//!     .timeout(Duration::from_millis(200));
//! let layer = TrustedAppLayer::builder(keys, users, "https://tracker.example.com".parse()?)
//!     .replay_store(claims).build()?;
//! # Ok(())
//! # }
//! ```
//!
//! An application that is registered with
//! [`replay_protection`](trusted_app_core::application::TrustedApplicationBuilder::replay_protection)
//! then has each request accepted once by all servers together, and rejected with `REPLAYED` by the
//! others. Without an answer of Redis in time it is rejected as unavailable.
//!
//! # What Redis must be like
//!
//! * Version 2.6.12 or newer; one primary, no cluster.
//! * It must forget nothing: a server with `maxmemory` and a policy other than `noeviction` is rejected,
//!   where it tells ([`insecure_allow_eviction`](RedisReplayStore::insecure_allow_eviction)).
//! * A replica that takes over may lack the newest claims, and a restart without persistence lacks
//!   all: what was claimed before can then be claimed again, as long as its certificate is good.
//! * Whoever can write to it decides what counts as a replay. Give it a password, and TLS (`rediss://`,
//!   feature `tls`) beyond one machine.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod error;
mod link;
mod store;

pub use error::{RedisReplayError, RedisUrlError};
pub use store::RedisReplayStore;
