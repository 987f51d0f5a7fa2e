//! The registry in a database.

use std::fmt;
use std::sync::Arc;

use sqlx_core::database::Database;
use sqlx_core::pool::Pool;
use sqlx_core::transaction::Transaction;
use tower_trusted_app::crypto::Thumbprint;
use tower_trusted_app::registry::{
    ApplicationConflict, ApplicationRegistry, Broken, Change, Entry, Registered, RegistryError, Reserved,
    Stamp,
};
use tower_trusted_app::{
    ApplicationId, Clock, KeyStore, LocalApplication, SystemClock, Timestamp, TrustedApplication,
};

use crate::dialect::Dialect;
use crate::error::SqlError;
use crate::migrate::migrate;
use crate::purpose::Purpose;
use crate::record::{COLUMNS, Record, described, description};
use crate::row::{Row, Value};

/// A registry in SQLite or PostgreSQL: see [`SqliteRegistry`](crate::SqliteRegistry) and
/// [`PostgresRegistry`](crate::PostgresRegistry).
///
/// It is a key store too, one query a look-up.
///
/// Clones share the connections.
pub struct SqlRegistry<D: Dialect> {
    pub(crate) pool: Pool<D>,
    reserved: Option<Reserved>,
    clock: Arc<dyn Clock>,
}

impl<D: Dialect> SqlRegistry<D> {
    /// A registry over connections of your own. The schema is brought up to date, which is safe to
    /// do again and on several nodes at once. If it is up to date nothing is written, so an account that may only
    /// read can do this and everything that reads; a change is then [`RegistryError::NotWritten`].
    ///
    /// # Errors
    ///
    /// [`RegistryError::Unavailable`] when the database cannot be reached, or its schema is newer
    /// than this program, or older and cannot be upgraded: a [`SchemaError`](crate::SchemaError) names both versions.
    pub async fn new(pool: Pool<D>) -> Result<Self, RegistryError> {
        migrate(&pool).await?;
        Ok(Self { pool, reserved: None, clock: Arc::new(SystemClock) })
    }

    /// Rejects our own id and key.
    #[must_use]
    pub fn local(self, local: &LocalApplication) -> Self {
        Self { reserved: Some(local.into()), ..self }
    }

    /// The clock that stamps changes; the system's by default.
    #[must_use]
    pub fn clock(self, clock: impl Clock) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// The connections.
    #[must_use]
    pub fn pool(&self) -> &Pool<D> {
        &self.pool
    }

    pub(crate) async fn read(
        &self,
        purpose: Purpose,
        sql: &str,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, RegistryError> {
        let rows = D::read(&self.pool, sql.to_owned(), values).await;
        rows.map_err(|error| SqlError::new(purpose, &self.pool, &error).into())
    }

    /// Why a change was not made.
    fn unchanged(&self, error: &sqlx_core::Error) -> RegistryError {
        SqlError::new(Purpose::ChangeApplications, &self.pool, error).into()
    }

    async fn begin(&self) -> Result<Write<'_, D>, RegistryError> {
        let transaction = self.pool.begin_with(D::BEGIN_WRITE).await;
        let transaction = transaction.map_err(|error| self.unchanged(&error))?;
        let mut write = Write { registry: self, transaction };
        // Locked first, as every change counts here: two that locked their keys first could wait for each other.
        let rows = write.fetch(format!("{GENERATION}{}", D::FOR_UPDATE), Vec::new()).await?;
        generation(&rows)?;
        Ok(write)
    }

    fn check_reserved(&self, application: &TrustedApplication) -> Result<(), RegistryError> {
        self.reserved.as_ref().map_or(Ok(()), |reserved| Ok(reserved.check(application)?))
    }
}

impl<D: Dialect> ApplicationRegistry for SqlRegistry<D> {
    async fn list(&self, after: Option<&str>, limit: usize) -> Result<Vec<Entry>, RegistryError> {
        let limit = Value::from(limit as u64);
        let rows = match after {
            Some(after) => {
                let sql = format!(
                    "SELECT {COLUMNS} FROM trusted_app_application WHERE id > $1 ORDER BY id LIMIT $2"
                );
                self.read(Purpose::ReadApplications, &sql, vec![after.into(), limit]).await?
            }
            None => {
                let sql = format!("SELECT {COLUMNS} FROM trusted_app_application ORDER BY id LIMIT $1");
                self.read(Purpose::ReadApplications, &sql, vec![limit]).await?
            }
        };
        Ok(rows.into_iter().map(|row| Record::of(row).entry()).collect())
    }

    async fn get(&self, id: &ApplicationId) -> Result<Option<Entry>, RegistryError> {
        let sql = format!("SELECT {COLUMNS} FROM trusted_app_application WHERE id = $1");
        let rows = self.read(Purpose::ReadApplications, &sql, vec![id.as_str().into()]).await?;
        Ok(rows.into_iter().next().map(|row| Record::of(row).entry()))
    }

    async fn add(&self, application: TrustedApplication, by: &str) -> Result<Registered, RegistryError> {
        self.check_reserved(&application)?;
        let mut write = self.begin().await?;
        let (version, stamp) = (write.changes_of(application.id()).await? + 1, write.stamp(by));
        let record = Registered::new(Arc::new(application), version, stamp.clone(), stamp);
        write.insert(&record).await?;
        write.take_keys(&record.application).await?;
        write.log(record.application.id(), None, Some(&record)).await?;
        write.commit().await?;
        Ok(record)
    }

    async fn update(
        &self,
        application: TrustedApplication,
        expected: u64,
        by: &str,
    ) -> Result<Registered, RegistryError> {
        self.check_reserved(&application)?;
        let mut write = self.begin().await?;
        let before = write.expect(application.id(), expected).await?;
        let (created, updated) = (before.created.clone(), write.stamp(by));
        let record = Registered::new(Arc::new(application), expected + 1, created, updated);
        write.replace(&record).await?;
        write.free_keys(record.application.id()).await?;
        write.take_keys(&record.application).await?;
        write.log(record.application.id(), Some(before), Some(&record)).await?;
        write.commit().await?;
        Ok(record)
    }

    async fn remove(&self, id: &ApplicationId, expected: u64, by: &str) -> Result<(), RegistryError> {
        let mut write = self.begin().await?;
        let mut before = write.expect(id, expected).await?;
        before.updated = write.stamp(by);
        write.free_keys(id).await?;
        write.delete(id).await?;
        write.log(id, Some(before), None).await?;
        write.commit().await
    }

    async fn changes(&self, after: u64, limit: usize) -> Result<Vec<Change>, RegistryError> {
        let sql = "SELECT number, at, by_whom, application, before, after FROM trusted_app_change \
                   WHERE number > $1 ORDER BY number LIMIT $2";
        let rows = self.read(Purpose::ReadChanges, sql, vec![after.into(), (limit as u64).into()]).await?;
        Ok(rows.into_iter().filter_map(change).collect())
    }

    async fn last_change(&self) -> Result<u64, RegistryError> {
        generation(&self.read(Purpose::ReadChanges, GENERATION, Vec::new()).await?)
    }

    fn reserved(&self) -> Option<Reserved> {
        self.reserved.clone()
    }
}

const GENERATION: &str = "SELECT number FROM trusted_app_generation";

/// Without its number nobody knows what has changed, and taking it for 0 would hide every change.
fn generation(rows: &[Row]) -> Result<u64, RegistryError> {
    let number = rows.first().and_then(|row| u64::try_from(row.optional_number(0)?).ok());
    number.ok_or_else(|| RegistryError::Unavailable("trusted_app_generation has lost its number".into()))
}

/// Every entry was written with an id that is one.
fn change(mut row: Row) -> Option<Change> {
    let (number, at) = (row.count(0), Timestamp::from_millis(row.number(1)));
    let by = row.text(2).unwrap_or_default();
    let id = ApplicationId::new(row.text(3)?).ok()?;
    let mut state = |column| {
        let text = row.text(column)?;
        Some(described(id.as_str(), &text).map_err(|reason| Broken::new(id.as_str(), 0, reason)))
    };
    let (before, after) = (state(4), state(5));
    Some(Change::new(number, Stamp::new(at, by), id, before, after))
}

impl<D: Dialect> KeyStore for SqlRegistry<D> {
    type Error = RegistryError;

    async fn application(
        &self,
        id: &ApplicationId,
    ) -> Result<Option<Arc<TrustedApplication>>, RegistryError> {
        served(self.get(id).await?)
    }

    async fn application_by_key(
        &self,
        key: &Thumbprint,
    ) -> Result<Option<Arc<TrustedApplication>>, RegistryError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM trusted_app_application WHERE id = \
             (SELECT application FROM trusted_app_key WHERE fingerprint = $1)"
        );
        let rows =
            self.read(Purpose::ReadApplications, &sql, vec![key.fingerprint().to_string().into()]).await?;
        let application = served(rows.into_iter().next().map(|row| Record::of(row).entry()))?;
        // What a peer calls its key may be the fingerprint of another kind.
        Ok(application.filter(|application| application.signature_key(key).is_some()))
    }
}

fn served(entry: Option<Entry>) -> Result<Option<Arc<TrustedApplication>>, RegistryError> {
    match entry {
        Some(Ok(registered)) => Ok(Some(registered.application)),
        Some(Err(broken)) => Err(RegistryError::Unavailable(broken.into())),
        None => Ok(None),
    }
}

/// One change, which nobody sees before it is committed. Rolled back when dropped.
struct Write<'r, D: Dialect> {
    registry: &'r SqlRegistry<D>,
    transaction: Transaction<'static, D>,
}

impl<D: Dialect> Write<'_, D> {
    fn stamp(&self, by: &str) -> Stamp {
        Stamp::new(self.registry.clock.now(), by)
    }

    /// The row as it is, if it has that version; nobody else changes it until this is through.
    async fn expect(&mut self, id: &ApplicationId, expected: u64) -> Result<Record, RegistryError> {
        let for_update = D::FOR_UPDATE;
        let sql = format!("SELECT {COLUMNS} FROM trusted_app_application WHERE id = $1{for_update}");
        let rows = self.fetch(sql, vec![id.as_str().into()]).await?;
        let row = rows.into_iter().next().ok_or_else(|| RegistryError::NotFound(id.clone()))?;
        let record = Record::of(row);
        if record.version == expected {
            Ok(record)
        } else {
            let (application, found) = (id.clone(), record.version);
            Err(RegistryError::VersionConflict { application, expected, found })
        }
    }

    /// How often something was changed under that id, and so at least its greatest version yet.
    async fn changes_of(&mut self, id: &ApplicationId) -> Result<u64, RegistryError> {
        let sql = "SELECT COUNT(*) FROM trusted_app_change WHERE application = $1".to_owned();
        let rows = self.fetch(sql, vec![id.as_str().into()]).await?;
        Ok(rows.into_iter().next().map_or(0, |row| row.count(0)))
    }

    async fn insert(&mut self, record: &Registered) -> Result<(), RegistryError> {
        let id = record.application.id();
        let sql = format!(
            "INSERT INTO trusted_app_application ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7) \
             ON CONFLICT (id) DO NOTHING"
        );
        if self.execute(&sql, Record::values(record)).await? == 0 {
            return Err(ApplicationConflict::Id { application: id.clone() }.into());
        }
        Ok(())
    }

    async fn replace(&mut self, record: &Registered) -> Result<(), RegistryError> {
        let sql = "UPDATE trusted_app_application SET description = $2, version = $3, created_at = $4, \
                   created_by = $5, updated_at = $6, updated_by = $7 WHERE id = $1";
        self.execute(sql, Record::values(record)).await.map(drop)
    }

    async fn delete(&mut self, id: &ApplicationId) -> Result<(), RegistryError> {
        let sql = "DELETE FROM trusted_app_application WHERE id = $1";
        self.execute(sql, vec![id.as_str().into()]).await.map(drop)
    }

    async fn free_keys(&mut self, id: &ApplicationId) -> Result<(), RegistryError> {
        let sql = "DELETE FROM trusted_app_key WHERE application = $1";
        self.execute(sql, vec![id.as_str().into()]).await.map(drop)
    }

    /// Makes the keys this application's. Of two nodes that want the same one the second waits here
    /// and is rejected.
    async fn take_keys(&mut self, application: &TrustedApplication) -> Result<(), RegistryError> {
        let id = application.id();
        for fingerprint in application.fingerprints() {
            let sql = "INSERT INTO trusted_app_key (fingerprint, application) VALUES ($1, $2) \
                       ON CONFLICT (fingerprint) DO NOTHING";
            let values = vec![fingerprint.to_string().into(), id.as_str().into()];
            if self.execute(sql, values).await? == 0 {
                let sql = "SELECT application FROM trusted_app_key WHERE fingerprint = $1".to_owned();
                let mut rows = self.fetch(sql, vec![fingerprint.to_string().into()]).await?;
                let other = rows.first_mut().and_then(|row| row.text(0)?.parse().ok());
                let (application, other) = (id.clone(), other.unwrap_or_else(|| id.clone()));
                return Err(ApplicationConflict::Key { fingerprint, application, other }.into());
            }
        }
        Ok(())
    }

    /// The triggers have counted this change; the entry gets its number.
    async fn log(
        &mut self,
        id: &ApplicationId,
        before: Option<Record>,
        after: Option<&Registered>,
    ) -> Result<(), RegistryError> {
        let stamp = after.map(|after| &after.updated).or(before.as_ref().map(|before| &before.updated));
        let Some(stamp) = stamp else { return Ok(()) };
        let (at, by) = (stamp.at.as_millis(), stamp.by.to_string());
        let after = after.map(|after| description(&after.application));
        let before = before.map(|before| before.description.unwrap_or_default());
        let sql = "INSERT INTO trusted_app_change (number, at, by_whom, application, before, after) \
                   SELECT number, $1, $2, $3, $4, $5 FROM trusted_app_generation";
        let values = vec![at.into(), by.into(), id.as_str().into(), before.into(), after.into()];
        if self.execute(sql, values).await? == 1 {
            Ok(())
        } else {
            Err(RegistryError::Unavailable("the change could not be logged".into()))
        }
    }

    async fn commit(self) -> Result<(), RegistryError> {
        let Self { registry, transaction } = self;
        transaction.commit().await.map_err(|error| registry.unchanged(&error))
    }

    async fn execute(&mut self, sql: &str, values: Vec<Value>) -> Result<u64, RegistryError> {
        let done = D::execute(&mut self.transaction, sql.to_owned(), values).await;
        done.map_err(|error| self.registry.unchanged(&error))
    }

    async fn fetch(&mut self, sql: String, values: Vec<Value>) -> Result<Vec<Row>, RegistryError> {
        let rows = D::fetch(&mut self.transaction, sql, values).await;
        rows.map_err(|error| self.registry.unchanged(&error))
    }
}

impl<D: Dialect> Clone for SqlRegistry<D> {
    fn clone(&self) -> Self {
        Self { pool: self.pool.clone(), reserved: self.reserved.clone(), clock: Arc::clone(&self.clock) }
    }
}

impl<D: Dialect> fmt::Debug for SqlRegistry<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The pool's own form would show how to connect, a password perhaps among it.
        f.debug_struct("SqlRegistry").field("database", &<D as Database>::NAME).finish_non_exhaustive()
    }
}
