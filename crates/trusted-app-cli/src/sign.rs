//! `trusted-app sign`

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use http::{HeaderName, HeaderValue, Method};
use serde_json::{Map, Value};
use tower_trusted_app::conditions::STAMPED_AHEAD;
use tower_trusted_app::seraph::{SeraphHeaders, SigningRequest};
use tower_trusted_app::{Clock, Scheme, SystemClock};

use crate::identity::IdentityFile;
use crate::output;
use crate::url::Url;

/// Sign a request and print its headers
///
/// One header a line, `Name: value`. The certificate is stamped 15 minutes ahead, as Atlassian's clients do
/// it, so the headers hold for 15 minutes and the time-out that the other side allows. Whoever sees them
/// can use them for as long: treat them as a password.
///
/// The URL is signed as the other side will see it: with the host in lower case, without the scheme's
/// default port and without a fragment. Path and query are signed as written, so escape them first.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Sign {
    #[command(flatten)]
    identity: IdentityFile,

    /// The user to act as, by the name that both sides know
    #[arg(long, value_name = "NAME")]
    user: String,

    /// The method of the `--curl` command; no version of the protocol signs it
    #[arg(long, value_name = "M", default_value_t = Method::GET)]
    method: Method,

    /// The version of the protocol
    #[arg(long, value_enum, default_value_t = Protocol::V3)]
    protocol: Protocol,

    /// Print a curl command that sends the request
    #[arg(long, conflicts_with = "json")]
    curl: bool,

    /// Print the headers as one JSON object
    #[arg(long)]
    json: bool,

    /// The whole URL of the request
    #[arg(value_name = "URL")]
    url: Url,
}

const EXAMPLES: &str = "\
Examples:
  trusted-app sign --identity wiki.pem --user alice https://tracker.example.com/rest/issues
  eval \"$(trusted-app sign --identity wiki.pem --user alice --curl \\
    https://tracker.example.com/rest/issues)\"";

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Protocol {
    /// Signs time, URL and user
    V3,
    /// For old servers. Insecure: the user name is not signed
    V2,
}

impl From<Protocol> for Scheme {
    fn from(protocol: Protocol) -> Self {
        match protocol {
            Protocol::V3 => Self::SeraphV3,
            Protocol::V2 => Self::InsecureSeraphV2,
        }
    }
}

impl Sign {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let identity = self.identity.load()?;
        let url = self.url.to_string();
        let created = SystemClock.now().saturating_add(STAMPED_AHEAD);
        let headers = SigningRequest::new(&self.user, &url, created)
            .with_scheme(self.protocol.into())
            .sign(&identity)
            .context("cannot sign")?;
        if self.json {
            output::json(&object(&headers))
        } else if self.curl {
            output::line(curl(&self.method, &headers, &url)?)
        } else {
            output::bytes(&lines(&headers))
        }
    }
}

/// The headers as they stand in a request: the id's bytes are ISO 8859-1.
fn lines(headers: &SeraphHeaders) -> Vec<u8> {
    let mut lines = Vec::new();
    for (name, value) in headers.iter() {
        lines.extend_from_slice(spelled(&name).as_bytes());
        lines.extend_from_slice(b": ");
        lines.extend_from_slice(value.as_bytes());
        lines.push(b'\n');
    }
    lines
}

fn object(headers: &SeraphHeaders) -> Map<String, Value> {
    headers.iter().map(|(name, value)| (spelled(&name), latin1(value).into())).collect()
}

/// A command for a POSIX shell.
fn curl(method: &Method, headers: &SeraphHeaders, url: &str) -> anyhow::Result<String> {
    // `--request HEAD` would wait for a body.
    let method = if *method == Method::HEAD {
        "--head".to_owned()
    } else {
        format!("--request {}", quoted(method.as_str()))
    };
    let mut command = format!("curl {method} --path-as-is --globoff");
    for (name, value) in headers.iter() {
        let Ok(value) = value.to_str() else {
            bail!(
                "--curl: the application id has characters beyond ASCII, which a shell would send in another encoding"
            );
        };
        command.push_str(" --header ");
        command.push_str(&quoted(&format!("{}: {value}", spelled(&name))));
    }
    Ok(format!("{command} {}", quoted(url)))
}

/// A word of a POSIX shell: between apostrophes nothing has a meaning but the apostrophe.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// The name as Atlassian's library spells it: `X-Seraph-Trusted-App-ID`.
fn spelled(name: &HeaderName) -> String {
    let words = name.as_str().split('-').map(|word| match (word, word.split_at_checked(1)) {
        ("id", _) => "ID".to_owned(),
        (_, Some((first, rest))) => first.to_uppercase() + rest,
        (_, None) => word.to_owned(),
    });
    words.collect::<Vec<_>>().join("-")
}

fn latin1(value: &HeaderValue) -> String {
    value.as_bytes().iter().copied().map(char::from).collect()
}
