//! Fills a registry in SQLite and one in PostgreSQL with a million applications, starts a node's cache
//! from each, and says how long that took and what it keeps in memory.
//!
//! `million [COUNT]`. PostgreSQL is a server of the program's own, which needs its programs installed;
//! without them it measures SQLite alone.
#![expect(clippy::print_stdout, reason = "that is what it is for")]
#![expect(clippy::unwrap_used, reason = "a measurement that fails has nothing to say")]

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Instant;

use sqlx_core::Error;
use sqlx_core::executor::Executor;
use sqlx_core::pool::Pool;
use sqlx_core::raw_sql::raw_sql;
use sqlx_core::sql_str::AssertSqlSafe;
use tower_trusted_app::TrustedApplication;
use tower_trusted_app::application::ApplicationDescription;
use tower_trusted_app::keys::CachedRegistry;
use tower_trusted_app::registry::ApplicationRegistry;
use trusted_app_benches::many::{MANY, applications};
use trusted_app_benches::ratio::allocations_kept;
use trusted_app_sqlx::{Dialect, PostgresRegistry, SqliteRegistry};

/// Rows in one statement.
const ROWS: usize = 1000;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let count = match (arguments.next().map(|count| count.parse()), arguments.next()) {
        (None, _) => MANY,
        (Some(Ok(count)), None) if count > 0 => count,
        _ => {
            println!("usage: million [COUNT]");
            return ExitCode::from(2);
        }
    };
    let directory = tempfile::tempdir().unwrap();
    measure("SQLite", count, async || {
        let registry = SqliteRegistry::open(directory.path().join("registry.sqlite")).await.unwrap();
        fill(registry.pool(), count).await.unwrap();
        registry
    });
    if let Some(server) = test_services::postgres::Postgres::start() {
        measure("PostgreSQL", count, async || {
            let registry = PostgresRegistry::connect(&server.database()).await.unwrap();
            fill(registry.pool(), count).await.unwrap();
            registry
        });
    }
    ExitCode::SUCCESS
}

fn measure<R: ApplicationRegistry>(name: &str, count: u32, filled: impl AsyncFnOnce() -> R) {
    // One thread, whose allocations are counted.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let begun = Instant::now();
    let registry = runtime.block_on(filled());
    println!("{name}: {count} applications written in {:.1} s", begun.elapsed().as_secs_f64());

    let mut cache = None;
    let begun = Instant::now();
    let kept = allocations_kept(|| cache = Some(runtime.block_on(CachedRegistry::open(registry)).unwrap()));
    let status = cache.as_ref().unwrap().status();
    println!(
        "{name}: a cache started with {} applications in {:.1} s ({:.1} µs each); it keeps {:.0} bytes each",
        status.applications,
        begun.elapsed().as_secs_f64(),
        begun.elapsed().as_secs_f64() * 1e6 / f64::from(count),
        kept as f64 / f64::from(count),
    );
    assert_eq!((status.applications, status.skipped.len()), (count as usize, 0));
}

/// Writes the rows as the registry would, but many in one statement.
async fn fill<D: Dialect>(pool: &Pool<D>, count: u32) -> Result<(), Error>
where
    for<'c> &'c mut D::Connection: Executor<'c, Database = D>,
{
    let mut transaction = pool.begin().await?;
    let mut applications = applications(count).peekable();
    while applications.peek().is_some() {
        let some: Vec<TrustedApplication> = applications.by_ref().take(ROWS).collect();
        raw_sql(AssertSqlSafe(insertion(&some))).execute(&mut *transaction).await?;
    }
    transaction.commit().await
}

fn insertion(applications: &[TrustedApplication]) -> String {
    let mut sql = "INSERT INTO trusted_app_application VALUES ".to_owned();
    for (number, application) in applications.iter().enumerate() {
        let (comma, id) = (if number == 0 { "" } else { "," }, application.id());
        let description = ApplicationDescription::from(application).to_json().replace('\'', "''");
        write!(sql, "{comma}('{id}','{description}',1,0,'million',0,'million')").unwrap();
    }
    sql += "; INSERT INTO trusted_app_key VALUES ";
    for (number, application) in applications.iter().enumerate() {
        let comma = if number == 0 { "" } else { "," };
        let [key] = application.keys() else { unreachable!("each has one") };
        write!(sql, "{comma}('{}','{}')", key.fingerprint(), application.id()).unwrap();
    }
    sql
}
