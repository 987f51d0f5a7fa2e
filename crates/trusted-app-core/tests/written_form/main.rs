//! The written form of an application: what is written is read as the same again, and what is wrong is named.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod errors;
mod parts;
mod whole;

use serde_json::{Value, json};

const SPKI: &str = include_str!("../data/public-key-2048.txt");
const JWK: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

/// What must be stated.
fn minimal() -> Value {
    json!({ "id": "wiki", "keys": [{ "spki": SPKI.trim() }], "addresses": "any", "paths": ["/rest"] })
}

/// The same with this field in place of its own, or besides.
fn with(field: &str, value: Value) -> Value {
    let mut written = minimal();
    written[field] = value;
    written
}
