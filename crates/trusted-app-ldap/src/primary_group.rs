//! The primary group of Active Directory, which a user names by the end of its security identifier only.

use std::fmt::Write as _;

use crate::entry::Entry;

const SID: &str = "objectSid";
const GROUP_ID: &str = "primaryGroupID";

/// What a user's entry must be asked for.
pub(crate) const ATTRIBUTES: [&str; 2] = [SID, GROUP_ID];

/// Which group it is: the one whose SID is the user's, with another relative identifier.
pub(crate) fn filter(user: &Entry) -> Option<String> {
    let id: u32 = user.only_value(GROUP_ID)?.parse().ok()?;
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
