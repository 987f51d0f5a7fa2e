//! A million requests with bad signatures by either scheme, against a layer that accepts each request once: they
//! leave the replay store empty. Prints a line for each scheme, and fails if that is not so.
#![expect(clippy::print_stdout, reason = "that is what it is for")]

use std::process::ExitCode;

use trusted_app_benches::Flood;

fn main() -> ExitCode {
    let floods = [Flood::of_seraph(1_000_000), Flood::of_http_signatures(1_000_000)];
    for flood in floods {
        println!("{flood}");
    }
    if floods.iter().all(Flood::is_ok) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
