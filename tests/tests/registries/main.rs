//! Registries: in memory, in SQLite and in PostgreSQL, by themselves and behind the cache, and what happens to requests
//! when something breaks.

mod audit;
mod by_hand;
mod cache;
mod conformance;
mod load;
mod postgres_faults;
mod read_only_postgres;
#[cfg(unix)]
mod read_only_sqlite;
mod requests;
mod secrets;
mod sqlite_faults;
