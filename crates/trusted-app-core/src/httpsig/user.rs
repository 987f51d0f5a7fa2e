//! `Trusted-App-User`: the user that a request is made for.

use std::borrow::Cow;
use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};
use sfv::visitor::{ItemVisitor, ParameterVisitor};
use sfv::{BareItemFromInput, KeyRef, Parser};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use super::fields::all;
use crate::limits::{MAX_USER_FIELD_BYTES, MAX_USER_FIELD_NAME_BYTES};
use crate::rejection::Rejection;

/// The user that a request is made for.
pub const TRUSTED_APP_USER: HeaderName = HeaderName::from_static("trusted-app-user");

/// The user that a request is made for, and perhaps the tenant where that name is one.
///
/// Each name has one written form: a name of printable ASCII is a String (`"alice"`), any other a
/// Display String (`%"m%c3%bcller"`, RFC 9651, section 3.3.8).
///
/// ```
/// use trusted_app_core::httpsig::UserField;
///
/// assert_eq!(UserField::new("alice")?.to_header_value(), r#""alice""#);
/// let field = UserField::new("müller")?;
/// assert_eq!(field.to_header_value(), r#"%"m%c3%bcller""#);
/// assert_eq!(UserField::parse(&field.to_header_value())?, field);
///
/// // Not the one form of the name.
/// assert!(UserField::parse(&http::HeaderValue::from_static(r#"%"alice""#)).is_err());
/// // In two parts, which look like one: u and a combining diaeresis.
/// assert!(UserField::new("mu\u{308}ller").is_err());
/// # Ok::<_, trusted_app_core::Rejection>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserField<'a> {
    name: Cow<'a, str>,
    tenant: Option<Cow<'a, str>>,
}

impl<'a> UserField<'a> {
    /// A user: 1 to [`MAX_USER_FIELD_NAME_BYTES`] bytes of UTF-8 in normalization form C, without control
    /// characters, characters that change the direction of text, or blanks at either end.
    ///
    /// # Errors
    ///
    /// [`Rejection::Malformed`] when the name is another.
    pub fn new(name: impl Into<Cow<'a, str>>) -> Result<Self, Rejection> {
        let name = name.into();
        check(&name).map_err(malformed)?;
        Ok(Self { name, tenant: None })
    }

    /// The same user of a tenant: 1 to [`MAX_USER_FIELD_NAME_BYTES`] characters of printable ASCII.
    ///
    /// # Errors
    ///
    /// [`Rejection::Malformed`] when the tenant is another.
    pub fn with_tenant(mut self, tenant: impl Into<Cow<'a, str>>) -> Result<Self, Rejection> {
        let tenant = tenant.into();
        if tenant.is_empty() || tenant.len() > MAX_USER_FIELD_NAME_BYTES || !is_printable_ascii(&tenant) {
            return Err(malformed("the tenant is not 1 to 256 characters of printable ASCII"));
        }
        self.tenant = Some(tenant);
        Ok(self)
    }

    /// The one field of a request.
    ///
    /// # Errors
    ///
    /// [`Rejection::NotCovered`] when there is none, [`Rejection::Malformed`] when there are several, and as
    /// [`parse`](Self::parse).
    pub(super) fn of(headers: &'a HeaderMap) -> Result<Self, Rejection> {
        let mut lines = headers.get_all(TRUSTED_APP_USER).iter();
        match (lines.next(), lines.next()) {
            (Some(line), None) => Self::parse(line),
            (None, _) => Err(Rejection::not_covered("`trusted-app-user`, which is not there")),
            (Some(_), Some(_)) => Err(malformed("it comes twice")),
        }
    }

    /// Reads a field's value.
    ///
    /// # Errors
    ///
    /// [`Rejection::Malformed`] when it is not the one form of a name as [`new`](Self::new) has it.
    pub fn parse(value: &'a HeaderValue) -> Result<Self, Rejection> {
        let text = value.as_bytes().trim_ascii();
        if text.len() > MAX_USER_FIELD_BYTES {
            return Err(malformed("it is longer than 2048 bytes"));
        }
        let parsed = Parser::new(text).parse_item_with_visitor(Item);
        let (name, tenant) =
            parsed.map_err(|_| malformed("it is no String or Display String, perhaps with a tenant"))?;
        let field = Self::new(name)?;
        let field = match tenant {
            Some(tenant) => field.with_tenant(tenant)?,
            None => field,
        };
        let mut rest = Rest(text);
        if field.write(&mut rest).is_err() || !rest.0.is_empty() {
            return Err(malformed("it is not in the one form of its name"));
        }
        Ok(field)
    }

    /// The name, decoded.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The tenant.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    /// The field's value, marked as sensitive: it is not to stay in a compression table.
    #[must_use]
    pub fn to_header_value(&self) -> HeaderValue {
        let mut value = HeaderValue::from_str(&self.to_text()).expect("printable ASCII is a header's value");
        value.set_sensitive(true);
        value
    }

    fn to_text(&self) -> String {
        let mut text = String::with_capacity(self.name.len() + 2);
        // A string takes whatever is written to it.
        let _ = self.write(&mut text);
        text
    }

    /// Writes the one form.
    fn write(&self, to: &mut impl fmt::Write) -> fmt::Result {
        if is_printable_ascii(&self.name) {
            write_string(to, &self.name)?;
        } else {
            to.write_str("%\"")?;
            for byte in self.name.bytes() {
                if matches!(byte, b' '..=b'~') && !matches!(byte, b'%' | b'"') {
                    to.write_char(char::from(byte))?;
                } else {
                    write!(to, "%{byte:02x}")?;
                }
            }
            to.write_char('"')?;
        }
        if let Some(tenant) = &self.tenant {
            to.write_str(";tenant=")?;
            write_string(to, tenant)?;
        }
        Ok(())
    }
}

fn write_string(to: &mut impl fmt::Write, of: &str) -> fmt::Result {
    to.write_char('"')?;
    for character in of.chars() {
        if matches!(character, '"' | '\\') {
            to.write_char('\\')?;
        }
        to.write_char(character)?;
    }
    to.write_char('"')
}

/// What is written must be the rest of this.
struct Rest<'a>(&'a [u8]);

impl fmt::Write for Rest<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = self.0.strip_prefix(text.as_bytes()).ok_or(fmt::Error)?;
        Ok(())
    }
}

fn is_printable_ascii(text: &str) -> bool {
    all(text.as_bytes(), |byte| matches!(byte, b' '..=b'~'))
}

fn malformed(problem: &str) -> Rejection {
    Rejection::malformed(format!("trusted-app-user: {problem}"))
}

fn check(name: &str) -> Result<(), &'static str> {
    // As most are.
    let is_plain = is_printable_ascii(name);
    if name.is_empty() || name.len() > MAX_USER_FIELD_NAME_BYTES {
        Err("the name is not 1 to 256 bytes long")
    } else if !is_plain && name.contains(char::is_control) {
        Err("the name has a control character")
    } else if !is_plain && name.contains(turns_text_round) {
        Err("the name has a character that changes the direction of text")
    } else if name.trim() != name {
        Err("the name begins or ends with a blank")
    } else if !is_plain && !is_nfc(name) {
        Err("the name is not in normalization form C")
    } else {
        Ok(())
    }
}

/// The formatting characters of the bidirectional algorithm (UAX #9, section 2).
const fn turns_text_round(character: char) -> bool {
    matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn is_nfc(name: &str) -> bool {
    match is_nfc_quick(name.chars()) {
        IsNormalized::Yes => true,
        IsNormalized::No => false,
        IsNormalized::Maybe => name.nfc().eq(name.chars()),
    }
}

type Parsed<'a> = (Cow<'a, str>, Option<Cow<'a, str>>);

struct Item;

#[derive(Debug, thiserror::Error)]
#[error("another type")]
struct OtherType;

impl<'a> ItemVisitor<'a> for Item {
    type Out = Parsed<'a>;
    type Error = OtherType;

    fn bare_item(
        self,
        item: BareItemFromInput<'a>,
    ) -> Result<impl ParameterVisitor<'a, Out = Parsed<'a>>, OtherType> {
        let name = match item {
            BareItemFromInput::String(name) => string(name),
            BareItemFromInput::DisplayString(name) => name,
            _ => return Err(OtherType),
        };
        Ok(Tenant { name, tenant: None })
    }
}

struct Tenant<'a> {
    name: Cow<'a, str>,
    tenant: Option<Cow<'a, str>>,
}

impl<'a> ParameterVisitor<'a> for Tenant<'a> {
    type Out = Parsed<'a>;
    type Error = OtherType;

    fn parameter(&mut self, key: &'a KeyRef, value: BareItemFromInput<'a>) -> Result<(), OtherType> {
        match (key.as_str(), value) {
            ("tenant", BareItemFromInput::String(tenant)) if self.tenant.is_none() => {
                self.tenant = Some(string(tenant));
                Ok(())
            }
            _ => Err(OtherType),
        }
    }

    fn finish(self) -> Result<Parsed<'a>, OtherType> {
        Ok((self.name, self.tenant))
    }
}

fn string(text: Cow<'_, sfv::StringRef>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_str()),
        Cow::Owned(text) => Cow::Owned(text.as_str().to_owned()),
    }
}

impl fmt::Display for UserField<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_form_of_each_name() {
        for (name, text) in [
            ("alice", r#""alice""#),
            (r#"al "q" \ x"#, r#""al \"q\" \\ x""#),
            ("100%", r#""100%""#),
            ("müller", r#"%"m%c3%bcller""#),
            ("ü\"%\\", r#"%"%c3%bc%22%25\""#),
            ("管理", r#"%"%e7%ae%a1%e7%90%86""#),
        ] {
            let field = UserField::new(name).unwrap();
            assert_eq!(field.to_string(), text);
            let value = HeaderValue::from_str(text).unwrap();
            assert_eq!(UserField::parse(&value).unwrap().name(), name);
        }
        let value = HeaderValue::from_static(r#" "alice";tenant="north \"1\"" "#);
        let field = UserField::parse(&value).unwrap();
        assert_eq!((field.name(), field.tenant()), ("alice", Some("north \"1\"")));
    }

    #[test]
    fn what_is_no_such_form() {
        for text in [
            "",
            "alice",
            ":YWxpY2U=:",
            "1",
            "?1",
            "@1",
            "(\"alice\")",
            "\"alice\", \"bob\"",
            "\"alice\";x=1",
            "\"alice\";tenant",
            "\"alice\";tenant=a",
            "\"alice\";tenant=\"\"",
            "\"alice\";tenant=\"a\";tenant=\"b\"",
            "\"alice\"; tenant=\"a\"",
            "%\"alice\"",
            "%\"m%C3%BCller\"",
            "%\"%6d%c3%bcller\"",
            "%\"a%00b\"",
            "%\"a%c2%85b\"",
            "%\"%ff\"",
            "%\"a%e2%80%aeb\"",
            "%\"mu%cc%88ller\"",
            "%\"%c3%bc%c2%a0\"",
            "\" alice\"",
            "\"alice \"",
            "\"\"",
            "%\"\"",
        ] {
            let value = HeaderValue::from_str(text).unwrap();
            assert!(matches!(UserField::parse(&value), Err(Rejection::Malformed { .. })), "{text}");
        }
        let long = HeaderValue::from_str(&format!("\"{}\"", "a".repeat(257))).unwrap();
        assert!(UserField::parse(&long).is_err());
        let longest = HeaderValue::from_str(&format!("\"{}\"", "a".repeat(256))).unwrap();
        assert!(UserField::parse(&longest).is_ok());
    }
}
