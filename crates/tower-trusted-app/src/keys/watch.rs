//! A thread that looks at a file whenever it may have changed.

use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{io, thread};

use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

/// Keeps the thread alive: with this its wake-up channel is dropped, and the thread ends.
pub(super) struct Watch {
    _wake: SyncSender<()>,
    _watcher: Option<RecommendedWatcher>,
}

/// A directory is being watched, but nobody looks yet: whatever happens from now on is not missed.
pub(super) struct Unstarted {
    watch: Watch,
    woken: Receiver<()>,
    unclosed: Unclosed,
}

/// When a file was last written to without having been closed since, as far as the system reports it.
#[derive(Debug, Clone, Default)]
pub(super) struct Unclosed(Arc<Mutex<Option<Instant>>>);

impl Unclosed {
    /// Longer than a writer pauses. It ends, since a close may go unreported, and `truncate(2)` has none.
    const LONGEST: Duration = Duration::from_secs(60);

    /// Of a file that was written to just now.
    #[cfg(test)]
    pub(super) fn written() -> Self {
        Self(Arc::new(Mutex::new(Some(Instant::now()))))
    }

    /// Whether it is being written to.
    pub(super) fn is_open(&self) -> bool {
        let written = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        written.is_some_and(|at| at.elapsed() < Self::LONGEST)
    }

    /// Takes note of what happened to the file. Only Linux reports that a file is closed.
    fn note(&self, kind: EventKind) {
        let written = match kind {
            EventKind::Modify(ModifyKind::Data(_)) => cfg!(target_os = "linux").then(Instant::now),
            WRITTEN
            | EventKind::Modify(ModifyKind::Name(_))
            | EventKind::Create(_)
            | EventKind::Remove(_) => None,
            _ => return,
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = written;
    }
}

impl Watch {
    /// Starts to collect what happens in the directory of `path`.
    pub(super) fn prepare(path: &Path) -> Unstarted {
        // One waiting wake-up is enough, however many events it stands for.
        let (wake, woken) = sync_channel(1);
        let unclosed = Unclosed::default();
        let watcher = directory_watcher(path, wake.clone(), unclosed.clone())
            .inspect_err(|error| {
                tracing::warn!(
                    target: "trusted_app",
                    path = %path.display(),
                    %error,
                    "changes are noticed by polling alone"
                );
            })
            .ok();
        Unstarted { watch: Self { _wake: wake, _watcher: watcher }, woken, unclosed }
    }
}

impl Unstarted {
    /// Whether the file is being written to, from now on.
    pub(super) fn unclosed(&self) -> Unclosed {
        self.unclosed.clone()
    }

    /// Looks at the file after each event and at least every `poll`. What `look` answers is handed
    /// back to it `settle` later, until it answers `None`.
    pub(super) fn start<T>(
        self,
        poll: Duration,
        settle: Duration,
        look: impl Fn(Option<T>) -> Option<T> + Send + 'static,
    ) -> io::Result<Watch> {
        let woken = self.woken;
        thread::Builder::new().name("trusted-app-file".to_owned()).spawn(move || {
            while woken.recv_timeout(poll) != Err(RecvTimeoutError::Disconnected) {
                let mut seen = None;
                loop {
                    // Also before the first look: a busy directory must not keep us reading.
                    thread::sleep(settle);
                    if woken.try_recv() == Err(TryRecvError::Disconnected) {
                        return;
                    }
                    seen = look(seen);
                    if seen.is_none() {
                        break;
                    }
                }
            }
        })?;
        Ok(self.watch)
    }
}

/// The file itself is not watched: it may be a link, and what is renamed over it is another file.
fn directory_watcher(
    path: &Path,
    wake: SyncSender<()>,
    unclosed: Unclosed,
) -> notify::Result<RecommendedWatcher> {
    let file = path.to_owned();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        if let Ok(event) = &event
            && event.paths.contains(&file)
        {
            unclosed.note(event.kind);
        }
        // Our own reading is an access too.
        if !event.is_ok_and(|event| event.kind.is_access() && event.kind != WRITTEN) {
            // If it is full, the thread is about to look anyway.
            let _ = wake.try_send(());
        }
    })?;
    watcher.watch(path.parent().unwrap_or(path), RecursiveMode::NonRecursive)?;
    Ok(watcher)
}

/// What had a file open for writing has closed it.
const WRITTEN: EventKind = EventKind::Access(AccessKind::Close(AccessMode::Write));

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, mpsc};
    use std::time::Instant;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const SETTLE: Duration = Duration::from_millis(5);

    #[test]
    fn looks_after_an_event_until_there_is_nothing_new() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let (looked, looks) = mpsc::channel();
        let watch = Watch::prepare(&path);
        let _watch = watch
            .start(HOUR, SETTLE, move |before: Option<u8>| {
                looked.send(before).unwrap();
                (before != Some(2)).then(|| before.unwrap_or_default() + 1)
            })
            .unwrap();
        std::fs::write(&path, "x").unwrap();
        let looks: Vec<_> = (0..3).map(|_| looks.recv_timeout(Duration::from_secs(20)).unwrap()).collect();
        assert_eq!(looks, [None, Some(1), Some(2)]);
    }

    #[test]
    fn reading_the_file_wakes_nobody() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let looks = Arc::new(AtomicUsize::new(0));
        let (counter, read) = (Arc::clone(&looks), path.clone());
        let _watch = Watch::prepare(&path)
            .start(HOUR, SETTLE, move |_: Option<()>| {
                assert!(std::fs::read(&read).is_ok());
                counter.fetch_add(1, Ordering::SeqCst);
                None
            })
            .unwrap();
        std::fs::write(&path, "x").unwrap();
        thread::sleep(Duration::from_millis(400));
        // One write is a few events; if each look were one too, there would be dozens of looks.
        let looks = looks.load(Ordering::SeqCst);
        assert!((1..10).contains(&looks), "{looks}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_write_without_a_close_is_known() {
        use std::io::Write;

        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let watch = Watch::prepare(&path);
        let unclosed = watch.unclosed();
        let wait_until_it_is = |open: bool| {
            let start = Instant::now();
            while unclosed.is_open() != open {
                assert!(start.elapsed() < Duration::from_secs(20), "waited in vain for {open}");
                thread::sleep(SETTLE);
            }
        };
        // Closed, renamed over, removed.
        let mut file = std::fs::File::create(&path).unwrap();
        file.write_all(b"x").unwrap();
        wait_until_it_is(true);
        drop(file);
        wait_until_it_is(false);
        for end in [
            |path: &Path| std::fs::rename(path.with_extension("new"), path),
            |path: &Path| std::fs::remove_file(path),
        ] {
            std::fs::write(path.with_extension("new"), "y").unwrap();
            let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
            file.write_all(b"x").unwrap();
            wait_until_it_is(true);
            end(&path).unwrap();
            wait_until_it_is(false);
        }
    }

    #[test]
    fn the_thread_ends_with_the_handle() {
        let directory = tempfile::tempdir().unwrap();
        let owned_by_the_thread = Arc::new(());
        let weak = Arc::downgrade(&owned_by_the_thread);
        let watch = Watch::prepare(&directory.path().join("file"))
            .start(HOUR, SETTLE, move |_: Option<()>| {
                let _owned = &owned_by_the_thread;
                None
            })
            .unwrap();
        thread::sleep(Duration::from_millis(50));
        assert!(weak.upgrade().is_some());
        drop(watch);
        let start = Instant::now();
        while weak.upgrade().is_some() {
            assert!(start.elapsed() < Duration::from_secs(20), "the thread lives on");
            thread::sleep(SETTLE);
        }
    }
}
