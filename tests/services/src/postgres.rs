//! A PostgreSQL server of one test's own, which it may stop and cut off as it likes.

use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A server on a free port of the loopback interface, with its data in a directory that goes with it.
#[derive(Debug)]
pub struct Postgres {
    bin: PathBuf,
    directory: TempDir,
    port: u16,
    databases: std::sync::atomic::AtomicU32,
}

impl Postgres {
    /// Makes and starts a server. `None`, and a line that says so, where PostgreSQL is not installed.
    ///
    /// # Panics
    ///
    /// When it is missing though `TRUSTED_APP_TEST_SERVICES` is `required`, or does not start.
    #[must_use]
    #[track_caller]
    pub fn start() -> Option<Self> {
        let Some(bin) = newest_installed() else {
            crate::missing("PostgreSQL in /usr/lib/postgresql");
            return None;
        };
        let directory = tempfile::tempdir().unwrap();
        if let Some((user, group)) = unprivileged() {
            chown(directory.path(), Some(user), Some(group)).unwrap();
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Self { bin, directory, port, databases: 0.into() };
        let data = server.data();
        server.run(
            "initdb",
            &["--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "-D", &data],
        );
        server.start_again();
        Some(server)
    }

    /// A hot standby of this server, on a port of its own: it follows, and can only be read.
    ///
    /// # Panics
    ///
    /// When it cannot be made or does not start.
    #[must_use]
    pub fn standby(&self) -> Self {
        let directory = tempfile::tempdir().unwrap();
        if let Some((user, group)) = unprivileged() {
            chown(directory.path(), Some(user), Some(group)).unwrap();
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let standby = Self { bin: self.bin.clone(), directory, port, databases: 0.into() };
        let (data, from) = (standby.data(), self.port.to_string());
        let at = ["-h", "127.0.0.1", "-p", &from, "-U", "postgres", "-D", &data];
        self.run("pg_basebackup", &[&at[..], &["-R", "--checkpoint=fast", "--no-sync"]].concat());
        standby.start_again();
        standby
    }

    /// Makes a standby a primary.
    pub fn promote(&self) {
        self.run("pg_ctl", &["-D", &self.data(), "-w", "promote"]);
    }

    /// The URL here of a database of that URL's name.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        let name = database.rsplit('/').next().unwrap_or(database);
        format!("postgres://postgres@127.0.0.1:{}/{name}", self.port)
    }

    /// Starts it after a stop, on the same port and with the same data.
    pub fn start_again(&self) {
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -c max_connections=50",
            self.port
        );
        let (data, log) = (self.data(), format!("{}/log", self.directory.path().display()));
        self.run("pg_ctl", &["-D", &data, "-l", &log, "-w", "-o", &options, "start"]);
    }

    /// Stops it at once, as a crash would.
    pub fn stop(&self) {
        self.run("pg_ctl", &["-D", &self.data(), "-m", "immediate", "-w", "stop"]);
    }

    /// The URL of a new, empty database.
    #[must_use]
    pub fn database(&self) -> String {
        let number = self.databases.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("test_{number}");
        let _ = self.sql("postgres", &format!("CREATE DATABASE {name}"));
        format!("postgres://postgres@127.0.0.1:{}/{name}", self.port)
    }

    /// Runs a statement past everything that is tested, and answers with what `psql` prints.
    #[must_use = "or drop it"]
    pub fn sql(&self, database: &str, sql: &str) -> String {
        let port = self.port.to_string();
        let database = database.rsplit('/').next().unwrap_or(database);
        let at = ["-h", "127.0.0.1", "-p", &port, "-U", "postgres", "-v", "ON_ERROR_STOP=1", "-qtA"];
        self.run("psql", &[&at[..], &["-d", database, "-c", sql]].concat())
    }

    /// All that a database holds, as text.
    #[must_use]
    pub fn dump(&self, database: &str) -> String {
        self.run("pg_dump", &["-d", database])
    }

    fn data(&self) -> String {
        format!("{}/data", self.directory.path().display())
    }

    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let output = self.command(program).args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {arguments:?}: {said}");
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// The server refuses to run as root.
    fn command(&self, program: &str) -> Command {
        let program = self.bin.join(program);
        let mut command = match unprivileged() {
            Some((user, group)) => {
                let mut command = Command::new("setpriv");
                command.arg(format!("--reuid={user}")).arg(format!("--regid={group}")).arg("--clear-groups");
                command.arg(program);
                command
            }
            None => Command::new(program),
        };
        // What it leaves open its server would keep open.
        command.current_dir("/").stdin(Stdio::null());
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let _ = self.command("pg_ctl").args(["-D", &self.data(), "-m", "immediate", "-w", "stop"]).output();
    }
}

fn newest_installed() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let versions = versions.filter_map(|version| Some(version.ok()?.path().join("bin")));
    versions.filter(|bin| bin.join("initdb").exists()).max_by_key(|bin| version_of(bin))
}

fn version_of(bin: &Path) -> Option<u32> {
    bin.parent()?.file_name()?.to_str()?.parse().ok()
}

/// The user and group to run the server as, if we are root: those of `postgres`.
fn unprivileged() -> Option<(u32, u32)> {
    let number = |arguments: &[&str]| -> Option<u32> {
        let output = Command::new("id").args(arguments).output().ok()?;
        String::from_utf8(output.stdout).ok()?.trim().parse().ok()
    };
    if number(&["-u"]) != Some(0) {
        return None;
    }
    Some((number(&["-u", "postgres"])?, number(&["-g", "postgres"])?))
}
