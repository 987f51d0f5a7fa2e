//! A captured HTTP/1.1 request, as a server would read it.

mod error;
mod http2;
mod line;
mod paste;

use std::io::{self, BufRead, Read};

use anyhow::Context;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::uri::{InvalidUri, PathAndQuery, Uri};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use tower_trusted_app::httpsig::SignatureFields;
use tower_trusted_app::{HttpSignatures, OriginalTarget};

use self::error::PasteError;
use self::line::is_header;
use self::paste::Body;
use crate::input::Input;
use crate::output;
use crate::url::{split_at_target, with_slash};

/// Longest head that is read, in bytes: more than any limit whose excess the layer explains.
const MAX_HEAD_BYTES: u64 = 1024 * 1024;

/// Longest body that is read, in bytes: likewise.
const MAX_BODY_BYTES: usize = HttpSignatures::BODY_LIMIT + 1;

/// From a file, or standard input for `-`.
pub(crate) fn open(input: Input<'_>) -> anyhow::Result<Request<Bytes>> {
    let place = if input.is_standard() { "on" } else { "in" };
    read(input.open()?).with_context(|| format!("no HTTP/1.1 request head {place} {input}"))
}

/// Reads the head, up to the blank line or the end of input, and the body where a signature may cover it.
fn read(input: impl Read) -> Result<Request<Bytes>, CaptureError> {
    let mut input = io::BufReader::new(input).take(MAX_HEAD_BYTES);
    let mut head = Vec::new();
    let mut passed_over = 0;
    loop {
        let line_at = head.len();
        let read = input.read_until(b'\n', &mut head)?;
        let blank = head.iter().skip(line_at).all(|byte| matches!(byte, b'\r' | b'\n'));
        if read == 0 && input.limit() == 0 {
            return Err(CaptureError::TooLong);
        }
        // Blank lines before the head are passed over (RFC 9112, section 2.2).
        if blank && line_at == 0 && read > 0 {
            head.clear();
            passed_over += 1;
        } else if blank {
            break;
        }
    }
    let pasted = paste::read(head).map_err(|error| error.below(passed_over))?;
    let mut request = parse(pasted.head, passed_over)?;
    if SignatureFields::attempted(request.headers()) {
        let rest = input.into_inner();
        *request.body_mut() = match pasted.body {
            Body::Follows => body(request.headers(), rest)?,
            Body::Read(read) => body(request.headers(), read.as_slice())?,
            Body::Unreadable => body(request.headers(), io::empty())?,
        };
    }
    Ok(request)
}

/// The body of a captured request. Unlike on a connection (RFC 9112, section 6.3) it reaches to the end where the head
/// does not say how long it is, as that of HTTP/2 need not; but a line end alone is an editor's.
fn body(headers: &HeaderMap, input: impl Read) -> io::Result<Bytes> {
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let limit = length.unwrap_or(MAX_BODY_BYTES).min(MAX_BODY_BYTES);
    let mut body = Vec::new();
    input.take(u64::try_from(limit).unwrap_or(u64::MAX)).read_to_end(&mut body)?;
    if headers.contains_key(TRANSFER_ENCODING) {
        return Ok(unchunked(&body).unwrap_or(body).into());
    }
    match length {
        Some(length) if body.len() < limit => {
            let have = body.len();
            output::remark("warning", format_args!("the capture has {have} of the body's {length} bytes"));
        }
        None if body.iter().all(|byte| matches!(byte, b'\r' | b'\n')) => body.clear(),
        _ => {}
    }
    Ok(body.into())
}

/// The content of a body in chunks (RFC 9112, section 7.1); `None` if it is in none, as tools show it that put it
/// together.
fn unchunked(mut body: &[u8]) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    loop {
        let Ok(httparse::Status::Complete((at, size))) = httparse::parse_chunk_size(body) else {
            return None;
        };
        let chunk = body.get(at..)?;
        if size == 0 {
            return Some(content);
        }
        let (data, rest) = chunk.split_at_checked(usize::try_from(size).ok()?)?;
        content.extend_from_slice(data);
        body = rest.strip_prefix(b"\r\n").or_else(|| rest.strip_prefix(b"\n"))?;
    }
}

/// Parses a head that may lack the blank line at its end, after some blank lines.
fn parse(mut head: Vec<u8>, passed_over: usize) -> Result<Request<Bytes>, CaptureError> {
    if head.is_empty() {
        return Err(CaptureError::Empty);
    }
    head.extend_from_slice(b"\r\n\r\n");
    let mut fields = vec![httparse::EMPTY_HEADER; head.iter().filter(|byte| **byte == b'\n').count()];
    let mut parsed = httparse::Request::new(&mut fields);
    parsed.parse(&head).map_err(|error| match error {
        httparse::Error::Token | httparse::Error::Version => CaptureError::RequestLine(error),
        httparse::Error::NewLine => CaptureError::LineEnd,
        httparse::Error::HeaderName => CaptureError::Header(passed_over + first_bad_line(&head)),
        error => CaptureError::Syntax(error),
    })?;

    let (Some(method), Some(target)) = (parsed.method, parsed.path) else { return Err(CaptureError::Empty) };
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

/// The number of the first line that is no header; the request line is number 1.
fn first_bad_line(head: &[u8]) -> usize {
    let mut lines = head.split(|byte| *byte == b'\n').skip(1);
    2 + lines.position(|line| !is_header(line)).unwrap_or_default()
}

/// The URI of a target, and the target itself if the URI cannot hold it.
fn uri_of(target: &str) -> Result<(Uri, Option<OriginalTarget>), CaptureError> {
    let (origin, target) = match split_at_target(target) {
        _ if target.starts_with('/') => (None, target),
        Some((origin, target)) => (Some(origin), target),
        None => return Err(CaptureError::Target),
    };
    let target = with_slash(target);
    // Without the characters that it rejects, it rejects only what is too long.
    let stand_in = PathAndQuery::try_from(escaped(&target)).unwrap_or(PathAndQuery::from_static("/"));
    let original = (stand_in.as_str() != target).then(|| OriginalTarget::new(target));
    let origin = origin.map(Uri::try_from).transpose()?.unwrap_or_default();
    if !matches!(origin.scheme_str(), None | Some("http" | "https")) {
        return Err(CaptureError::Target);
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
enum CaptureError {
    #[error("it is empty")]
    Empty,
    #[error("it has no end within {MAX_HEAD_BYTES} bytes")]
    TooLong,
    #[error("{0}; a head begins with a line such as `GET /rest/issues HTTP/1.1`")]
    RequestLine(httparse::Error),
    #[error(transparent)]
    Paste(#[from] PasteError),
    #[error("a line ends in something else than LF or CR LF, or the first goes on after its `HTTP/1.1`")]
    LineEnd,
    #[error("line {0} is no header, which is `Name: value` and all on one line: was a long one wrapped?")]
    Header(usize),
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
