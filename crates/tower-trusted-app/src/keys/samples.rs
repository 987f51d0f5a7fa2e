//! Applications for tests. The keys are fixed: making one in a debug build takes seconds.

use std::sync::OnceLock;

use serde_json::Value;
use trusted_app_core::conditions::{AddressRule, PathRule};
use trusted_app_core::{LocalApplication, PublicKey, TrustedApplication};

const VECTORS: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/certificate_document.json"));

/// The base64 of the public key of `bits` bits: 1024, 2048 or 4096.
pub(crate) fn key(bits: u32) -> &'static str {
    static PARSED: OnceLock<Value> = OnceLock::new();
    let vectors = PARSED.get_or_init(|| serde_json::from_str(VECTORS).unwrap());
    vectors["keys"][format!("pub-rsa{bits}")]["public_key_spki_b64"].as_str().unwrap()
}

/// The public key of `bits` bits.
pub(crate) fn public_key(bits: u32) -> PublicKey {
    PublicKey::from_base64(key(bits)).unwrap()
}

/// An application with that key.
pub(crate) fn application(id: &str, bits: u32) -> TrustedApplication {
    TrustedApplication::builder(id.parse().unwrap(), public_key(bits))
        .addresses(AddressRule::any())
        .paths(PathRule::any())
        .insecure_min_rsa_bits(1024)
        .build()
        .unwrap()
}

/// Our own identity: `wiki`, with the key of 2048 bits.
pub(crate) fn local() -> LocalApplication {
    LocalApplication::from_pem(include_str!("../../tests/data/identity.pem")).unwrap()
}
