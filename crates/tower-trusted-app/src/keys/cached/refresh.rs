//! The task that keeps a cache up to date.

use std::collections::{BTreeSet, VecDeque};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use trusted_app_core::ApplicationId;
use trusted_app_core::registry::{ApplicationRegistry, Change, RegistryError, page_end};

use super::changes::ChangeSource;
use super::gauges;
use super::known::{Known, Shared};
use super::snapshot::Writer;

/// How much is read from a registry at once.
const PAGE: usize = 1000;

/// How long one answer of a registry may take: a connection that is cut without a word must not keep
/// the task waiting.
const ANSWER: Duration = Duration::from_secs(30);

/// How many skipped applications the status lists.
const LISTED: usize = 100;

/// How many skipped applications are read again at a time; the others have their turn at the next polls.
const RETRIED: usize = 100;

pub(super) struct Refresher<R> {
    registry: R,
    shared: Arc<Shared>,
    writer: Writer,
    /// What was skipped before something changed, and may stand since.
    to_retry: VecDeque<ApplicationId>,
}

impl<R: ApplicationRegistry> Refresher<R> {
    pub(super) fn new(registry: R, shared: Arc<Shared>) -> Self {
        Self { registry, shared, writer: Writer::default(), to_retry: VecDeque::new() }
    }

    pub(super) async fn run(mut self, mut changes: impl ChangeSource, poll: Duration, full: Duration) {
        let mut polls = interval(poll);
        polls.set_missed_tick_behavior(MissedTickBehavior::Delay);
        polls.tick().await;
        let mut last_full = Instant::now();
        let (mut is_listening, mut is_announced) = (true, true);
        loop {
            tokio::select! {
                () = self.shared.call.notified() => {}
                told = changes.changed(), if is_listening => {
                    // A source that fails is asked again after the next poll, not in a loop.
                    is_listening = told.is_ok();
                    match told {
                        Err(error) if is_announced => {
                            tracing::warn!(
                                target: "trusted_app", error = &*error, poll_interval = ?poll,
                                "changes are noticed by polling alone"
                            );
                        }
                        Ok(()) if !is_announced => {
                            tracing::info!(target: "trusted_app", "changes are announced again");
                        }
                        _ => {}
                    }
                    is_announced = is_listening;
                }
                _ = polls.tick() => is_listening = true,
            }
            let asked = self.shared.asked.load(Ordering::Acquire);
            let is_full = asked > *self.shared.attempted.borrow() || last_full.elapsed() >= full;
            if is_full {
                last_full = Instant::now();
            }
            let outcome = self.refresh(is_full).await;
            self.report(outcome);
            self.shared.attempted.send_replace(asked);
        }
    }

    fn report(&self, outcome: Result<(), RegistryError>) {
        let error = outcome.err().map(|error| error.to_string());
        let before = self.shared.status.load();
        if error.is_some() {
            gauges::failed();
        }
        if before.last_error != error {
            if let Some(error) = &error {
                tracing::error!(
                    target: "trusted_app",
                    error,
                    "the registry cannot be read; the applications stay as they were"
                );
            }
            self.shared.status.store(Arc::new(Known { last_error: error, ..Known::clone(&before) }));
        }
        gauges::age(self.shared.age());
    }

    /// Reads what was changed, or everything if that is asked for or the log does not tell.
    pub(super) async fn refresh(&mut self, is_full: bool) -> Result<(), RegistryError> {
        let began = Instant::now();
        let known = self.shared.status.load().generation;
        let newest = in_time(self.registry.last_change()).await?;
        let changes = if is_full { None } else { self.changes(known, newest).await? };
        match changes {
            Some(changes) if changes.is_empty() => {}
            Some(changes) => {
                for change in changes {
                    self.writer.apply(&self.shared.snapshot, &change.id, change.after);
                }
                self.queue_skipped();
                self.publish(newest, "changes");
            }
            None => {
                self.read_all().await?;
                self.to_retry.clear();
                self.publish(newest, "full");
            }
        }
        self.shared.confirm(began);
        self.retry_skipped(newest).await
    }

    /// Whoever waits already stays in front, however often something changes.
    fn queue_skipped(&mut self) {
        let skipped = self.writer.skipped().filter_map(|one| ApplicationId::new(one.id.as_str()).ok());
        let mut new: BTreeSet<_> = skipped.collect();
        self.to_retry.retain(|id| new.remove(id));
        self.to_retry.extend(new);
    }

    /// What was skipped for its key may stand now that another application has changed. The changes are published by
    /// now, so that one that cannot be asked for holds up neither them nor the others: it goes to the end.
    async fn retry_skipped(&mut self, generation: u64) -> Result<(), RegistryError> {
        let mut outcome = Ok(());
        let mut is_changed = false;
        for _ in 0..RETRIED {
            let Some(id) = self.to_retry.pop_front() else { break };
            match in_time(self.registry.get(&id)).await {
                Ok(entry) => {
                    let after = entry.map(|entry| entry.map(|registered| registered.application));
                    self.writer.apply(&self.shared.snapshot, &id, after);
                    is_changed = true;
                }
                Err(error) => {
                    self.to_retry.push_back(id);
                    outcome = Err(error);
                    break;
                }
            }
        }
        if is_changed {
            self.publish(generation, "changes");
        }
        outcome
    }

    /// The changes that lead from one generation to another; `None` if the log does not have them
    /// all: something was changed past the registry, or put back from a copy.
    async fn changes(&self, known: u64, newest: u64) -> Result<Option<Vec<Change>>, RegistryError> {
        if newest < known || newest - known > PAGE as u64 {
            return Ok(None);
        }
        if newest == known {
            return Ok(Some(Vec::new()));
        }
        let mut changes = in_time(self.registry.changes(known, PAGE)).await?;
        // What came in since is for the next time.
        changes.retain(|change| change.number <= newest);
        let is_complete = changes.iter().map(|change| change.number).eq(known + 1..=newest);
        Ok(is_complete.then_some(changes))
    }

    async fn read_all(&mut self) -> Result<(), RegistryError> {
        let mut all = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = in_time(self.registry.list(after.as_deref(), PAGE)).await?;
            let is_last = page.len() < PAGE;
            if !is_last {
                after = Some(page_end(&page, after.as_deref())?);
            }
            all.extend(page.into_iter().map(|entry| entry.map(|registered| registered.application)));
            if is_last {
                break;
            }
        }
        let mut writer = Writer::default();
        writer.publish(&self.shared.snapshot, all);
        self.writer = writer;
        Ok(())
    }

    fn publish(&self, generation: u64, how: &'static str) {
        let skipped = self.writer.skipped();
        let known = Known {
            generation,
            applications: self.writer.applications(),
            skipped_count: skipped.len(),
            skipped: skipped.take(LISTED).cloned().collect(),
            last_error: None,
        };
        gauges::loaded(how, known.generation, known.applications, known.skipped_count);
        tracing::info!(
            target: "trusted_app",
            generation, how, applications = known.applications, skipped = known.skipped_count,
            "read the registry"
        );
        self.shared.status.store(Arc::new(known));
    }
}

async fn in_time<T>(answer: impl Future<Output = Result<T, RegistryError>>) -> Result<T, RegistryError> {
    let late = |_| RegistryError::Unavailable(format!("no answer within {ANSWER:?}").into());
    timeout(ANSWER, answer).await.unwrap_or_else(|elapsed| Err(late(elapsed)))
}
