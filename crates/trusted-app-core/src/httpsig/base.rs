//! The signature base (RFC 9421, section 2): the bytes that are signed, made of the message itself.

use std::fmt;

use http::header::GetAll;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use sfv::{BareItemFromInput, ItemSerializer};

use super::fields::{SignatureFields, all};
use super::input::{self, Component, Input, Wanted};
use crate::limits::MAX_SIGNATURE_BASE_BYTES;
use crate::proofs::SignedBytes;
use crate::rejection::Rejection;

mod member;
mod query;

/// A request, as its signature sees it.
#[derive(Debug, Clone, Copy)]
pub struct RequestMessage<'a> {
    /// The method.
    pub method: &'a Method,
    /// The whole URL, as the peer saw it: scheme, authority in lower case and without the scheme's own
    /// port, raw path and query.
    pub url: &'a str,
    /// The header fields.
    pub headers: &'a HeaderMap,
}

/// A response, as its signature sees it.
#[derive(Debug, Clone, Copy)]
pub struct ResponseMessage<'a> {
    /// The status.
    pub status: StatusCode,
    /// The header fields.
    pub headers: &'a HeaderMap,
    /// The request that it answers, which it may sign a part of (`req`).
    pub request: RequestMessage<'a>,
}

/// What a signature is about.
#[derive(Clone, Copy)]
pub(super) enum Message<'a> {
    Request(RequestMessage<'a>),
    Response(ResponseMessage<'a>),
}

/// The parts of an absolute URL, as they stand there.
#[derive(Clone, Copy)]
struct Target<'a> {
    scheme: &'a str,
    authority: &'a str,
    path: &'a str,
    query: Option<&'a str>,
}

impl<'a> Target<'a> {
    fn of(url: &'a str) -> Option<Self> {
        let (scheme, rest) = url.split_once(':')?;
        let rest = rest.strip_prefix("//")?;
        let (rest, query) = match rest.split_once('?') {
            Some((rest, query)) => (rest, Some(query)),
            None => (rest, None),
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        Some(Self { scheme, authority, path: if path.is_empty() { "/" } else { path }, query })
    }
}

/// The bytes that are signed.
#[derive(Clone, PartialEq, Eq)]
pub struct SignatureBase(SignedBytes);

impl SignatureBase {
    pub(super) fn from_bytes(bytes: SignedBytes) -> Self {
        Self(bytes)
    }

    pub(super) fn into_bytes(self) -> SignedBytes {
        self.0
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The base of the request's signature with this label, whatever it covers and whosever it is. It
    /// tells a person where two sides differ, and proves nothing.
    ///
    /// # Errors
    ///
    /// [`Rejection::Malformed`] when there is no such signature, or something that it covers is not there.
    pub fn of_request(
        fields: &SignatureFields<'_>,
        label: &str,
        request: &RequestMessage<'_>,
    ) -> Result<Self, Rejection> {
        Self::of_label(fields, label, &Message::Request(*request))
    }

    /// As [`of_request`](Self::of_request), for the response to a request.
    ///
    /// # Errors
    ///
    /// As [`of_request`](Self::of_request).
    pub fn of_response(
        fields: &SignatureFields<'_>,
        label: &str,
        response: &ResponseMessage<'_>,
    ) -> Result<Self, Rejection> {
        Self::of_label(fields, label, &Message::Response(*response))
    }

    fn of_label(fields: &SignatureFields<'_>, label: &str, message: &Message<'_>) -> Result<Self, Rejection> {
        let input = input::find(&fields.input, Wanted::Label(label))?;
        let missing =
            || Rejection::malformed(format!("signature-input: no member `{}`", label.escape_debug()));
        Self::of(message, &input.ok_or_else(missing)?)
    }

    /// The base of what `input` covers in `message`.
    pub(super) fn of(message: &Message<'_>, input: &Input<'_>) -> Result<Self, Rejection> {
        let mut base = Self::empty();
        for component in &input.components {
            base.write_identifier(component)?;
            base.write(b": ");
            base.write_value(message, component)?;
            base.write(b"\n");
        }
        base.write(b"\"@signature-params\": ");
        base.write_parameters(input)?;
        Ok(base)
    }

    /// The inner list with its parameters (RFC 9421, section 2.3), as it stands in `Signature-Input`.
    pub(super) fn write_parameters(&mut self, input: &Input<'_>) -> Result<(), Rejection> {
        self.write(b"(");
        for (at, component) in input.components.iter().enumerate() {
            if at > 0 {
                self.write(b" ");
            }
            self.write_identifier(component)?;
        }
        self.write(b")");
        for (name, value) in &input.parameters {
            self.write(b";");
            self.write(name.as_str().as_bytes());
            self.write_parameter_value(value);
        }
        Ok(())
    }

    pub(super) fn empty() -> Self {
        Self(SignedBytes::new())
    }

    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn write_lower_case(&mut self, text: &str) {
        self.0.extend(text.bytes().map(|byte| byte.to_ascii_lowercase()));
    }

    pub(super) fn write_identifier(&mut self, component: &Component<'_>) -> Result<(), Rejection> {
        let name = component.name.as_str();
        let of_name = name.strip_prefix('@').unwrap_or(name);
        if of_name.is_empty() || !all(of_name.as_bytes(), is_lower_case_token) {
            return Err(malformed(component, "is no name of a component"));
        }
        self.write_plain_string(name);
        if let Some((name, value)) = component.parameter.as_deref() {
            self.write(b";");
            self.write(name.as_str().as_bytes());
            self.write_parameter_value(value);
        }
        Ok(())
    }

    /// What follows a parameter's name (RFC 9651, section 4.1.1.2).
    fn write_parameter_value(&mut self, value: &BareItemFromInput<'_>) {
        match value {
            BareItemFromInput::Boolean(true) => {}
            BareItemFromInput::Integer(number) => {
                self.write(b"=");
                self.write(itoa::Buffer::new().format(i64::from(*number)).as_bytes());
            }
            BareItemFromInput::String(text) => {
                self.write(b"=");
                self.write_string(text.as_str());
            }
            other => {
                self.write(b"=");
                self.write(ItemSerializer::new().bare_item(other).finish().as_bytes());
            }
        }
    }

    /// A sf-string (RFC 9651, section 4.1.6) of characters that one may have.
    fn write_string(&mut self, text: &str) {
        if all(text.as_bytes(), |byte| !matches!(byte, b'"' | b'\\')) {
            self.write_plain_string(text); // as nearly always
            return;
        }
        self.write(b"\"");
        for byte in text.bytes() {
            if matches!(byte, b'"' | b'\\') {
                self.write(b"\\");
            }
            self.0.push(byte);
        }
        self.write(b"\"");
    }

    /// The same of characters none of which must be escaped.
    fn write_plain_string(&mut self, text: &str) {
        self.0.reserve(text.len() + 2);
        self.0.push(b'"');
        self.write(text.as_bytes());
        self.0.push(b'"');
    }

    pub(super) fn write_value(
        &mut self,
        message: &Message<'_>,
        component: &Component<'_>,
    ) -> Result<(), Rejection> {
        let parameter = component.parameter.as_deref();
        let parameter = parameter.map(|(name, value)| (name.as_str(), value));
        let (message, parameter) = match (message, parameter) {
            (Message::Response(response), Some(("req", BareItemFromInput::Boolean(true)))) => {
                (&Message::Request(response.request), None)
            }
            (message, parameter) => (message, parameter),
        };
        match (component.name.as_str().strip_prefix('@'), message) {
            (None, Message::Request(RequestMessage { headers, .. }))
            | (None, Message::Response(ResponseMessage { headers, .. })) => {
                let lines = headers.get_all(component.name.as_str());
                self.write_field(lines, component, parameter)
            }
            (Some("status"), Message::Response(response)) if parameter.is_none() => {
                self.write(response.status.as_str().as_bytes());
                Ok(())
            }
            (Some(name), Message::Request(request)) => {
                self.write_derived(name, request, component, parameter)
            }
            _ => Err(malformed(component, "is no component of such a message")),
        }
    }

    /// A derived component of a request (RFC 9421, section 2.2).
    fn write_derived(
        &mut self,
        name: &str,
        request: &RequestMessage<'_>,
        component: &Component<'_>,
        parameter: Option<(&str, &BareItemFromInput<'_>)>,
    ) -> Result<(), Rejection> {
        let target = || Target::of(request.url).ok_or_else(|| malformed(component, "has no value"));
        if let ("query-param", Some(("name", BareItemFromInput::String(wanted)))) = (name, parameter) {
            let value = query::parameter(target()?.query.unwrap_or_default(), wanted.as_str());
            let value = value.ok_or_else(|| malformed(component, "is not there exactly once"))?;
            self.write(value.as_bytes());
            return Ok(());
        }
        if parameter.is_some() {
            return Err(malformed(component, "has a parameter that it cannot have"));
        }
        match name {
            "method" => {
                self.write(request.method.as_str().as_bytes());
                return Ok(());
            }
            "target-uri" => self.write(request.url.as_bytes()),
            "authority" => self.write_lower_case(target()?.authority),
            "scheme" => self.write_lower_case(target()?.scheme),
            "path" => self.write(target()?.path.as_bytes()),
            "query" => {
                self.write(b"?");
                self.write(target()?.query.unwrap_or_default().as_bytes());
            }
            "request-target" => {
                let target = target()?;
                self.write(target.path.as_bytes());
                if let Some(query) = target.query {
                    self.write(b"?");
                    self.write(query.as_bytes());
                }
            }
            _ => return Err(malformed(component, "is no component of a request")),
        }
        if !all(request.url.as_bytes(), |byte| !byte.is_ascii_control()) {
            return Err(malformed(component, "has a control character"));
        }
        Ok(())
    }

    /// A field (RFC 9421, section 2.1), or one member of a dictionary (section 2.1.2).
    fn write_field(
        &mut self,
        lines: GetAll<'_, HeaderValue>,
        component: &Component<'_>,
        parameter: Option<(&str, &BareItemFromInput<'_>)>,
    ) -> Result<(), Rejection> {
        let absent = || malformed(component, "is not there");
        let begin = self.0.len();
        for (at, line) in lines.iter().enumerate() {
            if at > 0 {
                self.write(b", ");
            }
            self.write(line.as_bytes().trim_ascii());
        }
        if lines.iter().next().is_none() {
            return Err(absent());
        }
        if self.0.len() > MAX_SIGNATURE_BASE_BYTES {
            return Err(malformed(component, "makes the signature base longer than 65536 bytes"));
        }
        let value = self.0.get(begin..).unwrap_or_default();
        if !all(value, |byte| matches!(byte, b'\t' | b' '..=b'~')) {
            return Err(malformed(component, "has characters beyond ASCII"));
        }
        match parameter {
            None => Ok(()),
            Some(("key", BareItemFromInput::String(key))) => {
                let member = member::serialized(value, key.as_str()).ok_or_else(absent)?;
                self.0.truncate(begin);
                self.write(member.as_bytes());
                Ok(())
            }
            Some(_) => Err(malformed(component, "has a parameter that it cannot have")),
        }
    }
}

/// The characters of a field name in lower case (RFC 9110, section 5.6.2).
const fn is_lower_case_token(byte: u8) -> bool {
    matches!(byte,
        b'a'..=b'z' | b'0'..=b'9' | b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.'
        | b'^' | b'_' | b'`' | b'|' | b'~')
}

fn malformed(component: &Component<'_>, problem: &str) -> Rejection {
    Rejection::malformed(format!(
        "the covered component `{}` {problem}",
        component.name.as_str().escape_debug()
    ))
}

/// The base as text, one line for each component.
impl fmt::Display for SignatureBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // It is ASCII but for a URL that is not.
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for SignatureBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SignatureBase").field(&self.0.len()).finish()
    }
}
