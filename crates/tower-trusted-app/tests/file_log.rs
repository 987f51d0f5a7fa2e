//! What the file store logs when it loads.

#![cfg(feature = "file")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::fmt::{self, Write as _};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once};

use tempfile::TempDir;
use tower_trusted_app::keys::FileKeyStore;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span};

/// Every event as `LEVEL message field=value …`.
static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Lines;

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::INFO
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        LINES.lock().unwrap().push(line.0);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => write!(self.0, " {value:?}").unwrap(),
            name => write!(self.0, " {name}={value:?}").unwrap(),
        }
    }
}

/// A file, and what was logged about it.
struct Logged {
    _directory: TempDir,
    path: PathBuf,
}

impl Logged {
    fn new(text: &str) -> Self {
        static LISTEN: Once = Once::new();
        LISTEN.call_once(|| tracing::subscriber::set_global_default(Lines).unwrap());
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("apps.toml");
        fs::write(&path, text).unwrap();
        Self { _directory: directory, path }
    }

    /// The lines about this file since the last call, without its path.
    fn take(&self) -> Vec<String> {
        let path = format!(" path={}", Path::new(&self.path).display());
        let mut lines = LINES.lock().unwrap();
        let mine = lines.extract_if(.., |line| line.contains(&path)).collect::<Vec<_>>();
        mine.iter().map(|line| line.replace(&path, "")).collect()
    }
}

fn application(id: &str, bits: u32, rules: &str) -> String {
    let text =
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/certificate_document.json"));
    let vectors: serde_json::Value = serde_json::from_str(text).unwrap();
    let key = vectors["keys"][format!("pub-rsa{bits}")]["public_key_spki_b64"].as_str().unwrap();
    format!(
        "[[application]]\nid = '{id}'\nkeys = [{{ spki = '{key}' }}]\naddresses = 'any'\npaths = ['/rest']\n{rules}"
    )
}

#[test]
fn what_a_load_widens_or_removes_is_a_warning() {
    let narrow = "methods = ['GET']\nact_as = { deny_users = ['bob'] }\n";
    let file = Logged::new(&(application("forum", 4096, "") + &application("wiki", 2048, narrow)));
    let store = FileKeyStore::open(&file.path).unwrap();
    assert_eq!(file.take(), Vec::<String>::new());

    // As if the rest had been cut.
    fs::write(&file.path, application("wiki", 2048, "")).unwrap();
    store.reload().unwrap();
    assert_eq!(
        file.take(),
        [
            "WARN the application is no longer in the file: its requests are refused from now on application=forum",
            "WARN the application may do more than before: methods: from now on any application=wiki",
            "WARN the application may do more than before: users: no longer denied: bob application=wiki",
            "INFO loaded the trusted applications generation=2",
        ]
    );

    // Narrower, and one more.
    fs::write(&file.path, application("forum", 4096, "") + &application("wiki", 2048, narrow)).unwrap();
    store.reload().unwrap();
    assert_eq!(
        file.take(),
        [
            "INFO the application is new in the file application=forum",
            "INFO loaded the trusted applications generation=3",
        ]
    );

    // In the middle of a number.
    let longer = "methods = ['GET']\nact_as = { deny_users = ['bob'] }\ntimeout_ms = 60000";
    fs::write(&file.path, application("forum", 4096, "") + &application("wiki", 2048, longer)).unwrap();
    store.reload().unwrap();
    assert_eq!(
        file.take(),
        [
            "WARN the application may do more than before: time-out: from now on 60000 ms, not 10000 ms application=wiki",
            "WARN the last line of the file has no line end: see whether the file is complete",
            "INFO loaded the trusted applications generation=4",
        ]
    );
}

#[test]
fn what_is_hardly_meant_is_a_warning() {
    let rules = "timeout_ms = 999999999999\n";
    let text = application("${WIKI_ID}", 2048, rules).replace("'any'", "[]");
    let file = Logged::new(&text);
    let _store = FileKeyStore::open(&file.path).unwrap();
    assert_eq!(
        file.take(),
        [
            "WARN line 2: application `${WIKI_ID}`: id: the id `${WIKI_ID}` looks like a variable that was not replaced",
            "WARN line 4: application `${WIKI_ID}`: addresses: the list of addresses is empty, so every request is refused; \
             for no rule write \"any\"",
            "WARN line 6: application `${WIKI_ID}`: timeout_ms: a time-out of 999999999999 ms is 31 years: a captured \
             request is good for as long",
        ]
    );
}
