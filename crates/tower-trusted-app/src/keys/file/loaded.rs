//! A file of applications and what was last loaded from it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use arc_swap::ArcSwap;
use trusted_app_core::registry::Reserved;
use trusted_app_core::text::decode;

use super::super::applications::Applications;
use super::super::toml::parse_applications;
use super::super::watch::Unclosed;
use super::super::writer::Writers;
use super::changes;
use super::error::FileError;
use super::look::{Content, Look, Seen};
use super::status::FileStatus;

/// The file and what was last loaded from it.
pub(super) struct ApplicationsFile {
    pub(super) path: PathBuf,
    reserved: Option<Reserved>,
    /// Whether the system reported a write and no close after it.
    unclosed: Unclosed,
    pub(super) current: ArcSwap<Applications>,
    pub(super) status: ArcSwap<FileStatus>,
    /// Held from reading to publishing, so that of two loads the one that read later also publishes later.
    handled: Mutex<Handled>,
}

/// What needs no further look.
struct Handled {
    /// What is in use.
    loaded: Content,
    /// What was found faulty since, and why.
    faulty: Option<(Content, String)>,
}

impl ApplicationsFile {
    pub(super) fn load(
        path: PathBuf,
        reserved: Option<Reserved>,
        unclosed: Unclosed,
    ) -> Result<Self, FileError> {
        let look = complete(&path)?;
        let handled = Handled { loaded: look.seen.content, faulty: None };
        let read = read(&path, look, reserved.as_ref())?;
        let status = FileStatus { generation: 1, loaded_at: SystemTime::now(), last_error: None };
        Ok(Self {
            path,
            reserved,
            unclosed,
            current: ArcSwap::from_pointee(read.applications),
            status: ArcSwap::from_pointee(status),
            handled: Mutex::new(handled),
        })
    }

    pub(super) fn reload(&self) -> Result<(), FileError> {
        let mut handled = self.handled.lock().unwrap_or_else(PoisonError::into_inner);
        let look = complete(&self.path).inspect_err(|error| {
            self.say(Some(error.to_string()));
        })?;
        self.publish(&mut handled, look)
    }

    /// One look at the file. Answers with what it saw if that is new and also differs from what was
    /// seen `before`, a settle time ago; loads what has settled and is open for writing nowhere.
    pub(super) fn observe(&self, before: Option<Seen>) -> Option<Seen> {
        let mut handled = self.handled.lock().unwrap_or_else(PoisonError::into_inner);
        let look = Look::at(&self.path);
        if look.seen.content == handled.loaded {
            // Also if what was written in between was taken back.
            handled.faulty = None;
            self.say(None);
            return None;
        }
        if let Some((content, error)) = &handled.faulty
            && look.seen.content == *content
        {
            self.say(Some(error.clone()));
            return None;
        }
        if Some(look.seen) != before {
            return Some(look.seen);
        }
        let writer = look.writer(&self.path, Writers::All);
        if writer.is_some() || self.unclosed.is_open() {
            let error = FileError::StillWritten { path: self.path.clone(), writer }.to_string();
            if self.say(Some(error.clone())) {
                tracing::warn!(target: "trusted_app", %error, "the trusted applications stay as they are for now");
            }
            // The close is reported, or found by polling.
            return None;
        }
        if !look.is_current(&self.path) {
            return Some(look.seen);
        }
        if let Err(error) = self.publish(&mut handled, look) {
            tracing::error!(target: "trusted_app", %error, "the trusted applications stay as they were");
        }
        None
    }

    /// States why the file as it is now is not in use. Answers whether that is new.
    fn say(&self, last_error: Option<String>) -> bool {
        let status = self.status.load();
        let is_new = status.last_error != last_error;
        if is_new {
            self.status.store(Arc::new(FileStatus { last_error, ..FileStatus::clone(&status) }));
        }
        is_new
    }

    fn publish(&self, handled: &mut Handled, look: Look) -> Result<(), FileError> {
        let content = look.seen.content;
        let loaded = self.try_publish(look);
        match &loaded {
            Ok(()) => *handled = Handled { loaded: content, faulty: None },
            Err(error) => {
                handled.faulty = Some((content, error.to_string()));
                self.say(Some(error.to_string()));
            }
        }
        loaded
    }

    fn try_publish(&self, look: Look) -> Result<(), FileError> {
        let read = read(&self.path, look, self.reserved.as_ref())?;
        let before = self.current.load_full();
        if read.applications.len() == 0 && before.len() != 0 && !read.states_none {
            return Err(FileError::NoApplications { path: self.path.clone() });
        }
        changes::log(&self.path, &before, &read.applications, read.ends_in_a_line);
        let generation = self.status.load().generation + 1;
        self.current.store(Arc::new(read.applications));
        self.status.store(Arc::new(FileStatus {
            generation,
            loaded_at: SystemTime::now(),
            last_error: None,
        }));
        tracing::info!(
            target: "trusted_app",
            path = %self.path.display(),
            generation,
            "loaded the trusted applications"
        );
        Ok(())
    }
}

/// A look at a file that its caller says to be complete.
fn complete(path: &Path) -> Result<Look, FileError> {
    let look = Look::at(path);
    let writer = look.writer(path, Writers::Others);
    // One that closed the file before we asked has written after we read.
    if writer.is_some() || !look.is_current(path) {
        return Err(FileError::StillWritten { path: path.to_owned(), writer });
    }
    Ok(look)
}

struct Read {
    applications: Applications,
    states_none: bool,
    ends_in_a_line: bool,
}

fn read(path: &Path, look: Look, reserved: Option<&Reserved>) -> Result<Read, FileError> {
    let own = || path.to_owned();
    let bytes = look.bytes.map_err(|reason| FileError::Unreadable { path: own(), reason })?;
    let text = decode(bytes).map_err(|reason| FileError::NotText { path: own(), reason })?;
    let parsed = parse_applications(&text).map_err(|reason| FileError::of_toml(own(), reason))?;
    for warning in parsed.warnings {
        tracing::warn!(target: "trusted_app", path = %path.display(), "{warning}");
    }
    let applications = Applications::new(parsed.applications.into_iter().map(Arc::new), reserved.cloned())
        .map_err(|reason| FileError::Conflict { path: own(), reason })?;
    Ok(Read { applications, states_none: parsed.states_none, ends_in_a_line: text.ends_with('\n') })
}

#[cfg(test)]
mod tests;
