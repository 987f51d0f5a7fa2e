//! The pages, by the requests that a browser sends.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod atlassian;
mod attacks;
mod broken;
mod decisions;
mod editing;
mod fetches;
mod frame;
mod harness;
mod https;
mod outage;
mod requests;
mod rotation;
mod routes;
mod seed;
mod tracker;
