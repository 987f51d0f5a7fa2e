//! Every way to be refused: the layer, the request, and the answer.
//!
//! The tracker of these cases knows alice, mallory, who may not log in, and root, an administrator. Its clock stands still.

use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::{HeaderName, HeaderValue, Request};
use tower_trusted_app::application::TrustedApplicationBuilder;
use tower_trusted_app::conditions::{MethodRule, PathRule, ReplayProtection};
use tower_trusted_app::keys::{BoxKeyStore, KeyStoreExt, MemoryKeyStore};
use tower_trusted_app::limits;
use tower_trusted_app::seraph::Code;
use tower_trusted_app::seraph::{CERTIFICATE, ID, KEY, MAGIC, SIGNATURE, SigningRequest, VERSION};
use tower_trusted_app::users::{BoxUserDirectory, MemoryDirectory, UserDirectoryExt};
use tower_trusted_app::{
    ActAsPolicy, Clock, KeyStore, KnownUser, LocalApplication, Scheme, SignedUrl, Timestamp, TrustedAppLayer,
    TrustedAppLayerBuilder, UserDirectory,
};
use trusted_app_test::{FaultyDirectory, FaultyKeyStore, FaultyReplayStore, FixedClock, TestIdentity};

use crate::{URL, public_url, wiki_identity};

/// A tracker with any stores.
pub type Tracker = TrustedAppLayerBuilder<BoxKeyStore, BoxUserDirectory<()>>;

/// One way to be refused.
#[derive(Debug)]
pub struct Case {
    /// What the tracker is set to.
    pub layer: Tracker,
    /// What it refuses.
    pub request: Request<()>,
}

/// Hands the table to another macro: for each case its function, the code and the status.
#[macro_export]
macro_rules! for_each_refusal {
    ($table:ident) => {
        $table! {
            no_credentials: MissingCert 401;
            version_that_is_no_number: BadProtocolVersion 400;
            version_that_is_not_allowed: BadProtocolVersion 401;
            no_application_id: AppIdNotFound 401;
            no_secret_key: SecretKeyNotFound 401;
            no_magic_number: MagicNumberNotFound 401;
            unknown_application: AppUnknown 401;
            magic_number_of_another_key: BadMagic 401;
            unreadable_certificate: BadMagic 401;
            timestamp_that_is_no_number: ServerError 401;
            no_signature: BadSignature 401;
            signature_that_is_no_base64: BadSignature 401;
            wrong_key: BadSignature 401;
            another_user: BadSignature 401;
            another_url: BadSignature 401;
            capture_under_another_id: BadSignature 401;
            unknown_authority: BadSignature 401;
            repeated_header: RepeatedHeader 400;
            oversized_certificate: TooLarge 400;
            oversized_application_id: TooLarge 400;
            oversized_user_name: TooLarge 400;
            oversized_url: TooLarge 400;
            expired: OldCert 401;
            from_the_year_2286: FutureCert 401;
            method_not_allowed: BadMethod 403;
            address_not_allowed: BadRemoteIp 403;
            forwarded_address_not_allowed: BadXForwardIp 403;
            forwarded_address_that_is_none: BadXForwardIp 403;
            too_many_forwarded_addresses: TooLarge 400;
            unknown_peer: UnknownPeer 403;
            path_not_allowed: BadUrl 403;
            outside_the_context_path: BadUrl 403;
            ambiguous_path: AmbiguousUrl 400;
            unknown_user: UserUnknown 401;
            user_name_that_nobody_can_have: UserUnknown 401;
            denied_user: PermissionDenied 403;
            user_whom_the_application_may_not_act_as: PermissionDenied 403;
            administrator: PermissionDenied 403;
            application_that_may_only_read: PermissionDenied 403;
            replay: Replayed 401;
            key_store_that_errs: Unavailable 503;
            key_store_that_hangs: Unavailable 503;
            directory_that_errs: Unavailable 503;
            directory_that_hangs: Unavailable 503;
            replay_store_that_errs: Unavailable 503;
            replay_store_that_hangs: Unavailable 503;
            no_replay_store: Unavailable 503;
            overload: Unavailable 503;
        }
    };
}

macro_rules! all {
    ($($case:ident: $code:ident $status:literal;)*) => {
        /// Every case: its name, how to make it, and the code of its answer.
        pub const ALL: &[(&str, fn() -> Case, Code)] = &[$((stringify!($case), $case, Code::$code)),*];
    };
}

for_each_refusal!(all);

/// One case of the table.
///
/// # Panics
///
/// If there is none of that name.
#[must_use]
pub fn named(name: &str) -> Case {
    let (_, case, _) = ALL.iter().find(|(this, ..)| *this == name).expect("a case of the table");
    case()
}

/// The time in every case.
#[must_use]
pub fn now() -> Timestamp {
    FixedClock::default().now()
}

/// A request that the wiki signed for alice: nothing is wrong with it.
#[must_use]
pub fn signed() -> Request<()> {
    signed_by(&TestIdentity::wiki(), "alice", URL)
}

/// A tracker that trusts the wiki with `/rest`.
pub fn tracker() -> Tracker {
    tracker_trusting(trusted())
}

/// A tracker that trusts this application.
pub fn tracker_trusting(application: TrustedApplicationBuilder) -> Tracker {
    tracker_with(MemoryKeyStore::new([application.build().unwrap()]).unwrap(), users())
}

/// The wiki, trusted with `/rest` from anywhere.
pub fn trusted() -> TrustedApplicationBuilder {
    TestIdentity::wiki().trusted().paths(PathRule::prefixes(["/rest"]))
}

fn users() -> MemoryDirectory {
    let users = MemoryDirectory::of_names(["alice"]);
    users.deny("mallory");
    users.insert_user(KnownUser::new("root", ()).as_administrator());
    users
}

fn tracker_with(keys: impl KeyStore, users: impl UserDirectory<User = ()>) -> Tracker {
    TrustedAppLayer::builder(keys.boxed(), users.boxed(), public_url())
        .clock(FixedClock::default())
        .lookup_timeout(Duration::from_millis(20))
}

fn signed_by(identity: &TestIdentity, user: &str, url: &str) -> Request<()> {
    identity.sign(Request::get(url).body(()).unwrap(), user, &FixedClock::default())
}

fn signed_at(created: i64) -> Request<()> {
    let clock = FixedClock::new(Timestamp::from_millis(created));
    TestIdentity::wiki().sign(Request::get(URL).body(()).unwrap(), "alice", &clock)
}

/// A request of version 2.
#[must_use]
pub fn signed_in_version_2(identity: &LocalApplication) -> Request<()> {
    let mut request = Request::get(URL).body(()).unwrap();
    SigningRequest::new("alice", URL, now())
        .with_scheme(Scheme::InsecureSeraphV2)
        .sign(identity)
        .unwrap()
        .apply(request.headers_mut());
    request
}

/// A tracker to which the wiki may speak version 2 as well.
pub fn tracker_of_version_2() -> Tracker {
    tracker_trusting(trusted().schemes([Scheme::SeraphV3, Scheme::InsecureSeraphV2]))
}

/// What a certificate says after its timestamp and the user's name.
const MAGIC_LINE: &str = "-1159983122";

/// By the wiki, whose own code would refuse to sign this.
fn signed_by_hand(user: &str) -> Request<()> {
    let now = now();
    let signature = wiki_identity().key().sign_sha1(format!("{now}\n{URL}\n{user}").as_bytes()).unwrap();
    let request = with(signed(), CERTIFICATE, BASE64.encode(format!("{now}\n{user}\n{MAGIC_LINE}")));
    with(request, SIGNATURE, BASE64.encode(signature))
}

fn with(mut request: Request<()>, name: HeaderName, value: impl AsRef<[u8]>) -> Request<()> {
    request.headers_mut().insert(name, HeaderValue::from_bytes(value.as_ref()).unwrap());
    request
}

fn without(mut request: Request<()>, name: &HeaderName) -> Request<()> {
    request.headers_mut().remove(name).expect("it is there");
    request
}

/// As the tracker is, it refuses this.
fn refused_by_tracker(request: Request<()>) -> Case {
    Case { layer: tracker(), request }
}

/// From this address, and forwarded for those.
fn from(address: &str, forwarded: &str) -> Case {
    let mut request = with(signed(), HeaderName::from_static("x-forwarded-for"), forwarded);
    request.extensions_mut().insert(SocketAddr::new(address.parse().unwrap(), 50_000));
    Case { layer: tracker_trusting(trusted().addresses("192.0.2.*".parse().unwrap())), request }
}

fn no_credentials() -> Case {
    refused_by_tracker(Request::get(URL).body(()).unwrap())
}

fn version_that_is_no_number() -> Case {
    refused_by_tracker(with(signed(), VERSION, "three"))
}

fn version_that_is_not_allowed() -> Case {
    refused_by_tracker(signed_in_version_2(&wiki_identity()))
}

fn no_application_id() -> Case {
    refused_by_tracker(without(signed(), &ID))
}

fn no_secret_key() -> Case {
    Case { layer: tracker_of_version_2(), request: without(signed_in_version_2(&wiki_identity()), &KEY) }
}

fn no_magic_number() -> Case {
    Case { layer: tracker_of_version_2(), request: without(signed_in_version_2(&wiki_identity()), &MAGIC) }
}

fn unknown_application() -> Case {
    refused_by_tracker(signed_by(&TestIdentity::stranger(), "alice", URL))
}

fn magic_number_of_another_key() -> Case {
    let stranger = TestIdentity::stranger().with_id("wiki");
    Case { layer: tracker_of_version_2(), request: signed_in_version_2(stranger.local()) }
}

fn unreadable_certificate() -> Case {
    refused_by_tracker(with(signed(), CERTIFICATE, BASE64.encode("no certificate at all")))
}

fn timestamp_that_is_no_number() -> Case {
    refused_by_tracker(with(signed(), CERTIFICATE, BASE64.encode(format!("yesterday\nalice\n{MAGIC_LINE}"))))
}

fn no_signature() -> Case {
    refused_by_tracker(without(signed(), &SIGNATURE))
}

fn signature_that_is_no_base64() -> Case {
    refused_by_tracker(with(signed(), SIGNATURE, "this is no base64, it is prose!"))
}

fn wrong_key() -> Case {
    refused_by_tracker(signed_by(&TestIdentity::stranger().with_id("wiki"), "alice", URL))
}

fn another_user() -> Case {
    refused_by_tracker(with(
        signed(),
        CERTIFICATE,
        BASE64.encode(format!("{}\nmallory\n{MAGIC_LINE}", now())),
    ))
}

fn another_url() -> Case {
    let mut request = signed();
    *request.uri_mut() = "https://tracker.example.com/rest/admin".parse().unwrap();
    refused_by_tracker(request)
}

/// Seraph does not sign the id; but each application has its own key.
fn capture_under_another_id() -> Case {
    let other = TestIdentity::stranger().trusted().build().unwrap();
    let keys = MemoryKeyStore::new([trusted().build().unwrap(), other]).unwrap();
    Case {
        layer: tracker_with(keys, users()),
        request: with(signed(), ID, TestIdentity::stranger().id().as_str()),
    }
}

fn unknown_authority() -> Case {
    let url = SignedUrl::any_of(["https://tracker.example.com", "https://tracker.internal"]).unwrap();
    let keys = MemoryKeyStore::new([trusted().build().unwrap()]).unwrap();
    let layer = TrustedAppLayer::builder(keys.boxed(), users().boxed(), url).clock(FixedClock::default());
    let mut request = with(signed(), http::header::HOST, "tracker.example.net");
    *request.uri_mut() = "/rest/issues".parse().unwrap();
    Case { layer, request }
}

fn repeated_header() -> Case {
    let mut request = signed();
    request.headers_mut().append(ID, HeaderValue::from_static("wiki"));
    refused_by_tracker(request)
}

fn oversized_certificate() -> Case {
    refused_by_tracker(with(signed(), CERTIFICATE, "A".repeat(limits::MAX_HEADER_BYTES + 1)))
}

fn oversized_application_id() -> Case {
    refused_by_tracker(with(signed(), ID, "a".repeat(limits::MAX_APPLICATION_ID_BYTES + 1)))
}

fn oversized_user_name() -> Case {
    refused_by_tracker(signed_by_hand(&"a".repeat(limits::MAX_USER_NAME_BYTES + 1)))
}

fn oversized_url() -> Case {
    let mut request = signed();
    *request.uri_mut() = format!("{URL}?{}", "a".repeat(limits::MAX_URL_BYTES)).parse().unwrap();
    refused_by_tracker(request)
}

/// A millisecond too old.
fn expired() -> Case {
    refused_by_tracker(signed_at(now().as_millis() - 10_001))
}

fn from_the_year_2286() -> Case {
    refused_by_tracker(signed_at(10_000_000_000_000))
}

fn method_not_allowed() -> Case {
    let mut request = signed();
    *request.method_mut() = http::Method::POST;
    let application = trusted().methods(MethodRule::only([http::Method::GET, http::Method::HEAD]));
    Case { layer: tracker_trusting(application), request }
}

fn address_not_allowed() -> Case {
    from("198.51.100.7", "192.0.2.1")
}

fn forwarded_address_not_allowed() -> Case {
    from("192.0.2.1", "192.0.2.2, 198.51.100.7")
}

fn forwarded_address_that_is_none() -> Case {
    from("192.0.2.1", "unknown")
}

fn too_many_forwarded_addresses() -> Case {
    from("192.0.2.1", &["192.0.2.2"; limits::MAX_FORWARDED_ADDRESSES + 1].join(","))
}

fn unknown_peer() -> Case {
    let mut case = from("192.0.2.1", "192.0.2.2");
    case.request.extensions_mut().clear();
    case
}

fn path_not_allowed() -> Case {
    refused_by_tracker(signed_by(&TestIdentity::wiki(), "alice", "https://tracker.example.com/admin"))
}

fn outside_the_context_path() -> Case {
    Case { layer: tracker().context_path("/jira"), request: signed() }
}

fn ambiguous_path() -> Case {
    refused_by_tracker(signed_by(&TestIdentity::wiki(), "alice", "https://tracker.example.com/rest/../admin"))
}

fn unknown_user() -> Case {
    refused_by_tracker(signed_by(&TestIdentity::wiki(), "Alice", URL))
}

/// It would clear the line of whoever reads the log on a terminal.
fn user_name_that_nobody_can_have() -> Case {
    refused_by_tracker(signed_by_hand("alice\u{1b}[2K"))
}

fn denied_user() -> Case {
    refused_by_tracker(signed_by(&TestIdentity::wiki(), "mallory", URL))
}

/// A tracker that accepts each request once.
fn tracker_once() -> Tracker {
    tracker_trusting(trusted().replay_protection(ReplayProtection::Every))
}

fn replay() -> Case {
    Case { layer: tracker_once().replay_store(FaultyReplayStore::has_seen_all()), request: signed() }
}

fn user_whom_the_application_may_not_act_as() -> Case {
    Case {
        layer: tracker_trusting(trusted().act_as(ActAsPolicy::anybody().deny_users(["alice"]))),
        request: signed(),
    }
}

/// The default of every application.
fn administrator() -> Case {
    refused_by_tracker(signed_by(&TestIdentity::wiki(), "root", URL))
}

fn application_that_may_only_read() -> Case {
    let mut request = signed();
    *request.method_mut() = http::Method::POST;
    Case { layer: tracker_trusting(trusted().act_as(ActAsPolicy::anybody().read_only())), request }
}

fn key_store_that_errs() -> Case {
    Case { layer: tracker_with(FaultyKeyStore::errs(), users()), request: signed() }
}

fn key_store_that_hangs() -> Case {
    Case { layer: tracker_with(FaultyKeyStore::hangs(), users()), request: signed() }
}

fn directory_that_errs() -> Case {
    let keys = MemoryKeyStore::new([trusted().build().unwrap()]).unwrap();
    Case { layer: tracker_with(keys, FaultyDirectory::errs()), request: signed() }
}

fn directory_that_hangs() -> Case {
    let keys = MemoryKeyStore::new([trusted().build().unwrap()]).unwrap();
    Case { layer: tracker_with(keys, FaultyDirectory::hangs()), request: signed() }
}

fn replay_store_that_errs() -> Case {
    Case { layer: tracker_once().replay_store(FaultyReplayStore::errs()), request: signed() }
}

fn replay_store_that_hangs() -> Case {
    Case { layer: tracker_once().replay_store(FaultyReplayStore::hangs()), request: signed() }
}

fn no_replay_store() -> Case {
    Case { layer: tracker_once(), request: signed() }
}

fn overload() -> Case {
    Case { layer: tracker().max_concurrent_verifications(0), request: signed() }
}
