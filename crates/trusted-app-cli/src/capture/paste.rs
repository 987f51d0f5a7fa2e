//! Requests as people paste them. What a tool puts around a request is taken off where that needs no guess; any other
//! form is named.

use tower_trusted_app::text;

use super::error::PasteError;
use super::http2;
use super::line::{RequestLine, is_header, trimmed, without_prefix};

/// A request head as a server would get it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pasted {
    pub(super) head: Vec<u8>,
    pub(super) body: Body,
}

/// Where the body is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// It follows what was read.
    Follows,
    /// It was read too.
    Read(Vec<u8>),
    /// Whatever follows is not the body alone.
    Unreadable,
}

impl Pasted {
    fn of(head: Vec<u8>, body: Body) -> Self {
        Self { head, body }
    }
}

/// Takes off what does not belong to the request. `pasted` reaches to its first blank line or its end.
pub(super) fn read(mut pasted: Vec<u8>) -> Result<Pasted, PasteError> {
    if let Some(plain) = pasted.strip_prefix(b"\xEF\xBB\xBF") {
        pasted = plain.to_vec();
    }
    if is_encoded(&pasted) {
        // It has no blank line before it is decoded, so this is all of it.
        let text = text::decode(pasted)?;
        let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
        return Ok(Pasted { body: Body::Read(body.into()), ..read_lines(head.into())? });
    }
    read_lines(pasted)
}

/// Whether it begins as an editor's UTF-16, UTF-32 or a compressed file does.
fn is_encoded(pasted: &[u8]) -> bool {
    let marks: [&[u8]; 4] = [b"\xFF\xFE", b"\xFE\xFF", b"\0\0\xFE\xFF", b"\x1F\x8B"];
    let of_latin = |unit: &[u8]| unit.iter().filter(|byte| **byte == 0).count() == 1;
    marks.into_iter().any(|mark| pasted.starts_with(mark)) || pasted.chunks(2).take(2).all(of_latin)
}

fn read_lines(pasted: Vec<u8>) -> Result<Pasted, PasteError> {
    if let Some(unescaped) = unescaped(&pasted) {
        return Ok(unescaped);
    }
    let lines: Vec<_> = pasted.split(|byte| *byte == b'\n').map(trimmed).collect();
    let found = lines.iter().enumerate().find_map(|(at, line)| Some((at, RequestLine::within(line)?)));
    let Some((at, request)) = found else { return without_request_line(pasted) };
    if request.method == b"PRI" {
        return Err(PasteError::Http2Connection);
    }
    let is_first = lines.iter().take(at).all(|line| line.is_empty());
    if is_first && request.prefix.is_empty() && request.version.starts_with(b"HTTP/1.") {
        return Ok(Pasted::of(pasted, Body::Follows));
    }
    let of_curl = request.prefix.ends_with(b"> ");
    if !lines.iter().take(at).all(|line| may_stand_before(line, of_curl)) {
        let is_trace = lines.iter().any(|line| line.starts_with(b"=> Send header"));
        return Err(if is_trace { PasteError::CurlTrace } else { PasteError::Before(at + 1) });
    }

    let mut head = request.as_http_1();
    for (number, line) in lines.iter().enumerate().skip(at + 1) {
        match without_prefix(line, request.prefix) {
            Some([]) => break,
            Some(line) if line.starts_with(FENCE) => break,
            Some(line) if RequestLine::within(line).is_some_and(|line| line.prefix.is_empty()) => {
                return Err(PasteError::Several);
            }
            Some(line) => {
                head.extend_from_slice(line);
                head.extend_from_slice(b"\r\n");
            }
            None if of_curl && is_remark(line) => {}
            None => return Err(PasteError::Mixed(number + 1)),
        }
    }
    let follows = is_first && request.prefix.is_empty();
    Ok(Pasted::of(head, if follows { Body::Follows } else { Body::Unreadable }))
}

/// Begins and ends a block of code.
const FENCE: &[u8] = b"```";

/// Lines of tools before the request: a block's fence, the command, what curl says of a connection.
fn may_stand_before(line: &[u8], of_curl: bool) -> bool {
    line.is_empty() || line.starts_with(FENCE) || of_curl && (is_remark(line) || is_command(line))
}

/// A line of `curl -v` that is not of the request, after the time that `--trace-time` puts there: a remark, a line of
/// the answer, data, the meter of progress.
fn is_remark(line: &[u8]) -> bool {
    let line = line.trim_ascii_start();
    let untimed = line.iter().find(|byte| !matches!(byte, b'0'..=b'9' | b':' | b'.' | b' '));
    let starts = |start: &[u8]| line.starts_with(start);
    untimed.is_none_or(|byte| b"*<{}%-".contains(byte)) || starts(b"Note: ") || starts(b"Dload")
}

fn is_command(line: &[u8]) -> bool {
    const COMMANDS: [&[u8]; 12] = [
        b"curl ",
        b"curl.exe ",
        b"$ ",
        b"wget ",
        b"http ",
        b"https ",
        b"xh ",
        b"fetch(",
        b"eval ",
        b"Invoke-",
        b"trusted-app ",
        b"PS ",
    ];
    COMMANDS.iter().any(|command| line.starts_with(command))
}

/// A request in one line, whose line ends are written `\r\n` or `\n`, as in a program or a log; with or without
/// quotation marks.
fn unescaped(pasted: &[u8]) -> Option<Pasted> {
    let text = pasted.trim_ascii();
    let quoted = text.strip_prefix(b"send: ").unwrap_or(text);
    let quoted = quoted.strip_prefix(b"b").unwrap_or(quoted);
    let message = match quoted {
        [open @ (b'"' | b'\''), inner @ .., close] if open == close => unquoted(inner)?,
        _ => {
            let line_end: &[u8] = if find(text, br"\r\n").is_some() { br"\r\n" } else { br"\n" };
            let blank = line_end.repeat(2);
            let at = find(text, line_end)?;
            RequestLine::within(text.get(..at)?).filter(|line| line.prefix.is_empty())?;
            // Real line ends may stand beside those.
            let plain = replaced(&replaced(text, b"\r\n", b"\n"), &[line_end, b"\n"].concat(), line_end);
            let head = find(&plain, &blank).unwrap_or(plain.len());
            let (head, body) = plain.split_at_checked(head)?;
            let body = body.strip_prefix(blank.as_slice()).unwrap_or(body);
            [&replaced(head, line_end, b"\r\n"), &b"\r\n\r\n"[..], body].concat()
        }
    };
    let end = find(&message, b"\r\n\r\n").map_or(message.len(), |at| at + 4);
    let (head, body) = message.split_at_checked(end)?;
    RequestLine::within(trimmed(head.split(|byte| *byte == b'\n').next()?))
        .filter(|line| line.prefix.is_empty())?;
    let head = read_lines(head.to_vec()).ok()?.head;
    Some(Pasted::of(head, Body::Read(body.to_vec())))
}

/// What stands between the quotation marks of a program's text; `None` for an escape that few languages have.
fn unquoted(text: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::with_capacity(text.len());
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            plain.push(byte);
            continue;
        }
        plain.push(match bytes.next()? {
            b'r' => b'\r',
            b'n' => b'\n',
            b't' => b'\t',
            same @ (b'\\' | b'\'' | b'"' | b'/') => same,
            b'x' => {
                let digits = [bytes.next()?, bytes.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            _ => return None,
        });
    }
    Some(plain)
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

fn replaced(text: &[u8], what: &[u8], by: &[u8]) -> Vec<u8> {
    let mut replaced = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = find(rest, what).and_then(|at| rest.split_at_checked(at)) {
        replaced.extend_from_slice(before);
        replaced.extend_from_slice(by);
        rest = after.strip_prefix(what).unwrap_or_default();
    }
    replaced.extend_from_slice(rest);
    replaced
}

/// Names what it is, or leaves it to the parser to say what is wrong with its first line.
fn without_request_line(pasted: Vec<u8>) -> Result<Pasted, PasteError> {
    let lines: Vec<_> = pasted.split(|byte| *byte == b'\n').map(|line| line.trim_ascii()).collect();
    let first = lines.iter().find(|line| !line.is_empty()).copied().unwrap_or_default();
    if lines.iter().any(|line| line.starts_with(b":")) {
        let head = http2::head(&lines)?;
        return Ok(Pasted::of(head, Body::Follows));
    }
    let starts = |start: &[u8]| first.starts_with(start);
    let error = if is_command(first) {
        PasteError::Command
    } else if starts(b"=> Send header") || starts(b"== Info") {
        PasteError::CurlTrace
    } else if find(first, b" HTTP/").is_some() && find(first, b"\" ").is_some() {
        PasteError::AccessLog
    } else if starts(b"HTTP/") || starts(b"< HTTP/") {
        PasteError::Answer
    } else if starts(b"{") || starts(b"[{") {
        PasteError::Json
    } else if starts(b"http://") || starts(b"https://") {
        PasteError::Url
    } else if starts(b"* ") {
        PasteError::CurlRemarks
    } else if starts(b"\xD4\xC3\xB2\xA1") || starts(b"\xA1\xB2\xC3\xD4") {
        PasteError::Packets
    } else if starts(b"\x16\x03") {
        PasteError::Tls
    } else if is_header(first) {
        PasteError::HeadersOnly
    } else if let Some(line) = RequestLine::without_version(first) {
        let rest = lines.iter().skip_while(|line| line.is_empty()).skip(1);
        let rest = rest.flat_map(|line| [line, &b"\r\n"[..]]).flatten().copied();
        let head = line.as_http_1().into_iter().chain(rest).collect();
        return Ok(Pasted::of(head, Body::Follows));
    } else {
        return Ok(Pasted::of(pasted, Body::Follows));
    };
    Err(error)
}
