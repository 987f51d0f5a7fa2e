//! What every request passes.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};
use tower_trusted_app::Clock;

use super::fields::Fields;
use super::guard::{Admitted, Denied, Guard};
use super::origin::PublicOrigins;
use super::surface::Surface;
use super::token::{TOKEN, Token, TokenKey};

pub(crate) struct Gate<G> {
    pub(crate) guard: G,
    /// `None` without randomness: no token holds then.
    pub(crate) key: Option<TokenKey>,
    pub(crate) origins: PublicOrigins,
    pub(crate) clock: Arc<dyn Clock>,
    /// The part of the site that a path belongs to.
    pub(crate) surface: fn(&str) -> &'static Surface,
}

pub(crate) async fn pass<G: Guard>(
    State(gate): State<Arc<Gate<G>>>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    match gate.admit(&parts, body).await {
        Ok((admitted, body)) => {
            let mut request = Request::from_parts(parts, body);
            request.extensions_mut().insert(admitted);
            next.run(request).await
        }
        Err(response) => response,
    }
}

impl<G: Guard> Gate<G> {
    /// Lets a request in, or says why not: who sends it, then whether they meant to.
    async fn admit(&self, parts: &Parts, body: Body) -> Result<(Admitted, Body), Response> {
        let surface = (self.surface)(parts.uri.path());
        let has_forms = surface.send_again.is_some();
        let deny = |status, why| (surface.denied)(parts, None, status, why);
        let administrator = self.guard.administrator(parts).await.map_err(|denied| match denied {
            Denied::LogInAt(url) if has_forms && parts.method == Method::GET => {
                Redirect::to(&url).into_response()
            }
            Denied::LogInAt(_) | Denied::Anonymous => {
                deny(StatusCode::UNAUTHORIZED, "You must log in first.")
            }
            Denied::Forbidden => deny(StatusCode::FORBIDDEN, NO_PERMISSION),
            Denied::Unavailable => {
                deny(StatusCode::SERVICE_UNAVAILABLE, "Who you are cannot be found out at present.")
            }
        })?;
        let now = self.clock.now();
        let token = self.key.as_ref().and_then(|key| key.token(&administrator, now)).unwrap_or_default();
        let mut admitted = Admitted { administrator, token, form: Fields::default() };
        if parts.method.is_safe() {
            return Ok((admitted, Body::empty()));
        }
        let deny = |status, why| (surface.denied)(parts, Some(&admitted), status, why);
        if let Err(elsewhere) = self.origins.check(parts) {
            elsewhere.log();
            return Err(deny(StatusCode::FORBIDDEN, FORGED));
        }
        let body = to_bytes(body, surface.max_body).await;
        let body = body.map_err(|_| {
            deny(StatusCode::PAYLOAD_TOO_LARGE, "The request is too large, or was broken off.")
        })?;
        let sent = parts.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
        let sent = sent.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        // A browser sends JSON to another site only after asking, and no site of ours says yes.
        let without = !has_forms && parts.method == Method::DELETE && body.is_empty();
        if !sent.eq_ignore_ascii_case(surface.media_type.as_bytes()) && !without {
            return Err(deny(StatusCode::UNSUPPORTED_MEDIA_TYPE, "The request has another content type."));
        }
        let Some(send_again) = surface.send_again else { return Ok((admitted, Body::from(body))) };
        let form = Fields::parse(&body);
        let check = |key: &TokenKey| key.check(&admitted.administrator, form.get(TOKEN), now);
        match self.key.as_ref().map_or(Token::Wrong, check) {
            Token::Holds => {
                admitted.form = form;
                Ok((admitted, Body::empty()))
            }
            Token::Expired => Err(send_again(parts, Admitted { form, ..admitted })),
            Token::Wrong => Err(deny(StatusCode::FORBIDDEN, FORGED)),
        }
    }
}

/// JIRA's.
const NO_PERMISSION: &str =
    "You do not have permission to access Trusted Application info. Contact your System Administrator.";
const FORGED: &str = "This request was not sent from a page of this site, or the page is out of date. Nothing was \
                      changed. Go back, load the page again and repeat it.";
