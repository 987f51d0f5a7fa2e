//! A tracker on a real port, whose administrator added the wiki by the form, and the wiki's signed requests to it.

use std::net::{IpAddr, SocketAddr};

use axum::Router;
use axum::extract::ConnectInfo;
use http::{Extensions, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};
use tower_trusted_app::conditions::Peer as From;
use tower_trusted_app::keys::MemoryRegistry;
use tower_trusted_app::users::MemoryDirectory;
use tower_trusted_app::{Caller, TrustedAppLayer, TrustedAppLayerBuilder};
use trusted_app_test::TestIdentity;

use crate::harness::{Peer, Shown, World};

pub(crate) type Layer = TrustedAppLayerBuilder<MemoryRegistry, MemoryDirectory>;

/// The fields of the form that an administrator fills in.
const FIELDS: [&str; 4] = ["name", "timeout_ms", "addresses", "paths"];

/// Where requests come from unless a test says otherwise, and what the form proposes: the wiki's own address.
pub(crate) const WIKI: &str = "127.0.0.1";

pub(crate) struct Tracker {
    pub(crate) world: World,
    address: SocketAddr,
}

/// What the tracker answers: head and body.
pub(crate) struct Answer(String);

impl Tracker {
    /// A tracker that knows no application yet.
    pub(crate) async fn empty(setting: impl FnOnce(Layer) -> Layer) -> Self {
        let world = World::new();
        let users = MemoryDirectory::of_names(["alice"]);
        let layer =
            TrustedAppLayer::builder(world.registry.clone(), users, "https://tracker.test".parse().unwrap())
                .clock(world.clock.clone())
                .peer(|extensions| {
                    extensions.get::<ConnectInfo<SocketAddr>>().map(|from| From::Ip(from.0.ip()))
                });
        let router = Router::new().fallback(page).layer(setting(layer).build().unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>()).await.unwrap();
        });
        Self { world, address }
    }

    /// A tracker that has the wiki, with these fields in the place of what the form proposes.
    pub(crate) async fn with(fields: &[(&str, &str)]) -> Self {
        let tracker = Self::empty(|layer| layer).await;
        tracker.add(fields).await.location();
        tracker
    }

    /// Requests the wiki's details and sends the form to add it.
    pub(crate) async fn add(&self, fields: &[(&str, &str)]) -> Shown {
        let (pending, form) = self.world.request(&Peer::wiki().await.origin).await;
        let sent = filled_in(&form, fields);
        let mut sent: Vec<_> = sent.iter().map(|(name, value)| (*name, value.as_str())).collect();
        sent.push(("pending", &pending));
        self.world.post("/trusted-applications/add", &sent).await
    }

    /// Sends the form to edit the wiki.
    pub(crate) async fn edit(&self, fields: &[(&str, &str)]) -> Shown {
        let form = self.world.get("/trusted-applications/edit?id=wiki").await;
        let (version, sent) = (form.value("version"), filled_in(&form, fields));
        let mut sent: Vec<_> = sent.iter().map(|(name, value)| (*name, value.as_str())).collect();
        sent.extend([("id", "wiki"), ("version", &version)]);
        self.world.post("/trusted-applications/edit", &sent).await
    }

    /// A request of the wiki's for alice, signed now, with further lines of the head.
    pub(crate) fn sign(&self, path: &str, lines: &[&str]) -> String {
        let request = Request::get(format!("https://tracker.test{path}")).body(()).unwrap();
        let signed = TestIdentity::wiki().sign(request, "alice", &self.world.clock);
        let mut text = format!("GET {path} HTTP/1.1\r\nHost: tracker.test\r\nConnection: close\r\n");
        for (name, value) in signed.headers() {
            text.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
        }
        lines.iter().for_each(|line| text.push_str(&format!("{line}\r\n")));
        text + "\r\n"
    }

    /// Sends a request from that address of this machine.
    pub(crate) async fn send(&self, from: &str, request: &str) -> Answer {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(from.parse::<IpAddr>().unwrap(), 0)).unwrap();
        let mut connection = socket.connect(self.address).await.unwrap();
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.unwrap();
        Answer(answer)
    }

    pub(crate) async fn ask_from(&self, from: &str) -> Answer {
        self.send(from, &self.sign("/rest/issues", &[])).await
    }

    pub(crate) async fn ask_for(&self, path: &str) -> Answer {
        self.send(WIKI, &self.sign(path, &[])).await
    }
}

/// Who the tracker thinks has asked.
async fn page(extensions: Extensions) -> String {
    Caller::<()>::from_extensions(&extensions)
        .map_or("the page for nobody".to_owned(), |caller| format!("the page for {}", caller.user_name()))
}

/// What the form shows, but for these fields.
fn filled_in<'a>(form: &Shown, fields: &[(&'a str, &'a str)]) -> Vec<(&'static str, String)> {
    let shown = |name| {
        if form.text.contains(&format!("<textarea id=\"{name}\"")) {
            form.area(name)
        } else {
            form.value(name)
        }
    };
    let typed = |name| fields.iter().find(|(one, _)| *one == name).map(|(_, value)| (*value).to_owned());
    FIELDS.into_iter().map(|name| (name, typed(name).unwrap_or_else(|| shown(name)))).collect()
}

impl Answer {
    #[track_caller]
    pub(crate) fn accepted(&self) {
        let text = &self.0;
        assert!(text.starts_with("HTTP/1.1 200 ") && text.ends_with("the page for alice"), "{text}");
        assert_eq!(self.header("x-seraph-trusted-app-status"), Some("OK"));
        assert_eq!(self.header("x-seraph-trusted-app-error"), None);
    }

    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str) {
        assert!(self.0.starts_with(&format!("HTTP/1.1 {status} ")), "{code}: {}", self.0);
        assert!(!self.0.contains("the page for"), "{}", self.0);
        self.error(code);
    }

    /// Answered as to somebody who is not logged in, with this code in the head.
    #[track_caller]
    pub(crate) fn anonymous_after(&self, code: &str) {
        assert!(self.0.starts_with("HTTP/1.1 200 ") && self.0.ends_with("the page for nobody"), "{}", self.0);
        self.error(code);
    }

    #[track_caller]
    fn error(&self, code: &str) {
        assert_eq!(self.header("x-seraph-trusted-app-status"), Some("ERROR"), "{}", self.0);
        let error = self.header("x-seraph-trusted-app-error").unwrap_or_default();
        assert!(error.starts_with(&format!("{code};")), "{code}: {}", self.0);
    }

    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.0.lines().take_while(|line| !line.is_empty());
        lines.filter_map(|line| line.split_once(": ")).find(|(one, _)| *one == name).map(|(_, value)| value)
    }
}
