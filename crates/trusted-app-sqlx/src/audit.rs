//! A record of every decision, in the database.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx_core::Error;
use sqlx_core::pool::Pool;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tower_trusted_app::Rejected;
use tower_trusted_app::audit::{AuditSink, Decision, Outcome};

use crate::addresses;
use crate::dialect::Dialect;
use crate::error::SqlError;
use crate::purpose::Purpose;
use crate::registry::SqlRegistry;
use crate::row::Value;

const COLUMNS: &str = "at, outcome, code, reason, application, claimed_application, user_name, claimed_user, \
                       scheme, key_fingerprint, method, path, url, addresses, age_ms, seen_before";
const COLUMN_COUNT: usize = 16;

/// Longest text of one column, in bytes; what is longer is cut.
const MAX_TEXT: usize = 2048;

/// Writes every decision, allowed and rejected, into the table `trusted_app_decision`.
///
/// A request hands its record over and goes on: it never waits for the database and never fails by
/// it. A task writes the records in batches, and tries again while the database is away. At most
/// [`capacity`](SqlAuditBuilder::capacity) records wait; what finds no room is dropped and
/// [counted](Self::dropped).
///
/// Clones share the records; the task ends when the last is dropped and all is written. Call
/// [`flush`](Self::flush) before the program ends.
#[derive(Clone)]
pub struct SqlAudit {
    queue: Sender<Message>,
    counts: Arc<Counts>,
}

enum Message {
    Record(Vec<Value>),
    Flush(tokio::sync::oneshot::Sender<()>),
}

#[derive(Default)]
struct Counts {
    written: AtomicU64,
    dropped: AtomicU64,
}

impl SqlAudit {
    /// Records into a registry's database. Must be called within a Tokio runtime.
    #[must_use]
    pub fn new<D: Dialect>(registry: &SqlRegistry<D>) -> Self {
        Self::builder(registry).build()
    }

    /// The same with options.
    pub fn builder<D: Dialect>(registry: &SqlRegistry<D>) -> SqlAuditBuilder<D> {
        SqlAuditBuilder { pool: registry.pool().clone(), capacity: 8192, batch: 256 }
    }

    /// How many records are in the database.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.counts.written.load(Ordering::Relaxed)
    }

    /// How many records found no room and are lost.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.counts.dropped.load(Ordering::Relaxed)
    }

    /// Waits until everything recorded before is in the database, however long that takes.
    pub async fn flush(&self) {
        let (done, written) = tokio::sync::oneshot::channel();
        if self.queue.send(Message::Flush(done)).await.is_ok() {
            let _ = written.await;
        }
    }
}

impl AuditSink for SqlAudit {
    fn record(&self, decision: &Decision<'_>) {
        if self.queue.try_send(Message::Record(values(decision))).is_err() {
            let before = self.counts.dropped.fetch_add(1, Ordering::Relaxed);
            if before.is_power_of_two() || before == 0 {
                tracing::error!(target: "trusted_app", dropped = before + 1, "audit records are lost: the database does not keep up");
            }
        }
    }
}

impl fmt::Debug for SqlAudit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlAudit")
            .field("written", &self.written())
            .field("dropped", &self.dropped())
            .finish_non_exhaustive()
    }
}

/// Makes a [`SqlAudit`].
#[must_use = "call `build`"]
pub struct SqlAuditBuilder<D: Dialect> {
    pool: Pool<D>,
    capacity: usize,
    batch: usize,
}

impl<D: Dialect> SqlAuditBuilder<D> {
    /// How many records may wait, at least 1; 8192 by default. A record is at most about 20 KB.
    pub fn capacity(self, capacity: usize) -> Self {
        Self { capacity: capacity.max(1), ..self }
    }

    /// How many records are written in one transaction, from 1 to 1024; 256 by default.
    pub fn batch(self, batch: usize) -> Self {
        Self { batch: batch.clamp(1, 1024), ..self }
    }

    /// Starts the task that writes. Must be called within a Tokio runtime.
    #[must_use]
    pub fn build(self) -> SqlAudit {
        let (queue, records) = mpsc::channel(self.capacity);
        let counts = Arc::new(Counts::default());
        tokio::spawn(write(self.pool, records, self.batch, Arc::clone(&counts)));
        SqlAudit { queue, counts }
    }
}

impl<D: Dialect> fmt::Debug for SqlAuditBuilder<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlAuditBuilder")
            .field("capacity", &self.capacity)
            .field("batch", &self.batch)
            .finish_non_exhaustive()
    }
}

async fn write<D: Dialect>(pool: Pool<D>, mut queue: Receiver<Message>, batch: usize, counts: Arc<Counts>) {
    let mut messages = Vec::new();
    while queue.recv_many(&mut messages, batch).await > 0 {
        let (mut records, mut flushed) = (Vec::new(), Vec::new());
        for message in messages.drain(..) {
            match message {
                Message::Record(values) => records.push(values),
                Message::Flush(done) => flushed.push(done),
            }
        }
        let mut is_known = false;
        while let Err(error) = insert(&pool, &records).await {
            if !is_known {
                is_known = true;
                let error = SqlError::new(Purpose::RecordDecisions, &pool, &error);
                tracing::error!(target: "trusted_app", %error, "audit records wait for the database");
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        counts.written.fetch_add(records.len() as u64, Ordering::Relaxed);
        for done in flushed {
            let _ = done.send(());
        }
    }
}

/// All of them or none: one statement.
async fn insert<D: Dialect>(pool: &Pool<D>, records: &[Vec<Value>]) -> Result<(), Error> {
    if records.is_empty() {
        return Ok(());
    }
    let places = |record: usize| {
        let first = record * COLUMN_COUNT;
        let places: Vec<_> = (1..=COLUMN_COUNT).map(|column| format!("${}", first + column)).collect();
        format!("({})", places.join(", "))
    };
    let rows: Vec<_> = (0..records.len()).map(places).collect();
    let sql = format!("INSERT INTO trusted_app_decision ({COLUMNS}) VALUES {}", rows.join(", "));
    let mut connection = pool.acquire().await?;
    D::execute(&mut connection, sql, records.concat()).await.map(drop)
}

/// The values of [`COLUMNS`].
fn values(decision: &Decision<'_>) -> Vec<Value> {
    let (outcome, user, rejection) = match decision.outcome {
        Outcome::Authenticated { user } => ("authenticated", Some(user), None),
        Outcome::Rejected(rejection) => ("rejected", None, Some(rejection)),
        Outcome::ContinuedAsAnonymous(rejection) => ("continued as anonymous", None, Some(rejection)),
        _ => ("other", None, None),
    };
    let signature = decision.signature;
    let addresses = addresses::write(decision.addresses);
    vec![
        decision.at.as_millis().into(),
        outcome.into(),
        text(rejection.map(Rejected::code)),
        text(rejection.map(ToString::to_string).as_deref()),
        text(decision.application.map(|application| application.id().as_str())),
        text(decision.claimed_application),
        text(user),
        text(signature.map(|signature| signature.user())),
        text(signature.map(|signature| signature.scheme().as_str())),
        text(signature.map(|signature| signature.key().to_string()).as_deref()),
        text(Some(decision.method.as_str())),
        text(Some(decision.path)),
        text(decision.url),
        text(Some(&addresses)),
        decision.age_ms().into(),
        i64::from(decision.seen_before).into(),
    ]
}

/// A text that every database takes: not too long, and without NUL.
fn text(text: Option<&str>) -> Value {
    Value::Text(text.map(|text| {
        let text = text.get(..text.floor_char_boundary(MAX_TEXT)).unwrap_or_default();
        text.replace('\0', "\u{fffd}")
    }))
}
