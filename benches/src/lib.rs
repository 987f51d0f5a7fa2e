//! What the layer costs, as ratios against a bare reference measured in the same run.
//!
//! Only ratios travel between machines. Each [`Goal`] names what is measured, against what, and the
//! bound; `cargo run --release --bin ratios` prints one line a goal, `cargo bench` the same through
//! criterion.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a bench that cannot be set up has nothing to say"
)]

pub mod flood;
pub mod goals;
mod grpc;
mod jwt;
mod load;
pub mod many;
pub mod ratio;
mod rules;
mod signatures;
mod subjects;

pub use flood::Flood;
pub use goals::{GOALS, Goal};
