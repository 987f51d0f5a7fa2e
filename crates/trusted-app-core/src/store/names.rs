//! Whether a directory has the user or the group that a rule names.

use std::sync::Arc;

use crate::permission::caseless_eq;

/// What a directory says about a name in a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameLookup {
    /// The directory has the name, in this spelling. It may differ from the name that was asked for in letter case and
    /// in Unicode's normalization form.
    Known(Arc<str>),
    /// The directory does not have the name: a rule about it is about no one.
    Unknown,
    /// The directory has no way to find out.
    CannotTell,
}

impl NameLookup {
    /// The answer about `name` of a directory that has these names: the name itself, or else one that is the same
    /// [but for letter case](caseless_eq).
    ///
    /// ```
    /// use trusted_app_core::store::NameLookup;
    ///
    /// assert_eq!(NameLookup::among("staff", ["Staff", "staff"]), NameLookup::Known("staff".into()));
    /// assert_eq!(NameLookup::among("STAFF", ["staff"]), NameLookup::Known("staff".into()));
    /// assert_eq!(NameLookup::among("stuff", ["staff"]), NameLookup::Unknown);
    /// ```
    pub fn among<N: AsRef<str>>(name: &str, names: impl IntoIterator<Item = N>) -> Self {
        let mut alike = None;
        for one in names {
            let one = one.as_ref();
            if one == name {
                return Self::Known(one.into());
            }
            if alike.is_none() && caseless_eq(one, name) {
                alike = Some(Arc::from(one));
            }
        }
        alike.map_or(Self::Unknown, Self::Known)
    }
}
