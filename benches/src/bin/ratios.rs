//! Measures the goals and prints one line each: name, ratio or count, goal, `ok` or `short`.
#![expect(clippy::print_stdout, reason = "that is what it is for")]

use std::process::ExitCode;

use trusted_app_benches::GOALS;

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    if let Some(unknown) = wanted.iter().find(|name| GOALS.iter().all(|goal| goal.name != *name)) {
        println!("usage: ratios [NAME ...]; no goal is named `{unknown}`");
        return ExitCode::from(2);
    }
    if cfg!(debug_assertions) {
        println!("built without --release: the figures mean nothing");
    }
    for goal in GOALS.iter().filter(|goal| wanted.is_empty() || wanted.iter().any(|name| name == goal.name)) {
        println!("{}", goal.measure());
    }
    ExitCode::SUCCESS
}
