//! Primary groups: the one group of a user that neither the group nor the user lists, since the user names it by a number.

use std::fmt::Write as _;

use crate::connection::Connection;
use crate::entry::Entry;
use crate::error::{LdapDirectoryError, PrimaryGroupProblem};

const SID: &str = "objectSid";
const RELATIVE_ID: &str = "primaryGroupID";
const GID: &str = "gidNumber";

/// Where primary groups of one kind are.
#[derive(Debug, Clone)]
pub(crate) struct PrimaryGroup {
    pub(crate) kind: Kind,
    pub(crate) base: String,
}

/// How a user names the primary group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// By `primaryGroupID`, the end of the group's security identifier.
    ActiveDirectory,
    /// By `gidNumber`.
    Posix,
}

impl Kind {
    pub(crate) const ALL: [Self; 2] = [Self::ActiveDirectory, Self::Posix];

    /// What a user's entry must be asked for.
    pub(crate) const fn attributes(self) -> &'static [&'static str] {
        match self {
            Self::ActiveDirectory => &[RELATIVE_ID, SID],
            Self::Posix => &[GID],
        }
    }

    const fn attribute(self) -> &'static str {
        match self {
            Self::ActiveDirectory => RELATIVE_ID,
            Self::Posix => GID,
        }
    }

    /// Fails for a user who has a primary group of this kind, where the operator did not say whether it counts.
    pub(crate) fn refuse_unstated(self, user: &Entry) -> Result<(), LdapDirectoryError> {
        if !user.has(self.attribute()) {
            return Ok(());
        }
        Err(LdapDirectoryError::PrimaryGroupNotStated {
            user: user.dn.clone(),
            attribute: self.attribute(),
            cure: match self {
                Self::ActiveDirectory => "primary_group",
                Self::Posix => "posix_primary_group",
            },
        })
    }
}

impl PrimaryGroup {
    /// The user's primary group, with these attributes.
    pub(crate) async fn of(
        &self,
        connection: &mut Connection,
        user: &Entry,
        asked: &[String],
    ) -> Result<Entry, LdapDirectoryError> {
        let failed = |problem| LdapDirectoryError::NoPrimaryGroup { user: user.dn.clone(), problem };
        let attribute = self.kind.attribute();
        let named = user.only_value(attribute).and_then(|value| value.parse::<u32>().ok());
        let id = named.ok_or_else(|| failed(PrimaryGroupProblem::NotNamed(attribute)))?;
        let mut found = match self.kind {
            Kind::ActiveDirectory => {
                let filter =
                    sid_filter(user, id).ok_or_else(|| failed(PrimaryGroupProblem::NotNamed(SID)))?;
                // An identifier is one group's in all domains: references to others, as at a domain's root, do not matter.
                connection.search(&self.base, &filter, asked).await?
            }
            Kind::Posix => {
                let filter = format!("(&(objectClass=posixGroup)({GID}={id}))");
                connection.search_everything(&self.base, &filter, asked).await?
            }
        };
        match (found.pop(), found.is_empty()) {
            (Some(group), true) => Ok(group),
            (None, _) => {
                let (value, base) = (id.to_string(), self.base.clone());
                Err(failed(PrimaryGroupProblem::NoGroup { attribute, value, base }))
            }
            (Some(last), false) => {
                let groups = found.into_iter().chain([last]).map(|group| group.dn).collect();
                Err(failed(PrimaryGroupProblem::SeveralGroups { attribute, value: id.to_string(), groups }))
            }
        }
    }
}

/// The group whose SID is the user's, with another relative identifier.
fn sid_filter(user: &Entry, id: u32) -> Option<String> {
    let sid = with_relative_id(user.only_octets(SID)?, id)?;
    let mut filter = format!("({SID}=");
    for octet in sid {
        write!(filter, "\\{octet:02x}").ok()?;
    }
    filter.push(')');
    Some(filter)
}

/// MS-DTYP, section 2.4.2.2: revision, number of sub-authorities, authority (6 octets), then the sub-authorities in 4
/// octets each, the least significant first. The last one is the relative identifier.
fn with_relative_id(sid: &[u8], id: u32) -> Option<Vec<u8>> {
    let (&[1, count, ..], true) = (sid, sid.len() >= 12) else { return None };
    if sid.len() != 8 + 4 * usize::from(count) {
        return None;
    }
    let (domain, _) = sid.split_last_chunk::<4>()?;
    Some([domain, &id.to_le_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S-1-5-21-1-2-3-1000.
    const ALICE: [u8; 28] =
        [1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0xe8, 3, 0, 0];

    #[test]
    fn the_relative_identifier_is_replaced() {
        let group = with_relative_id(&ALICE, 513).unwrap();
        assert_eq!((&group[..24], &group[24..]), (&ALICE[..24], [1, 2, 0, 0].as_slice()));
    }

    #[test]
    fn what_is_no_sid_has_no_group() {
        let longer = [&ALICE[..], &[0]].concat();
        let of_revision_2 = [&[2], &ALICE[1..]].concat();
        for wrong in
            [&[][..], &[1], &ALICE[..8], &ALICE[..27], &longer, &of_revision_2, &[1, 0, 0, 0, 0, 0, 0, 5]]
        {
            assert_eq!(with_relative_id(wrong, 513), None, "{wrong:?}");
        }
    }
}
