//! The quick start as a process.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// The running quick start; it ends with the test.
pub(crate) struct Quickstart {
    /// Killed when dropped.
    _process: Child,
    pub(crate) wiki: String,
    pub(crate) tracker: String,
    /// Of the wiki's key, as the terminal shows it.
    pub(crate) fingerprint: String,
}

impl Quickstart {
    /// With the tracker below a context path, or at the root where that is `/`.
    pub(crate) async fn start(context_path: &str) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_quickstart"))
            .args(["--context-path", context_path])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut word_after = async |words: &str| loop {
            let line = lines.next_line().await.unwrap().expect("a line with these words");
            if let Some((_, rest)) = line.split_once(words) {
                return rest.split_whitespace().next().unwrap().to_owned();
            }
        };
        let shown = async {
            let fingerprint = word_after("SHA-256 ").await;
            (fingerprint, word_after("   the wiki     ").await, word_after("   the tracker  ").await)
        };
        // It makes two RSA keys.
        let (fingerprint, wiki, tracker) =
            tokio::time::timeout(Duration::from_secs(120), shown).await.expect("it starts");
        // It goes on to write, and must find somebody who reads.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { _process: process, wiki, tracker, fingerprint }
    }
}
