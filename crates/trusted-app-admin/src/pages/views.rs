//! Parts that several pages show.

use std::fmt::Display;

use maud::{Markup, html};
use tower_trusted_app::application::{ApplicationKey, KeyState};
use tower_trusted_app::{Timestamp, TrustedApplication};

use super::form::{FieldErrors, field};
use super::page::Page;
use crate::fetch::Fetched;
use crate::service::field;

/// The box in which details are requested.
pub(super) fn request_box(
    page: &Page,
    action: &str,
    hidden: &[(&str, &dyn Display)],
    more: &Markup,
    base_url: &str,
    errors: &FieldErrors,
) -> Markup {
    html! {
        form method="post" action={ (page.root) (action) } novalidate {
            (page.hidden(hidden))
            (more)
            (field(field::BASE_URL, "Base URL", &html! {
                "The URL by which this server reaches the application, such as " code { "https://wiki.example.com/confluence" }
                ". Use https, so that nobody on the way can put in another key."
            }, base_url, None, errors))
            button type="submit" { "Send Request" }
        }
    }
}

/// What was fetched, for a comparison.
pub(super) fn fetched(fetched: &Fetched) -> Markup {
    let key = fetched.document.public_key();
    html! {
        @if fetched.without_tls {
            div.warning { p {
                strong { "Fetched without TLS. " }
                "Anybody between this server and the application could have put in another key. Compare the fingerprint."
            } }
        }
        dl {
            dt { "Fetched from" } dd { (fetched.url) }
            dt { "Key" } dd { "RSA, " (key.bits()) " bits" }
            dt { "Fingerprint (SHA-256)" } dd { code #fingerprint { (key.fingerprint()) } }
        }
        p { "Ask the other application's administrator for its fingerprint, by another way than this one, and compare." }
    }
}

/// The keys of an application.
pub(super) fn keys(application: &TrustedApplication) -> Markup {
    html! {
        ul {
            @for key in application.keys() { li { code { (key.fingerprint()) } (standing(key)) } }
            @for key in application.signature_keys() {
                li { code { (key.public_key().thumbprint()) } (standing(key)) " for HTTP message signatures" }
            }
        }
    }
}

/// Where a key stands in a rotation, and when it is good.
pub(super) fn standing<K>(key: &ApplicationKey<K>) -> Markup {
    html! {
        " (" (key.state())
        @if let Some(first) = key.not_before() { ", from " (time(first)) }
        @if let Some(last) = key.not_after() { ", until " (time(last)) }
        ")"
    }
}

/// What about an application is allowed but hardly meant.
pub(super) fn warnings(application: &TrustedApplication) -> Markup {
    let warnings = application.warnings();
    html! {
        @if !warnings.is_empty() {
            div.warning #warnings {
                p { strong { "Is this what you mean?" } }
                ul { @for warning in &warnings { li { (warning) } } }
            }
        }
    }
}

/// Whether an old key is accepted beside a new one.
pub(super) fn is_rotating(application: &TrustedApplication) -> bool {
    application.keys().iter().any(|key| key.state() == KeyState::Retiring)
}

/// A table whose rows are cards in narrow windows.
pub(super) fn table(id: &str, label: &str, columns: &[&str], rows: &[Markup]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(label) {
            table.cards id=(id) role="table" {
                thead role="rowgroup" { tr role="row" {
                    @for column in columns { th scope="col" role="columnheader" { (column) } }
                } }
                tbody role="rowgroup" { @for row in rows { (row) } }
            }
        }
    }
}

/// A row of it. Beside each cell stands the head of its column, for windows in which a row is a card.
pub(super) fn row(columns: &[&str], head: &Markup, cells: &[Markup]) -> Markup {
    html! {
        tr role="row" {
            th scope="row" role="rowheader" { (head) }
            @for (column, cell) in columns.iter().skip(1).zip(cells) { td role="cell" data-label=(column) { (cell) } }
        }
    }
}

/// To the second, for people; all of it for programs.
pub(super) fn time(at: Timestamp) -> Markup {
    let exact = at.to_rfc3339();
    let seconds = exact.get(..19).unwrap_or(&exact).replace('T', " ");
    html! { time datetime=(exact) { (seconds) " UTC" } }
}
