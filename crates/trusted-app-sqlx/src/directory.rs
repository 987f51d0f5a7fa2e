//! Users of any table.

use std::fmt;
use std::sync::Arc;

use sqlx_core::pool::Pool;
use tower_trusted_app::permission::{GroupNameError, GroupNames};
use tower_trusted_app::store::{FoldedDirectory, FoldedName, NameLookup};
use tower_trusted_app::{KnownUser, TrustedApplication, UserDirectory, UserLookup};

use crate::dialect::Dialect;
use crate::error::SqlError;
use crate::purpose::Purpose;
use crate::row::{Row, Value};

/// A user directory over any table of SQLite or PostgreSQL, by a query of yours.
///
/// The query gets the name as its parameter `$1`, bound and never spliced, and answers with a row for
/// every user who may be meant: first the name as the table spells it, then [whether the user is
/// active](#who-is-active), then whatever a handler shall see. Rows whose name is not the one that was asked
/// for, byte for byte, do not count, whatever the database's collation thinks; two that are left are
/// [`Ambiguous`](UserLookup::Ambiguous).
///
#[cfg_attr(feature = "sqlite", doc = "```")]
#[cfg_attr(not(feature = "sqlite"), doc = "```ignore")]
/// use tower_trusted_app::{UserDirectory, UserLookup};
/// use trusted_app_sqlx::{Pool, SqlDirectory, Sqlite, sqlite_options};
/// # use tower_trusted_app::{PublicKey, TrustedApplication, conditions::{AddressRule, PathRule}};
/// # use sqlx_core::executor::Executor;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let wiki_key = PublicKey::from_base64(include_str!("../../trusted-app-core/tests/data/public-key-2048.txt"))?;
/// # let wiki = TrustedApplication::builder("wiki".parse()?, wiki_key)
/// #     .addresses(AddressRule::any()).paths(PathRule::any()).build()?;
/// # let directory = tempfile::tempdir()?;
/// # let file = directory.path().join("users.db");
/// let pool = Pool::<Sqlite>::connect_with(sqlite_options(file)).await?;
/// # pool.execute("CREATE TABLE account (login TEXT, active BOOLEAN, full_name TEXT)").await?;
/// # pool.execute("CREATE TABLE membership (login TEXT, group_name TEXT)").await?;
/// # pool.execute("INSERT INTO account VALUES ('alice', TRUE, 'Alice Liddell'), ('bob', FALSE, 'Bob')").await?;
/// # pool.execute("INSERT INTO membership VALUES ('alice', 'staff')").await?;
/// let users = SqlDirectory::new(pool, "SELECT login, active, full_name FROM account WHERE login = $1")
///     .groups("SELECT group_name FROM membership WHERE login = $1")
///     .administrator_groups(["admins"])?;
///
/// let UserLookup::Found(alice) = users.user(&wiki, "alice").await? else { panic!("she is in the table") };
/// assert_eq!((&*alice.groups[0], alice.user.columns[0].as_deref()), ("staff", Some("Alice Liddell")));
/// assert_eq!(users.user(&wiki, "bob").await?, UserLookup::Denied);
/// assert_eq!(users.user(&wiki, "' OR 1=1 --").await?, UserLookup::Unknown);
/// # Ok(())
/// # }
/// ```
///
/// On PostgreSQL, over TLS with the server's certificate checked, which takes the cargo feature `tls`:
///
#[cfg_attr(feature = "postgres", doc = "```no_run")]
#[cfg_attr(not(feature = "postgres"), doc = "```ignore")]
/// use std::time::Duration;
/// use trusted_app_sqlx::{PgConnectOptions, PgSslMode, PoolOptions, Postgres, SqlDirectory};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server: PgConnectOptions = "postgres://tracker@db.example.com/tracker".parse()?;
/// let pool = PoolOptions::<Postgres>::new()
///     .max_connections(5)
///     .acquire_timeout(Duration::from_secs(5)) // then it cannot tell: 503
///     .connect_lazy_with(server.ssl_mode(PgSslMode::VerifyFull));
/// let users = SqlDirectory::new(pool, "SELECT login, NOT disabled, mail FROM account WHERE login = $1")
///     .groups("SELECT group_name FROM membership WHERE login = $1");
/// # Ok(())
/// # }
/// ```
///
/// # Who is active
///
/// By the second column: a boolean; an integer, 1 or 0; or a text, `true`, `t`, `yes`, `y` or `1`, `false`, `f`, `no`,
/// `n` or `0`, in any letter case, blanks at its end aside. `NULL` is not active. Anything else is an
/// [error](SqlDirectoryError::ActiveFlag), for a 2 may stand for anything. State a condition, such as `state = 'ok'`,
/// where the table says it otherwise.
///
/// # Mapped names
///
/// For names that are [mapped](tower_trusted_app::users::names) the query gets the folded name, and must find every user
/// who folds to it: keep a column of folded names, or compare by `lower(login) = $1` where your database's `lower` is as
/// good as the fold (SQLite's knows ASCII only).
///
/// It only reads: an account that may do no more, a standby and a file that cannot be written will do.
///
/// Clones share the connections.
pub struct SqlDirectory<D: Dialect> {
    pool: Pool<D>,
    queries: Arc<Queries>,
}

#[derive(Debug, Clone)]
struct Queries {
    users: String,
    groups: Option<String>,
    group_names: Option<String>,
    administrator_groups: GroupNames,
}

/// What the query said about a user beyond the name and whether they are active.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SqlUser {
    /// The third column and the following; `None` for `NULL` and for what is neither text nor a number.
    pub columns: Vec<Option<String>>,
}

/// Why the database could not tell.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SqlDirectoryError {
    /// It cannot be reached, or it rejects the query.
    #[error("the database cannot look users up: {0}")]
    Database(#[from] SqlError),
    /// A row without a name, or a query with too few columns.
    #[error("the query for users must answer with the name as text and then with whether the user is active")]
    Columns,
    /// A second column that does not clearly say [whether the user is active](SqlDirectory#who-is-active).
    #[error(
        "the query for users must say by a boolean, 0 or 1, or \"yes\" or \"no\" whether the user is active"
    )]
    ActiveFlag,
    /// A row of the query for groups whose first column is `NULL`, no text, or padded as a `CHAR(n)` is: no rule would be
    /// about such a name.
    #[error(
        "the query for groups must answer with the group's name as text, never with NULL and without blanks at its \
         end: cast a CHAR(n) to TEXT"
    )]
    GroupColumn,
    /// Groups of administrators, and no [query for groups](SqlDirectory::groups): nobody would be one.
    #[error("state a query for groups, or nobody is in a group of administrators")]
    NoGroupQuery,
}

impl<D: Dialect> SqlDirectory<D> {
    /// A directory by this query. It is part of the program: never make it of what somebody typed.
    pub fn new(pool: Pool<D>, users: impl Into<String>) -> Self {
        let queries = Queries {
            users: users.into(),
            groups: None,
            group_names: None,
            administrator_groups: GroupNames::default(),
        };
        Self { pool, queries: Arc::new(queries) }
    }

    /// The query for a user's groups: it gets the name as the table spells it as `$1`, and answers with one group a row.
    /// Nobody is in any by default.
    #[must_use]
    pub fn groups(self, query: impl Into<String>) -> Self {
        self.with(|queries| queries.groups = Some(query.into()))
    }

    /// The query for groups by name, for [rules about groups that are not there](tower_trusted_app::users::check_rule_names):
    /// it gets a name as `$1` and answers with the groups of that name, one a row, such as
    /// `SELECT name FROM groups WHERE lower(name) = lower($1)`. It is not asked for a request. Without it the directory
    /// cannot tell whether a group is there.
    #[must_use]
    pub fn group_names(self, query: impl Into<String>) -> Self {
        self.with(|queries| queries.group_names = Some(query.into()))
    }

    /// Who is in one of these groups, [letter case aside](GroupNames::contains_caseless), is an administrator: an
    /// application may not act as them unless its policy says so. It takes a [query for groups](Self::groups); without
    /// one every look-up fails. A name that looks like a distinguished name is warned of in the log.
    ///
    /// # Errors
    ///
    /// When a name [can be no group's](GroupNames::new): no one would be an administrator by it.
    pub fn administrator_groups<G: Into<Arc<str>>>(
        self,
        groups: impl IntoIterator<Item = G>,
    ) -> Result<Self, GroupNameError> {
        let groups = GroupNames::new(groups)?;
        for warning in groups.warnings() {
            tracing::warn!(target: "trusted_app", "group of administrators: {warning}");
        }
        Ok(self.with(|queries| queries.administrator_groups = groups))
    }

    fn with(mut self, set: impl FnOnce(&mut Queries)) -> Self {
        set(Arc::make_mut(&mut self.queries));
        self
    }

    /// The user whose row the query finds and whose name is covered.
    async fn find(&self, name: &FoldedName<'_>) -> Result<UserLookup<SqlUser>, SqlDirectoryError> {
        // Nobody is called that, and PostgreSQL rejects the parameter.
        if name.key().contains('\0') {
            return Ok(UserLookup::Unknown);
        }
        let mut meant = Vec::new();
        for row in self.fetch(Purpose::FindUser, &self.queries.users, name.key()).await? {
            let user = Candidate::of(row)?;
            if name.covers(&user.name) {
                meant.push(user);
            }
        }
        let mut meant = meant.into_iter();
        match (meant.next(), meant.next()) {
            (None, _) => Ok(UserLookup::Unknown),
            (Some(_), Some(_)) => Ok(UserLookup::Ambiguous),
            (Some(user), None) if !user.active => Ok(UserLookup::Denied),
            (Some(user), None) => self.known(user).await,
        }
    }

    async fn known(&self, user: Candidate) -> Result<UserLookup<SqlUser>, SqlDirectoryError> {
        let Queries { groups, administrator_groups, .. } = &*self.queries;
        let rows = match groups {
            Some(query) => self.fetch(Purpose::FindGroups, query, &user.name).await?,
            None if administrator_groups.as_slice().is_empty() => Vec::new(),
            None => return Err(SqlDirectoryError::NoGroupQuery),
        };
        let groups = group_names(rows)?;
        let administrator = groups.iter().any(|group| administrator_groups.contains_caseless(group));
        let known = KnownUser::new(user.name, user.record).with_groups(groups);
        Ok(UserLookup::Found(if administrator { known.as_administrator() } else { known }))
    }

    async fn fetch(
        &self,
        purpose: Purpose,
        query: &str,
        parameter: &str,
    ) -> Result<Vec<Row>, SqlDirectoryError> {
        let rows = D::read(&self.pool, query.to_owned(), vec![parameter.into()]).await;
        Ok(rows.map_err(|error| SqlError::new(purpose, &self.pool, &error))?)
    }
}

/// The first column of rows of groups.
fn group_names(rows: Vec<Row>) -> Result<Vec<String>, SqlDirectoryError> {
    let name = |mut row: Row| row.text(0).filter(|name| !name.ends_with(' '));
    rows.into_iter().map(|row| name(row).ok_or(SqlDirectoryError::GroupColumn)).collect()
}

/// A row of the query for users.
struct Candidate {
    name: String,
    active: bool,
    record: SqlUser,
}

impl Candidate {
    fn of(mut row: Row) -> Result<Self, SqlDirectoryError> {
        let name = row.text(0).ok_or(SqlDirectoryError::Columns)?;
        let mut cells = row.into_cells().skip(1);
        let active = active(cells.next().ok_or(SqlDirectoryError::Columns)?)?;
        let columns = cells.map(|cell| match cell {
            Value::Text(text) => text,
            Value::Number(number) => number.map(|number| number.to_string()),
            Value::Unreadable => None,
        });
        Ok(Self { name, active, record: SqlUser { columns: columns.collect() } })
    }
}

fn active(flag: Value) -> Result<bool, SqlDirectoryError> {
    match flag {
        Value::Number(None) | Value::Text(None) => Ok(false),
        Value::Number(Some(number @ (0 | 1))) => Ok(number == 1),
        Value::Text(Some(text)) => match &*text.trim_end_matches(' ').to_ascii_lowercase() {
            "true" | "t" | "yes" | "y" | "1" => Ok(true),
            "false" | "f" | "no" | "n" | "0" => Ok(false),
            _ => Err(SqlDirectoryError::ActiveFlag),
        },
        Value::Number(_) | Value::Unreadable => Err(SqlDirectoryError::ActiveFlag),
    }
}

impl<D: Dialect> UserDirectory for SqlDirectory<D> {
    type User = SqlUser;
    type Error = SqlDirectoryError;

    async fn user(
        &self,
        _: &TrustedApplication,
        name: &str,
    ) -> Result<UserLookup<SqlUser>, SqlDirectoryError> {
        self.find(&FoldedName::exact(name)).await
    }

    /// By the query for users. One that finds a name in its own spelling alone does not find it in other letters.
    async fn knows_user(&self, name: &str) -> Result<NameLookup, SqlDirectoryError> {
        if name.contains('\0') {
            return Ok(NameLookup::Unknown);
        }
        let rows = self.fetch(Purpose::FindUser, &self.queries.users, name).await?;
        let names = rows.into_iter().map(|mut row| row.text(0).ok_or(SqlDirectoryError::Columns));
        Ok(NameLookup::among(name, names.collect::<Result<Vec<_>, _>>()?))
    }

    /// By the [query for groups by name](Self::group_names). Without a [query for groups](Self::groups) users are in no
    /// group.
    async fn knows_group(&self, name: &str) -> Result<NameLookup, SqlDirectoryError> {
        match &self.queries.group_names {
            _ if self.queries.groups.is_none() || name.contains('\0') => Ok(NameLookup::Unknown),
            None => Ok(NameLookup::CannotTell),
            Some(query) => {
                Ok(NameLookup::among(name, group_names(self.fetch(Purpose::FindGroups, query, name).await?)?))
            }
        }
    }

    fn administrator_groups(&self) -> &[Arc<str>] {
        self.queries.administrator_groups.as_slice()
    }
}

impl<D: Dialect> FoldedDirectory for SqlDirectory<D> {
    async fn folded_user(
        &self,
        _: &TrustedApplication,
        name: &FoldedName<'_>,
    ) -> Result<UserLookup<SqlUser>, SqlDirectoryError> {
        self.find(name).await
    }
}

impl<D: Dialect> Clone for SqlDirectory<D> {
    fn clone(&self) -> Self {
        Self { pool: self.pool.clone(), queries: Arc::clone(&self.queries) }
    }
}

impl<D: Dialect> fmt::Debug for SqlDirectory<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlDirectory").field("queries", &self.queries).finish_non_exhaustive()
    }
}
