//! Whom the guard let in.

use super::fields::Fields;
use crate::administrator::Administrator;

/// Who sends a request that the guard let in, and the fields of its form, whose token holds.
#[derive(Clone)]
#[cfg_attr(not(feature = "pages"), expect(dead_code, reason = "only pages have forms"))]
pub(crate) struct Admitted {
    pub(crate) administrator: Administrator,
    /// For the forms of the answer.
    pub(crate) token: String,
    pub(crate) form: Fields,
}
