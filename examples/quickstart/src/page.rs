//! What both applications need to show pages.

use axum::http::{HeaderMap, header};
use tower_trusted_app::seraph::{ERROR, TransportError};

/// A whole page.
pub(crate) fn whole(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang='en'><meta charset='utf-8'>\
         <meta name='viewport' content='width=device-width'><title>{title}</title>\
         <style>body{{font:1rem/1.5 system-ui;max-width:40rem;margin:2rem auto;padding:0 1rem}}\
         td,th{{text-align:left;padding:.2rem 1rem .2rem 0}}.refused{{color:#a00}}</style>\
         <main><h1>{title}</h1>{body}</main></html>"
    )
}

/// Text made safe for HTML and XML.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('\'', "&#39;")
        .replace('"', "&quot;")
}

/// The value of a cookie.
pub(crate) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers
        .get_all(header::COOKIE)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

/// What the other side says went wrong, in words.
pub(crate) fn trusted_app_error(headers: &HeaderMap) -> String {
    headers
        .get(ERROR)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse::<TransportError>().ok())
        .map_or_else(
            || "no reason given".to_owned(),
            |error| format!("{}: {}", error.code(), error.message()),
        )
}
