//! The wire form of errors, as the `X-Seraph-Trusted-App-Error` header carries it.

use std::fmt::{self, Write};
use std::str::FromStr;

use http::HeaderValue;

use super::code::Code;
use super::parameters;
use crate::limits::MAX_MESSAGE_BYTES;
use crate::rejection::Rejection;
use crate::text::cut;

/// What stands between the three parts.
const SEPARATOR: &str = ";\t";

/// An error as it goes over the wire: code, template, parameters.
///
/// [`Display`](fmt::Display) and [`FromStr`] are its textual form, character for character as the
/// original writes it: `CODE;<TAB>template;<TAB>["p1","p2"]`, with the template's `{0}` marks left
/// as they are and the parameters quoted as in JSON. Some HTTP clients hand the tab out as a blank;
/// like the original, `FromStr` then rejects it.
///
/// ```
/// use trusted_app_core::seraph::{Code, TransportError};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let error: TransportError = "USER_UNKNOWN;\tUnknown User: {0};\t[\"zoë\"]".parse()?;
/// assert_eq!(error.code(), Code::UserUnknown);
/// assert_eq!(error.message(), "Unknown User: zoë");
/// assert_eq!(error.to_header_value(), "USER_UNKNOWN;\tUnknown User: {0};\t[\"zo\\u00eb\"]");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransportError {
    code: Code,
    template: String,
    params: Vec<String>,
}

impl TransportError {
    /// An error.
    #[must_use]
    pub fn new(code: Code, template: impl Into<String>, params: Vec<String>) -> Self {
        Self { code, template: template.into(), params }
    }

    /// What the peer is told about a rejection: the original's template and its parameters, of which it repeats
    /// [`MAX_REPEATED_BYTES`](crate::limits::MAX_REPEATED_BYTES) each.
    #[must_use]
    pub fn of(rejection: &Rejection) -> Self {
        let (template, params): (&str, Vec<String>) = match rejection {
            Rejection::CredentialsMissing => ("Request has no Trusted Application certificate", vec![]),
            Rejection::VersionNotANumber { version } => ("Bad protocol version: {0}", vec![version.clone()]),
            Rejection::VersionNotAllowed { version, highest } => (
                "Unsupported protocol version: {0}. required {1}",
                vec![
                    version.to_string(),
                    highest.map_or_else(|| "none of them".to_owned(), |highest| highest.to_string()),
                ],
            ),
            Rejection::ApplicationIdMissing => ("Application ID not found in request", vec![]),
            Rejection::SecretKeyMissing => ("Secret Key not found in request", vec![]),
            Rejection::MagicMissing => ("Magic Number not found in request", vec![]),
            Rejection::ApplicationUnknown { id } => ("Unknown Application: {0}", vec![id.clone()]),
            Rejection::BadMagic { part, application } => (
                "Unable to decrypt certificate {0} for application {1}",
                vec![part.as_str().to_owned(), application.clone()],
            ),
            Rejection::TimestampNotANumber { timestamp, application } => (
                "Exception: {0} occurred serving request for application: {1}",
                vec![
                    format!("java.lang.NumberFormatException: For input string: \"{timestamp}\""),
                    application.clone(),
                ],
            ),
            Rejection::SignatureMissing => ("Missing signature in a v2 request", vec![]),
            Rejection::BadSignature { url, as_written: Some(as_written) } => {
                ("Bad signature for URL: {0} or {1}", vec![url.clone(), as_written.clone()])
            }
            Rejection::BadSignature { url, as_written: None } | Rejection::AuthorityUnknown { url, .. } => {
                ("Bad signature for URL: {0}", vec![url.clone()])
            }
            Rejection::RepeatedHeader { name } => {
                ("Header found more than once in request: {0}", vec![(*name).to_owned()])
            }
            Rejection::TooLarge { what, limit } => {
                ("Too large: {0}. At most {1}", vec![(*what).to_owned(), limit.to_string()])
            }
            Rejection::CertificateTooOld { application, created, timeout_ms, .. } => (
                "Certificate too old. Application: {0} Certificate Created: {1} Timeout: {2}",
                vec![application.clone(), created.to_java_date(), timeout_ms.to_string()],
            ),
            Rejection::CertificateFromFuture { application, created, .. } => (
                "Certificate from the future. Application: {0} Certificate Created: {1}",
                vec![application.clone(), created.to_java_date()],
            ),
            Rejection::MethodNotAllowed { method } => {
                ("Request not allowed to use method: {0}", vec![method.clone()])
            }
            Rejection::AddressNotAllowed { address } | Rejection::ForwardedAddressNotAllowed { address } => {
                ("Request not allowed from IP address: {0}", vec![address.clone()])
            }
            Rejection::PeerUnknown => ("Request not allowed from an unknown address", vec![]),
            Rejection::PathNotAllowed { path } => {
                ("Request not allowed to access URL: {0}", vec![path.clone()])
            }
            Rejection::PathAmbiguous { path, reason } => (
                "Request not allowed to access ambiguous URL: {0} ({1})",
                vec![path.clone(), (*reason).to_owned()],
            ),
            Rejection::UserUnknown { user } => ("Unknown User: {0}", vec![user.clone()]),
            Rejection::PermissionDenied { .. } => ("Permission Denied", vec![]),
            Rejection::Replayed { application, created } => (
                "Certificate used before. Application: {0} Certificate Created: {1}",
                vec![application.clone(), created.to_java_date()],
            ),
            Rejection::Unavailable { .. } => {
                ("Temporarily unable to tell whether the request is trusted", vec![])
            }
            // No request of Seraph's is rejected for one of these.
            Rejection::TwoSchemes
            | Rejection::Malformed { .. }
            | Rejection::SchemeNotAllowed
            | Rejection::KeyUnknown { .. }
            | Rejection::AlgorithmMismatch
            | Rejection::BadSignatureBase { .. }
            | Rejection::NotCovered { .. }
            | Rejection::FieldNotCovered { .. }
            | Rejection::Stale { .. }
            | Rejection::TenantUnknown { .. }
            | Rejection::ContentMismatch
            | Rejection::ContentTooLarge { .. }
            | Rejection::ContentNotHeld { .. } => ("Request is not trusted", vec![]),
        };
        Self::new(Code::of(rejection), template, params.into_iter().map(cut).collect())
    }

    /// The short name.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// The text with `{0}` for the first parameter, and so on.
    #[must_use]
    pub fn template(&self) -> &str {
        &self.template
    }

    /// The parameters.
    #[must_use]
    pub fn params(&self) -> &[String] {
        &self.params
    }

    /// The template with its parameters put in, as Java's `MessageFormat` does: apostrophes quote,
    /// two of them are one. The bare template if it is none that `MessageFormat` takes for texts, or
    /// asks for so many of them that the message would exceed [`MAX_MESSAGE_BYTES`].
    #[must_use]
    pub fn message(&self) -> String {
        format_message(&self.template, &self.params).unwrap_or_else(|| self.template.clone())
    }

    /// The header value: the textual form in printable ASCII.
    ///
    /// In the parameters, every other character is written as `\uXXXX`, which a reader of JSON
    /// takes back; HTTP says nothing certain about other characters in a header, and gRPC forbids
    /// them. In the template, which is ours and has none, they become question marks. So no
    /// parameter can end the header or start another one.
    #[must_use]
    pub fn to_header_value(&self) -> HeaderValue {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut text, |c| !matches!(c, ' '..='~'));
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("UNKNOWN;\t;\t[]"))
    }

    /// Reads a header value. Its bytes are ISO 8859-1 to the original.
    ///
    /// # Errors
    ///
    /// As [`FromStr`].
    pub fn from_header_value(value: &HeaderValue) -> Result<Self, TransportErrorSyntax> {
        value.as_bytes().iter().copied().map(char::from).collect::<String>().parse()
    }

    /// Writes the textual form; `is_foreign` says which characters the medium cannot carry.
    fn write(&self, out: &mut impl Write, is_foreign: impl Fn(char) -> bool) -> fmt::Result {
        write!(out, "{}{SEPARATOR}", self.code)?;
        for c in self.template.chars() {
            out.write_char(if is_foreign(c) { '?' } else { c })?;
        }
        write!(out, "{SEPARATOR}[")?;
        for (at, param) in self.params.iter().enumerate() {
            out.write_str(if at == 0 { "\"" } else { ",\"" })?;
            write_quoted(out, param, &is_foreign)?;
            out.write_char('"')?;
        }
        out.write_char(']')
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, |_| false)
    }
}

impl FromStr for TransportError {
    type Err = TransportErrorSyntax;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // The original drops empty parts at the end before it counts.
        let mut text = text;
        while let Some(shorter) = text.strip_suffix(SEPARATOR) {
            text = shorter;
        }
        let mut parts = text.split(SEPARATOR);
        let (Some(code), Some(template), Some(params), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(TransportErrorSyntax::Parts);
        };
        let params = parameters::parse(params).ok_or(TransportErrorSyntax::Parameters)?;
        Ok(Self::new(Code::from_wire(code), template, params))
    }
}

/// Why a text is no such error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransportErrorSyntax {
    /// Not three parts with a semicolon and a tab between them.
    #[error("an error has three parts with a semicolon and a tab between them")]
    Parts,
    /// The third part is no list of texts.
    #[error("the error's parameters are no JSON list of texts")]
    Parameters,
}

/// Writes a text into JSON as the original does: beyond what JSON asks for it escapes the slash
/// after `<`, U+0080 to U+009F and U+2000 to U+20FF, but not U+007F.
fn write_quoted(out: &mut impl Write, text: &str, is_foreign: impl Fn(char) -> bool) -> fmt::Result {
    let mut before = '\0';
    for c in text.chars() {
        match c {
            '"' | '\\' => write!(out, "\\{c}")?,
            '/' if before == '<' => out.write_str("\\/")?,
            '\u{8}' => out.write_str("\\b")?,
            '\t' => out.write_str("\\t")?,
            '\n' => out.write_str("\\n")?,
            '\u{c}' => out.write_str("\\f")?,
            '\r' => out.write_str("\\r")?,
            '\0'..=' ' | '\u{80}'..='\u{9f}' | '\u{2000}'..='\u{20ff}' if c != ' ' => write_escape(out, c)?,
            c if is_foreign(c) => write_escape(out, c)?,
            c => out.write_char(c)?,
        }
        before = c;
    }
    Ok(())
}

/// `\uXXXX`, twice for a character beyond U+FFFF.
fn write_escape(out: &mut impl Write, c: char) -> fmt::Result {
    c.encode_utf16(&mut [0; 2]).iter().try_for_each(|unit| write!(out, "\\u{unit:04x}"))
}

/// `MessageFormat.format` with texts as parameters; `None` where it throws.
fn format_message(template: &str, params: &[String]) -> Option<String> {
    let mut message = String::with_capacity(template.len());
    let mut quoted = false;
    let mut rest = template.chars();
    while let Some(c) = rest.next() {
        match c {
            '\'' if rest.as_str().starts_with('\'') => {
                rest.next();
                message.push('\'');
            }
            '\'' => quoted = !quoted,
            '{' if !quoted => {
                let (number, after) = rest.as_str().split_once('}')?;
                let index: usize = number.parse().ok()?;
                match params.get(index) {
                    Some(param) if message.len() + param.len() > MAX_MESSAGE_BYTES => return None,
                    Some(param) => message.push_str(param),
                    None => write!(message, "{{{index}}}").ok()?,
                }
                rest = after.chars();
            }
            c => message.push(c),
        }
    }
    Some(message)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_parameter_breaks_out_of_the_header() {
        let nasty = "a\r\nSet-Cookie: x=y\0\u{7f}\u{85}\u{2028}é管😀;\t\"]";
        let error = TransportError::new(Code::UserUnknown, "Unknown\r\nUser: {0}", vec![nasty.to_owned()]);
        let value = error.to_header_value();
        let text = value.to_str().unwrap();
        assert!(
            text.starts_with("USER_UNKNOWN;\tUnknown??User: {0};\t[\"a\\r\\nSet-Cookie: x=y\\u0000\\u007f")
        );
        assert!(text.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte)));
        assert_eq!(TransportError::from_header_value(&value).unwrap().params(), [nasty]);
    }

    #[test]
    fn no_template_multiplies_its_parameters() {
        let (template, param) = ("{0}".repeat(10_000), "x".repeat(30_000));
        let error: TransportError = format!("BAD_URL;\t{template};\t[\"{param}\"]").parse().unwrap();
        assert_eq!(error.message(), template);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(params in prop::collection::vec(any::<String>(), 0..4)) {
            let error = TransportError::new(Code::BadUrl, "{0} and {1}", params);
            prop_assert_eq!(&error.to_string().parse::<TransportError>().unwrap(), &error);
            let value = error.to_header_value();
            prop_assert_eq!(&TransportError::from_header_value(&value).unwrap(), &error);
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), list in "[\\[\\]\"',;/*#\\\\un0-9 ]{0,12}") {
            let _ = text.parse::<TransportError>();
            if let Ok(error) = format!("BAD_URL;\t{text};\t[{list}").parse::<TransportError>() {
                let _ = (error.message(), error.to_header_value());
            }
        }
    }
}
