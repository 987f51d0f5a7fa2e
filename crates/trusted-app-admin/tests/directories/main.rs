//! Applications that publish a key directory, over real connections.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

#[allow(dead_code, reason = "the pages' tests need more of it")]
#[path = "../pages/harness.rs"]
mod harness;

mod fetches;
mod publisher;
mod refresh;
mod registration;
mod replay;
mod skipped;
