//! How long and how much is fetched.

use std::time::Duration;

/// How long it may take to look up the host, to connect, until the answer begins, and then until it
/// has come to its end.
pub const TIMEOUT: Duration = Duration::from_secs(10);

/// How long the fetch of a certificate document may take in all, with the look-up of the host and all redirects.
pub const DOCUMENT_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a fetch of a key directory may take, the look-up of the host included.
pub const DIRECTORY_TIMEOUT: Duration = Duration::from_secs(5);

/// Most fetches of one fetcher, its clones included, that are under way at once.
pub const MAX_FETCHES: usize = 8;

pub(super) const MAX_REDIRECTS: usize = 5;
