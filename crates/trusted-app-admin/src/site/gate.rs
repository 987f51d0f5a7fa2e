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
use super::forgery::{Token, TokenKey, comes_from_elsewhere};
use super::guard::{Guard, Refusal};
use crate::administrator::Administrator;

/// Longest body, in bytes: an import of some thousand applications.
const MAX_BODY: usize = 4 * 1024 * 1024;
/// Longest form, in bytes.
const MAX_FORM: usize = 64 * 1024;

pub(super) struct Gate<G> {
    pub(super) guard: G,
    pub(super) key: Option<TokenKey>,
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
const TOKEN: &str = "token";

/// A refusal, as a page or as a problem.
struct Refused(StatusCode, &'static str);

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
            let problem = Refused(status, "The API has no such operation.").into_problem();
            head.headers.remove(http::header::CONTENT_LENGTH);
            head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
            response = Response::from_parts(head, problem.into_body());
        }
    }
    let headers = response.headers_mut();
    for (name, value) in [
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        ),
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
        let refuse = |status, why| {
            let refused = Refused(status, why);
            if api { refused.into_problem() } else { refused.into_page() }
        };
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
        if parts.method.is_safe() {
            let admitted = Admitted { administrator, token, form: Fields::default() };
            return Ok((admitted, Body::empty()));
        }
        if comes_from_elsewhere(&parts.headers) {
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
            return Ok((Admitted { administrator, token, form: Fields::default() }, Body::from(body)));
        }
        let form = Fields::parse(&body);
        let sent = form.get(TOKEN);
        match self.key.as_ref().map_or(Token::Wrong, |key| key.check(&administrator, sent, now)) {
            Token::Holds => {}
            Token::Expired => return Err(send_again(&form, &token)),
            Token::Wrong => return Err(refuse(StatusCode::FORBIDDEN, FORGED)),
        }
        Ok((Admitted { administrator, token, form }, Body::from(Bytes::new())))
    }
}

/// JIRA's.
const NO_PERMISSION: &str =
    "You do not have permission to access Trusted Application info. Contact your System Administrator.";
const FORGED: &str = "This request was not sent from a page of this site, or the page is out of date. Nothing was \
                      changed. Go back, load the page again and repeat it.";

fn is_api(parts: &Parts) -> bool {
    parts.uri.path().starts_with("/api/")
}

/// For paths that nothing is served at.
pub(super) async fn not_found(request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let refused = Refused(StatusCode::NOT_FOUND, "There is nothing here.");
    if is_api(&parts) { refused.into_problem() } else { refused.into_page() }
}

/// An answer that leads to another page.
pub(crate) fn see_other(location: &str) -> Response {
    match HeaderValue::from_str(location) {
        Ok(location) => (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The form that was sent too late, to be sent again as it is.
fn send_again(form: &Fields, token: &str) -> Response {
    let fields = form.iter().filter(|(name, _)| *name != TOKEN).chain([(TOKEN, token)]);
    let fields: String = fields
        .map(|(name, value)| {
            format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">", escaped(name), escaped(value))
        })
        .collect();
    let content = format!(
        "<p>This form was shown more than 12 hours ago. Nothing was changed. What you typed is kept: send it \
         again.</p><form method=\"post\">{fields}<button type=\"submit\">Send Again</button></form>"
    );
    page(StatusCode::FORBIDDEN, "Send the Form Again", &content)
}

/// Text that stands between tags or quotation marks, its line ends kept.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' | '<' | '>' | '"' | '\'' | '\r' | '\n' => escaped.push_str(&format!("&#{};", u32::from(c))),
            c => escaped.push(c),
        }
    }
    escaped
}

fn page(status: StatusCode, title: &str, content: &str) -> Response {
    let page = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>{title}</title></head><body><main><h1>{title}</h1>{content}</main></body>\
         </html>"
    );
    (status, [(CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response()
}

impl Refused {
    fn into_page(self) -> Response {
        let Self(status, why) = self;
        let title = status.canonical_reason().unwrap_or("Refused");
        page(status, title, &format!("<p>{why}</p>"))
    }

    fn into_problem(self) -> Response {
        let Self(status, why) = self;
        let problem = serde_json::json!({
            "type": "about:blank", "title": status.canonical_reason(), "status": status.as_u16(), "detail": why,
        });
        (status, [(CONTENT_TYPE, "application/problem+json")], problem.to_string()).into_response()
    }
}
