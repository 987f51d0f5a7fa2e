//! `trusted-app explain`

mod difference;
mod log;
mod signature;
mod text;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use serde_json::json;

use self::difference::Difference;
use self::log::LogLine;
use self::text::SignedText;
use crate::input::Input;
use crate::public_url::PublicUrlOptions;
use crate::{capture, output};

/// Show what a request's signature is of, and where two sides differ
///
/// Reads a captured HTTP/1.1 request, as `verify` does, and prints the text that its signature must be of: of an HTTP
/// message signature the signature base (RFC 9421, section 2.5), of Seraph version 3 timestamp, URL and user; line by
/// line, and where in the request each comes from. No key is needed, for nothing is verified.
///
/// Of two captures of one request, as the client sent it and as the server got it, or of one capture and the server's
/// log, the first difference is told instead, with a hint.
#[derive(Debug, Args)]
#[command(after_help = MORE)]
pub(crate) struct Explain {
    #[command(flatten)]
    urls: PublicUrlOptions,

    /// A file with the server's log, of target `trusted_app`, as text or JSON; - is standard input. The last line counts
    /// that has this request's nonce: only one about a signature that does not hold has it, and none of Seraph
    #[arg(long, value_name = "FILE", conflicts_with = "server")]
    log: Option<PathBuf>,

    /// Print one JSON object
    #[arg(long)]
    json: bool,

    /// The captured request; - is standard input
    #[arg(value_name = "FILE")]
    client: PathBuf,

    /// The same request, as the server got it. --public-url and --context-path are the server's; the client's file takes
    /// the public URL's scheme, unless --scheme is given
    #[arg(value_name = "SERVER'S FILE")]
    server: Option<PathBuf>,
}

const MORE: &str = "\
Examples:
  trusted-app explain request.txt
  trusted-app explain --public-url https://tracker.example.com sent.txt received.txt
  journalctl -u tracker | trusted-app explain --scheme https --log - sent.txt

Exit status: 0 nothing differs, 1 something does, 2 bad options, a bad file, or no line about the request.";

impl Explain {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let client = Input::of_argument(&self.client);
        let Some(server) = &self.server else {
            let Some(log) = &self.log else {
                self.print(&read(client, &self.urls)?)?;
                return Ok(ExitCode::SUCCESS);
            };
            let client = read(client, &self.urls.of_the_client())?;
            let line = LogLine::about(&client, Input::of_option("--log", log))?;
            return self.compare_with_log(&client, &line);
        };
        let client = read(client, &self.urls.of_the_client())?;
        let server = Input::of_argument(server);
        let received = capture::open(server)?;
        let difference = if signature::is_in(received.headers()) {
            let received = SignedText::of(received, &self.urls);
            Difference::first(&client, &received.with_context(|| server.to_string())?)?
        } else {
            Some(Difference::no_signature())
        };
        if self.json {
            output::json(&json!({ "difference": difference }))?;
        } else {
            match &difference {
                Some(difference) => difference.print()?,
                None => output::sections(&[
                    ("no difference", vec!["both sides have the same text and signature".to_owned()]),
                    ("key", vec![client.key.clone()]),
                    ("hint", vec![KEY_HINT.to_owned()]),
                ])?,
            }
        }
        Ok(status(difference.as_ref()))
    }

    fn compare_with_log(&self, client: &SignedText, log: &LogLine) -> anyhow::Result<ExitCode> {
        let difference = Difference::first(client, &log.signed_text())?;
        if self.json {
            let refused = json!({ "code": log.code, "reason": log.reason });
            output::json(&json!({ "difference": difference, "refused": refused }))?;
            return Ok(status(difference.as_ref()));
        }
        output::line(format_args!("refused: {}", log.reason))?;
        match &difference {
            Some(difference) => difference.print()?,
            None => output::sections(&[
                ("no difference", vec!["as far as the log tells".to_owned()]),
                ("key", vec![client.key.clone()]),
                ("hint", vec![KEY_HINT.to_owned()]),
            ])?,
        }
        Ok(status(difference.as_ref()))
    }

    fn print(&self, text: &SignedText) -> anyhow::Result<()> {
        if self.json {
            return output::json(text);
        }
        let numbers: Vec<_> = (1..=text.lines.len()).map(|number| number.to_string()).collect();
        let lines = numbers
            .iter()
            .zip(&text.lines)
            .map(|(number, line)| (number.as_str(), vec![line.to_string(), format!("  from {}", line.from)]));
        let body = text.body.map(|matches| ("body", vec![text::body_in_words(matches).to_owned()]));
        let first = [("scheme", vec![text.scheme.to_owned()]), ("key", vec![text.key.clone()])];
        output::sections(&first.into_iter().chain(lines).chain(body).collect::<Vec<_>>())
    }
}

fn read(input: Input<'_>, options: &PublicUrlOptions) -> anyhow::Result<SignedText> {
    SignedText::of(capture::open(input)?, options).with_context(|| input.to_string())
}

const KEY_HINT: &str =
    "if the signature is refused all the same, it was made with another key: compare the registered one";

fn status(difference: Option<&Difference>) -> ExitCode {
    ExitCode::from(u8::from(difference.is_some()))
}
