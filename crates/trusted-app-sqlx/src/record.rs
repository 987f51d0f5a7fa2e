//! A row of an application.

use std::sync::Arc;

use tower_trusted_app::application::ApplicationDescription;
use tower_trusted_app::registry::{Broken, Entry, Registered, Stamp};
use tower_trusted_app::{Timestamp, TrustedApplication};

use crate::row::{Row, Value};

/// The columns of a record, in its order.
pub(crate) const COLUMNS: &str = "id, description, version, created_at, created_by, updated_at, updated_by";

/// A row as it stands there, which need not be an application.
pub(crate) struct Record {
    id: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) version: u64,
    pub(crate) created: Stamp,
    pub(crate) updated: Stamp,
}

impl Record {
    /// Of a row of [`COLUMNS`].
    pub(crate) fn of(mut row: Row) -> Self {
        let stamp = |row: &mut Row, at| {
            let by = row.text(at + 1).unwrap_or_default();
            Stamp::new(Timestamp::from_millis(row.number(at)), by)
        };
        Self {
            id: row.text(0),
            description: row.text(1),
            version: row.count(2),
            created: stamp(&mut row, 3),
            updated: stamp(&mut row, 5),
        }
    }

    /// The values of [`COLUMNS`].
    pub(crate) fn values(record: &Registered) -> Vec<Value> {
        vec![
            record.application.id().as_str().into(),
            description(&record.application).into(),
            record.version.into(),
            record.created.at.as_millis().into(),
            (&*record.created.by).into(),
            record.updated.at.as_millis().into(),
            (&*record.updated.by).into(),
        ]
    }

    pub(crate) fn entry(self) -> Entry {
        let id = self.id.unwrap_or_default();
        let application = self.description.ok_or_else(|| "its description is no text".to_owned());
        match application.and_then(|text| described(&id, &text)) {
            Ok(application) => Ok(Registered::new(application, self.version, self.created, self.updated)),
            Err(reason) => Err(Broken::new(id, self.version, reason)),
        }
    }
}

/// The text that a row has for an application.
pub(crate) fn description(application: &TrustedApplication) -> String {
    ApplicationDescription::from(application).to_json()
}

/// The application that such a text describes, if it is the one of that id.
pub(crate) fn described(id: &str, text: &str) -> Result<Arc<TrustedApplication>, String> {
    let described = ApplicationDescription::from_json(text).map_err(|error| error.to_string())?;
    if described.id.as_str() != id {
        return Err(format!("its description is that of `{}`", described.id.as_str().escape_debug()));
    }
    TrustedApplication::try_from(&described).map(Arc::new).map_err(|error| error.to_string())
}
