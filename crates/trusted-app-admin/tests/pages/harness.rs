//! A site, a browser of it, and an application to be added.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use http::request::Parts;
use http::{HeaderMap, Request, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tower::ServiceExt;
use tower_trusted_app::Scheme;
use tower_trusted_app::keys::MemoryRegistry;
use tower_trusted_app::seraph::CertificateDocument;
use trusted_app_admin::fetch::{AddressPolicy, Fetcher};
use trusted_app_admin::recent::RecentDecisions;
use trusted_app_admin::{Administration, Administrator, Denied, Guard, Site};
use trusted_app_test::{FixedClock, TestIdentity};
use url::form_urlencoded;

pub(crate) struct ByHeader;

impl Guard for ByHeader {
    async fn administrator(&self, parts: &Parts) -> Result<Administrator, Denied> {
        match parts.headers.get("x-user").map(|user| user.to_str().unwrap()) {
            Some(user @ ("admin" | "root")) => Ok(Administrator::new(user)),
            Some(_) => Err(Denied::Forbidden),
            None => Err(Denied::Anonymous),
        }
    }
}

pub(crate) struct World {
    pub(crate) registry: MemoryRegistry,
    pub(crate) administration: Administration<MemoryRegistry>,
    pub(crate) recent: RecentDecisions,
    pub(crate) clock: FixedClock,
    pub(crate) router: Router,
}

pub(crate) struct Shown {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Shown {
    pub(crate) fn location(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.text);
        self.headers["location"].to_str().unwrap()
    }

    #[track_caller]
    pub(crate) fn has(&self, text: &str) {
        assert!(self.text.contains(text), "no {text:?} in {}", self.text);
    }

    #[track_caller]
    pub(crate) fn lacks(&self, text: &str) {
        assert!(!self.text.contains(text), "{text:?} in {}", self.text);
    }

    /// The value of the input of that name.
    pub(crate) fn value(&self, name: &str) -> String {
        let (_, rest) = self
            .text
            .split_once(&format!("name=\"{name}\" value=\""))
            .unwrap_or_else(|| panic!("{name}: {}", self.text));
        rest.split_once('"').unwrap().0.to_owned()
    }

    /// What stands in the text area of that name.
    pub(crate) fn area(&self, name: &str) -> String {
        let (_, rest) = self.text.split_once(&format!("<textarea id=\"{name}\"")).unwrap();
        let (_, rest) = rest.split_once(">\n").unwrap();
        rest.split_once("</textarea>").unwrap().0.to_owned()
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::fetching(Fetcher::new(AddressPolicy::insecure_any()))
    }

    pub(crate) fn fetching(fetcher: Fetcher) -> Self {
        let (recent, clock) = (RecentDecisions::default(), FixedClock::default());
        let registry = MemoryRegistry::new([]).unwrap().clock(clock.clone());
        let administration = Administration::new(registry.clone()).fetcher(fetcher).clock(clock.clone());
        let administration = administration.recent_decisions(recent.clone());
        let router = Site::new(administration.clone()).guard(ByHeader).into_router();
        Self { registry, administration, recent, clock, router }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Shown {
        send(&self.router, request).await
    }

    pub(crate) async fn get(&self, path: &str) -> Shown {
        self.send(Request::get(path).header("x-user", "admin").body(Body::empty()).unwrap()).await
    }

    /// Sends a form with the token that the list shows.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Shown {
        let token = self.get("/trusted-applications").await.value("token");
        self.post_with(path, &token, fields).await
    }

    pub(crate) async fn post_with(&self, path: &str, token: &str, fields: &[(&str, &str)]) -> Shown {
        self.send(form(path, token, fields).body_of("admin")).await
    }

    /// Requests the details and shows the form to add; the pending token and that page.
    pub(crate) async fn request(&self, base_url: &str) -> (String, Shown) {
        let asked = self.post("/trusted-applications/request", &[("base_url", base_url)]).await;
        let (_, token) = asked.location().split_once("add?pending=").unwrap();
        let page = self.get(&format!("/trusted-applications/add?pending={token}")).await;
        (token.to_owned(), page)
    }

    /// Adds the wiki under the name `Wiki`.
    pub(crate) async fn add_wiki(&self) {
        let peer = Peer::wiki().await;
        let (pending, _) = self.request(&peer.origin).await;
        let added = self.post("/trusted-applications/add", &with_pending(&pending, &VALID)).await;
        assert_eq!(added.location(), "../trusted-applications?done=added");
    }
}

pub(crate) const VALID: [(&str, &str); 4] =
    [("name", "Wiki"), ("timeout_ms", "10000"), ("addresses", "10.1.2.3"), ("paths", "/rest")];

pub(crate) fn with_pending<'a>(pending: &'a str, fields: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [("pending", pending)].into_iter().chain(fields.iter().copied()).collect()
}

/// `fields` with another value for one.
pub(crate) fn but<'a>(name: &'a str, value: &'a str) -> Vec<(&'a str, &'a str)> {
    VALID.into_iter().map(|(one, old)| (one, if one == name { value } else { old })).collect()
}

pub(crate) struct Form {
    path: String,
    body: String,
}

pub(crate) fn form(path: &str, token: &str, fields: &[(&str, &str)]) -> Form {
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("token", token)
        .extend_pairs(fields)
        .finish();
    Form { path: path.to_owned(), body }
}

impl Form {
    pub(crate) fn body_of(self, user: &str) -> Request<Body> {
        Request::post(self.path)
            .header("x-user", user)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(self.body))
            .unwrap()
    }
}

pub(crate) async fn send(router: &Router, request: Request<Body>) -> Shown {
    let (parts, body) = router.clone().oneshot(request).await.unwrap().into_parts();
    let bytes = to_bytes(body, 1 << 20).await.unwrap();
    Shown { status: parts.status, headers: parts.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
}

/// An application that serves whatever it is told to.
pub(crate) struct Peer {
    pub(crate) origin: String,
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
}

impl Peer {
    pub(crate) async fn wiki() -> Self {
        Self::serving(answer("200 OK", "", &document(&TestIdentity::wiki()))).await
    }

    pub(crate) async fn serving(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                let mut head = vec![0; 4096];
                let read = connection.read(&mut head).await.unwrap_or_default();
                log.lock().unwrap().push(
                    String::from_utf8_lossy(&head[..read]).lines().next().unwrap_or_default().to_owned(),
                );
                let _ = connection.write_all(&answer).await;
            }
        });
        Self { origin, asked }
    }
}

pub(crate) fn answer(status: &str, head: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n{head}\r\n{body}", body.len())
}

pub(crate) fn document(identity: &TestIdentity) -> String {
    CertificateDocument::of(identity.local()).to_text(Scheme::SeraphV3)
}
