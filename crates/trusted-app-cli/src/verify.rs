//! `trusted-app verify`

mod explanation;

use std::convert::Infallible;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use bytes::Bytes;
use clap::Args;
use http::{HeaderName, Request, Response};
use http_body_util::Full;
use tower::{Layer, ServiceExt, service_fn};
use tower_trusted_app::conditions::Peer;
use tower_trusted_app::httpsig::SignaturePolicy;
use tower_trusted_app::keys::MemoryKeyStore;
use tower_trusted_app::replay::MemoryReplayStore;
use tower_trusted_app::users::MemoryDirectory;
use tower_trusted_app::{Clock, HttpSignatures, KnownUser, SignedBody, SystemClock, Timestamp};

use crate::input::Input;
use crate::public_url::{self, PublicUrlOptions};
use crate::{applications, capture, output, users};
use explanation::{Explanation, Recorder};

/// Explain what a server would decide about a request
///
/// Reads an HTTP/1.1 request from standard input: the request line, in origin form or absolute form, the headers
/// up to a blank line or the end, and the body where an HTTP message signature may cover it, to the end if the
/// headers do not say how long it is. Puts it through the same code as a server's, with the clock, users and
/// peer address that the options state, and tells the decision and the reason.
///
/// A request may also stand there as `curl -v`, a log, a browser or a program shows it: with something in front of each
/// line, with HTTP/2 in its request line or `:method: GET` and so on, indented, or with `\r\n` written out.
///
/// The headers say by which scheme the request is signed, and the applications' file whether the application
/// may use that scheme.
#[derive(Debug, Args)]
#[command(after_help = EXIT_STATUS, after_long_help = MORE)]
pub(crate) struct Verify {
    /// The trusted applications
    #[arg(long, value_name = "FILE.toml")]
    apps: PathBuf,

    /// A user who exists and may log in, and the groups of the user; repeatable. Nobody else exists
    #[arg(long = "user", value_name = "NAME[:GROUP,…]", value_parser = users::user)]
    users: Vec<KnownUser<()>>,

    /// A user who exists but may not log in; repeatable
    #[arg(long = "denied-user", value_name = "NAME")]
    denied_users: Vec<String>,

    /// Where the request comes from; without it a rule on addresses rejects
    #[arg(long, value_name = "IP")]
    remote_addr: Option<IpAddr>,

    #[command(flatten)]
    public_url: PublicUrlOptions,

    /// A field that the server's own proxy adds: it counts as not there unless an HTTP message signature covers it, as
    /// with `SignaturePolicy::with_proxy_fields`; repeatable
    #[arg(long = "proxy-field", value_name = "NAME")]
    proxy_fields: Vec<HeaderName>,

    /// The clock, in milliseconds since 1970-01-01T00:00:00Z; now by default
    #[arg(long, value_name = "MS", allow_negative_numbers = true)]
    at: Option<i64>,

    /// Print the decision as one JSON object
    #[arg(long)]
    json: bool,
}

const EXIT_STATUS: &str = "\
Exit status: 0 authenticated, 3 anonymous (no credentials), 1 rejected,
2 bad options, a bad file, or no request head on standard input.";

const MORE: &str = r#"Applications, in FILE.toml:
  [[application]]
  id = "wiki:1"
  keys = [{ spki = "MIIBIjANBgkq..." }]       # base64 or PEM; see `trusted-app details`
  addresses = ["10.1.*.*", "2001:db8::/32"]   # or "any"
  paths = ["/secure/RunPortlet", "subtree:/rest"]             # or "any"
  timeout_ms = 10000                          # the default; the lines below are defaults too
  methods = "any"
  schemes = ["seraph-v3"]
  replay_protection = "off"
With HTTP message signatures, in place of that key or beside it:
  keys = [{ jwk = '{"kty":"OKP","crv":"Ed25519","x":"..."}' }]   # see `certificate --signature-key`
  schemes = ["http-signature"]

Example:
  trusted-app sign --identity wiki.pem --user alice \
    https://tracker.example.com/rest/issues > headers
  (echo "GET https://tracker.example.com/rest/issues HTTP/1.1"; cat headers) |
    trusted-app verify --apps apps.toml --user alice --remote-addr 10.1.2.3

With --json one of these is printed, on one line:
  {"outcome":"authenticated","application":"...","user":"...","scheme":"...","signed_url":"..."}
  {"outcome":"anonymous"}
  {"outcome":"rejected","code":"...","message":"...","header":"..."}
The last is what the peer is told; for an HTTP message signature it has "reason" too, which is for the log.

Exit status:
  0  authenticated
  3  anonymous: no credentials
  1  rejected
  2  bad options, a bad file, or no request head on standard input"#;

impl Verify {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let keys = self.keys()?;
        let policy = SignaturePolicy::default().with_proxy_fields(self.proxy_fields.iter().cloned())?;
        let recorder = Recorder::default();
        let layer = self
            .public_url
            .layer(keys, self.directory())
            .optional()
            .clock(FixedClock(self.at.map_or_else(|| SystemClock.now(), Timestamp::from_millis)))
            .replay_store(MemoryReplayStore::default())
            .http_signatures(HttpSignatures::default().policy(policy))
            .audit(recorder.sink())
            .build()
            .map_err(public_url::in_words_of_options)?;

        let mut request = capture::open(Input::of_argument(Path::new("-")))?.map(Full::new);
        if let Some(address) = self.remote_addr {
            request.extensions_mut().insert(Peer::Ip(address));
        }
        let handler = service_fn(async |_: Request<SignedBody<Full<Bytes>>>| {
            Ok(Response::new(Full::<Bytes>::default()))
        });
        let server = layer.layer(handler);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let Ok::<_, Infallible>(_) = runtime.block_on(server.oneshot(request));

        let explanation = recorder.take();
        self.print(&explanation)?;
        Ok(ExitCode::from(explanation.exit_status()))
    }

    fn keys(&self) -> anyhow::Result<MemoryKeyStore> {
        let input = Input::of_option("--apps", &self.apps);
        let applications = applications::read(input)?;
        if applications.is_empty() {
            output::remark("warning", format_args!("{input} lists no application: every request is refused"));
        }
        MemoryKeyStore::new(applications).with_context(|| input.to_string())
    }

    fn directory(&self) -> MemoryDirectory {
        let directory = MemoryDirectory::of_users(self.users.iter().cloned());
        for name in &self.denied_users {
            directory.deny(name.as_str());
        }
        directory
    }

    fn print(&self, explanation: &Explanation) -> anyhow::Result<()> {
        if !self.json {
            return explanation.print();
        }
        if let Some(hint) = explanation.hint() {
            output::remark("hint", hint);
        }
        output::json(explanation.outcome())
    }
}

struct FixedClock(Timestamp);

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        self.0
    }
}
