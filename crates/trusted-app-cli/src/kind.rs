//! What a file evidently is, for one that was given in the place of another.

use std::fmt;

use serde_json::Value;
use tower_trusted_app::PublicKey;

/// What a file is. Nothing of its text is kept or shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Applications,
    Document,
    Identity,
    PrivateKey,
    PublicKey,
    X509,
    Jwk,
    PrivateJwk,
    KeyDirectory,
    Json,
    EntitiesXml,
    Xml,
    Html,
    Url,
    Sqlite,
}

impl Kind {
    /// Of a file that is no text.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.starts_with(b"SQLite format 3\0").then_some(Self::Sqlite)
    }

    /// Of a text.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let text = text.trim();
        let is_toml = |line: &str| {
            let line = line.trim_start();
            let key = line.split('=').next().filter(|key| key.len() < line.len()).map(str::trim);
            line.starts_with("[[") || matches!(key, Some("id" | "keys" | "application"))
        };
        match text.chars().next()? {
            '{' => return Some(Self::of_json(text)),
            '<' => return Some(Self::of_markup(text)),
            '[' if serde_json::from_str::<Value>(text).is_ok() => return Some(Self::Json),
            _ if text.lines().any(is_toml) => return Some(Self::Applications),
            _ => {}
        }
        let has = |what: &str| text.contains(what);
        if has("-----BEGIN ") && has("PRIVATE KEY-----") {
            return Some(if has("Application-Id:") { Self::Identity } else { Self::PrivateKey });
        }
        if has("-----BEGIN CERTIFICATE-----") {
            return Some(Self::X509);
        }
        if has("-----BEGIN PUBLIC KEY-----") || PublicKey::from_base64(text).is_ok() {
            return Some(Self::PublicKey);
        }
        let lines: Vec<_> = text.lines().collect();
        match lines.as_slice() {
            [_, key] | [_, key, _] | [_, key, _, _] if PublicKey::from_base64(key).is_ok() => {
                Some(Self::Document)
            }
            [url] if url.starts_with("http://") || url.starts_with("https://") => Some(Self::Url),
            _ => None,
        }
    }

    fn of_json(text: &str) -> Self {
        let Ok(value) = serde_json::from_str::<Value>(text) else { return Self::Json };
        match (value.get("kty"), value.get("keys")) {
            (Some(_), _) if value.get("d").is_some() => Self::PrivateJwk,
            (Some(_), _) => Self::Jwk,
            (None, Some(Value::Array(_))) => Self::KeyDirectory,
            _ => Self::Json,
        }
    }

    fn of_markup(text: &str) -> Self {
        let start: String = text.chars().take(15).flat_map(char::to_lowercase).collect();
        if start.starts_with("<html") || start.starts_with("<!doctype html") {
            Self::Html
        } else if text.contains("<entity-engine-xml") || text.contains("<TrustedApplication ") {
            Self::EntitiesXml
        } else {
            Self::Xml
        }
    }

    /// What to do with the file of that name.
    pub(crate) fn cure(self, file: &str) -> String {
        match self {
            Self::Applications => format!("`trusted-app apps import {file}` takes it"),
            Self::Document => format!("`trusted-app apps add --document {file}` takes it"),
            Self::Identity => format!(
                "keep it secret; `trusted-app certificate --identity {file}` prints the document that others need"
            ),
            Self::PrivateKey => format!(
                "keep it secret; `trusted-app certificate --signature-key {file}` prints the public key that others need"
            ),
            Self::PublicKey => format!("`trusted-app apps add ID --spki {file}` takes it"),
            Self::X509 => format!(
                "`openssl x509 -in {file} -pubkey -noout` prints the public key in it, which `trusted-app apps add ID \
                 --spki` takes"
            ),
            Self::Jwk => format!("`trusted-app apps add ID --jwk {file}` takes it"),
            Self::PrivateJwk => "keep it secret; others need its public members alone, without `d`".to_owned(),
            Self::KeyDirectory => {
                "`trusted-app apps add ID --jwk JWK` takes one of its keys, and `key_directory` of a TOML file \
                 the URL that serves it"
                    .to_owned()
            }
            Self::Json => "the applications of a file are written in TOML, as `trusted-app apps export` does".to_owned(),
            Self::EntitiesXml => {
                "take `applicationId` and `publicKey` from each of its `TrustedApplication` elements, and give them to \
                 `trusted-app apps add ID --spki KEY`"
                    .to_owned()
            }
            Self::Xml => {
                "take each application's id and public key from it, and give them to `trusted-app apps add ID --spki \
                 KEY`; or fetch them by `trusted-app request URL`"
                    .to_owned()
            }
            Self::Html => "a server answered with a page, perhaps to log in, in the place of the file".to_owned(),
            Self::Url => "`trusted-app details URL` shows the document that is served there".to_owned(),
            Self::Sqlite => format!(
                "`trusted-app apps export --store sqlite:{file} --out FILE.toml` writes the applications of a store"
            ),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Applications => "a TOML file of applications",
            Self::Document => "a certificate document",
            Self::Identity => "an identity with its private key",
            Self::PrivateKey => "a private key",
            Self::PublicKey => "a public key",
            Self::X509 => "an X.509 certificate",
            Self::Jwk => "a JWK",
            Self::PrivateJwk => "a private JWK",
            Self::KeyDirectory => "a key directory (JWKS)",
            Self::Json => "JSON",
            Self::EntitiesXml => "an XML export of JIRA's",
            Self::Xml => "XML",
            Self::Html => "an HTML page",
            Self::Url => "a URL",
            Self::Sqlite => "an SQLite database",
        })
    }
}
