//! Attacks that the original falls for, or that its protocol invites, each refused with the right
//! code. What version 2 cannot prevent stands here as well, so that nobody takes it for prevented.

// Signing, and version 2 in either direction, need this provider.
#![cfg(feature = "rsa")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use proptest::prelude::*;
use rc4::{KeyInit as _, Rc4, StreamCipher as _};
use trusted_app_core::application::TrustedApplicationBuilder;
use trusted_app_core::conditions::{AddressRule, MethodRule, PathRule, Peer, SourceAddress};
use trusted_app_core::crypto::PrivateKey;
use trusted_app_core::rejection::Rejection;
use trusted_app_core::seraph::{
    CERTIFICATE, Code, Credentials, ID, KEY, MAGIC, REQUEST_HEADERS, SIGNATURE, SignError, SigningRequest,
    TransportError, UnsignedRequest, VERSION,
};
use trusted_app_core::{
    LocalApplication, Protocol, Rejected, RequestFacts, Scheme, Timestamp, TrustedApplication, Verified,
};

const URL: &str = "https://tracker.example.com/rest/issues?q=1";
const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn wiki() -> LocalApplication {
    let key = PrivateKey::from_pkcs8_pem(include_str!("data/private-key-2048.pem")).unwrap();
    LocalApplication::new("wiki".parse().unwrap(), key)
}

fn builder(identity: &LocalApplication) -> TrustedApplicationBuilder {
    TrustedApplication::builder(identity.id().clone(), identity.public_key().clone())
        .addresses("192.0.2.*".parse().unwrap())
        .paths(PathRule::prefixes(["/rest"]))
}

fn application() -> TrustedApplication {
    builder(&wiki()).build().unwrap()
}

fn with_schemes(schemes: impl IntoIterator<Item = Scheme>) -> TrustedApplication {
    builder(&wiki()).schemes(schemes).build().unwrap()
}

fn signed(scheme: Scheme, user: &str, url: &str, created: Timestamp) -> HeaderMap {
    let mut headers = HeaderMap::new();
    SigningRequest::new(user, url, created).with_scheme(scheme).sign(&wiki()).unwrap().apply(&mut headers);
    headers
}

/// Version 3 with a certificate and a signed text of the attacker's choice, by who has the key.
fn signed_by_hand(certificate: &str, message: &str) -> HeaderMap {
    let mut headers = signed(Scheme::SeraphV3, "alice", URL, NOW);
    set(&mut headers, CERTIFICATE, BASE64.encode(certificate));
    set(&mut headers, SIGNATURE, BASE64.encode(wiki().key().sign_sha1(message.as_bytes()).unwrap()));
    headers
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: impl AsRef<[u8]>) {
    headers.insert(name, HeaderValue::from_bytes(value.as_ref()).unwrap());
}

fn rc4(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut text = text.to_vec();
    Rc4::new_from_slice(key).unwrap().apply_keystream(&mut text);
    text
}

fn verify(headers: &HeaderMap, application: &TrustedApplication) -> Result<Verified<'static>, Rejection> {
    verify_for(headers, application, URL)
}

fn verify_for<'r>(
    headers: &HeaderMap,
    application: &TrustedApplication,
    url: &'r str,
) -> Result<Verified<'r>, Rejection> {
    Credentials::parse(headers)?.unwrap().verify(&Arc::new(application.clone()), url, NOW)
}

/// A `GET` from an allowed address: the user.
fn admit(headers: &HeaderMap, application: &TrustedApplication, path: &str) -> Result<String, Rejection> {
    admit_from(headers, application, path, "192.0.2.1", &[])
}

fn admit_from(
    headers: &HeaderMap,
    application: &TrustedApplication,
    path: &str,
    peer: &str,
    forwarded: &[&str],
) -> Result<String, Rejection> {
    let url = format!("https://tracker.example.com{path}");
    let peer: IpAddr = peer.parse().unwrap();
    let sources = std::iter::once(SourceAddress::Peer(Peer::Ip(peer)))
        .chain(forwarded.iter().copied().map(SourceAddress::Forwarded));
    let facts = RequestFacts { method: &Method::GET, path: Some(path) };
    let admitted = verify_for(headers, application, &url)?.admit(&facts, sources)?;
    Ok(admitted.user().to_owned())
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, Rejection>, code: Code) {
    let rejection = result.unwrap_err();
    assert_eq!(Code::of(&rejection), code);
    refused_somehow(Err::<(), _>(rejection));
}

#[test]
fn a_good_request_passes() {
    let headers = signed(Scheme::SeraphV3, "alice", "https://tracker.example.com/rest/issues", NOW);
    assert_eq!(admit(&headers, &application(), "/rest/issues").unwrap(), "alice");
}

#[test]
fn user_swapped_in_version_3() {
    let mut headers = signed(Scheme::SeraphV3, "fred", URL, NOW);
    set(&mut headers, CERTIFICATE, BASE64.encode(format!("{NOW}\nadmin\n-1159983122")));
    refused(verify(&headers, &application()), Code::BadSignature);
}

/// From one captured request of version 2 anybody can make one of any other user for the same URL:
/// the certificate is a stream cipher over a known text, and the signature does not cover the user.
#[test]
fn user_swapped_in_version_2() {
    let mut headers = signed(Scheme::InsecureSeraphV2, "fred", URL, NOW);
    let mut certificate = BASE64.decode(&headers[CERTIFICATE]).unwrap();
    let known = format!("{NOW}\nfred\n-1159983122");
    let wanted = format!("{NOW}\nroot\n-1159983122");
    for (at, byte) in certificate.iter_mut().enumerate() {
        *byte ^= known.as_bytes()[at] ^ wanted.as_bytes()[at];
    }
    set(&mut headers, CERTIFICATE, BASE64.encode(certificate));

    // So nobody gets version 2 who does not ask for it by name ...
    refused(verify(&headers, &application()), Code::BadProtocolVersion);
    // ... and who does, gets this. It cannot be prevented.
    let careless = with_schemes([Scheme::InsecureSeraphV2]);
    assert_eq!(verify(&headers, &careless).unwrap().signature().user(), "root");
    // The URL at least is signed.
    refused(verify_for(&headers, &careless, "https://tracker.example.com/rest/admin"), Code::BadSignature);
}

/// Version 0 from nothing but public data: the number 1 is its own image under every RSA key, so it
/// "encrypts" the RC4 key 0x01.
#[test]
fn forged_key_of_version_0() {
    let mut headers = HeaderMap::new();
    set(&mut headers, ID, "wiki");
    set(&mut headers, KEY, BASE64.encode([1]));
    set(&mut headers, CERTIFICATE, BASE64.encode(rc4(&[1], format!("{NOW}\nadmin").as_bytes())));

    refused(verify(&headers, &application()), Code::BadProtocolVersion);
    refused(
        verify(&headers, &with_schemes([Scheme::InsecureSeraphV2, Scheme::SeraphV3])),
        Code::BadProtocolVersion,
    );
    #[cfg(feature = "insecure-seraph-v1")]
    assert_eq!(
        verify(&headers, &with_schemes([Scheme::InsecureSeraphV0])).unwrap().signature().user(),
        "admin"
    );
}

/// Version 1 adds a constant that anybody has who saw one request, also one of version 2.
#[test]
fn forged_key_of_version_1() {
    let captured = signed(Scheme::InsecureSeraphV2, "fred", URL, NOW);
    let mut headers = HeaderMap::new();
    set(&mut headers, ID, "wiki");
    set(&mut headers, VERSION, "1");
    set(&mut headers, MAGIC, &captured[MAGIC]);
    set(&mut headers, KEY, BASE64.encode([1]));
    let certificate = format!("{NOW}\nadmin\n-1159983122");
    set(&mut headers, CERTIFICATE, BASE64.encode(rc4(&[1], certificate.as_bytes())));

    refused(verify(&headers, &application()), Code::BadProtocolVersion);
    refused(verify(&headers, &with_schemes([Scheme::InsecureSeraphV2])), Code::BadProtocolVersion);
    #[cfg(feature = "insecure-seraph-v1")]
    assert_eq!(
        verify(&headers, &with_schemes([Scheme::InsecureSeraphV1])).unwrap().signature().user(),
        "admin"
    );
}

#[test]
fn version_lowered_or_left_off() {
    let application = application();
    let mut headers = signed(Scheme::SeraphV3, "alice", URL, NOW);
    for version in ["2", "1", "0", "-1", "4"] {
        set(&mut headers, VERSION, version);
        let Err(Rejection::VersionNotAllowed { version: sent, highest }) = verify(&headers, &application)
        else {
            panic!("{version}");
        };
        assert_eq!((sent.to_string().as_str(), highest), (version, Some(3)));
    }
    headers.remove(VERSION);
    refused(verify(&headers, &application), Code::BadProtocolVersion);
}

/// A requester whose users choose their names freely signs this one as it stands; a server reads
/// `admin`.
#[test]
fn line_feed_in_the_user_name() {
    for name in ["admin\n-1159983122", "admin\r-1159983122", "admin\r", "admin\r\n-1159983122\r\n"] {
        let certificate = format!("{NOW}\n{name}\n-1159983122");

        // Version 2: only the shape of the certificate tells.
        let mut headers = signed(Scheme::InsecureSeraphV2, "alice", URL, NOW);
        set(&mut headers, KEY, BASE64.encode(wiki().key().raw(b"key").unwrap()));
        set(&mut headers, CERTIFICATE, BASE64.encode(rc4(b"key", certificate.as_bytes())));
        refused(verify(&headers, &with_schemes([Scheme::InsecureSeraphV2])), Code::BadMagic);

        // Version 3: the name was signed whole.
        let headers = signed_by_hand(&certificate, &format!("{NOW}\n{URL}\n{name}"));
        refused(verify(&headers, &application()), Code::BadSignature);

        // And we sign no such thing.
        for scheme in [Scheme::InsecureSeraphV2, Scheme::SeraphV3] {
            let request = SigningRequest::new(name, URL, NOW).with_scheme(scheme);
            assert!(matches!(request.sign(&wiki()), Err(SignError::ControlCharacter { what: "user name" })));
        }
    }
    let url = "https://tracker.example.com/\nadmin";
    let request = SigningRequest::new("x", url, NOW);
    assert!(matches!(
        UnsignedRequest::v3(wiki().id(), &request),
        Err(SignError::ControlCharacter { what: "URL" })
    ));
}

/// Between URL and user stands nothing but a line feed.
#[test]
fn user_shifted_into_the_url() {
    let headers =
        signed_by_hand(&format!("{NOW}\nadmin\n-1159983122"), &format!("{NOW}\n{URL}\nadmin\nfred"));
    refused(verify(&headers, &application()), Code::BadSignature);
}

#[test]
fn user_name_that_nobody_can_have() {
    for name in ["", " ", "a\tb", "a\0b", "a\u{85}b"] {
        let headers =
            signed_by_hand(&format!("{NOW}\n{name}\n-1159983122"), &format!("{NOW}\n{URL}\n{name}"));
        refused(verify(&headers, &application()), Code::UserUnknown);
    }
    let long = "x".repeat(1025);
    let headers = signed_by_hand(&format!("{NOW}\n{long}\n-1159983122"), &format!("{NOW}\n{URL}\n{long}"));
    refused(verify(&headers, &application()), Code::TooLarge);
}

/// One minute with the key would give credentials for ever.
#[test]
fn stamped_in_the_year_2286() {
    let year_2286 = Timestamp::from_millis(9_999_999_999_999);
    let headers = signed(Scheme::SeraphV3, "alice", "https://tracker.example.com/rest", year_2286);
    refused(admit(&headers, &application(), "/rest"), Code::FutureCert);
    let end_of_time = Timestamp::from_millis(i64::MAX);
    let headers = signed(Scheme::SeraphV3, "alice", "https://tracker.example.com/rest", end_of_time);
    refused(admit(&headers, &application(), "/rest"), Code::FutureCert);
}

/// The original takes a time-out of 0 for none.
#[test]
fn stamped_in_1970() {
    for created in [0, -1, i64::MIN] {
        let created = Timestamp::from_millis(created);
        let headers = signed(Scheme::SeraphV3, "alice", "https://tracker.example.com/rest", created);
        refused(admit(&headers, &application(), "/rest"), Code::OldCert);
    }
    assert!(builder(&wiki()).timeout(Duration::ZERO).build().is_err());
}

#[test]
fn path_that_leaves_the_prefix() {
    for path in
        ["/rest/../secure/admin", "/rest/%2e%2e/secure/admin", "/rest/..;x/secure/admin", "/rest//admin"]
    {
        let headers = signed(Scheme::SeraphV3, "alice", &format!("https://tracker.example.com{path}"), NOW);
        refused(admit(&headers, &application(), path), Code::AmbiguousUrl);
    }
}

/// To the original it is the empty prefix, which every path has.
#[test]
fn blank_path_line() {
    let headers = signed(Scheme::SeraphV3, "alice", "https://tracker.example.com/secure/admin", NOW);
    let application = builder(&wiki()).paths(PathRule::prefixes(["/rest", "", " "])).build().unwrap();
    refused(admit(&headers, &application, "/secure/admin"), Code::BadUrl);
    let application = builder(&wiki()).paths(PathRule::prefixes([""])).build().unwrap();
    refused(admit(&headers, &application, "/secure/admin"), Code::BadUrl);
}

/// The original answers these with an uncaught error.
#[test]
fn forwarded_for_what_is_no_address() {
    let headers = signed(Scheme::SeraphV3, "alice", "https://tracker.example.com/rest", NOW);
    for entry in ["unknown", "192.0.2.1:80:80", "fe80::1%", "192.0.02.1", "_hidden", "\u{ff11}92.0.2.1"] {
        let result = admit_from(&headers, &application(), "/rest", "192.0.2.1", &[entry]);
        refused(result, Code::BadXForwardIp);
    }
}

/// The original checks conditions first, so that anybody could probe them.
#[test]
fn conditions_probed_without_the_key() {
    let mut headers =
        signed(Scheme::SeraphV3, "alice", "https://tracker.example.com/secure", Timestamp::from_millis(0));
    set(&mut headers, SIGNATURE, "AAAA");
    refused(admit_from(&headers, &application(), "/secure", "203.0.113.1", &[]), Code::BadSignature);
}

#[test]
fn oversized_headers() {
    let version_2 = with_schemes([Scheme::InsecureSeraphV2]);
    for name in [KEY, MAGIC, SIGNATURE, CERTIFICATE, ID, VERSION] {
        let mut headers = signed(Scheme::InsecureSeraphV2, "alice", URL, NOW);
        set(&mut headers, name, "A".repeat(5000));
        refused(verify(&headers, &version_2), Code::TooLarge);
    }
    let mut headers = signed(Scheme::SeraphV3, "alice", URL, NOW);
    set(&mut headers, ID, "x".repeat(256));
    refused(verify(&headers, &application()), Code::TooLarge);

    let headers = signed(Scheme::SeraphV3, "alice", URL, NOW);
    let url = format!("https://tracker.example.com/{}", "x".repeat(20_000));
    refused(verify_for(&headers, &application(), &url), Code::TooLarge);
}

/// The original answers these with an uncaught error.
#[test]
fn number_beyond_the_modulus() {
    let version_2 = with_schemes([Scheme::InsecureSeraphV2]);
    for name in [KEY, MAGIC] {
        for block in [vec![0xff; 256], vec![1; 257], vec![0; 300], vec![0; 256]] {
            let mut headers = signed(Scheme::InsecureSeraphV2, "alice", URL, NOW);
            set(&mut headers, name.clone(), BASE64.encode(block));
            refused(verify(&headers, &version_2), Code::BadMagic);
        }
    }
}

/// The original answers these with an uncaught error.
#[test]
fn signature_that_is_no_base64() {
    for scheme in [Scheme::InsecureSeraphV2, Scheme::SeraphV3] {
        for signature in ["!", "AAAA-_==", "====", "A", "\u{e9}"] {
            let mut headers = signed(scheme, "alice", URL, NOW);
            set(&mut headers, SIGNATURE, signature);
            refused(verify(&headers, &with_schemes([scheme])), Code::BadSignature);
        }
        let mut headers = signed(scheme, "alice", URL, NOW);
        headers.remove(SIGNATURE);
        refused(verify(&headers, &with_schemes([scheme])), Code::BadSignature);
    }
}

/// No version signs the id. What protects is that no two applications share a key.
#[test]
fn capture_replayed_under_another_id() {
    let other_key = PrivateKey::from_pkcs8_pem(include_str!("data/private-key-1031-exponent-3.pem")).unwrap();
    let other = LocalApplication::new("other".parse().unwrap(), other_key);
    let schemes = [Scheme::InsecureSeraphV2, Scheme::SeraphV3];
    let lax = builder(&other).insecure_min_rsa_bits(1024).schemes(schemes).build().unwrap();

    let mut headers = signed(Scheme::SeraphV3, "alice", URL, NOW);
    set(&mut headers, ID, "other");
    refused(verify(&headers, &lax), Code::BadSignature);
    // A store that answers with another application than it was asked for changes nothing.
    refused(verify(&headers, &application()), Code::AppUnknown);

    let mut headers = signed(Scheme::InsecureSeraphV2, "alice", URL, NOW);
    set(&mut headers, ID, "other");
    refused(verify(&headers, &lax), Code::BadMagic);
}

#[test]
fn capture_replayed_elsewhere() {
    let headers = signed(Scheme::SeraphV3, "alice", URL, NOW);
    for url in [
        "https://tracker.example.com/rest/issues?q=1&x",
        "https://tracker.example.com/rest/issues",
        "http://tracker.example.com/rest/issues?q=1",
        "https://other.example.com/rest/issues?q=1",
        "https://TRACKER.example.com/rest/issues?q=1",
    ] {
        refused(verify_for(&headers, &application(), url), Code::BadSignature);
    }
}

/// The method is not signed, so it is a condition.
#[test]
fn capture_replayed_with_another_method() {
    let headers = signed(Scheme::SeraphV3, "alice", URL, NOW);
    let application = builder(&wiki())
        .addresses(AddressRule::any())
        .methods(MethodRule::only([Method::GET, Method::HEAD]))
        .build()
        .unwrap();
    let facts = RequestFacts { method: &Method::POST, path: Some("/rest/issues") };
    let result = verify(&headers, &application).unwrap().admit(&facts, []);
    refused(result, Code::BadMethod);
}

#[test]
fn header_repeated() {
    for name in REQUEST_HEADERS {
        let mut headers = signed(Scheme::InsecureSeraphV2, "alice", URL, NOW);
        let again = headers[&name].clone();
        headers.append(name, again);
        refused(verify(&headers, &with_schemes([Scheme::InsecureSeraphV2])), Code::RepeatedHeader);
    }
    // A blank first one does not hide the second one.
    let mut headers = signed(Scheme::SeraphV3, "alice", URL, NOW);
    let certificate = headers[CERTIFICATE].clone();
    set(&mut headers, CERTIFICATE, " ");
    headers.append(CERTIFICATE, certificate);
    assert!(Credentials::attempted(&headers));
    refused(verify(&headers, &application()), Code::RepeatedHeader);
}

#[test]
fn any_of_several_keys_verifies() {
    let other_key = PrivateKey::from_pkcs8_pem(include_str!("data/private-key-1031-exponent-3.pem")).unwrap();
    let other = LocalApplication::new("wiki".parse().unwrap(), other_key);
    for scheme in [Scheme::SeraphV3, Scheme::InsecureSeraphV2] {
        let application = builder(&other)
            .key(wiki().public_key().clone())
            .insecure_min_rsa_bits(1024)
            .schemes([scheme])
            .build()
            .unwrap();
        for identity in [&other, &wiki()] {
            let mut headers = HeaderMap::new();
            let request = SigningRequest::new("alice", URL, NOW).with_scheme(scheme);
            request.sign(identity).unwrap().apply(&mut headers);
            let proof = verify(&headers, &application).unwrap();
            assert_eq!(proof.signature().key(), identity.public_key().fingerprint());
            // Of the failures under both keys the telling one is reported.
            refused(verify_for(&headers, &application, "https://x.example.com"), Code::BadSignature);
        }
    }
}

#[test]
fn debug_shows_no_secret() {
    let request = SigningRequest::new("alice", URL, NOW).with_scheme(Scheme::InsecureSeraphV2);
    let made = request.sign(&wiki()).unwrap();
    let mut headers = HeaderMap::new();
    made.apply(&mut headers);
    let shown = format!("{made:?} {headers:?} {:?}", Credentials::parse(&headers).unwrap().unwrap());
    for name in [CERTIFICATE, KEY, MAGIC, SIGNATURE] {
        let value = headers[&name].to_str().unwrap();
        assert!(!shown.contains(value), "{name}");
        assert!(headers[&name].is_sensitive(), "{name}");
    }
}

proptest! {
    /// Whatever a peer sends is refused as the peer's fault, and nothing panics.
    #[test]
    fn garbage_is_refused(
        values in prop::array::uniform6(prop_oneof![
            "[A-Za-z0-9+/=_ \t-]{0,40}".prop_map(String::into_bytes),
            prop::collection::vec(any::<u8>(), 0..300).prop_map(|bytes| BASE64.encode(bytes).into_bytes()),
            "[0-9]{0,14}\n?[a-z\r\n]{0,5}\n-1159983122".prop_map(|text| BASE64.encode(text).into_bytes()),
            prop::collection::vec(prop_oneof![Just(b'\t'), b' '..=b'~', 0x80..=0xff_u8], 0..40),
        ]),
        version in prop_oneof!["[0-3]", "[+-]?[0-9 ]{0,11}"],
        is_ours in any::<bool>(),
    ) {
        let mut headers = HeaderMap::new();
        for (name, value) in REQUEST_HEADERS.into_iter().zip(values) {
            set(&mut headers, name, value);
        }
        set(&mut headers, VERSION, version);
        if is_ours {
            set(&mut headers, ID, "wiki");
        }
        let application = Arc::new(with_schemes(Scheme::ALL.iter().copied().filter(|scheme| scheme.version().is_some())));
        match Credentials::parse(&headers) {
            Ok(None) => assert!(!Credentials::attempted(&headers)),
            Ok(Some(credentials)) => refused_somehow(credentials.verify(&application, URL, NOW)),
            Err(rejection) => refused_somehow(Err::<(), _>(rejection)),
        }
    }
}

fn refused_somehow<T: std::fmt::Debug>(result: Result<T, Rejection>) {
    let rejection = result.unwrap_err();
    assert!(TransportError::of(&rejection).to_header_value().to_str().is_ok());
    assert!(Rejected::new(Protocol::Seraph, rejection).status().is_client_error());
}
