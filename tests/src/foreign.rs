//! Programs in other languages, which nobody of us wrote but for a few lines in `tests/foreign`.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use crate::gate::workspace;

/// A script of `tests/foreign`, by the Python that has its `requirements.txt`: that of `TRUSTED_APP_TEST_PYTHON`, or the
/// virtual environment `target/python`. `None` if there is none.
#[must_use]
pub fn python(script: &str) -> Option<Command> {
    let python = env::var_os("TRUSTED_APP_TEST_PYTHON")
        .map_or_else(|| workspace().join("target/python/bin/python"), PathBuf::from);
    let imports = "import cryptography, grpc, grpc_health, grpc_status, jwcrypto, requests_http_signature";
    has(Command::new(&python).args(["-c", imports])).then(|| with(Command::new(python), script))
}

/// A script of `tests/foreign`, by Node.js with the packages in `target/node`. `None` if one of them is missing.
#[must_use]
pub fn node(script: &str) -> Option<Command> {
    let node = || {
        let mut node = Command::new("node");
        node.env("NODE_PATH", workspace().join("target/node/node_modules"));
        node
    };
    let requires = "require('http-message-signatures'); require('http-message-sig')";
    has(node().args(["-e", requires])).then(|| with(node(), script))
}

fn has(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

fn with(mut command: Command, script: &str) -> Command {
    command.arg(workspace().join("tests/foreign").join(script));
    command
}
