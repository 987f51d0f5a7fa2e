//! tonic servers and clients on loopback, with the layer between them.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "tests")]

mod client;
mod http_signatures;
mod kinds;
mod names;
mod peer;
mod proxy;
mod requests;
mod shared_port;
mod site;
mod streams;
mod web;
