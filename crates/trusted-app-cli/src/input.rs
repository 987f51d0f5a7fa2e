//! What an option names to be read: a file, or standard input for `-`.

use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::sync::OnceLock;

use anyhow::{Context, anyhow, bail};
use tower_trusted_app::private_file::{self, PrivateFile, PrivateFileError};
use tower_trusted_app::text;
use zeroize::Zeroizing;

use crate::kind::Kind;

/// For what standard input is read. It is there once.
static STANDARD_INPUT: OnceLock<String> = OnceLock::new();

/// A file, and the option that names it.
#[derive(Clone, Copy)]
pub(crate) struct Input<'a> {
    /// Empty for an argument.
    option: &'static str,
    file: &'a Path,
}

impl<'a> Input<'a> {
    pub(crate) fn of_option(option: &'static str, file: &'a Path) -> Self {
        Self { option, file }
    }

    pub(crate) fn of_argument(file: &'a Path) -> Self {
        Self::of_option("", file)
    }

    pub(crate) fn is_standard(self) -> bool {
        self.file == Path::new("-")
    }

    /// The name of the file as it stands in a command that takes it; standard input has none.
    pub(crate) fn file_name(self) -> String {
        if self.is_standard() { "FILE".to_owned() } else { self.file.display().to_string() }
    }

    pub(crate) fn open(self) -> anyhow::Result<Box<dyn Read>> {
        if self.is_standard() {
            return Ok(Box::new(self.standard()?));
        }
        let file = File::open(self.file).map_err(|error| match self.is_elsewhere() {
            Some(cure) if error.kind() == ErrorKind::NotFound => anyhow!("{}: {cure}", self.option),
            _ => anyhow::Error::new(error).context(self.to_string()),
        })?;
        Ok(Box::new(file))
    }

    /// All of it; more than `limit` bytes are a fault.
    pub(crate) fn bytes(self, limit: usize) -> anyhow::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let most = u64::try_from(limit).unwrap_or(u64::MAX);
        let mut input = self.open()?.take(most.saturating_add(1));
        input.read_to_end(&mut bytes).with_context(|| self.to_string())?;
        if bytes.len() > limit {
            bail!("{self}: more than {limit} bytes");
        }
        Ok(bytes)
    }

    /// All of a text file, as its writer meant it.
    pub(crate) fn text(self, limit: usize) -> anyhow::Result<Zeroizing<String>> {
        let bytes = self.bytes(limit)?;
        let kind = Kind::of_bytes(&bytes);
        let text = text::decode(bytes).map(Zeroizing::new);
        text.map_err(|error| match kind {
            Some(kind) => anyhow!("{self} is {kind}, and no text: {}", kind.cure(&self.file_name())),
            None => anyhow::Error::new(error).context(self.to_string()),
        })
    }

    /// The text of a private key, which others must have no access to.
    pub(crate) fn private_key(self, insecure_permissions: bool) -> anyhow::Result<Zeroizing<String>> {
        if self.is_standard() {
            return private_file::read_text(self.standard()?).with_context(|| self.to_string());
        }
        let file = PrivateFile::new(self.file);
        let file = if insecure_permissions { file.insecure_permissions() } else { file };
        file.read().map_err(|error| {
            let without = match error {
                PrivateFileError::Exposed { .. } => ", without --insecure-permissions",
                _ => "",
            };
            anyhow::Error::new(error).context(format!("{self}{without}"))
        })
    }

    fn standard(self) -> anyhow::Result<io::StdinLock<'static>> {
        let what = if self.option.is_empty() { "the argument `-`" } else { self.option };
        if STANDARD_INPUT.set(what.to_owned()).is_err() {
            let first = STANDARD_INPUT.get().map_or("something else", String::as_str);
            bail!("{what}: standard input is read for {first} already: name a file");
        }
        Ok(io::stdin().lock())
    }

    /// What to do where the text names no file, but a store or another server.
    fn is_elsewhere(self) -> Option<String> {
        let text = self.file.to_str()?;
        match text.split_once(':')?.0 {
            "sqlite" => Some(format!(
                "a file is read here, and no store: `trusted-app apps export --store {text} --out FILE` writes one"
            )),
            // Its text may have a password.
            "postgres" | "postgresql" => Some(
                "a file is read here, and no store: `trusted-app apps export --store postgres:… --out FILE` writes one"
                    .to_owned(),
            ),
            "file" => Some("a file is named here without `file:` before it".to_owned()),
            "http" | "https" => Some(format!(
                "a file is read here, and no URL: `trusted-app details {text}` shows what is served there"
            )),
            _ => None,
        }
    }
}

impl fmt::Display for Input<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display();
        match (self.option, self.is_standard()) {
            ("", true) => f.write_str("standard input"),
            ("", false) => write!(f, "{file}"),
            (option, true) => write!(f, "{option}: standard input"),
            (option, false) => write!(f, "{option} {file}"),
        }
    }
}
