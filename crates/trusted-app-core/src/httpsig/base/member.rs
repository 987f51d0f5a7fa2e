//! One member of a dictionary field, strictly serialized (RFC 9421, section 2.1.2).

use sfv::visitor::{DictionaryVisitor, EntryVisitor, InnerListVisitor, ItemVisitor, ParameterVisitor};
use sfv::{BareItemFromInput, ItemSerializer, KeyRef, Parser};

/// The member under `wanted`; `None` if the field is no dictionary, or it has no such member or two.
pub(super) fn serialized(field: &[u8], wanted: &str) -> Option<String> {
    let mut members = Members { wanted, found: None };
    Parser::new(field).parse_dictionary_with_visitor(&mut members).ok()?;
    members.found
}

struct Members<'w> {
    wanted: &'w str,
    found: Option<String>,
}

#[derive(Debug, thiserror::Error)]
#[error("a key stands there twice")]
struct Twice;

impl<'a> DictionaryVisitor<'a> for &mut Members<'_> {
    type Out = ();
    type Error = Twice;

    fn entry(&mut self, key: &'a KeyRef) -> Result<impl EntryVisitor<'a>, Twice> {
        if key.as_str() != self.wanted {
            return Ok(None);
        }
        if self.found.is_some() {
            return Err(Twice);
        }
        Ok(Some(Writer(self.found.insert(String::new()))))
    }

    fn finish(self) -> Result<(), Twice> {
        Ok(())
    }
}

/// Writes what it visits.
struct Writer<'s>(&'s mut String);

impl<'a> EntryVisitor<'a> for Writer<'_> {
    type Error = Twice;

    fn item(self) -> Result<impl ItemVisitor<'a>, Twice> {
        Ok(self)
    }

    fn inner_list(self) -> Result<impl InnerListVisitor<'a>, Twice> {
        self.0.push('(');
        Ok(self)
    }
}

impl<'a> InnerListVisitor<'a> for Writer<'_> {
    type Error = Twice;

    fn item(&mut self) -> Result<impl ItemVisitor<'a>, Twice> {
        if !self.0.ends_with('(') {
            self.0.push(' ');
        }
        Ok(Writer(self.0))
    }

    fn finish(self) -> Result<impl ParameterVisitor<'a>, Twice> {
        self.0.push(')');
        Ok(self)
    }
}

impl<'a> ItemVisitor<'a> for Writer<'_> {
    type Out = ();
    type Error = Twice;

    fn bare_item(
        self,
        bare_item: BareItemFromInput<'a>,
    ) -> Result<impl ParameterVisitor<'a, Out = ()>, Twice> {
        let _ = ItemSerializer::with_buffer(&mut *self.0).bare_item(&bare_item);
        Ok(self)
    }
}

impl<'a> ParameterVisitor<'a> for Writer<'_> {
    type Out = ();
    type Error = Twice;

    fn parameter(&mut self, key: &'a KeyRef, value: BareItemFromInput<'a>) -> Result<(), Twice> {
        self.0.push(';');
        self.0.push_str(key.as_str());
        if value.as_boolean() != Some(true) {
            self.0.push('=');
            let _ = ItemSerializer::with_buffer(&mut *self.0).bare_item(&value);
        }
        Ok(())
    }

    fn finish(self) -> Result<(), Twice> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::serialized;

    #[test]
    fn examples_of_the_rfc() {
        // RFC 9421, section 2.1.2.
        let field = b"a=1,    b=2;x=1;y=2,   c=(a   b    c), d";
        for (key, value) in [("a", "1"), ("d", "?1"), ("b", "2;x=1;y=2"), ("c", "(a b c)")] {
            assert_eq!(serialized(field, key).as_deref(), Some(value));
        }
        assert_eq!(serialized(field, "e"), None);
        assert_eq!(serialized(b"a=1, a=2", "a"), None);
        assert_eq!(serialized(b"a=1, ", "a"), None);
        assert_eq!(serialized(b"a=(\"(\" \"x\";p);q=?0", "a").as_deref(), Some("(\"(\" \"x\";p);q=?0"));
    }
}
