//! How far apart two clocks are.

use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

use http::HeaderValue;
use serde::Serializer;
use tower_trusted_app::Timestamp;

use crate::span::spelled;

/// How far the other side's clock is ahead of ours, in milliseconds; negative if it is behind. True to about a
/// second, which is what a `Date` header tells.
#[derive(Debug, Clone, Copy)]
pub(super) struct Difference(i64);

/// Below this nobody can tell.
const PRECISION: Duration = Duration::from_secs(2);

impl Difference {
    /// By the `Date` header of an answer (RFC 9110, section 6.6.1) to what was sent at one of our instants and
    /// received at another.
    pub(super) fn of(date: Option<&HeaderValue>, sent: Timestamp, received: Timestamp) -> Option<Self> {
        let date = httpdate::parse_http_date(date?.to_str().ok()?).ok()?;
        let date = i64::try_from(date.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()?;
        let middle = sent.as_millis() + received.millis_since(sent) / 2;
        // The header has no milliseconds: half a second is what is missing on average.
        Some(Self((date + 500).saturating_sub(middle)))
    }

    pub(super) fn as_millis(self) -> i64 {
        self.0
    }

    /// Whether the clocks agree as far as can be told.
    pub(super) fn is_small(self) -> bool {
        u128::from(self.0.unsigned_abs()) <= PRECISION.as_millis()
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_small() {
            return f.write_str("theirs agrees with ours (Date header)");
        }
        let direction = if self.0 > 0 { "ahead of" } else { "behind" };
        write!(f, "theirs is {} {direction} ours (Date header)", spelled(self.0))
    }
}

pub(super) fn as_millis<S: Serializer>(difference: &Option<Difference>, to: S) -> Result<S::Ok, S::Error> {
    match difference {
        Some(difference) => to.serialize_some(&difference.as_millis()),
        None => to.serialize_none(),
    }
}
