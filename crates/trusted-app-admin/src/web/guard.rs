//! Who may come in, and who came in.

use std::future::Future;

use http::request::Parts;

use super::fields::Fields;
use crate::administrator::Administrator;

/// Finds out who sends a request, and whether they may administer trusted applications.
///
/// An application that may act as any user is a matter for system administrators: an ordinary
/// administrator should be denied.
pub trait Guard: Send + Sync + 'static {
    /// The administrator who sends the request, or why it is denied.
    fn administrator(&self, parts: &Parts) -> impl Future<Output = Result<Administrator, Denied>> + Send;
}

/// Why a request is denied.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Denied {
    /// Nobody is logged in: 401.
    Anonymous,
    /// Nobody is logged in: a page leads to this URL, where one logs in; the API answers 401.
    LogInAt(String),
    /// Who is logged in may not administer trusted applications: 403.
    Forbidden,
    /// It cannot be found out at present: 503.
    Unavailable,
}

/// The guard of a site for which none was stated: it denies everybody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nobody;

impl Guard for Nobody {
    async fn administrator(&self, _: &Parts) -> Result<Administrator, Denied> {
        Err(Denied::Forbidden)
    }
}

/// Who sends a request that the guard let in, and the fields of its form, whose token holds.
#[derive(Clone)]
#[cfg_attr(not(feature = "pages"), expect(dead_code, reason = "only pages have forms"))]
pub(crate) struct Admitted {
    pub(crate) administrator: Administrator,
    /// For the forms of the answer.
    pub(crate) token: String,
    pub(crate) form: Fields,
}
