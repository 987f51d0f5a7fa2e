//! What every request passes, and what every answer carries.

use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};
use tower_trusted_app::Clock;

use super::fields::Fields;
use super::forgery::{Token, TokenKey};
use super::guard::{Guard, Refusal};
use super::origin::PublicOrigins;
use crate::administrator::Administrator;

/// Longest body, in bytes: an import of some thousand applications.
const MAX_BODY: usize = 4 * 1024 * 1024;
/// Longest form, in bytes.
const MAX_FORM: usize = 64 * 1024;

pub(super) struct Gate<G> {
    pub(super) guard: G,
    pub(super) key: Option<TokenKey>,
    pub(super) origins: PublicOrigins,
    pub(super) clock: Arc<dyn Clock>,
}

/// Who sends a request that the guard let in, and the fields of its form, whose token held.
#[derive(Clone)]
pub(crate) struct Admitted {
    pub(crate) administrator: Administrator,
    /// For the forms of the answer.
    #[cfg_attr(not(feature = "pages"), expect(dead_code, reason = "only pages have forms"))]
    pub(crate) token: String,
    #[cfg_attr(not(feature = "pages"), expect(dead_code, reason = "only pages have forms"))]
    pub(crate) form: Fields,
}

/// The field of a form that carries its token.
pub(crate) const TOKEN: &str = "token";

pub(super) async fn pass<G: Guard>(
    State(gate): State<Arc<Gate<G>>>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let api = is_api(&parts);
    let mut response = match gate.admit(&parts, body, api).await {
        Ok((admitted, body)) => {
            let mut request = Request::from_parts(parts, body);
            request.extensions_mut().insert(admitted);
            next.run(request).await
        }
        Err(response) => response,
    };
    if api
        && !response
            .headers()
            .get(CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/"))
    {
        let status = response.status();
        if status.is_client_error() || status.is_server_error() {
            // The router's own answers, such as 405 with its `Allow`.
            let (mut head, _) = response.into_parts();
            let problem = problem(status, "The API has no such operation.");
            head.headers.remove(http::header::CONTENT_LENGTH);
            head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
            response = Response::from_parts(head, problem.into_body());
        }
    }
    let headers = response.headers_mut();
    // A page with a style of its own states a policy of its own.
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(
        "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    ));
    for (name, value) in [
        (X_FRAME_OPTIONS, "DENY"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // With `no-referrer` a browser would hide the origin of our own forms as well.
        (REFERRER_POLICY, "same-origin"),
        (CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

impl<G: Guard> Gate<G> {
    /// Lets a request in, or says why not: who sends it, then whether they meant to.
    async fn admit(&self, parts: &Parts, body: Body, api: bool) -> Result<(Admitted, Body), Response> {
        let refuse = |status, why| refuse(parts, None, status, why);
        let administrator = self.guard.administrator(parts).await.map_err(|refusal| match refusal {
            Refusal::LogInAt(url) if !api && parts.method == Method::GET => see_other(&url),
            Refusal::LogInAt(_) | Refusal::Anonymous => {
                refuse(StatusCode::UNAUTHORIZED, "You must log in first.")
            }
            Refusal::Forbidden => refuse(StatusCode::FORBIDDEN, NO_PERMISSION),
            Refusal::Unavailable => {
                refuse(StatusCode::SERVICE_UNAVAILABLE, "Who you are cannot be found out at present.")
            }
        })?;
        let now = self.clock.now();
        let token = self.key.as_ref().and_then(|key| key.token(&administrator, now)).unwrap_or_default();
        let mut admitted = Admitted { administrator, token, form: Fields::default() };
        if parts.method.is_safe() {
            return Ok((admitted, Body::empty()));
        }
        let refuse = |status, why| self::refuse(parts, Some(&admitted), status, why);
        if let Err(elsewhere) = self.origins.refuse(parts) {
            elsewhere.log();
            return Err(refuse(StatusCode::FORBIDDEN, FORGED));
        }
        let (kind, limit) = if api {
            ("application/json", MAX_BODY)
        } else {
            ("application/x-www-form-urlencoded", MAX_FORM)
        };
        let body = to_bytes(body, limit).await.map_err(|_| {
            refuse(StatusCode::PAYLOAD_TOO_LARGE, "The request is too large, or was broken off.")
        })?;
        let sent = parts.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
        let sent = sent.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        // A browser sends JSON to another site only after asking, and no site of ours says yes.
        let without = api && parts.method == Method::DELETE && body.is_empty();
        if !sent.eq_ignore_ascii_case(kind.as_bytes()) && !without {
            return Err(refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "The request has another content type."));
        }
        if api {
            return Ok((admitted, Body::from(body)));
        }
        let form = Fields::parse(&body);
        let sent = form.get(TOKEN);
        match self.key.as_ref().map_or(Token::Wrong, |key| key.check(&admitted.administrator, sent, now)) {
            Token::Holds => {}
            #[cfg(feature = "pages")]
            Token::Expired => return Err(crate::pages::send_again(parts, Admitted { form, ..admitted })),
            #[cfg(not(feature = "pages"))]
            Token::Expired => return Err(refuse(StatusCode::FORBIDDEN, FORGED)),
            Token::Wrong => return Err(refuse(StatusCode::FORBIDDEN, FORGED)),
        }
        admitted.form = form;
        Ok((admitted, Body::from(Bytes::new())))
    }
}

/// JIRA's.
const NO_PERMISSION: &str =
    "You do not have permission to access Trusted Application info. Contact your System Administrator.";
const FORGED: &str = "This request was not sent from a page of this site, or the page is out of date. Nothing was \
                      changed. Go back, load the page again and repeat it.";

/// Without pages all is the API's.
fn is_api(parts: &Parts) -> bool {
    !cfg!(feature = "pages") || parts.uri.path().starts_with("/api/")
}

/// A refusal, as a problem or as a page.
#[cfg_attr(not(feature = "pages"), expect(unused_variables, reason = "a problem is the same for everybody"))]
fn refuse(parts: &Parts, admitted: Option<&Admitted>, status: StatusCode, why: &str) -> Response {
    #[cfg(feature = "pages")]
    if !is_api(parts) {
        return crate::pages::refused(parts, admitted.cloned(), status, why);
    }
    problem(status, why)
}

fn problem(status: StatusCode, why: &str) -> Response {
    let problem = serde_json::json!({
        "type": "about:blank", "title": status.canonical_reason(), "status": status.as_u16(), "detail": why,
    });
    (status, [(CONTENT_TYPE, "application/problem+json")], problem.to_string()).into_response()
}

/// For paths that nothing is served at.
pub(super) async fn not_found(request: Request) -> Response {
    let (parts, _) = request.into_parts();
    refuse(&parts, parts.extensions.get(), StatusCode::NOT_FOUND, "There is nothing here.")
}

/// An answer that leads to another page.
pub(crate) fn see_other(location: &str) -> Response {
    match HeaderValue::from_str(location) {
        Ok(location) => (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
