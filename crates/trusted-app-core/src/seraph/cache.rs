//! Signatures that were found to hold before.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use quick_cache::Equivalent;
use quick_cache::sync::Cache;

use crate::application::{ApplicationId, Scheme, TrustedApplication};
use crate::clock::Timestamp;
use crate::proofs::VerifiedSignature;

/// Remembers signatures that held, so that headers which come again cost no RSA.
///
/// An entry says only "these very bytes held under that key": age, addresses, path and all else are
/// checked each time again. It is found only by all bytes of scheme, URL, certificate and signature
/// (in versions 0 to 2 also key and magic), and counts only as long as its key is one of the
/// application's live ones.
///
/// Applications cannot evict one another's entries. `Debug` shows no entry.
pub struct SignatureCache {
    applications: Cache<ApplicationId, Arc<Entries>>,
    entries_per_application: usize,
}

type Entries = Cache<Presented<Box<[u8]>>, VerifiedSignature>;

impl SignatureCache {
    /// How many signatures are remembered for each application by default: as many as
    /// Atlassian's clients remember.
    pub const DEFAULT_ENTRIES_PER_APPLICATION: usize = 1024;

    /// For how many applications signatures are remembered.
    pub const MAX_APPLICATIONS: usize = 1024;

    /// A cache of at most so many signatures for each application.
    #[must_use]
    pub fn new(entries_per_application: usize) -> Self {
        Self { applications: Cache::new(Self::MAX_APPLICATIONS), entries_per_application }
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.applications.clear();
    }

    /// A signature that held, if its key is still live. Allocates nothing.
    pub(super) fn get(
        &self,
        application: &TrustedApplication,
        presented: &Presented<&[u8]>,
        now: Timestamp,
    ) -> Option<VerifiedSignature> {
        let signature = self.applications.get(application.id())?.get(presented)?;
        let is_live = application.live_keys(now).any(|key| key.fingerprint() == signature.key());
        is_live.then_some(signature)
    }

    pub(super) fn insert(
        &self,
        application: &TrustedApplication,
        presented: &Presented<&[u8]>,
        signature: VerifiedSignature,
    ) {
        let id = application.id();
        let entries = self.applications.get(id).unwrap_or_else(|| {
            let entries = Arc::new(Cache::new(self.entries_per_application));
            self.applications.insert(id.clone(), Arc::clone(&entries));
            entries
        });
        entries.insert(presented.to_owned(), signature);
    }
}

impl Default for SignatureCache {
    fn default() -> Self {
        Self::new(Self::DEFAULT_ENTRIES_PER_APPLICATION)
    }
}

impl fmt::Debug for SignatureCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignatureCache")
            .field("entries_per_application", &self.entries_per_application)
            .finish_non_exhaustive()
    }
}

/// All that was presented and decides whether a signature holds: borrowed from a request, or owned
/// by the cache.
pub(super) struct Presented<B> {
    pub(super) scheme: Scheme,
    pub(super) url: B,
    pub(super) certificate: B,
    pub(super) signature: Option<B>,
    pub(super) key: Option<B>,
    pub(super) magic: Option<B>,
}

impl<B: AsRef<[u8]>> Presented<B> {
    fn to_owned(&self) -> Presented<Box<[u8]>> {
        let owned = |bytes: &B| Box::from(bytes.as_ref());
        Presented {
            scheme: self.scheme,
            url: owned(&self.url),
            certificate: owned(&self.certificate),
            signature: self.signature.as_ref().map(owned),
            key: self.key.as_ref().map(owned),
            magic: self.magic.as_ref().map(owned),
        }
    }

    fn bytes(&self) -> [Option<&[u8]>; 5] {
        [
            Some(self.certificate.as_ref()),
            Some(self.url.as_ref()),
            self.signature.as_ref().map(AsRef::as_ref),
            self.key.as_ref().map(AsRef::as_ref),
            self.magic.as_ref().map(AsRef::as_ref),
        ]
    }
}

/// Hashes the certificate and the head of the signature only: two requests that have these alike
/// are alike, or next to never come, and hashing it all would take as long as everything else.
impl<B: AsRef<[u8]>> Hash for Presented<B> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.certificate.as_ref().hash(state);
        let signature = self.signature.as_ref().map(AsRef::as_ref);
        signature.map(|signature| signature.get(..32).unwrap_or(signature)).hash(state);
    }
}

impl<B: AsRef<[u8]>, C: AsRef<[u8]>> PartialEq<Presented<C>> for Presented<B> {
    fn eq(&self, other: &Presented<C>) -> bool {
        self.scheme == other.scheme && self.bytes() == other.bytes()
    }
}

impl<B: AsRef<[u8]>> Eq for Presented<B> {}

impl Equivalent<Presented<Box<[u8]>>> for Presented<&[u8]> {
    fn equivalent(&self, owned: &Presented<Box<[u8]>>) -> bool {
        self == owned
    }
}

// Signing needs this provider.
#[cfg(all(test, feature = "rsa"))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use http::{HeaderMap, HeaderValue};

    use super::*;
    use crate::LocalApplication;
    use crate::application::{ApplicationKey, KeyState};
    use crate::conditions::{AddressRule, PathRule};
    use crate::crypto::PrivateKey;
    use crate::rejection::Rejection;
    use crate::seraph::{CERTIFICATE, Code, Credentials, KEY, MAGIC, SIGNATURE, SigningRequest};

    const NOW: Timestamp = Timestamp::from_millis(1);
    const URL: &str = "https://tracker.example.com/rest";

    fn wiki() -> LocalApplication {
        let key = PrivateKey::from_pkcs8_pem(include_str!("../../tests/data/private-key-2048.pem")).unwrap();
        LocalApplication::new("wiki".parse().unwrap(), key)
    }

    fn application(identity: &LocalApplication, scheme: Scheme) -> TrustedApplication {
        with_key(identity, scheme, identity.public_key().clone().into())
    }

    fn with_key(identity: &LocalApplication, scheme: Scheme, key: ApplicationKey) -> TrustedApplication {
        TrustedApplication::builder(identity.id().clone(), key)
            .addresses(AddressRule::any())
            .paths(PathRule::any())
            .schemes([scheme])
            .insecure_min_rsa_bits(1024)
            .build()
            .unwrap()
    }

    fn signed(scheme: Scheme, user: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let request = SigningRequest::new(user, URL, NOW).with_scheme(scheme);
        request.sign(&wiki()).unwrap().apply(&mut headers);
        headers
    }

    fn verify(
        cache: &SignatureCache,
        headers: &HeaderMap,
        application: &TrustedApplication,
        url: &str,
    ) -> Result<(VerifiedSignature, bool), Rejection> {
        let application = Arc::new(application.clone());
        let (verified, remembered) =
            Credentials::parse(headers)?.unwrap().verify_cached(&application, url, NOW, cache)?;
        Ok((verified.signature().clone(), remembered))
    }

    #[test]
    fn the_same_again_is_remembered_and_nothing_else() {
        for scheme in [Scheme::SeraphV3, Scheme::InsecureSeraphV2] {
            let cache = SignatureCache::default();
            let application = application(&wiki(), scheme);
            let headers = signed(scheme, "alice");
            let (first, remembered) = verify(&cache, &headers, &application, URL).unwrap();
            assert!(!remembered);
            assert_eq!(verify(&cache, &headers, &application, URL).unwrap(), (first, true));

            for name in [CERTIFICATE, SIGNATURE, KEY, MAGIC] {
                let mut altered = headers.clone();
                let Some(value) = altered.get_mut(&name) else { continue };
                let other = value.to_str().unwrap().replacen(|c| c != 'B', "B", 1);
                *value = HeaderValue::try_from(other).unwrap();
                assert!(verify(&cache, &altered, &application, URL).is_err(), "{scheme} {name}");
            }
            let elsewhere = verify(&cache, &headers, &application, "https://tracker.example.com/admin");
            assert_eq!(Code::of(&elsewhere.unwrap_err()), Code::BadSignature);
        }
    }

    #[test]
    fn a_key_or_scheme_taken_away_counts_no_longer() {
        let cache = SignatureCache::default();
        let headers = signed(Scheme::InsecureSeraphV2, "alice");
        let version_2 = application(&wiki(), Scheme::InsecureSeraphV2);
        assert!(verify(&cache, &headers, &version_2, URL).is_ok());

        let version_3 = application(&wiki(), Scheme::SeraphV3);
        let refused = verify(&cache, &headers, &version_3, URL).unwrap_err();
        assert_eq!(Code::of(&refused), Code::BadProtocolVersion);

        let other_key = include_str!("../../tests/data/private-key-1031-exponent-3.pem");
        let rotated =
            LocalApplication::new(wiki().id().clone(), PrivateKey::from_pkcs8_pem(other_key).unwrap());
        let rotated = application(&rotated, Scheme::InsecureSeraphV2);
        assert_eq!(Code::of(&verify(&cache, &headers, &rotated, URL).unwrap_err()), Code::BadMagic);
    }

    #[test]
    fn a_key_that_is_not_live_is_like_a_wrong_one() {
        for (scheme, code) in
            [(Scheme::SeraphV3, Code::BadSignature), (Scheme::InsecureSeraphV2, Code::BadMagic)]
        {
            let key = || ApplicationKey::from(wiki().public_key().clone());
            let headers = signed(scheme, "alice");
            let cache = SignatureCache::default();
            let good = key().with_state(KeyState::Retiring).with_not_before(NOW).with_not_after(NOW);
            assert!(!verify(&cache, &headers, &with_key(&wiki(), scheme, good.clone()), URL).unwrap().1);
            assert!(verify(&cache, &headers, &with_key(&wiki(), scheme, good), URL).unwrap().1);

            let other_time = Timestamp::from_millis;
            for dead in [
                key().with_state(KeyState::Revoked),
                key().with_state(KeyState::Next),
                key().with_not_before(other_time(2)),
                key().with_not_after(other_time(0)),
            ] {
                let application = with_key(&wiki(), scheme, dead);
                // Remembered from when the key was good, and not remembered.
                for cache in [&cache, &SignatureCache::default()] {
                    let refused = verify(cache, &headers, &application, URL).unwrap_err();
                    assert_eq!(Code::of(&refused), code, "{application:?}");
                }
            }
        }
    }

    #[test]
    fn applications_do_not_evict_one_another() {
        let cache = SignatureCache::new(32);
        let wiki_application = application(&wiki(), Scheme::SeraphV3);
        let headers = signed(Scheme::SeraphV3, "alice");
        let (signature, _) = verify(&cache, &headers, &wiki_application, URL).unwrap();

        let busy = LocalApplication::new("busy".parse().unwrap(), wiki().key().clone());
        let busy = application(&busy, Scheme::SeraphV3);
        for number in 0..10_000_u32 {
            let presented = Presented {
                scheme: Scheme::SeraphV3,
                url: URL.as_bytes(),
                certificate: &number.to_be_bytes()[..],
                signature: None,
                key: None,
                magic: None,
            };
            cache.insert(&busy, &presented, signature.clone());
        }
        assert!(verify(&cache, &headers, &wiki_application, URL).unwrap().1);
        let busy = cache.applications.get(busy.id()).unwrap();
        assert!((1..=32).contains(&busy.len()), "{}", busy.len());
    }
}
