//! Atlassian's vectors: what its library 3.0.8 writes and answers, and where we answer differently.

// Signing, and version 2 in either direction, need this provider.
#![cfg(feature = "rsa")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod authenticate;
mod certificates;
mod documents;
mod transport_errors;

use std::fs;

use serde_json::Value;
use trusted_app_core::PublicKey;
use trusted_app_core::crypto::PrivateKey;

/// One file of vectors.
struct Vectors(Value);

impl Vectors {
    fn load(file: &str) -> Self {
        let path = format!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/{}"), file);
        Self(serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap())
    }

    fn iter(&self) -> impl Iterator<Item = &Value> {
        self.0["vectors"].as_array().unwrap().iter()
    }

    fn public_key(&self, name: &Value) -> PublicKey {
        PublicKey::from_base64(text(&self.0["keys"][text(name)]["public_key_spki_b64"])).unwrap()
    }

    fn private_key(&self, name: &Value) -> PrivateKey {
        let base64 = text(&self.0["keys"][text(name)]["private_key_pkcs8_b64"]);
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", wrapped(base64));
        PrivateKey::from_pkcs8_pem(&pem).unwrap()
    }
}

fn wrapped(base64: &str) -> String {
    base64.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect::<Vec<_>>().join("\n")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|value| text(value).to_owned()).collect()
}

/// A place where we answer differently, and why.
struct Difference {
    /// A vector's id, or a kind: then all vectors of the kind.
    of: &'static str,
    /// What we answer.
    ours: &'static str,
    /// Why.
    #[expect(dead_code, reason = "for the reader")]
    why: &'static str,
}

const fn differs(of: &'static str, ours: &'static str, why: &'static str) -> Difference {
    Difference { of, ours, why }
}

/// Holds answers against the original's, but for a table of differences. The table must be exact:
/// a row that nothing differs by is a failure too.
struct Comparison {
    table: &'static [Difference],
    used: Vec<bool>,
    failures: Vec<String>,
}

impl Comparison {
    fn by(table: &'static [Difference]) -> Self {
        Self { table, used: vec![false; table.len()], failures: Vec::new() }
    }

    /// `ours` is our answer in the words of the table; `equal` whether all of it is the original's.
    fn check(&mut self, vector: &Value, ours: &str, equal: bool, detail: &str) {
        let (id, kind) = (text(&vector["id"]), text(&vector["kind"]));
        let row = |of: &str| self.table.iter().position(|row| row.of == of);
        match row(id).or_else(|| row(kind)) {
            Some(at) if !equal && self.table[at].ours == ours => self.used[at] = true,
            None if equal => {}
            Some(_) => self.failures.push(format!("{id} {kind}: not as the table has it: {ours}: {detail}")),
            None => self.failures.push(format!("{id} {kind}: differs, not in the table: {ours}: {detail}")),
        }
    }

    fn finish(self) {
        let stale = self.table.iter().zip(&self.used).filter(|(_, used)| !**used).map(|(row, _)| row.of);
        let stale: Vec<_> = stale.collect();
        assert!(self.failures.is_empty(), "{}", self.failures.join("\n"));
        assert!(stale.is_empty(), "rows that nothing differs by: {stale:?}");
    }
}
