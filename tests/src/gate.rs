//! For the tests that look at the workspace itself: its root, and cargo in it.

use std::{env, path::Path, process::Command};

/// The root of the workspace.
#[must_use]
pub fn workspace() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The cargo that runs these tests, in the root of the workspace, forbidden to change the lock file.
#[must_use]
pub fn cargo(subcommand: &str) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace()).args([subcommand, "--locked"]);
    command
}

/// What a command wrote to standard output.
///
/// # Panics
///
/// If the command cannot be started or fails; what it wrote to standard error is shown.
#[must_use]
pub fn output_of(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}:\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
