//! A WebDriver server of one test's own.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// `chromedriver` on a free port of the loopback interface; it ends with the test.
pub(crate) struct Driver {
    /// Killed when dropped.
    _process: Child,
    url: String,
}

impl Driver {
    /// `None`, and a line that says so, where Chromium's driver is not installed.
    pub(crate) async fn start() -> Option<Self> {
        let mut command = Command::new("chromedriver");
        command
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        let (Ok(mut process), true) = (command.spawn(), has_axe()) else {
            test_services::missing("chromedriver on the path, and axe-core in target/node");
            return None;
        };
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = tokio::time::timeout(Duration::from_secs(30), async {
            loop {
                let line = lines.next_line().await.unwrap().expect("a line that names the port");
                if let Some((_, port)) = line.split_once("started successfully on port ") {
                    return port.trim_end_matches('.').to_owned();
                }
            }
        });
        let port = port.await.expect("chromedriver starts within 30 s");
        // It goes on to write, and must find somebody who reads.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Some(Self { _process: process, url: format!("http://127.0.0.1:{port}") })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

/// The workspace's `target`.
pub(crate) fn target() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target")
}

pub(crate) fn axe() -> PathBuf {
    target().join("node/node_modules/axe-core/axe.min.js")
}

fn has_axe() -> bool {
    axe().exists()
}
