//! The signing client: what leaves it is verified by the core, as a receiver would.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs, reason = "tests")]

mod attempts;
mod refused;
mod reuse;
mod signed;
mod support;
mod wire;
