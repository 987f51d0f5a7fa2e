//! What goes to standard output and standard error.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use serde::Serialize;
use tower_trusted_app::text::escaped;

/// The exit status when nothing could be answered.
const FAILURE: u8 = 2;
/// The exit status that a shell shows for a program that SIGPIPE ended, which Rust's ignore.
const READER_LEFT: u8 = 141;

/// Whoever read standard output, such as `head`, has enough.
#[derive(Debug, thiserror::Error)]
#[error("nobody reads standard output any more")]
struct ReaderLeft;

/// Writes bytes to standard output.
pub(crate) fn bytes(bytes: &[u8]) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(ReaderLeft.into()),
        done => done.context("cannot write to standard output"),
    }
}

/// Writes one line of text to standard output.
pub(crate) fn line(text: impl Display) -> anyhow::Result<()> {
    bytes(format!("{}\n", printable(&text)).as_bytes())
}

/// Writes one JSON value on one line.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    bytes(format!("{}\n", serde_json::to_string(value)?).as_bytes())
}

/// Writes names and values in two columns.
pub(crate) fn table(rows: &[(&str, &dyn Display)]) -> anyhow::Result<()> {
    bytes(two_columns(rows).as_bytes())
}

/// Writes names and the lines that belong to each in two columns.
pub(crate) fn sections(sections: &[(&str, Vec<String>)]) -> anyhow::Result<()> {
    table(&rows(sections))
}

/// The same on standard error, before a question.
pub(crate) fn sections_to_be_asked(sections: &[(&str, Vec<String>)]) {
    let _ = io::stderr().write_all(two_columns(&rows(sections)).as_bytes());
}

/// A row for each line; the first has the name.
fn rows<'s>(sections: &'s [(&'s str, Vec<String>)]) -> Vec<(&'s str, &'s dyn Display)> {
    let rows = sections.iter().flat_map(|(name, lines)| {
        let names = std::iter::once(*name).chain(std::iter::repeat(""));
        names.zip(lines).map(|(name, line)| (name, line as &dyn Display))
    });
    rows.collect()
}

fn two_columns(rows: &[(&str, &dyn Display)]) -> String {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    rows.iter().map(|(name, value)| format!("{name:width$}  {}\n", printable(value))).collect()
}

/// Writes a remark, such as `warning: …`, to standard error.
pub(crate) fn remark(kind: &str, text: impl Display) {
    // Nobody can be told that standard error is closed.
    let _ = writeln!(io::stderr(), "{kind}: {}", without_passwords(&printable(&text)));
}

/// A text in which no URL of a database has a password, wherever it came from, such as from an option that was
/// misspelt.
fn without_passwords(text: &str) -> String {
    let mut rest = text;
    let mut clean = String::with_capacity(text.len());
    while let Some((before, url)) = rest.find("postgres").and_then(|at| rest.split_at_checked(at)) {
        let end = url.find(|c: char| c.is_whitespace() || c == '\'').unwrap_or(url.len());
        let end = url.get(..end).map_or(end, |url| url.trim_end_matches(':').len());
        let (url, after) = url.split_at_checked(end).unwrap_or((url, ""));
        let (scheme, place) = url.split_once(':').unwrap_or((url, ""));
        let is_secret = place.contains(':') || place.contains("password");
        clean.extend(if is_secret { [before, scheme, ":…"] } else { [before, url, ""] });
        rest = after;
    }
    clean + rest
}

/// Reports why nothing could be answered, in one line.
pub(crate) fn failure(error: &anyhow::Error) -> ExitCode {
    if error.is::<ReaderLeft>() {
        return ExitCode::from(READER_LEFT);
    }
    remark("trusted-app", format_args!("{error:#}"));
    ExitCode::from(FAILURE)
}

/// Reports bad options in one line; or shows the help, if that is what was asked for.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let _ = error.print();
        return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(FAILURE));
    }
    if let (ErrorKind::MissingRequiredArgument, Some(ContextValue::Strings(missing))) =
        (error.kind(), error.get(ContextKind::InvalidArg))
    {
        let verb = if missing.len() == 1 { "is" } else { "are" };
        remark("trusted-app", format_args!("{} {verb} missing (see --help)", missing.join(" and ")));
        return ExitCode::from(FAILURE);
    }
    let text = error.render().to_string();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let what: Vec<_> =
        lines.take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more")).collect();
    let what = what.join(" ").replace(" tip: ", "; ");
    remark("trusted-app", format_args!("{} (see --help)", what.trim_start_matches("error: ")));
    ExitCode::from(FAILURE)
}

/// A text that may come from anybody, with escapes for what must not reach the terminal.
pub(crate) fn printable(text: &impl Display) -> String {
    escaped(&text.to_string()).to_string()
}
