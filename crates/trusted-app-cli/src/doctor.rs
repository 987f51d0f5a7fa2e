//! `trusted-app doctor`

mod cause;
mod clock;
mod exchange;
mod http_signature;
mod silence;

use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use http::header::DATE;
use serde::Serialize;
use tower_trusted_app::crypto::PrivateSignatureKey;
use tower_trusted_app::httpsig;
use tower_trusted_app::seraph::{Code, ERROR, STATUS, TransportError};
use tower_trusted_app::{Clock, LocalApplication, SystemClock};

use self::cause::Cause;
use self::clock::Difference;
use self::exchange::{Asked, Received, TRUSTED_APP_ERROR};
use self::http_signature::Answer;
use crate::signer::{Signer, SignerFile};
use crate::url::Url;
use crate::{client, output};

/// Ask another application something as one of its users, and explain its answer
///
/// Signs a real GET as the application with this key would, by Seraph for an --identity and by HTTP message signatures
/// for a --signature-key, sends it directly and without a proxy, and
/// says whether the other side accepted it; if not, why not, what is to be done and on which side. The
/// clocks are compared as well.
#[derive(Debug, Args)]
#[command(after_help = MORE)]
pub(crate) struct Doctor {
    #[command(flatten)]
    signer: SignerFile,

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
  trusted-app doctor --signature-key wiki-signature.pem --user alice \\
    https://tracker.example.com/rest/issues

Exit status:
  0  accepted
  1  refused
  3  the other side did not look at the credentials
  2  bad options, a bad file, or no answer";

impl Doctor {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let signer = self.signer.load()?;
        let url = self.url.to_string();
        let asked = Asked { signer: &signer, user: &self.user, url: &self.url, sent: SystemClock.now() };
        let mut request = client::agent().get(&url);
        for (name, value) in asked.sign(&url).context("cannot sign")? {
            request = request.header(name, value);
        }
        let answer = match request.call() {
            Ok(answer) => answer,
            Err(error) => bail!("{}", cause::of_no_answer(&self.url, error)),
        };
        let clock = Difference::of(answer.headers().get(DATE), asked.sent, SystemClock.now());
        let findings = Findings::of(&asked, &Received::of(answer), clock);
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
    fn of(asked: &Asked<'_>, received: &Received, clock: Option<Difference>) -> Self {
        let (outcome, code, message, cause) = match asked.signer {
            Signer::Seraph(identity) => by_seraph(identity, asked, received, clock),
            Signer::HttpSignature(key) => by_http_signature(key, asked, received, clock),
        };
        Self {
            outcome,
            code,
            message,
            status: received.status.as_u16(),
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
        let (by, key) = match asked.signer {
            Signer::Seraph(identity) => (
                format!(" of application {}", identity.id()),
                format!("SHA256 {}", identity.public_key().fingerprint()),
            ),
            Signer::HttpSignature(key) => (String::new(), key.public_key().thumbprint().to_string()),
        };
        let clock =
            self.clock.map_or_else(|| "unknown: no Date header".to_owned(), |clock| clock.to_string());
        let rows = [
            ("asked for", vec![asked.url.to_string()]),
            ("as", vec![format!("user {}{by}", asked.user)]),
            ("with key", vec![key]),
            ("status", vec![self.status.to_string()]),
            ("clock", vec![clock]),
            ("cause", wrapped(&self.cause)),
            ("what to do", wrapped(&self.advice)),
        ];
        output::sections(&rows)
    }
}

/// The outcome, the code and its message, and the cause.
type Found = (Outcome, Option<&'static str>, Option<String>, Cause);

fn by_seraph(
    identity: &LocalApplication,
    asked: &Asked<'_>,
    received: &Received,
    clock: Option<Difference>,
) -> Found {
    let headers = &received.headers;
    let is_ok = headers.get(STATUS).is_some_and(|value| value == "OK");
    match headers.get(ERROR).map(TransportError::from_header_value) {
        Some(Ok(error)) => {
            let cause = Cause::of(&error, identity, asked, clock);
            (Outcome::Refused, Some(error.code().as_str()), Some(error.message()), cause)
        }
        Some(Err(_)) => (Outcome::Refused, None, None, Cause::unreadable()),
        None if is_ok => (Outcome::Accepted, None, None, Cause::of_acceptance(asked, received)),
        None => {
            let problem = received.problem().and_then(|(name, detail)| {
                Some((Code::ALL.into_iter().find(|code| code.as_str() == name)?, detail))
            });
            let Some((code, detail)) = problem else {
                return (Outcome::NotLookedAt, None, None, silence::cause(asked, received));
            };
            let error = TransportError::new(code, "{0}", Vec::new());
            let cause = Cause::of(&error, identity, asked, clock).without_header(&ERROR);
            (Outcome::Refused, Some(code.as_str()), detail, cause)
        }
    }
}

fn by_http_signature(
    key: &PrivateSignatureKey,
    asked: &Asked<'_>,
    received: &Received,
    clock: Option<Difference>,
) -> Found {
    let headers = &received.headers;
    let refused = |code: Option<httpsig::Code>, cause| {
        let detail = code.map(|code| code.detail().to_owned());
        (Outcome::Refused, code.map(httpsig::Code::as_str), detail, cause)
    };
    match Answer::of(headers) {
        Answer::Accepted => (Outcome::Accepted, None, None, Cause::of_acceptance(asked, received)),
        Answer::Refused(code) => refused(code, http_signature::cause(code, key, headers, asked, clock)),
        Answer::NotLookedAt => {
            let problem = received.problem();
            let code = problem.and_then(|(name, _)| Answer::code(&name));
            if code.is_some() {
                let cause = http_signature::cause(code, key, headers, asked, clock);
                return refused(code, cause.without_header(&TRUSTED_APP_ERROR));
            }
            let cause = http_signature::knows_seraph_only(headers);
            let cause = cause.unwrap_or_else(|| silence::cause(asked, received));
            (Outcome::NotLookedAt, None, None, cause)
        }
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
