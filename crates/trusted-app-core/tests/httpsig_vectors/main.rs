//! The vectors of RFC 9421 and of the web-bot-auth draft, and those of the profile.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod mutations;
mod profile;
mod rfc;

use std::fs;
use std::sync::LazyLock;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use trusted_app_core::crypto::{PrivateSignatureKey, SignatureKey};

static VECTORS: LazyLock<Value> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/rfc9421-vectors.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
});

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().unwrap().iter()
}

fn private_key(name: &str) -> PrivateSignatureKey {
    PrivateSignatureKey::insecure_from_example_jwk(&VECTORS["keys"][name]["jwk"].to_string()).unwrap()
}

/// The public half of a key's JWK.
fn public_jwk(name: &str) -> String {
    let mut jwk = VECTORS["keys"][name]["jwk"].clone();
    for member in ["d", "p", "q", "dp", "dq", "qi"] {
        jwk.as_object_mut().unwrap().remove(member);
    }
    jwk.to_string()
}

fn public_key(name: &str) -> SignatureKey {
    SignatureKey::insecure_from_example_jwk(&public_jwk(name)).unwrap()
}

fn headers(list: &Value) -> HeaderMap {
    let field = |field: &Value| {
        let name = HeaderName::try_from(text(&field[0])).unwrap();
        (name, HeaderValue::try_from(text(&field[1])).unwrap())
    };
    let mut headers = HeaderMap::new();
    for (name, value) in items(list).map(field) {
        headers.append(name, value);
    }
    headers
}
