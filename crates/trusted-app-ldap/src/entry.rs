//! One entry of a search's result.

use std::collections::BTreeMap;

use ldap3::ResultEntry;
use ldap3::asn1::StructureTag;

use crate::error::LdapDirectoryError;

/// An entry: its distinguished name and the attributes that were asked for. Values that are not UTF-8 are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) dn: String,
    /// By name in small letters: servers answer in letters of their own.
    attributes: BTreeMap<String, Vec<String>>,
    /// The same, with the values as they came.
    octets: BTreeMap<String, Vec<Vec<u8>>>,
}

impl Entry {
    /// Read by hand, since `SearchEntry::construct` panics on what is malformed.
    pub(crate) fn read(entry: ResultEntry) -> Result<Self, LdapDirectoryError> {
        Self::parse(entry.0).ok_or(LdapDirectoryError::MalformedEntry)
    }

    /// `SearchResultEntry` of RFC 4511, section 4.5.2.
    fn parse(tag: StructureTag) -> Option<Self> {
        let mut parts = tag.match_id(4)?.expect_constructed()?.into_iter();
        let dn = text(parts.next()?)?;
        let mut attributes = BTreeMap::<_, Vec<_>>::new();
        let mut octets = BTreeMap::<_, Vec<_>>::new();
        for attribute in parts.next()?.expect_constructed()? {
            let mut attribute = attribute.expect_constructed()?.into_iter();
            let name = text(attribute.next()?)?.to_ascii_lowercase();
            let values = attribute.next()?.expect_constructed()?;
            let values =
                values.into_iter().map(StructureTag::expect_primitive).collect::<Option<Vec<_>>>()?;
            let texts = values.iter().filter_map(|value| String::from_utf8(value.clone()).ok());
            attributes.entry(name.clone()).or_default().extend(texts);
            octets.entry(name).or_default().extend(values);
        }
        Some(Self { dn, attributes, octets })
    }

    pub(crate) fn values(&self, attribute: &str) -> &[String] {
        self.attributes.get(&attribute.to_ascii_lowercase()).map(Vec::as_slice).unwrap_or_default()
    }

    /// The attribute's values, unless some are missing: the server has more than it sent, or one is no text.
    pub(crate) fn all_values(&self, attribute: &str) -> Result<&[String], LdapDirectoryError> {
        let name = attribute.to_ascii_lowercase();
        let range = format!("{name};range=");
        let values = self.values(&name);
        let sent = self.octets.get(&name).map_or(0, Vec::len);
        if values.len() < sent || self.octets.keys().any(|name| name.starts_with(&range)) {
            return Err(LdapDirectoryError::PartialList {
                dn: self.dn.clone(),
                attribute: attribute.to_owned(),
            });
        }
        Ok(values)
    }

    /// Whether the attribute has a value, of whatever kind.
    pub(crate) fn has(&self, attribute: &str) -> bool {
        self.octets.get(&attribute.to_ascii_lowercase()).is_some_and(|values| !values.is_empty())
    }

    /// The attribute's octets, if it has exactly one value.
    pub(crate) fn only_octets(&self, attribute: &str) -> Option<&[u8]> {
        match self.octets.get(&attribute.to_ascii_lowercase()).map(Vec::as_slice) {
            Some([one]) => Some(one),
            _ => None,
        }
    }

    /// The attribute's value, if it has exactly one.
    pub(crate) fn only_value(&self, attribute: &str) -> Option<&str> {
        match self.values(attribute) {
            [one] => Some(one),
            _ => None,
        }
    }
}

fn text(tag: StructureTag) -> Option<String> {
    String::from_utf8(tag.expect_primitive()?).ok()
}

#[cfg(test)]
mod tests {
    use ldap3::asn1::{PL, TagClass};

    use super::*;

    fn tag(id: u64, payload: PL) -> StructureTag {
        StructureTag { class: TagClass::Universal, id, payload }
    }

    fn octets(text: &[u8]) -> StructureTag {
        tag(4, PL::P(text.to_vec()))
    }

    fn attribute(name: &str, values: &[&[u8]]) -> StructureTag {
        let values = values.iter().map(|value| octets(value)).collect();
        tag(16, PL::C(vec![octets(name.as_bytes()), tag(17, PL::C(values))]))
    }

    #[test]
    fn an_entry_is_read() {
        let attributes = vec![attribute("UID", &[b"alice"]), attribute("cn", &[b"A", b"\xff", b"B"])];
        let entry = tag(4, PL::C(vec![octets(b"uid=alice"), tag(16, PL::C(attributes))]));
        let entry = Entry::parse(entry).unwrap();
        assert_eq!((entry.dn.as_str(), entry.only_value("uid")), ("uid=alice", Some("alice")));
        assert_eq!((entry.values("CN"), entry.only_value("cn")), (["A".into(), "B".into()].as_slice(), None));
        assert_eq!((entry.values("sn"), entry.only_value("sn")), ([].as_slice(), None));
    }

    /// MS-ADTS, section 3.1.1.3.1.3.3: a long list comes in ranges, under a name with an option.
    #[test]
    fn a_list_in_part_is_no_list() {
        let entry = |attributes| {
            Entry::parse(tag(4, PL::C(vec![octets(b"cn=alice"), tag(16, PL::C(attributes))]))).unwrap()
        };
        let whole = entry(vec![attribute("memberOf", &[b"cn=a", b"cn=b"])]);
        assert_eq!(whole.all_values("memberOf").unwrap(), ["cn=a", "cn=b"]);
        assert_eq!(whole.all_values("other").unwrap(), [""; 0]);
        for part in [
            vec![attribute("memberOf;range=0-1499", &[b"cn=a"])],
            vec![attribute("memberOf", &[]), attribute("MemberOf;Range=0-0", &[b"cn=a"])],
            vec![attribute("memberOf", &[b"cn=a", b"cn=\xff"])],
        ] {
            let refused = entry(part).all_values("memberOf").unwrap_err();
            assert!(refused.to_string().contains("`memberOf` of `cn=alice`"), "{refused}");
        }
    }

    #[test]
    fn what_is_malformed_is_an_error_and_no_panic() {
        let constructed = |parts| tag(4, PL::C(parts));
        for malformed in [
            octets(b""),
            tag(5, PL::C(vec![octets(b"dn"), tag(16, PL::C(vec![]))])),
            constructed(vec![]),
            constructed(vec![octets(b"dn")]),
            constructed(vec![octets(b"\xff"), tag(16, PL::C(vec![]))]),
            constructed(vec![octets(b"dn"), octets(b"attributes")]),
            constructed(vec![octets(b"dn"), tag(16, PL::C(vec![octets(b"attribute")]))]),
            constructed(vec![octets(b"dn"), tag(16, PL::C(vec![tag(16, PL::C(vec![octets(b"name")]))]))]),
            constructed(vec![
                octets(b"dn"),
                tag(16, PL::C(vec![tag(16, PL::C(vec![octets(b"n"), octets(b"v")]))])),
            ]),
        ] {
            assert_eq!(Entry::parse(malformed.clone()), None, "{malformed:?}");
        }
    }
}
