//! No certificate, signature, key or magic number turns up anywhere but where it belongs: not in a log, on whatever
//! level, not in `Debug`, not in an audit record, not in a response.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::Request;
use tower::{Layer, Service, service_fn};
use tower_trusted_app::Clock;
use tower_trusted_app::audit::Decision;
use tower_trusted_app::client::{ActAs, SignLayer};
use tower_trusted_app::keys::MemoryKeyStore;
use tower_trusted_app::seraph::{
    CERTIFICATE, Credentials, KEY, MAGIC, SIGNATURE, SignatureCache, SigningRequest, UnsignedRequest,
};
use trusted_app_test::{FixedClock, TestIdentity};
use trusted_app_tests::exchange::send;
use trusted_app_tests::log::Log;
use trusted_app_tests::refusals::{
    self, signed, signed_in_version_2, tracker, tracker_of_version_2, trusted,
};
use trusted_app_tests::{URL, wiki_identity};

/// Whatever the bearer of which could use: texts none of which may turn up anywhere.
#[derive(Default)]
struct Secrets(Vec<String>);

impl Secrets {
    /// The private keys of everybody.
    fn of_everybody() -> Self {
        let mut secrets = Self::default();
        for identity in [TestIdentity::wiki(), TestIdentity::tracker(), TestIdentity::stranger()] {
            let pem = identity.local().to_pem();
            let lines: Vec<_> = pem.lines().filter(|line| line.len() > 20 && !line.contains('-')).collect();
            assert!(lines.len() > 20);
            for line in &lines {
                secrets.0.push((*line).to_owned());
            }
            secrets.add_bytes(&BASE64.decode(lines.concat()).unwrap()[100..]);
        }
        secrets
    }

    /// Certificate, signature, key and magic of one request, in whatever way they may be written.
    fn add_request(&mut self, request: &Request<()>) {
        for name in [CERTIFICATE, SIGNATURE, KEY, MAGIC] {
            for value in request.headers().get_all(name).iter().filter(|value| value.len() > 10) {
                self.0.push(value.to_str().unwrap().to_owned());
                self.add_bytes(&BASE64.decode(value).unwrap_or_else(|_| value.as_bytes().to_owned()));
            }
        }
    }

    fn add_bytes(&mut self, bytes: &[u8]) {
        let head = &bytes[..bytes.len().min(16)];
        let joined =
            |write: fn(&u8) -> String, between| head.iter().map(write).collect::<Vec<_>>().join(between);
        self.0.push(joined(u8::to_string, ", "));
        self.0.push(joined(|byte| format!("{byte:02x}"), ""));
        self.0.push(joined(|byte| format!("{byte:02X}"), ""));
        self.0.push(joined(|byte| format!("{byte:02x}"), ":"));
    }

    #[track_caller]
    fn assert_absent(&self, place: &str, text: &str) {
        for secret in &self.0 {
            assert!(!text.contains(secret.as_str()), "{place} has {secret}:\n{text}");
        }
    }
}

#[test]
#[should_panic(expected = "here has")]
fn a_private_key_would_be_seen() {
    Secrets::of_everybody().assert_absent("here", &wiki_identity().to_pem());
}

#[test]
#[should_panic(expected = "here has")]
fn a_signature_would_be_seen() {
    let (mut secrets, request) = (Secrets::default(), signed());
    secrets.add_request(&request);
    let signature = BASE64.decode(&request.headers()[SIGNATURE]).unwrap();
    secrets.assert_absent("here", &format!("{signature:?}"));
}

#[tokio::test]
async fn no_log_record_or_response_has_a_secret() {
    let log = Log::start();
    let mut good = vec![
        ("accepted", tracker(), signed()),
        ("accepted in version 2", tracker_of_version_2(), signed_in_version_2(&wiki_identity())),
        ("skipped", tracker().skip(|_, _, _| true), signed()),
    ];
    let refused = refusals::ALL.iter().map(|&(name, case, _)| (name, case()));
    for (name, refusals::Case { layer, request }) in refused {
        good.push((name, layer.clone().insecure_continue_on_failure(), request.clone()));
        good.push((name, layer.clone().hide_unknown_applications(), request.clone()));
        good.push((name, layer, request));
    }
    for (name, layer, request) in good {
        let mut secrets = Secrets::of_everybody();
        secrets.add_request(&request);
        let records = Arc::new(Mutex::new(String::new()));
        let layer = layer.audit({
            let records = Arc::clone(&records);
            move |decision: &Decision<'_>| records.lock().unwrap().push_str(&format!("{decision:?}"))
        });
        let answer = send(&layer, request).await;
        secrets.assert_absent(name, &format!("{:?}", answer.response));
        secrets.assert_absent(name, &String::from_utf8_lossy(answer.response.body()));
        secrets.assert_absent(name, &format!("{:?}", answer.caller()));
        secrets.assert_absent(name, &records.lock().unwrap());
        secrets.assert_absent(name, &format!("{:?}", log.take()));
    }
}

#[tokio::test]
async fn no_debug_output_has_a_secret() {
    let mut secrets = Secrets::of_everybody();
    let (request, older) = (signed(), signed_in_version_2(&wiki_identity()));
    secrets.add_request(&request);
    secrets.add_request(&older);
    let (local, stranger) = (wiki_identity(), TestIdentity::stranger());
    let signing = SigningRequest::new("alice", URL, FixedClock::default().now());
    let headers = signing.sign(&local).unwrap();
    let mut sent = Request::get(URL).body(()).unwrap();
    headers.apply(sent.headers_mut());
    secrets.add_request(&sent);

    let layer = tracker().build().unwrap();
    let mut service = layer.layer(service_fn(async |_: Request<()>| {
        Ok::<_, std::convert::Infallible>(
            http::Response::new(http_body_util::Full::<bytes::Bytes>::default()),
        )
    }));
    let future = service.call(request.clone());
    let credentials = Credentials::parse(request.headers()).unwrap().unwrap();
    let application = std::sync::Arc::new(trusted().build().unwrap());
    let cache = SignatureCache::default();
    let verified = credentials.verify_cached(&application, URL, FixedClock::default().now(), &cache).unwrap();
    let store = MemoryKeyStore::with_local(stranger.local());
    store.insert(trusted().build().unwrap()).unwrap();
    let sign_layer = SignLayer::new(local.clone()).reuse_certificates(8);

    let all: [(&str, &dyn Debug); 18] = [
        ("layer", &layer),
        ("service", &service),
        ("future", &future),
        ("credentials", &credentials),
        ("credentials of version 2", &Credentials::parse(older.headers()).unwrap()),
        ("headers made", &headers),
        ("headers sent", &sent),
        ("signing request", &signing),
        ("unsigned request", &UnsignedRequest::v3(local.id(), &signing).unwrap()),
        ("local application", &local),
        ("private key", local.key()),
        ("public key", local.public_key()),
        ("trusted application", &application),
        ("key store", &store),
        ("signature cache", &cache),
        ("verified signature", &verified),
        ("client layer", &sign_layer),
        ("act as", &ActAs::new("alice")),
    ];
    for (what, value) in all {
        secrets.assert_absent(what, &format!("{value:?}"));
        secrets.assert_absent(what, &format!("{value:#?}"));
    }
    secrets.assert_absent("client", &format!("{:?}", sign_layer.layer(())));
}
