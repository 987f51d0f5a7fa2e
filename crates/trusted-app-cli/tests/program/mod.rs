//! Runs the built program.

use std::io::Write;
use std::process::{Command, Stdio};

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs the program with `input` on its standard input.
pub(crate) fn run<'a>(args: impl IntoIterator<Item = &'a str>, input: &[u8]) -> Ran {
    let mut program = Command::new(env!("CARGO_BIN_EXE_trusted-app"));
    for proxy in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        program.env_remove(proxy);
    }
    let program = program.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut program = program.spawn().unwrap();
    // It may refuse its options before it reads.
    let _ = program.stdin.take().unwrap().write_all(input);
    let output = program.wait_with_output().unwrap();
    Ran {
        status: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Ran {
    /// The one line that says why there is no answer.
    #[track_caller]
    pub(crate) fn failure(&self) -> &str {
        assert_eq!((self.status, self.stdout.as_str()), (2, ""), "{self:?}");
        let line = self.stderr.strip_suffix('\n').unwrap();
        assert!(!line.contains('\n'), "one line: {line}");
        line.strip_prefix("trusted-app: ").unwrap_or_else(|| panic!("{line}"))
    }
}
