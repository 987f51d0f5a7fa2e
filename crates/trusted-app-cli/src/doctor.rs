//! `trusted-app doctor`

mod cause;
mod clock;

use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use http::header::{DATE, LOCATION};
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use tower_trusted_app::conditions::STAMPED_AHEAD;
use tower_trusted_app::seraph::{ERROR, STATUS, SigningRequest, TransportError};
use tower_trusted_app::{Clock, LocalApplication, SystemClock};

use self::cause::Cause;
use self::clock::Difference;
use crate::identity::IdentityFile;
use crate::url::Url;
use crate::{client, output};

/// Ask another application something as one of its users, and explain its answer
///
/// Signs a real GET as an application of this identity would, sends it directly and without a proxy, and
/// says whether the other side accepted it; if not, why not, what is to be done and on which side. The
/// clocks are compared as well.
#[derive(Debug, Args)]
#[command(after_help = MORE)]
pub(crate) struct Doctor {
    #[command(flatten)]
    identity: IdentityFile,

    /// The user to act as, by the name that both sides know
    #[arg(long, value_name = "NAME")]
    user: String,

    /// Print one JSON object: outcome, code, message, status, clock_difference_ms, cause, advice
    #[arg(long)]
    json: bool,

    /// The whole URL to ask for, one that the application would ask for
    #[arg(value_name = "URL")]
    url: Url,
}

const MORE: &str = "\
Example:
  trusted-app doctor --identity wiki.pem --user alice \\
    https://tracker.example.com/rest/issues

Exit status:
  0  accepted
  1  refused
  3  nobody there looked at the credentials
  2  bad options, a bad file, or no answer";

impl Doctor {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let identity = self.identity.load()?;
        let url = self.url.to_string();
        let sent = SystemClock.now();
        let headers = SigningRequest::new(&self.user, &url, sent.saturating_add(STAMPED_AHEAD))
            .sign(&identity)
            .context("cannot sign")?;
        let mut request = client::agent().get(&url);
        for (name, value) in headers.iter() {
            request = request.header(name, value);
        }
        let answer = match request.call() {
            Ok(answer) => answer,
            Err(error) => bail!("{}", cause::of_no_answer(&self.url, error)),
        };
        let received = SystemClock.now();
        let clock = Difference::of(answer.headers().get(DATE), sent, received);
        let asked = Asked { identity: &identity, user: &self.user, url: &self.url, sent };
        let findings = Findings::of(&asked, answer.status(), answer.headers(), clock);
        if self.json {
            output::json(&findings)?;
        } else {
            findings.print(&asked)?;
        }
        Ok(ExitCode::from(match findings.outcome {
            Outcome::Accepted => 0,
            Outcome::Refused => 1,
            Outcome::NotLookedAt => 3,
        }))
    }
}

/// What was asked.
struct Asked<'a> {
    identity: &'a LocalApplication,
    user: &'a str,
    url: &'a Url,
    /// Our clock when it was.
    sent: tower_trusted_app::Timestamp,
}

#[derive(Serialize, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
enum Outcome {
    Accepted,
    Refused,
    NotLookedAt,
}

#[derive(Serialize)]
struct Findings {
    outcome: Outcome,
    code: Option<&'static str>,
    message: Option<String>,
    status: u16,
    #[serde(rename = "clock_difference_ms", serialize_with = "clock::as_millis")]
    clock: Option<Difference>,
    cause: String,
    advice: String,
}

impl Findings {
    fn of(asked: &Asked<'_>, status: StatusCode, headers: &HeaderMap, clock: Option<Difference>) -> Self {
        let error = headers.get(ERROR).map(TransportError::from_header_value);
        let is_ok = headers.get(STATUS).is_some_and(|value| value == "OK");
        let (outcome, error, cause) = match error {
            Some(Ok(error)) => {
                let cause = Cause::of(&error, asked, clock);
                (Outcome::Refused, Some(error), cause)
            }
            Some(Err(_)) => (Outcome::Refused, None, Cause::unreadable()),
            None if is_ok => (Outcome::Accepted, None, Cause::of_acceptance(asked, status)),
            None => {
                let location = headers.get(LOCATION).and_then(|location| location.to_str().ok());
                (Outcome::NotLookedAt, None, Cause::of_silence(status, location))
            }
        };
        Self {
            outcome,
            code: error.as_ref().map(|error| error.code().as_str()),
            message: error.as_ref().map(TransportError::message),
            status: status.as_u16(),
            clock,
            cause: cause.what,
            advice: cause.advice,
        }
    }

    fn print(&self, asked: &Asked<'_>) -> anyhow::Result<()> {
        match self.outcome {
            Outcome::Accepted => output::line("accepted")?,
            Outcome::NotLookedAt => output::line("not looked at")?,
            Outcome::Refused => {
                let message = self.message.as_deref().unwrap_or("a reason that cannot be read");
                output::line(format_args!("refused: {}: {message}", self.code.unwrap_or("UNKNOWN")))?;
            }
        }
        let key = asked.identity.public_key().fingerprint();
        let clock =
            self.clock.map_or_else(|| "unknown: no Date header".to_owned(), |clock| clock.to_string());
        let rows = [
            ("asked for", vec![asked.url.to_string()]),
            ("as", vec![format!("user {} of application {}", asked.user, asked.identity.id())]),
            ("with key", vec![format!("SHA256 {key}")]),
            ("status", vec![self.status.to_string()]),
            ("clock", vec![clock]),
            ("cause", wrapped(&self.cause)),
            ("what to do", wrapped(&self.advice)),
        ];
        output::sections(&rows)
    }
}

/// The lines of a text, as long as a terminal has room for beside the names.
fn wrapped(text: &str) -> Vec<String> {
    const WIDTH: usize = 80 - "what to do  ".len();
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
