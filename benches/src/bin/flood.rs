//! A million requests with bad signatures, against a layer that accepts each request once: they leave the
//! replay store empty. Prints one line, and fails if that is not so.
#![expect(clippy::print_stdout, reason = "that is what it is for")]

use std::process::ExitCode;

use trusted_app_benches::Flood;

fn main() -> ExitCode {
    let flood = Flood::of(1_000_000);
    println!("{flood}");
    if flood.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
