//! Refreshing key directories, for as long as the server runs.

use std::convert::Infallible;
use std::time::Duration;

use tower_trusted_app::ApplicationRegistry;

use crate::service::Administration;

/// Refreshes the key directories of all applications, again and again.
///
/// ```
/// use tower_trusted_app::keys::MemoryRegistry;
/// use trusted_app_admin::{Administration, refresher::DirectoryRefresher};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let administration = Administration::new(MemoryRegistry::new([])?);
/// let refreshing = tokio::spawn(DirectoryRefresher::new(administration).run());
/// // ... and when the server ends:
/// refreshing.abort();
/// # Ok(())
/// # }
/// ```
///
/// [`Administration::refresh_directory`] says what a refresh does. Several nodes that share a registry may each
/// run one.
#[derive(Debug, Clone)]
pub struct DirectoryRefresher<R> {
    administration: Administration<R>,
    interval: Duration,
}

impl<R: ApplicationRegistry> DirectoryRefresher<R> {
    /// The longest interval, which is also the usual one: an application publishes a new key that long before
    /// it uses it.
    pub const MAX_INTERVAL: Duration = Duration::from_secs(60 * 60);
    /// The shortest interval.
    pub const MIN_INTERVAL: Duration = Duration::from_secs(60);

    /// A refresher of the directories of an administration's applications.
    #[must_use]
    pub fn new(administration: Administration<R>) -> Self {
        Self { administration, interval: Self::MAX_INTERVAL }
    }

    /// The longest time between two fetches of a directory, brought within
    /// [`MIN_INTERVAL`](Self::MIN_INTERVAL) and [`MAX_INTERVAL`](Self::MAX_INTERVAL).
    #[must_use]
    pub fn interval(self, interval: Duration) -> Self {
        Self { interval: interval.clamp(Self::MIN_INTERVAL, Self::MAX_INTERVAL), ..self }
    }

    /// Refreshes until it is dropped. What fails is in the log, and tried again the next time. Needs a tokio
    /// runtime with I/O and time.
    pub async fn run(self) -> Infallible {
        loop {
            // An outage of the registry is in the log already.
            let _ = self.administration.refresh_directories().await;
            tokio::time::sleep(self.pause()).await;
        }
    }

    /// The interval or up to a fifth less, so that nodes that were started together do not stay together.
    fn pause(&self) -> Duration {
        let mut random = [0; 1];
        // Without randomness only the spread is lost.
        let _ = getrandom::fill(&mut random);
        let [random] = random;
        (self.interval - self.interval * u32::from(random) / (5 * 256)).max(Self::MIN_INTERVAL)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use tower_trusted_app::keys::MemoryRegistry;

    use super::*;

    #[test]
    fn never_longer_than_an_hour_nor_shorter_than_a_minute() {
        let refresher = DirectoryRefresher::new(Administration::new(MemoryRegistry::new([]).unwrap()));
        for (asked, shortest, longest) in [(0, 60, 60), (600, 480, 600), (86_400, 2880, 3600)] {
            let refresher = refresher.clone().interval(Duration::from_secs(asked));
            let pauses: Vec<_> = (0..100).map(|_| refresher.pause()).collect();
            let within = Duration::from_secs(shortest)..=Duration::from_secs(longest);
            assert!(pauses.iter().all(|pause| within.contains(pause)), "{pauses:?}");
            assert_eq!(pauses.iter().any(|pause| *pause != pauses[0]), asked > 0);
        }
    }
}
