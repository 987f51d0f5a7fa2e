//! Users from an LDAP directory: a tracker that asks an OpenLDAP server who its users are.
//!
//! It starts a server of its own, with a small tree and a certificate of its own authority, on a free port of the loopback
//! interface. That needs `slapd` (Debian: `apt-get install slapd`).
#![expect(clippy::print_stdout, reason = "it talks to a person at a terminal")]

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::Request;
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use test_services::slapd::{self, GROUPS, PASSWORD, PEOPLE, READER, Slapd, Tree};
use tokio::net::TcpListener;
use tower::{Layer, ServiceExt};
use tower_trusted_app::client::{ActAs, SignLayer};
use tower_trusted_app::conditions::PathRule;
use tower_trusted_app::keys::MemoryKeyStore;
use tower_trusted_app::users::names::LowerCase;
use tower_trusted_app::users::{CachedDirectory, UserDirectoryExt};
use tower_trusted_app::{ActAsPolicy, LocalApplication, TrustedApplication, UserDirectory};
use trusted_app_axum::Caller;
use trusted_app_ldap::{GroupSearch, LdapDirectory, LdapUser};

/// What stands in the server.
fn tree() -> Tree {
    let mut tree = Tree::default();
    let [alice, carol, root] = ["alice", "carol", "root"].map(|name| tree.person(&[name], false));
    let bob = tree.person(&["bob"], false);
    tree.person(&["mallory"], true);
    let developers = tree.group("developers", &[alice], &[]);
    tree.group("staff", &[carol, root], &[developers]);
    tree.group("guests", &[bob], &[]);
    tree.group("administrators", &[root], &[]);
    tree
}

/// What you would write, with your server's URL, base and account.
fn users(server: &Slapd) -> Result<impl UserDirectory<User = LdapUser>> {
    let ldap = LdapDirectory::builder(server.plain_url(), PEOPLE) // ldap:// is StartTLS
        .roots_pem(server.authority()) // the system's roots by default
        .bind(READER, PASSWORD)
        .user_filter("(objectClass=inetOrgPerson)")
        .enabled_filter("(&(employeeType=*)(!(employeeType=disabled)))")
        .groups(GroupSearch::of_members(GROUPS, "member").nested())
        .administrator_groups(["administrators"])
        .build()?;
    // LDAP is asked once a minute for each user; letter case does not count, as in JIRA.
    Ok(CachedDirectory::new(ldap.folding(LowerCase)))
}

async fn page(caller: Caller<LdapUser>) -> String {
    let in_staff = caller.groups().iter().any(|group| **group == *"staff");
    format!("Hello {}, {}", caller.user_name(), if in_staff { "in staff" } else { "a stranger" })
}

#[tokio::main]
async fn main() -> Result<()> {
    ensure!(slapd::is_installed(), "this example needs slapd");
    let mut server = Slapd::start(&tree());
    println!("OpenLDAP at {}\n", server.plain_url());

    let wiki = LocalApplication::generate("wiki".parse()?, 2048)?;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    // The wiki may act as the staff, and as no administrator, which goes without saying.
    let trusted = TrustedApplication::builder(wiki.id().clone(), wiki.public_key().clone())
        .addresses("127.0.0.1".parse()?)
        .paths(PathRule::prefixes(["/rest"]))
        .act_as(ActAsPolicy::nobody().allow_groups(["staff"]))
        .build()?;
    let layer =
        trusted_app_axum::layer_builder(MemoryKeyStore::new([trusted])?, users(&server)?, url.parse()?)
            .build()?;
    let app = Router::new().route("/rest/hello", get(page)).layer(layer);
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });

    let wiki = Wiki { identity: wiki, url };
    wiki.show("alice", "of staff").await?;
    wiki.show("ALICE", "in other letters").await?;
    wiki.show("bob", "a guest").await?;
    wiki.show("root", "an administrator").await?;
    wiki.show("mallory", "disabled").await?;
    wiki.show("*", "whom nobody is called").await?;
    server.stop();
    wiki.show("carol", "while it is down").await?;
    server.restart();
    wiki.show("carol", "when it is up again").await
}

/// The wiki's view of the tracker.
struct Wiki {
    identity: LocalApplication,
    url: String,
}

impl Wiki {
    async fn show(&self, user: &str, who: &str) -> Result<()> {
        let http: Client<HttpConnector, Body> = Client::builder(TokioExecutor::new()).build_http();
        let request = Request::get(format!("{}/rest/hello", self.url)).extension(ActAs::new(user));
        let signed = SignLayer::new(self.identity.clone()).layer(http).oneshot(request.body(Body::empty())?);
        let response = signed.await.map_err(anyhow::Error::from_boxed)?;
        let status = response.status().as_u16();
        let code = response
            .headers()
            .get("x-seraph-trusted-app-error")
            .map(|error| error.to_str().map(str::to_owned));
        let body = response.into_body().collect().await?.to_bytes();
        let said = match code.transpose()? {
            Some(error) => error.split(';').next().unwrap_or_default().to_owned(),
            None => String::from_utf8_lossy(&body).into_owned(),
        };
        println!("{:32} {status} {said}", format!("{user}, {who}"));
        Ok(())
    }
}
