//! A wiki and an issue tracker on this machine: the wiki shows the tracker's issues as the wiki's
//! user sees them, and that user never logs in to the tracker.
#![expect(clippy::print_stdout, reason = "it talks to a person at a terminal")]

mod demonstration;
mod page;
mod tracker;
mod wiki;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use axum::{BoxError, Router};
use http_body_util::{BodyExt, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tower_trusted_app::conditions::PathRule;
use tower_trusted_app::keys::MemoryRegistry;
use tower_trusted_app::limits::MAX_DOCUMENT_BYTES;
use tower_trusted_app::seraph::{CERTIFICATE_PATH, CertificateDocument};
use tower_trusted_app::{ApplicationRegistry, LocalApplication, TrustedApplication};

const USAGE: &str = "\
usage: quickstart [--once] [--context-path PATH]

  --once               end after the demonstration
  --context-path PATH  serve the tracker below this path, such as /jira";

#[derive(Default)]
struct Options {
    once: bool,
    /// Empty, or a path that begins with a slash and ends without one.
    context_path: String,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Option<Self> {
        let mut options = Self::default();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--once" => options.once = true,
                "--context-path" => {
                    let path = args.next().filter(|path| path.starts_with('/'))?;
                    path.trim_end_matches('/').clone_into(&mut options.context_path);
                }
                _ => return None,
            }
        }
        Some(options)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let args: Vec<_> = std::env::args().skip(1).collect();
    if args.iter().any(|arg| arg == "--help" || arg == "-h") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let Some(options) = Options::parse(args.into_iter()) else {
        println!("{USAGE}");
        return ExitCode::from(2);
    };
    match run(options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("\nquickstart: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<(), BoxError> {
    // Each side has a private key, in a file that only its owner may read.
    let directory = tempfile::tempdir()?;
    let identity = |id: &str| -> Result<LocalApplication, BoxError> {
        let file = directory.path().join(format!("{id}.pem"));
        LocalApplication::generate(id.parse()?, 2048)?.store(&file)?;
        Ok(LocalApplication::load(&file)?)
    };
    let (wiki_identity, tracker_identity) = (identity("wiki")?, identity("tracker")?);

    // Both start; the tracker trusts nobody yet.
    let (wiki_socket, wiki_url) = listen().await?;
    let (tracker_socket, tracker_origin) = listen().await?;
    let tracker_url = format!("{tracker_origin}{}", options.context_path);
    let trusted = MemoryRegistry::with_local(&tracker_identity);
    serve(tracker_socket, tracker::router(&tracker_identity, &trusted, &tracker_url, &options.context_path)?);
    serve(wiki_socket, wiki::router(&wiki_identity, tracker_url.clone()));

    // They exchange their certificate documents: id and public key, nothing secret.
    println!("1. Two applications, each with a private key of its own\n");
    let wiki_document = fetch_document(&wiki_url).await?;
    let tracker_document = fetch_document(&tracker_url).await?;
    for (document, url) in [(&wiki_document, &wiki_url), (&tracker_document, &tracker_url)] {
        let key = document.public_key();
        println!("   {:<8} {url}{CERTIFICATE_PATH}", document.application_id().as_str());
        println!("            RSA {} bits, SHA-256 {}", key.bits(), key.fingerprint());
    }

    // The tracker's administrator says what the wiki may do.
    let paths = ["/sr/jira.issueviews:searchrequest", "/secure/RunPortlet", "/rest"];
    let wiki = TrustedApplication::builder(
        wiki_document.application_id().clone(),
        wiki_document.public_key().clone(),
    )
    .name("The team's wiki")
    .addresses("127.0.0.1".parse()?)
    .paths(PathRule::prefixes(paths))
    .timeout(Duration::from_secs(10))
    .build()?;
    let wiki = trusted.add(wiki, "the demonstration").await?;
    println!(
        "\n2. The tracker trusts the wiki: as any user but administrators, from 127.0.0.1, for 10 s, under\n"
    );
    println!("   {}", paths.join("   "));

    demonstration::run(&wiki_identity, &tracker_url).await?;

    if !options.once {
        trusted.remove(wiki.application.id(), wiki.version, "the demonstration").await?;
        println!("\n5. Your turn: the tracker trusts the wiki no longer (Ctrl-C ends)\n");
        println!("   the wiki     {wiki_url}/     log in as alice, bob or charlie: it is refused");
        println!(
            "   the tracker  {tracker_url}     log in as admin (password admin), a demonstration's log-in"
        );
        println!("\n   There: Administration, Trusted Applications, Base URL {wiki_url}, Send Request.");
        println!("   Compare the fingerprint with the one above, and Add. Then look at the wiki again.");
        println!(
            "   charlie stays refused: the tracker does not know him. admin has no issues there to see."
        );
        println!("   alice (password alice) and bob (bob) may log in to the tracker, and not administer it.");
        tokio::signal::ctrl_c().await?;
    }
    Ok(())
}

async fn listen() -> Result<(TcpListener, String), BoxError> {
    let socket = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}", socket.local_addr()?);
    Ok((socket, url))
}

/// With the peer's address: the tracker has an address rule.
fn serve(socket: TcpListener, router: Router) {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(socket, service).await });
}

async fn fetch_document(base: &str) -> Result<CertificateDocument, BoxError> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Body>();
    let request = Request::get(format!("{base}{CERTIFICATE_PATH}")).body(Body::empty())?;
    let response = client.request(request).await?;
    let document = Limited::new(response.into_body(), MAX_DOCUMENT_BYTES).collect().await?.to_bytes();
    Ok(CertificateDocument::parse(std::str::from_utf8(&document)?)?)
}
