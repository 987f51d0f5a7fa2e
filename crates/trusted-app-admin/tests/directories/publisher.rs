//! An application that publishes a key directory, or something else in its place.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tower_trusted_app::Clock;
use tower_trusted_app::content::{ContentDigest, DigestAlgorithm};
use tower_trusted_app::crypto::{PrivateSignatureKey, SignatureAlgorithm};
use tower_trusted_app::httpsig::{DIRECTORY_MEDIA_TYPE, DIRECTORY_PATH, SignedDirectory};
use trusted_app_admin::fetch::{AddressPolicy, Fetcher};
use trusted_app_test::FixedClock;

use crate::harness::{World, answer};

pub(crate) fn key() -> PrivateSignatureKey {
    PrivateSignatureKey::generate(SignatureAlgorithm::Ed25519).unwrap()
}

/// A site that fetches from this machine, and without TLS.
pub(crate) fn world() -> World {
    World::fetching(fetcher())
}

pub(crate) fn fetcher() -> Fetcher {
    Fetcher::new(AddressPolicy::insecure_any().insecure_plain_directories())
}

/// What a publisher answers: this text, unless it has to be made for its authority.
pub(crate) struct Publisher {
    pub(crate) authority: String,
    pub(crate) asked: Arc<Mutex<usize>>,
    /// The head of the last request.
    pub(crate) head: Arc<Mutex<String>>,
    clock: FixedClock,
    text: Arc<Mutex<String>>,
}

impl Publisher {
    pub(crate) async fn of(clock: &FixedClock, keys: &[PrivateSignatureKey]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let authority = listener.local_addr().unwrap().to_string();
        let (text, asked) = (Arc::new(Mutex::new(String::new())), Arc::new(Mutex::new(0)));
        let (shared, count) = (Arc::clone(&text), Arc::clone(&asked));
        let head = Arc::new(Mutex::new(String::new()));
        let last = Arc::clone(&head);
        tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                *count.lock().unwrap() += 1;
                let mut head = vec![0; 4096];
                let read = connection.read(&mut head).await.unwrap_or_default();
                *last.lock().unwrap() = String::from_utf8_lossy(&head[..read]).to_lowercase();
                let asked = format!("GET {DIRECTORY_PATH} HTTP/1.1\r\n");
                let text = shared.lock().unwrap().clone();
                let nothing = || answer("404 Not Found", "", "");
                let text = if head[..read].starts_with(asked.as_bytes()) { text } else { nothing() };
                let (first, rest) = text.split_once("<wait>").unwrap_or((&text, ""));
                let _ = connection.write_all(first.as_bytes()).await;
                // What comes byte by byte resets every time-out that counts from the last byte.
                for byte in rest.bytes() {
                    tokio::time::sleep(Duration::from_millis(500)).await;
                    if connection.write_all(&[byte]).await.is_err() {
                        break;
                    }
                }
            }
        });
        let publisher = Self { authority, asked, head, clock: clock.clone(), text };
        publisher.publish(keys);
        publisher
    }

    pub(crate) fn base(&self) -> String {
        format!("http://{}", self.authority)
    }

    pub(crate) fn url(&self) -> String {
        self.base() + DIRECTORY_PATH
    }

    /// From now on it publishes these keys, as signed now.
    pub(crate) fn publish(&self, keys: &[PrivateSignatureKey]) {
        self.publish_for(&self.authority, keys);
    }

    pub(crate) fn publish_for(&self, authority: &str, keys: &[PrivateSignatureKey]) {
        self.publish_signed(authority, keys, Duration::from_secs(300));
    }

    /// As signed now for that long.
    pub(crate) fn publish_with_lifetime(&self, keys: &[PrivateSignatureKey], lifetime: Duration) {
        self.publish_signed(&self.authority, keys, lifetime);
    }

    /// With further members of some keys, such as `"exp":1700000000`. What signs a directory states no dates, so this is
    /// signed here.
    pub(crate) fn publish_dated(
        &self,
        keys: &[PrivateSignatureKey],
        members: &[(&PrivateSignatureKey, String)],
    ) {
        let jwks = keys.iter().map(|key| {
            let jwk = key.public_key().to_jwk();
            let mut of_key = members.iter().filter(|(other, _)| other.public_key() == key.public_key());
            of_key.next().map_or(jwk.clone(), |(_, members)| jwk.replace('}', &format!(",{members}}}")))
        });
        self.publish_entries(&jwks.collect::<Vec<_>>(), keys);
    }

    /// Publishes these entries, signed now by `keys`.
    pub(crate) fn publish_entries(&self, entries: &[String], keys: &[PrivateSignatureKey]) {
        let body = format!(r#"{{"keys":[{}]}}"#, entries.join(","));
        let digest = ContentDigest::of(DigestAlgorithm::Sha256, body.as_bytes()).to_header_value();
        let (digest, created) = (digest.to_str().unwrap(), self.clock.now().as_millis() / 1000);
        let (mut inputs, mut signatures) = (Vec::new(), Vec::new());
        for (at, key) in keys.iter().enumerate() {
            let id = key.public_key().thumbprint();
            let input = format!(
                r#"("@authority";req "content-digest");created={created};expires={};keyid="{id}";tag="http-message-signatures-directory""#,
                created + 300
            );
            let authority = &self.authority;
            let base = format!(
                "\"@authority\";req: {authority}\n\"content-digest\": {digest}\n\"@signature-params\": {input}"
            );
            let signature = STANDARD.encode(key.sign(base.as_bytes()).unwrap());
            inputs.push(format!("key{at}={input}"));
            signatures.push(format!("key{at}=:{signature}:"));
        }
        let (inputs, signatures) = (inputs.join(", "), signatures.join(", "));
        let head = format!(
            "Content-Type: {DIRECTORY_MEDIA_TYPE}\r\nContent-Digest: {digest}\r\nSignature-Input: {inputs}\r\n\
             Signature: {signatures}\r\n"
        );
        self.answer(answer("200 OK", &head, &body));
    }

    fn publish_signed(&self, authority: &str, keys: &[PrivateSignatureKey], lifetime: Duration) {
        let url = format!("https://{authority}{DIRECTORY_PATH}");
        let signed = SignedDirectory::sign(keys, &url, self.clock.now(), lifetime).unwrap();
        let headers = signed.headers.iter();
        let head: String =
            headers.map(|(name, value)| format!("{name}: {}\r\n", value.to_str().unwrap())).collect();
        self.answer(answer("200 OK", &head, &signed.body));
    }

    pub(crate) fn answer(&self, text: String) {
        *self.text.lock().unwrap() = text;
    }

    /// As it answers now.
    pub(crate) fn text(&self) -> String {
        self.text.lock().unwrap().clone()
    }
}
