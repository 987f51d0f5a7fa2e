//! The recorded decisions, read again.

use tower_trusted_app::Timestamp;
use tower_trusted_app::registry::RegistryError;

use crate::addresses;
use crate::dialect::Dialect;
use crate::purpose::Purpose;
use crate::registry::SqlRegistry;
use crate::row::{Row, Value};

const COLUMNS: &str = "number, at, outcome, code, reason, application, claimed_application, user_name, \
                       claimed_user, scheme, key_fingerprint, method, path, url, addresses, age_ms, seen_before";

/// One decision as [`SqlAudit`](crate::SqlAudit) recorded it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordedDecision {
    /// Its number; later ones have higher ones, with gaps.
    pub number: u64,
    /// The server's clock when it decided.
    pub at: Timestamp,
    /// `authenticated`, `rejected` or `continued as anonymous`.
    pub outcome: String,
    /// The [code](tower_trusted_app::seraph::Code) of a rejection.
    pub code: Option<String>,
    /// Code and message of a rejection, for people.
    pub reason: Option<String>,
    /// The application, if the id of the request is registered.
    pub application: Option<String>,
    /// The id as the request claims it.
    pub claimed_application: Option<String>,
    /// The user who was authenticated, by the directory's name.
    pub user: Option<String>,
    /// The user whom the signature names.
    pub claimed_user: Option<String>,
    /// The scheme of a signature that holds.
    pub scheme: Option<String>,
    /// The SHA-256 of the key by which it holds.
    pub key_fingerprint: Option<String>,
    /// The request's method.
    pub method: String,
    /// The request's path.
    pub path: String,
    /// The URL as the server rebuilt it.
    pub url: Option<String>,
    /// The addresses that were looked at: `peer 10.1.2.3`, `peer local`, `unknown peer` or `forwarded `, and the entry
    /// of `X-Forwarded-For` or `Forwarded` as it stood there.
    pub addresses: Vec<String>,
    /// How old the certificate was, in milliseconds; negative if it was stamped ahead.
    pub age_ms: Option<i64>,
    /// Whether the signature had been verified before.
    pub seen_before: bool,
}

/// Which decisions are asked for; all by default.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct DecisionFilter {
    /// Only those about this application, or about a request that claimed to be it.
    pub application: Option<String>,
    /// Only rejections.
    pub refused: bool,
    /// Only those with a higher number.
    pub after: u64,
}

impl<D: Dialect> SqlRegistry<D> {
    /// The newest decisions that pass the filter, oldest first, at most `limit`.
    ///
    /// Who asks again for what came [after](DecisionFilter::after) the last may miss what another
    /// node was just writing: this is for looking, and not for copying.
    ///
    /// # Errors
    ///
    /// [`RegistryError::Unavailable`].
    pub async fn decisions(
        &self,
        filter: &DecisionFilter,
        limit: usize,
    ) -> Result<Vec<RecordedDecision>, RegistryError> {
        let mut sql = format!("SELECT {COLUMNS} FROM trusted_app_decision WHERE number > $1");
        let mut values = vec![Value::from(filter.after)];
        if let Some(application) = &filter.application {
            sql.push_str(" AND COALESCE(application, claimed_application) = $2");
            values.push(application.as_str().into());
        }
        if filter.refused {
            sql.push_str(" AND code IS NOT NULL");
        }
        values.push((limit as u64).into());
        sql.push_str(&format!(" ORDER BY number DESC LIMIT ${}", values.len()));
        let rows = self.read(Purpose::ReadDecisions, &sql, values).await?;
        Ok(rows.into_iter().rev().map(RecordedDecision::of).collect())
    }
}

impl RecordedDecision {
    /// Of a row of [`COLUMNS`].
    fn of(mut row: Row) -> Self {
        Self {
            number: row.count(0),
            at: Timestamp::from_millis(row.number(1)),
            outcome: row.text(2).unwrap_or_default(),
            code: row.text(3),
            reason: row.text(4),
            application: row.text(5),
            claimed_application: row.text(6),
            user: row.text(7),
            claimed_user: row.text(8),
            scheme: row.text(9),
            key_fingerprint: row.text(10),
            method: row.text(11).unwrap_or_default(),
            path: row.text(12).unwrap_or_default(),
            url: row.text(13),
            addresses: addresses::read(&row.text(14).unwrap_or_default()),
            age_ms: row.optional_number(15),
            seen_before: row.number(16) != 0,
        }
    }
}
