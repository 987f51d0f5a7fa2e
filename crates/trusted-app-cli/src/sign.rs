//! `trusted-app sign`

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Map, Value};
use tower_trusted_app::conditions::STAMPED_AHEAD;
use tower_trusted_app::crypto::PrivateSignatureKey;
use tower_trusted_app::httpsig::{self, RequestMessage, UserField};
use tower_trusted_app::seraph::SigningRequest;
use tower_trusted_app::{Clock, LocalApplication, Scheme, SystemClock};

use crate::input::Input;
use crate::output;
use crate::signer::{Signer, SignerFile};
use crate::url::Url;

/// Sign a request and print its headers
///
/// One header a line, `Name: value`. The key says by which scheme: Seraph for an --identity, HTTP message
/// signatures for a --signature-key.
///
/// Seraph signs the URL and the user. The certificate is stamped 15 minutes ahead, as Atlassian's clients do
/// it, so the headers hold for 15 minutes and the time-out that the other side allows. Whoever sees them
/// can use them for as long: treat them as a password.
///
/// An HTTP message signature covers the method, the URL, the user and the body, and counts once: within
/// --lifetime, and not longer than the other side allows.
///
/// The URL is signed as the other side will see it: with the host in lower case, without the scheme's
/// default port and without a fragment. Path and query are signed as written, so escape them first.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Sign {
    #[command(flatten)]
    signer: SignerFile,

    /// The user to act as, by the name that both sides know
    #[arg(long, value_name = "NAME")]
    user: String,

    /// The method; GET by default, and with a --body POST. Seraph does not sign it: there it is only the method of
    /// the `--curl` command
    #[arg(long, value_name = "M")]
    method: Option<Method>,

    /// The version of Seraph
    #[arg(long, value_enum, default_value_t = Protocol::V3, conflicts_with = "signature_key")]
    protocol: Protocol,

    #[command(flatten)]
    content: Content,

    /// How many seconds an HTTP message signature is good, 1 to 300
    #[arg(
        long, value_name = "SECONDS", default_value_t = 60, conflicts_with = "identity",
        value_parser = clap::value_parser!(u64).range(1..=300)
    )]
    lifetime: u64,

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

/// What only an HTTP message signature covers.
#[derive(Debug, Args)]
struct Content {
    /// The file with the body that an HTTP message signature covers; - is standard input
    #[arg(long, value_name = "FILE", requires = "content_type", conflicts_with = "identity")]
    body: Option<PathBuf>,

    /// What the body is, such as application/json
    #[arg(long, value_name = "TYPE", requires = "body")]
    content_type: Option<HeaderValue>,
}

const EXAMPLES: &str = "\
Examples:
  trusted-app sign --identity wiki.pem --user alice https://tracker.example.com/rest/issues
  eval \"$(trusted-app sign --identity wiki.pem --user alice --curl \\
    https://tracker.example.com/rest/issues)\"
  trusted-app sign --signature-key wiki-signature.pem --user alice \\
    --body issue.json --content-type application/json https://tracker.example.com/rest/issues";

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

/// The header fields of a signed request, in the order in which they are printed.
type Fields = Vec<(HeaderName, HeaderValue)>;

impl Sign {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        if self.curl && self.content.body.as_deref() == Some(Path::new("-")) {
            bail!("--curl: curl cannot read the body from standard input again; name a file by --body");
        }
        let url = self.url.to_string();
        let body = self.content.read()?;
        let fields = match self.signer.load()? {
            Signer::Seraph(identity) => self.seraph(&identity, &url)?,
            Signer::HttpSignature(key) => self.http_signature(&key, &url, &body)?,
        };
        if self.json {
            output::json(&object(&fields))
        } else if self.curl {
            let body = self.content.body.as_deref().filter(|_| !body.is_empty());
            output::line(curl(self.method(), &fields, body, &url)?)
        } else {
            output::bytes(&lines(&fields))
        }
    }

    fn method(&self) -> &Method {
        let usual = if self.content.body.is_some() { &Method::POST } else { &Method::GET };
        self.method.as_ref().unwrap_or(usual)
    }

    fn seraph(&self, identity: &LocalApplication, url: &str) -> anyhow::Result<Fields> {
        let created = SystemClock.now().saturating_add(STAMPED_AHEAD);
        let request = SigningRequest::new(&self.user, url, created).with_scheme(self.protocol.into());
        let headers = request.sign(identity).context("cannot sign")?;
        Ok(headers.iter().map(|(name, value)| (name, value.clone())).collect())
    }

    /// The fields of the signature, and before them the one that it covers.
    fn http_signature(&self, key: &PrivateSignatureKey, url: &str, body: &[u8]) -> anyhow::Result<Fields> {
        let content_type = self.content.content_type.iter().map(|value| (CONTENT_TYPE, value.clone()));
        let headers: HeaderMap = content_type.clone().collect();
        let request = RequestMessage { method: self.method(), url, headers: &headers };
        let user = UserField::new(&self.user).context("cannot sign")?;
        let signed = httpsig::SigningRequest::new(user, request, SystemClock.now())
            .with_body(body)
            .with_lifetime(Duration::from_secs(self.lifetime))
            .sign(key)
            .context("cannot sign")?;
        Ok(content_type.chain(signed.iter().map(|(name, value)| (name.clone(), value.clone()))).collect())
    }
}

impl Content {
    fn read(&self) -> anyhow::Result<Vec<u8>> {
        let Some(file) = &self.body else { return Ok(Vec::new()) };
        Input::of_option("--body", file).bytes(usize::MAX)
    }
}

/// The headers as they stand in a request: the id's bytes are ISO 8859-1.
fn lines(fields: &Fields) -> Vec<u8> {
    let mut lines = Vec::new();
    for (name, value) in fields {
        lines.extend_from_slice(spelled(name).as_bytes());
        lines.extend_from_slice(b": ");
        lines.extend_from_slice(value.as_bytes());
        lines.push(b'\n');
    }
    lines
}

fn object(fields: &Fields) -> Map<String, Value> {
    fields.iter().map(|(name, value)| (spelled(name), latin1(value).into())).collect()
}

/// A command for a POSIX shell.
fn curl(method: &Method, fields: &Fields, body: Option<&Path>, url: &str) -> anyhow::Result<String> {
    // `--request HEAD` would wait for a body.
    let method = if *method == Method::HEAD {
        "--head".to_owned()
    } else {
        format!("--request {}", quoted(method.as_str()))
    };
    let mut command = format!("curl {method} --path-as-is --globoff");
    for (name, value) in fields {
        let Ok(value) = value.to_str() else {
            bail!(
                "--curl: the application id has characters beyond ASCII, which a shell would send in another encoding"
            );
        };
        command.push_str(" --header ");
        command.push_str(&quoted(&format!("{}: {value}", spelled(name))));
    }
    if let Some(file) = body {
        let Some(file) = file.to_str() else { bail!("--curl: the name of the --body file is no UTF-8") };
        command.push_str(" --data-binary ");
        command.push_str(&quoted(&format!("@{file}")));
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
