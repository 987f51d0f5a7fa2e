//! Pages for requests that are denied before they come to a page.

use std::sync::LazyLock;

use axum::response::{Html, IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::CONTENT_SECURITY_POLICY;
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use maud::{PreEscaped, html};
use sha2::{Digest, Sha256};

use super::page::{Page, SITE, STYLE, frame};
use crate::web::{Admitted, TOKEN};

/// That nothing but the style within the page is shown or sent.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let digest = STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{digest}'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
    )
});

/// Why a request is denied. Who was let in is shown the way on; others nothing that is the site's, nor do they get its
/// style from elsewhere.
pub(super) fn denied(parts: &Parts, admitted: Option<&Admitted>, status: StatusCode, why: &str) -> Response {
    let title = status.canonical_reason().unwrap_or("Denied");
    if let Some(admitted) = admitted {
        let page = Page::of(parts, admitted.clone());
        return page.show(status, title, &html! { p { (why) } (page.back()) });
    }
    let style = html! { style { (PreEscaped(STYLE)) } };
    let body = html! { header { strong { (SITE) } } main { h1 { (title) } p { (why) } } };
    let mut response = (status, Html(frame(title, &style, &body).into_string())).into_response();
    if let Ok(policy) = HeaderValue::from_str(&POLICY) {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// The form that was sent too late, to be sent again as it is.
pub(super) fn send_again(parts: &Parts, admitted: Admitted) -> Response {
    let page = Page::of(parts, admitted);
    let content = html! {
        p {
            "This form was shown more than 12 hours ago. Nothing was changed. What you typed is kept: send it again."
        }
        form method="post" {
            (page.hidden(&[]))
            @for (name, value) in page.form.iter().filter(|(name, _)| *name != TOKEN) {
                input type="hidden" name=(name) value=(value);
            }
            button type="submit" { "Send Again" }
            a href=(page.list()) { "Cancel" }
        }
    };
    page.show(StatusCode::FORBIDDEN, "Send the Form Again", &content)
}
