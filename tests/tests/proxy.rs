//! Behind a reverse proxy: what the server sees is not what the peer signed.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::routing::get;
use http::uri::{Authority, PathAndQuery};
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tower::util::MapRequestLayer;
use tower_trusted_app::conditions::PathRule;
use tower_trusted_app::keys::MemoryKeyStore;
use tower_trusted_app::seraph::Code;
use tower_trusted_app::seraph::{ERROR, SigningRequest, TransportError};
use tower_trusted_app::users::MemoryDirectory;
use tower_trusted_app::{
    OriginalTarget, Rejected, Rejection, SignedUrl, SourceAddresses, TrustedAppLayer, TrustedAppLayerBuilder,
};
use trusted_app_axum::Caller;
use trusted_app_test::{FixedClock, TestIdentity};
use trusted_app_tests::exchange::send;
use trusted_app_tests::log::Log;
use trusted_app_tests::refusals;
use trusted_app_tests::wiki_identity;

type HttpClient = Client<HttpConnector, Body>;
type Tracker = TrustedAppLayerBuilder<MemoryKeyStore, MemoryDirectory>;

/// A server with the layer, and a proxy in front of it. Both run as long as the test.
struct Site {
    proxy: SocketAddr,
    tracker: SocketAddr,
}

/// What a proxy does to a request before it passes it on to this address.
type Rewrite = fn(&mut Request, SocketAddr);

impl Site {
    async fn start(layer: Tracker, rewrite: Rewrite) -> Self {
        Self::start_app(app(layer), rewrite).await
    }

    async fn start_app(app: Router, rewrite: Rewrite) -> Self {
        let tracker = serve(app).await;
        let client: HttpClient = Client::builder(TokioExecutor::new()).build_http();
        let proxy = Router::new().fallback(pass_on).with_state((client, tracker, rewrite));
        Self { proxy: serve(proxy).await, tracker }
    }

    /// Sends a request that the wiki signed for alice at this public URL. The proxy would end TLS, so that it is sent
    /// in the clear here.
    async fn get(&self, public: &str) -> Answer {
        let uri: Uri = public.parse().unwrap();
        let target = uri.path_and_query().unwrap();
        let mut request = Request::get(format!("http://{}{target}", self.proxy)).body(Body::empty()).unwrap();
        SigningRequest::new("alice", public, refusals::now())
            .sign(&wiki_identity())
            .unwrap()
            .apply(request.headers_mut());
        let host = uri.authority().unwrap().as_str().parse().unwrap();
        request.headers_mut().insert(header::HOST, host);

        let client: HttpClient = Client::builder(TokioExecutor::new()).build_http();
        let (parts, body) = client.request(request).await.unwrap().into_parts();
        let body = axum::body::to_bytes(Body::new(body), 1 << 16).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }
}

async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    address
}

async fn pass_on(
    State((client, tracker, rewrite)): State<(HttpClient, SocketAddr, Rewrite)>,
    mut request: Request,
) -> axum::response::Response {
    rewrite(&mut request, tracker);
    let mut uri = std::mem::take(request.uri_mut()).into_parts();
    uri.scheme = Some(http::uri::Scheme::HTTP);
    uri.authority = Some(Authority::try_from(tracker.to_string()).unwrap());
    *request.uri_mut() = uri.try_into().unwrap();
    client.request(request).await.unwrap().map(Body::new)
}

fn app(layer: Tracker) -> Router {
    Router::new()
        .fallback(get(async |caller: Caller<()>| format!("as {}", caller.user_name())))
        .layer(layer.build().unwrap())
}

/// `/rest` from loopback, which is where the proxy is.
fn tracker(url: SignedUrl) -> Tracker {
    let wiki = TestIdentity::wiki()
        .trusted()
        .addresses("127.0.0.1, 192.0.2.*".parse().unwrap())
        .paths(PathRule::prefixes(["/rest"]));
    let keys = MemoryKeyStore::new([wiki.build().unwrap()]).unwrap();
    let users = MemoryDirectory::of_names(["alice"]);
    trusted_app_axum::layer_builder(keys, users, url).clock(FixedClock::default())
}

fn url(url: &str) -> SignedUrl {
    url.parse().unwrap()
}

#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    #[track_caller]
    fn assert_accepted(&self) {
        assert_eq!((self.status, self.body.as_str()), (StatusCode::OK, "as alice"), "{self:?}");
    }

    #[track_caller]
    fn assert_refused(&self, code: Code) {
        let error = TransportError::from_header_value(&self.headers[ERROR]).unwrap();
        assert_eq!(error.code(), code, "{self:?}");
    }

    /// Refused because of the URL, which the answer and the log show as the server rebuilt it.
    #[track_caller]
    fn assert_shows(&self, log: &Log, rebuilt: &str) {
        assert_eq!(self.status, StatusCode::UNAUTHORIZED);
        self.assert_refused(Code::BadSignature);
        let error = TransportError::from_header_value(&self.headers[ERROR]).unwrap();
        assert_eq!(error.params(), [rebuilt]);
        let [event]: [_; 1] = log.decisions().try_into().unwrap();
        assert_eq!(event.fields["code"], "BAD_SIGNATURE");
        assert_eq!(event.fields["url"], rebuilt);
        assert!(event.fields["hint"].contains("set the public URL"));
    }
}

fn keep(_: &mut Request, _: SocketAddr) {}

/// As nginx does unless told otherwise.
fn change_host(request: &mut Request, tracker: SocketAddr) {
    request.headers_mut().insert(header::HOST, tracker.to_string().parse().unwrap());
}

fn set_path(request: &mut Request, path: &str) {
    let mut parts = request.uri().clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(path).unwrap());
    *request.uri_mut() = Uri::from_parts(parts).unwrap();
}

fn add_prefix(request: &mut Request, _: SocketAddr) {
    let path = format!("/internal{}", request.uri().path_and_query().unwrap());
    set_path(request, &path);
}

fn strip_prefix(request: &mut Request, _: SocketAddr) {
    let path = request.uri().path_and_query().unwrap().as_str().strip_prefix("/tracker").unwrap().to_owned();
    set_path(request, &path);
}

const PUBLIC: &str = "https://tracker.example.com/rest/issues?jql=a%20=%20%22b%22+c";
const TARGET: &str = "/rest/issues?jql=a%20=%20%22b%22+c";

#[tokio::test]
async fn tls_ends_at_the_proxy() {
    let site = Site::start(tracker(url("https://tracker.example.com")), keep).await;
    site.get(PUBLIC).await.assert_accepted();

    let log = Log::start();
    let site = Site::start(tracker(SignedUrl::insecure_from_request()), keep).await;
    site.get(PUBLIC).await.assert_shows(&log, &format!("http://tracker.example.com{TARGET}"));

    // With this scheme, and a host that nobody changed, the request itself has what is needed.
    let site = Site::start(tracker(SignedUrl::insecure_from_https_request()), keep).await;
    site.get(PUBLIC).await.assert_accepted();
}

#[tokio::test]
async fn the_proxy_changes_the_host() {
    let site = Site::start(tracker(url("https://tracker.example.com")), change_host).await;
    site.get(PUBLIC).await.assert_accepted();

    let log = Log::start();
    let site = Site::start(tracker(SignedUrl::insecure_from_https_request()), change_host).await;
    site.get(PUBLIC).await.assert_shows(&log, &format!("https://{}{TARGET}", site.tracker));
}

#[tokio::test]
async fn the_public_url_has_an_odd_port() {
    let public = "http://tracker.example.com:8443/rest/issues";
    for rewrite in [keep, change_host] {
        let site = Site::start(tracker(url("http://tracker.example.com:8443")), rewrite).await;
        site.get(public).await.assert_accepted();
    }

    let log = Log::start();
    let site = Site::start(tracker(url("http://tracker.example.com")), keep).await;
    site.get(public).await.assert_shows(&log, "http://tracker.example.com/rest/issues");
}

#[tokio::test]
async fn the_proxy_strips_a_prefix() {
    let public = "https://tracker.example.com/tracker/rest/issues";
    let site = Site::start(tracker(url("https://tracker.example.com/tracker")), strip_prefix).await;
    site.get(public).await.assert_accepted();

    let log = Log::start();
    let site = Site::start(tracker(url("https://tracker.example.com")), strip_prefix).await;
    site.get(public).await.assert_shows(&log, "https://tracker.example.com/rest/issues");
}

#[tokio::test]
async fn the_application_has_a_context_path() {
    let public = "https://tracker.example.com/jira/rest/issues";
    // The public sees the same path.
    for base in ["https://tracker.example.com", "https://tracker.example.com/jira"] {
        let layer = tracker(url(base)).context_path("/jira");
        Site::start(layer, keep).await.get(public).await.assert_accepted();
    }
    // Without it the signature holds, and then the rule, which begins at `/rest`, does not.
    let answer = Site::start(tracker(url("https://tracker.example.com")), keep).await.get(public).await;
    answer.assert_refused(Code::BadUrl);
}

#[tokio::test]
async fn the_proxy_adds_a_prefix() {
    let public = "https://tracker.example.com/tracker/rest/issues";
    let base = || tracker(url("https://tracker.example.com/tracker"));
    let layer = base().context_path("/internal/tracker");
    Site::start(layer, add_prefix).await.get(public).await.assert_accepted();

    let log = Log::start();
    let answer = Site::start(base(), add_prefix).await.get(public).await;
    answer.assert_shows(&log, "https://tracker.example.com/tracker/internal/tracker/rest/issues");
}

/// A public URL without a path has none that could stand in place of the context path: who takes the prefix off says so.
#[tokio::test]
async fn the_proxy_adds_a_prefix_to_the_public_root() {
    let tracker = || app(tracker(url("https://tracker.example.com")));
    let log = Log::start();
    let answer = Site::start_app(tracker(), add_prefix).await.get(PUBLIC).await;
    answer.assert_shows(&log, &format!("https://tracker.example.com/internal{TARGET}"));

    let strip = MapRequestLayer::new(|mut request: Request| {
        let target = request.uri().path_and_query().unwrap().as_str();
        let target = OriginalTarget::new(target.strip_prefix("/internal").unwrap());
        request.extensions_mut().insert(target);
        request
    });
    Site::start_app(tracker().layer(strip), add_prefix).await.get(PUBLIC).await.assert_accepted();
}

/// The client's address as the proxy states it, beside the proxy's own.
#[tokio::test]
async fn the_proxy_names_its_client() {
    fn name_client(request: &mut Request, _: SocketAddr) {
        request.headers_mut().append("x-forwarded-for", HeaderValue::from_static("192.0.2.7"));
    }
    fn name_stranger(request: &mut Request, _: SocketAddr) {
        request.headers_mut().append("x-forwarded-for", HeaderValue::from_static("198.51.100.7"));
    }
    let layer = || tracker(url("https://tracker.example.com"));
    Site::start(layer(), name_client).await.get(PUBLIC).await.assert_accepted();
    let answer = Site::start(layer(), name_stranger).await.get(PUBLIC).await;
    answer.assert_refused(Code::BadXForwardIp);

    // Here the client alone must match, and the proxy need not.
    let trusting = || layer().source_addresses(SourceAddresses::TrustedProxies("127.0.0.1".parse().unwrap()));
    Site::start(trusting(), name_client).await.get(PUBLIC).await.assert_accepted();
    Site::start(trusting(), name_stranger).await.get(PUBLIC).await.assert_refused(Code::BadXForwardIp);
}

// Which public URL a request is for.

const HTTPS: &str = "https://tracker.example.com/rest/issues";
const PORT: &str = "http://tracker.example.com:8443/rest/issues";

/// A request as a server hands it on: the URI of the request line (or of HTTP/2's pseudo-headers), its `Host` fields, and
/// which of the two public URLs it is for.
const AUTHORITIES: &[(&str, &[&str], Option<&str>)] = &[
    // HTTP/1.1, origin-form: `Host` decides, in any letter case, and the default port is none.
    ("/rest/issues", &["tracker.example.com"], Some(HTTPS)),
    ("/rest/issues", &["TRACKER.example.COM"], Some(HTTPS)),
    ("/rest/issues", &["tracker.example.com:443"], Some(HTTPS)),
    ("/rest/issues", &["tracker.example.com:8443"], Some(PORT)),
    ("/rest/issues", &["tracker.example.com:80"], None),
    ("/rest/issues", &["tracker.example.com:8444"], None),
    ("/rest/issues", &["tracker.example.com:08443"], None),
    ("/rest/issues", &["tracker.example.com."], Some(HTTPS)),
    ("/rest/issues", &["tracker.example.com.:443"], Some(HTTPS)),
    ("/rest/issues", &["tracker.example.com.:8443"], Some(PORT)),
    ("/rest/issues", &["tracker.example.com.."], None),
    ("/rest/issues", &["tracker.example.com.evil.example"], None),
    ("/rest/issues", &["evil.example"], None),
    ("/rest/issues", &["evil@tracker.example.com"], None),
    ("/rest/issues", &["tracker.example.com/x"], None),
    ("/rest/issues", &["tracker.example.com, evil.example"], None),
    ("/rest/issues", &["tracker.example.com", "tracker.example.com"], None),
    ("/rest/issues", &["tracker.example.com", "evil.example"], None),
    ("/rest/issues", &["evil.example", "tracker.example.com"], None),
    ("/rest/issues", &["trácker.example.com"], None),
    ("/rest/issues", &[""], None),
    ("/rest/issues", &[], None),
    // HTTP/1.1, absolute-form: both must say the same. The scheme is the public URL's, not the proxy's.
    ("https://tracker.example.com/rest/issues", &["tracker.example.com"], Some(HTTPS)),
    ("http://tracker.example.com/rest/issues", &["tracker.example.com"], Some(HTTPS)),
    ("http://tracker.example.com:8443/rest/issues", &["tracker.example.com:8443"], Some(PORT)),
    ("https://Tracker.example.com/rest/issues", &["tracker.example.com"], Some(HTTPS)),
    ("https://tracker.example.com:443/rest/issues", &["tracker.example.com"], Some(HTTPS)),
    ("https://tracker.example.com/rest/issues", &["tracker.example.com:443"], Some(HTTPS)),
    ("https://tracker.example.com./rest/issues", &["Tracker.example.com:443"], Some(HTTPS)),
    ("http://tracker.example.com:80/rest/issues", &["tracker.example.com"], None),
    ("https://tracker.example.com/rest/issues", &["tracker.example.com:8443"], None),
    ("https://tracker.example.com/rest/issues", &["evil.example"], None),
    ("https://evil.example/rest/issues", &["tracker.example.com"], None),
    ("https://tracker.example.com/rest/issues", &["tracker.example.com", "evil.example"], None),
    ("https://tracker.example.com/rest/issues", &[""], None),
    // HTTP/2: `:authority` alone, or `Host` beside it that says the same.
    ("https://tracker.example.com/rest/issues", &[], Some(HTTPS)),
    ("https://tracker.example.com:443/rest/issues", &[], Some(HTTPS)),
    ("http://tracker.example.com:8443/rest/issues", &[], Some(PORT)),
    ("https://tracker.example.com:8444/rest/issues", &[], None),
    ("https://evil@tracker.example.com/rest/issues", &[], None),
];

fn with_authority(signed_for: &str, uri: &str, hosts: &[&str]) -> http::Request<()> {
    let mut request = http::Request::get(uri).body(()).unwrap();
    SigningRequest::new("alice", signed_for, refusals::now())
        .sign(&wiki_identity())
        .unwrap()
        .apply(request.headers_mut());
    for host in hosts {
        request.headers_mut().append(header::HOST, HeaderValue::from_bytes(host.as_bytes()).unwrap());
    }
    request
}

fn layer(url: SignedUrl) -> Tracker {
    TrustedAppLayer::builder(
        MemoryKeyStore::new([trusted_app_tests::wiki()]).unwrap(),
        MemoryDirectory::of_names(["alice"]),
        url,
    )
    .clock(FixedClock::default())
}

#[tokio::test]
async fn of_several_public_urls_the_authority_selects_one() {
    let both = ["https://tracker.example.com", "http://tracker.example.com:8443"];
    let layer = layer(SignedUrl::any_of(both).unwrap());
    for &(uri, hosts, public) in AUTHORITIES {
        for signed_for in [HTTPS, PORT] {
            let answer = send(&layer, with_authority(signed_for, uri, hosts)).await;
            println!("{uri} {hosts:?} {signed_for}");
            if public == Some(signed_for) {
                answer.assert_accepted("alice");
            } else {
                answer.assert_refused(Code::BadSignature, 401);
                let unknown = matches!(
                    answer.response.extensions().get().map(Rejected::reason),
                    Some(Rejection::AuthorityUnknown { .. })
                );
                assert_eq!(unknown, public.is_none());
            }
        }
    }
}

#[tokio::test]
async fn one_public_url_holds_whatever_the_request_says() {
    let layer = layer(url("https://tracker.example.com"));
    for &(uri, hosts, _) in AUTHORITIES {
        println!("{uri} {hosts:?}");
        send(&layer, with_authority(HTTPS, uri, hosts)).await.assert_accepted("alice");
        let answer = send(&layer, with_authority(PORT, uri, hosts)).await;
        answer.assert_refused(Code::BadSignature, 401);
    }
}

/// Without a public URL a server believes what it is told, but not two things at once.
#[tokio::test]
async fn without_a_public_url_the_request_has_to_be_clear() {
    let layer = layer(SignedUrl::insecure_from_https_request());
    for (uri, hosts, expected) in [
        ("/rest/issues", &["tracker.example.com"][..], Some("https://tracker.example.com/rest/issues")),
        ("/rest/issues", &["tracker.example.com:443"], Some("https://tracker.example.com/rest/issues")),
        ("/rest/issues", &["tracker.example.com:80"], Some("https://tracker.example.com:80/rest/issues")),
        // Java signs the host as it was typed.
        ("/rest/issues", &["Tracker.example.com"], Some("https://Tracker.example.com/rest/issues")),
        ("http://tracker.example.com:80/rest/issues", &[], Some("http://tracker.example.com/rest/issues")),
        ("/rest/issues", &["a.example", "a.example"], None),
        ("/rest/issues", &[], None),
        ("https://a.example/rest/issues", &["b.example"], None),
    ] {
        let answer = send(&layer, with_authority(expected.unwrap_or(HTTPS), uri, hosts)).await;
        println!("{uri} {hosts:?}");
        match expected {
            Some(_) => answer.assert_accepted("alice"),
            None => answer.assert_refused(Code::BadSignature, 401),
        }
    }
}
