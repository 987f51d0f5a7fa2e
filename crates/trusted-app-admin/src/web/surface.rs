//! What of a site is the pages' or the API's own.

use axum::response::Response;
use http::StatusCode;
use http::request::Parts;

use super::guard::Admitted;

/// How one part of a site is sent changes, and how it answers in place of what was asked for.
pub(crate) struct Surface {
    /// The media type of what is sent.
    pub(crate) media_type: &'static str,
    /// Most bytes of that.
    pub(crate) max_body: usize,
    /// Says why a request is denied; with whom the guard let in, if it did.
    pub(crate) denied: fn(&Parts, Option<&Admitted>, StatusCode, &str) -> Response,
    /// Shows a form again whose token is too old. `None` where no forms are sent.
    pub(crate) send_again: Option<fn(&Parts, Admitted) -> Response>,
}
