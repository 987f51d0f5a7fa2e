//! `Content-Digest` (RFC 9530): what binds a body to its signature.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};
use sfv::visitor::{
    DictionaryVisitor, EntryVisitor, Ignored, InnerListVisitor, ItemVisitor, Never, ParameterVisitor,
};
use sfv::{BareItemFromInput, KeyRef, Parser};
use sha2::{Digest, Sha256, Sha512};
use smallvec::SmallVec;

use super::error::Refusal;
use super::fields::joined;
use crate::limits::MAX_CONTENT_DIGEST_BYTES;

/// The digest of a message's content (RFC 9530, section 2).
pub const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");

/// Most members of a `Content-Digest`.
const MAX_DIGESTS: usize = 8;

/// The algorithms of digests that count. The others of the registry are broken or never were safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum DigestAlgorithm {
    /// `sha-256`.
    #[default]
    Sha256,
    /// `sha-512`.
    Sha512,
}

/// The digests of a body, one or both.
///
/// ```
/// use trusted_app_core::httpsig::{ContentDigest, DigestAlgorithm};
///
/// let digest = ContentDigest::of(DigestAlgorithm::Sha256, br#"{"hello": "world"}"#);
/// assert_eq!(digest.to_header_value(), "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:");
/// assert!(digest.matches(br#"{"hello": "world"}"#));
/// assert!(!digest.matches(br#"{"hello": "World"}"#));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct ContentDigest {
    sha256: Option<[u8; 32]>,
    sha512: Option<[u8; 64]>,
}

impl ContentDigest {
    /// The digest of a body.
    #[must_use]
    pub fn of(algorithm: DigestAlgorithm, body: &[u8]) -> Self {
        match algorithm {
            DigestAlgorithm::Sha256 => Self { sha256: Some(Sha256::digest(body).into()), sha512: None },
            DigestAlgorithm::Sha512 => Self { sha256: None, sha512: Some(Sha512::digest(body).into()) },
        }
    }

    /// Reads the field of a message. Its unknown and deprecated members are passed over.
    ///
    /// # Errors
    ///
    /// [`Refusal::Malformed`] when it is no dictionary of byte sequences of the right lengths, beyond a
    /// [limit](crate::limits), or names an algorithm twice; [`Refusal::Coverage`] when no member counts.
    pub fn parse(headers: &HeaderMap) -> Result<Self, Refusal> {
        let field = joined(headers, &CONTENT_DIGEST, MAX_CONTENT_DIGEST_BYTES)?;
        let mut members = Members { labels: SmallVec::new(), digest: Self::default() };
        let parsed = Parser::new(&field).parse_dictionary_with_visitor(&mut members);
        parsed.map_err(|_| {
            Refusal::malformed("content-digest: it is no dictionary of digests, or has one of them twice")
        })?;
        let digest = members.digest;
        if digest == Self::default() {
            return Err(Refusal::coverage("a digest of the body by sha-256 or sha-512"));
        }
        Ok(digest)
    }

    /// Whether these are the digests of `body`: every one of them.
    #[must_use]
    pub fn matches(&self, body: &[u8]) -> bool {
        let mut hasher = self.hasher();
        hasher.update(body);
        hasher.is_match()
    }

    /// Compares a body that comes in parts.
    #[must_use]
    pub fn hasher(&self) -> DigestHasher {
        DigestHasher {
            expected: *self,
            sha256: self.sha256.map(|_| Sha256::new()),
            sha512: self.sha512.map(|_| Sha512::new()),
        }
    }

    /// The field's value.
    #[must_use]
    pub fn to_header_value(&self) -> HeaderValue {
        let members = [
            self.sha256.map(|digest| format!("sha-256=:{}:", STANDARD.encode(digest))),
            self.sha512.map(|digest| format!("sha-512=:{}:", STANDARD.encode(digest))),
        ];
        let text = members.into_iter().flatten().collect::<Vec<_>>().join(", ");
        HeaderValue::from_str(&text).expect("base64 is a header's value")
    }
}

impl fmt::Debug for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentDigest({:?})", self.to_header_value())
    }
}

/// Holds a body that comes in parts against a [`ContentDigest`]. Made by [`ContentDigest::hasher`].
#[derive(Clone)]
pub struct DigestHasher {
    expected: ContentDigest,
    sha256: Option<Sha256>,
    sha512: Option<Sha512>,
}

impl DigestHasher {
    /// Takes the next part.
    pub fn update(&mut self, part: &[u8]) {
        if let Some(sha256) = &mut self.sha256 {
            sha256.update(part);
        }
        if let Some(sha512) = &mut self.sha512 {
            sha512.update(part);
        }
    }

    /// Whether what was taken is the body: every digest matches.
    #[must_use]
    pub fn is_match(self) -> bool {
        let sha256 = self.sha256.map(|hasher| hasher.finalize().into());
        let sha512 = self.sha512.map(|hasher| hasher.finalize().into());
        ContentDigest { sha256, sha512 } == self.expected
    }
}

impl fmt::Debug for DigestHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DigestHasher").field("expected", &self.expected).finish_non_exhaustive()
    }
}

/// What a verified request's body has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExpectedContent {
    /// No digest was signed, or that of no content: not one byte of a body may come. A header may announce one all
    /// the same; the request has content when the first byte comes, and is refused by then.
    Empty,
    /// The body must have this digest.
    Digest(ContentDigest),
    /// Nobody signed the body, and where it goes that is allowed.
    InsecureUnsigned,
}

struct Members<'a> {
    labels: SmallVec<[&'a str; MAX_DIGESTS]>,
    digest: ContentDigest,
}

#[derive(Debug, thiserror::Error)]
#[error("no digests")]
struct NoDigests;

impl<'a> DictionaryVisitor<'a> for &mut Members<'a> {
    type Out = ();
    type Error = NoDigests;

    fn entry(&mut self, key: &'a KeyRef) -> Result<impl EntryVisitor<'a>, NoDigests> {
        if self.labels.contains(&key.as_str()) || self.labels.len() == MAX_DIGESTS {
            return Err(NoDigests);
        }
        self.labels.push(key.as_str());
        Ok(Member { algorithm: key.as_str(), digest: &mut self.digest })
    }

    fn finish(self) -> Result<(), NoDigests> {
        Ok(())
    }
}

struct Member<'v, 'a> {
    algorithm: &'a str,
    digest: &'v mut ContentDigest,
}

impl<'a> EntryVisitor<'a> for Member<'_, 'a> {
    type Error = NoDigests;

    fn item(self) -> Result<impl ItemVisitor<'a>, NoDigests> {
        Ok(self)
    }

    fn inner_list(self) -> Result<impl InnerListVisitor<'a>, NoDigests> {
        Err::<Never, _>(NoDigests)
    }
}

impl<'a> ItemVisitor<'a> for Member<'_, 'a> {
    type Out = ();
    type Error = NoDigests;

    fn bare_item(
        self,
        item: BareItemFromInput<'a>,
    ) -> Result<impl ParameterVisitor<'a, Out = ()>, NoDigests> {
        let BareItemFromInput::ByteSequence(bytes) = item else { return Err(NoDigests) };
        match self.algorithm {
            "sha-256" => self.digest.sha256 = Some(bytes.try_into().map_err(|_| NoDigests)?),
            "sha-512" => self.digest.sha512 = Some(bytes.try_into().map_err(|_| NoDigests)?),
            _ => {}
        }
        Ok(Ignored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::httpsig::Code;

    fn parse(lines: &[&str]) -> Result<ContentDigest, Code> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(CONTENT_DIGEST, HeaderValue::from_str(line).unwrap());
        }
        ContentDigest::parse(&headers).map_err(|refusal| refusal.code())
    }

    const SHA256: &str = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:";
    const SHA512: &str =
        "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:";
    const BODY: &[u8] = br#"{"hello": "world"}"#;

    #[test]
    fn every_digest_that_counts_must_match() {
        let both = parse(&[SHA256, SHA512]).unwrap();
        assert_eq!(both.to_header_value(), format!("{SHA256}, {SHA512}"));
        assert!(both.matches(BODY) && !both.matches(b""));
        let other = ContentDigest::of(DigestAlgorithm::Sha512, b"other").to_header_value();
        let mixed = parse(&[SHA256, other.to_str().unwrap()]).unwrap();
        assert!(!mixed.matches(BODY) && !mixed.matches(b"other"));
        let deprecated = parse(&["md5=:AAAA:", SHA256, "sha=:AAAA:;x"]).unwrap();
        assert!(deprecated.matches(BODY));

        let mut hasher = both.hasher();
        BODY.chunks(5).for_each(|part| hasher.update(part));
        assert!(hasher.is_match());
    }

    #[test]
    fn what_does_not_count() {
        assert_eq!(parse(&[]), Err(Code::Coverage));
        assert_eq!(parse(&["md5=:AAAA:"]), Err(Code::Coverage));
        for malformed in [
            "sha-256",
            "sha-256=abc",
            "sha-256=(:AAAA:)",
            "sha-256=:AAAA:",
            "sha-256=:AAAA",
            "SHA-256=:AAAA:",
            "a=:AAAA:, b=:AAAA:, c=:AAAA:, d=:AAAA:, e=:AAAA:, f=:AAAA:, g=:AAAA:, h=:AAAA:, i=:AAAA:",
        ] {
            assert_eq!(parse(&[malformed]), Err(Code::Malformed), "{malformed}");
        }
        assert_eq!(parse(&[SHA256, SHA256]), Err(Code::Malformed));
        assert_eq!(parse(&[SHA256, &format!("x=:{}:", "A".repeat(1024))]), Err(Code::Malformed));
    }
}
