//! What several of the programs in `src/bin` use. Each of those shows one way to use the crates; run
//! one with `cargo run -p examples --bin NAME`.

pub mod tracker;
