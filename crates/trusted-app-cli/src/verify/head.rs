//! The head of an HTTP/1.1 request, as a server would read it.

use std::io::{self, BufRead, Read};

use bytes::Bytes;
use http::uri::{InvalidUri, PathAndQuery, Uri};
use http::{HeaderName, HeaderValue, Method, Request};
use tower_trusted_app::OriginalTarget;

use crate::url::{split_at_target, with_slash};

/// Longest head that is read, in bytes: more than any limit whose excess the layer explains.
const MAX_HEAD_BYTES: u64 = 1024 * 1024;

/// Reads up to the blank line, or to the end of input.
pub(super) fn read(input: impl Read) -> Result<Request<Bytes>, HeadError> {
    let mut input = io::BufReader::new(input).take(MAX_HEAD_BYTES);
    let mut head = Vec::new();
    loop {
        let line_at = head.len();
        let read = input.read_until(b'\n', &mut head)?;
        let blank = head.iter().skip(line_at).all(|byte| matches!(byte, b'\r' | b'\n'));
        if read == 0 && input.limit() == 0 {
            return Err(HeadError::TooLong);
        }
        // Blank lines before the head are passed over (RFC 9112, section 2.2).
        if blank && line_at == 0 && read > 0 {
            head.clear();
        } else if blank {
            return parse(head);
        }
    }
}

/// Parses a head that may lack the blank line at its end.
fn parse(mut head: Vec<u8>) -> Result<Request<Bytes>, HeadError> {
    if head.is_empty() {
        return Err(HeadError::Empty);
    }
    head.extend_from_slice(b"\r\n\r\n");
    let mut fields = vec![httparse::EMPTY_HEADER; head.iter().filter(|byte| **byte == b'\n').count()];
    let mut parsed = httparse::Request::new(&mut fields);
    parsed.parse(&head).map_err(|error| match error {
        httparse::Error::Token | httparse::Error::Version => HeadError::RequestLine(error),
        error => HeadError::Syntax(error),
    })?;

    let (Some(method), Some(target)) = (parsed.method, parsed.path) else { return Err(HeadError::Empty) };
    let (uri, original) = uri_of(target)?;
    let mut request = Request::new(Bytes::new());
    *request.method_mut() = Method::from_bytes(method.as_bytes()).map_err(http::Error::from)?;
    *request.uri_mut() = uri;
    if let Some(original) = original {
        request.extensions_mut().insert(original);
    }
    for field in parsed.headers.iter() {
        let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(http::Error::from)?;
        let value = HeaderValue::from_bytes(field.value).map_err(http::Error::from)?;
        request.headers_mut().try_append(name, value).map_err(http::Error::from)?;
    }
    Ok(request)
}

/// The URI of a target, and the target itself if the URI cannot hold it.
fn uri_of(target: &str) -> Result<(Uri, Option<OriginalTarget>), HeadError> {
    let (origin, target) = match split_at_target(target) {
        _ if target.starts_with('/') => (None, target),
        Some((origin, target)) => (Some(origin), target),
        None => return Err(HeadError::Target),
    };
    let target = with_slash(target);
    // Without the characters that it refuses, it refuses only what is too long.
    let stand_in = PathAndQuery::try_from(escaped(&target)).unwrap_or(PathAndQuery::from_static("/"));
    let original = (stand_in.as_str() != target).then(|| OriginalTarget::new(target));
    let origin = origin.map(Uri::try_from).transpose()?.unwrap_or_default();
    if !matches!(origin.scheme_str(), None | Some("http" | "https")) {
        return Err(HeadError::Target);
    }
    let mut parts = origin.into_parts();
    parts.path_and_query = Some(stand_in);
    Ok((Uri::from_parts(parts).map_err(http::Error::from)?, original))
}

fn escaped(target: &str) -> String {
    let mut escaped = String::with_capacity(target.len());
    for byte in target.bytes() {
        if byte.is_ascii_graphic() && !b"\"<>`#".contains(&byte) {
            escaped.push(byte.into());
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

/// Why there is no request head.
#[derive(Debug, thiserror::Error)]
pub(super) enum HeadError {
    #[error("it is empty")]
    Empty,
    #[error("it has no end within {MAX_HEAD_BYTES} bytes")]
    TooLong,
    #[error("{0}; a head begins with a line such as `GET /rest/issues HTTP/1.1`")]
    RequestLine(httparse::Error),
    #[error(transparent)]
    Syntax(httparse::Error),
    #[error("the request target must begin with `/`, `http://` or `https://`")]
    Target,
    #[error("bad host in the request target")]
    Host(#[from] InvalidUri),
    #[error(transparent)]
    Http(#[from] http::Error),
    #[error(transparent)]
    Io(#[from] io::Error),
}
