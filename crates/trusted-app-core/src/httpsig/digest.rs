//! `Content-Digest` (RFC 9530): what binds a body to its signature.

use http::{HeaderMap, HeaderName};
use sfv::visitor::{
    DictionaryVisitor, EntryVisitor, Ignored, InnerListVisitor, ItemVisitor, Never, ParameterVisitor,
};
use sfv::{BareItemFromInput, KeyRef, Parser};
use smallvec::SmallVec;

use super::fields::joined;
use crate::content::ContentDigest;
use crate::limits::MAX_CONTENT_DIGEST_BYTES;
use crate::rejection::Rejection;

/// The digest of a message's content (RFC 9530, section 2).
pub const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");

/// Most members of a `Content-Digest`.
const MAX_DIGESTS: usize = 8;

/// Reads the field of a message. Its unknown and deprecated members are passed over.
///
/// # Errors
///
/// [`Rejection::Malformed`] when it is no dictionary of byte sequences of the right lengths, beyond a
/// [limit](crate::limits), or names an algorithm twice; [`Rejection::NotCovered`] when no member counts.
pub fn parse_content_digest(headers: &HeaderMap) -> Result<ContentDigest, Rejection> {
    let field = joined(headers, &CONTENT_DIGEST, MAX_CONTENT_DIGEST_BYTES)?;
    let mut members = Members { labels: SmallVec::new(), digest: ContentDigest::default() };
    let parsed = Parser::new(&field).parse_dictionary_with_visitor(&mut members);
    parsed.map_err(|_| {
        Rejection::malformed("content-digest: it is no dictionary of digests, or has one of them twice")
    })?;
    let digest = members.digest;
    if digest == ContentDigest::default() {
        return Err(Rejection::not_covered("a digest of the body by sha-256 or sha-512"));
    }
    Ok(digest)
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
    use http::HeaderValue;

    use super::*;
    use crate::content::DigestAlgorithm;
    use crate::httpsig::Code;

    fn parse(lines: &[&str]) -> Result<ContentDigest, Code> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(CONTENT_DIGEST, HeaderValue::from_str(line).unwrap());
        }
        parse_content_digest(&headers).map_err(|rejection| Code::of(&rejection))
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
