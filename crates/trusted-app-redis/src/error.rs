//! What can go wrong.

use std::time::Duration;

use trusted_app_core::BoxError;

/// A text that is no URL of a Redis server. It does not quote the text, which may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not the URL of a Redis server: write redis://[[user]:password@]host[:port][/database], or rediss:// with \
     the feature `tls`"
)]
#[non_exhaustive]
pub struct RedisUrlError;

/// Why Redis did not tell whether something is a replay.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RedisReplayError {
    /// No answer in time; perhaps no connection.
    #[error("Redis did not answer within {0:?}")]
    TooSlow(Duration),
    /// Redis is away, or it answered with an error.
    #[error("Redis: {0}")]
    Failed(#[source] BoxError),
    /// Redis may forget claims before their time to make room for others.
    #[error("Redis may forget claims to make room: its maxmemory-policy is {0}, and must be noeviction")]
    Evicts(String),
    /// Redis answered with something else than `SET` does, or forgot a claim that was just rejected.
    #[error("Redis answered a SET with something that is neither OK nor nil, or its key was gone at once")]
    Unexpected,
}
