//! What was logged on this thread.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex, Once};

use tracing::field::{Field, Visit};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Level, Subscriber, span};
use tracing_subscriber::Registry;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

/// One event or one span.
#[derive(Debug, Clone)]
pub struct Record {
    /// How grave.
    pub level: Level,
    /// What its first field says.
    pub message: String,
    /// The other fields that are set.
    pub fields: BTreeMap<&'static str, String>,
}

/// Collects what is logged on this thread, by anybody and on every level, until it is dropped.
pub struct Log {
    records: Records,
    _subscriber: DefaultGuard,
}

#[derive(Clone, Default)]
struct Records(Arc<Mutex<Vec<Record>>>);

impl Log {
    /// Begins.
    #[must_use]
    pub fn start() -> Self {
        // `tracing` remembers for each place that logs whether anybody listens. As long as there is a single subscriber
        // it asks the thread that comes by first, and with tests on many threads that may be one without. So there is
        // one more, which listens everywhere and to everything, and keeps nothing.
        static EVERYWHERE: Once = Once::new();
        EVERYWHERE.call_once(|| tracing::subscriber::set_global_default(Registry::default()).unwrap());

        let records = Records::default();
        let subscriber = Registry::default().with(records.clone());
        Self { records, _subscriber: tracing::subscriber::set_default(subscriber) }
    }

    /// Hands out what was logged since the last time.
    #[must_use]
    pub fn take(&self) -> Vec<Record> {
        self.records.0.lock().unwrap().split_off(0)
    }

    /// Hands out what was logged about decisions since the last time, and passes over the rest.
    #[must_use]
    pub fn decisions(&self) -> Vec<Record> {
        let mut records = self.take();
        records.retain(|record| {
            ["trusted request accepted", "trusted request rejected"].contains(&&*record.message)
        });
        records
    }
}

impl<S: Subscriber> Layer<S> for Records {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        self.push(*event.metadata().level(), fields);
    }

    fn on_new_span(&self, span: &span::Attributes<'_>, _: &span::Id, _: Context<'_, S>) {
        let mut fields = Fields::default();
        span.record(&mut fields);
        self.push(*span.metadata().level(), fields);
    }
}

impl Records {
    fn push(&self, level: Level, Fields(mut fields): Fields) {
        let message = fields.remove("message").unwrap_or_default();
        self.0.lock().unwrap().push(Record { level, message, fields });
    }
}

/// Collects fields as text.
#[derive(Default)]
struct Fields(BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = String::new();
        write!(text, "{value:?}").unwrap();
        self.0.insert(field.name(), text);
    }
}
