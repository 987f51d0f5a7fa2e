//! The list of applications, and what leads to it.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use tower_trusted_app::application::{ApplicationKey, KeyState};
use tower_trusted_app::registry::{Broken, Entry, Registered};
use tower_trusted_app::{ApplicationRegistry, Timestamp, TrustedApplication};

use super::form::FieldErrors;
use super::page::{Page, SITE, Service, alert};
use super::views;
use crate::recent::RecentDecisions;
use crate::service::{AdminError, Administration, field, thumbprint_groups};

const VIEW: &str = "View Trusted Applications";

pub(super) async fn entry(page: Page) -> Response {
    let content = html! {
        h2 { "System" }
        ul { li { a href=(page.list()) { "Trusted Applications" } ": which applications may act as your users." } }
    };
    page.answer(None, SITE, &content)
}

/// For addresses to which only forms are sent: whoever loads one by its name wants the list.
pub(super) async fn to_list(page: Page) -> Response {
    Redirect::to(&page.list()).into_response()
}

pub(super) async fn applications<R: ApplicationRegistry>(State(service): Service<R>, page: Page) -> Response {
    show_list(&service, &page, None).await
}

async fn show_list<R: ApplicationRegistry>(
    service: &Administration<R>,
    page: &Page,
    error: Option<&AdminError>,
) -> Response {
    let entries = match service.list(&page.administrator).await {
        // What was typed is not lost with the list.
        Err(away) if error.is_none() => return page.failed(VIEW, &away),
        entries => entries,
    };
    let errors = FieldErrors::of(error);
    let content = html! {
        (errors.of_page("The details could not be requested, and no application was added."))
        @match &entries {
            Ok(entries) => (list(page, entries, service.recent(&page.administrator), service.now())),
            Err(away) => (alert(away)),
        }
        section.box aria-labelledby="request" {
            h2 #request { "Request New Trusted Application Details" }
            (views::request_box(page, "trusted-applications/request", &[], &choice(page), page.form.get(field::BASE_URL), &errors))
        }
    };
    page.answer(entries.as_ref().err().or(error), VIEW, &content)
}

pub(super) async fn request<R: ApplicationRegistry>(State(service): Service<R>, page: Page) -> Response {
    let base_url = page.form.get(field::BASE_URL);
    let requested = if page.form.get(FETCH) == KEY_DIRECTORY {
        let pending = service.request_directory(&page.administrator, base_url).await;
        pending.map(|pending| ("trusted-applications/directory/add", pending.token))
    } else {
        let pending = service.request_details(&page.administrator, base_url).await;
        pending.map(|pending| ("trusted-applications/add", pending.token))
    };
    match requested {
        Ok((path, token)) => Redirect::to(&page.link(path, "pending", &token)).into_response(),
        Err(error) => show_list(&service, &page, Some(&error)).await,
    }
}

/// The list of applications.
fn list(page: &Page, entries: &[Entry], recent: Option<&RecentDecisions>, now: Timestamp) -> Markup {
    let row = |entry: &Entry| match entry {
        Ok(registered) => row(page, registered, recent, now),
        Err(broken) => broken_row(page, broken),
    };
    let rows: Vec<_> = entries.iter().map(row).collect();
    html! {
        p { "These applications may act as your users. Both sides must have the same users." }
        @if entries.is_empty() {
            p #none { "No trusted applications have been configured." }
        } @else {
            (views::table("applications", "Trusted applications", &COLUMNS, &rows))
        }
        p { a #unknown href={ (page.root) "trusted-applications/decisions" } { "Refused requests of unknown applications" } }
    }
}

const COLUMNS: [&str; 7] =
    ["Name", "Application ID", "Key (SHA-256)", "Schemes", "Last used", "State", "Operations"];

fn row(page: &Page, registered: &Registered, recent: Option<&RecentDecisions>, now: Timestamp) -> Markup {
    let application = &registered.application;
    let (id, name) = (application.id().as_str(), application.name());
    let used = recent.map(|recent| recent.last_used(id));
    let cells = [
        html! { (id) },
        html! {
            @for key in live(application.keys(), now) { div { code { (key.public_key().fingerprint()) } (views::standing(key)) } }
            @for key in live(application.signature_keys(), now) {
                div { code { (thumbprint_groups(key.public_key().thumbprint())) } (views::standing(key)) }
            }
        },
        html! { @for scheme in application.schemes() { (scheme) " " } },
        html! {
            @match used {
                None => "not recorded",
                Some(used) if used.is_empty() => "not since this server started",
                Some(used) => @for (scheme, at) in used { div { (views::time(at)) " (" (scheme) ")" } },
            }
        },
        html! {
            @if live(application.keys(), now).next().is_some() || live(application.signature_keys(), now).next().is_some() {
                "Active"
            } @else { "No key in use" }
            @if application.signature_keys().iter().any(|key| key.state() == KeyState::Next) { ", a new key waits" }
            @let warnings = application.warnings();
            @if !warnings.is_empty() {
                details.warnings {
                    summary { (warnings.len()) @if warnings.len() == 1 { " warning" } @else { " warnings" } }
                    ul { @for warning in &warnings { li { (warning) } } }
                }
            }
        },
        html! {
            @for (text, path) in operations(application) {
                a id={ (path) "-" (id) } href=(page.link(&format!("trusted-applications/{path}"), "id", id))
                    aria-label={ (text) " " (name) } { (text) } " "
            }
        },
    ];
    views::row(&COLUMNS, &html! { (name) }, &cells)
}

/// What can be done with an application: the name of each, and its page.
fn operations(application: &TrustedApplication) -> Vec<(&'static str, &'static str)> {
    let mut all = vec![("Edit", "edit"), ("Delete", "delete")];
    if !application.keys().is_empty() {
        all.push(("Change Key", "rotate"));
    }
    if views::is_rotating(application) {
        all.push(("Revoke Old Key", "revoke"));
    }
    if !application.signature_keys().is_empty() {
        all.push(("Keys", "directory"));
    }
    all.push(("Decisions", "decisions"));
    all
}

fn live<K>(keys: &[ApplicationKey<K>], now: Timestamp) -> impl Iterator<Item = &ApplicationKey<K>> {
    keys.iter().filter(move |key| key.is_live(now))
}

fn broken_row(page: &Page, broken: &Broken) -> Markup {
    html! {
        tr role="row" {
            th scope="row" role="rowheader" { (broken.id) }
            td role="cell" data-label="Application ID" { (broken.id) }
            td role="cell" data-label="State" colspan="4" { strong.error { "Invalid Key/Row: " (broken.reason) } }
            td role="cell" data-label="Operations" {
                a id={ "delete-" (broken.id) } href=(page.link("trusted-applications/delete", "id", &broken.id))
                    aria-label={ "Delete " (broken.id) } { "Delete" }
            }
        }
    }
}

/// The field that says what is fetched.
const FETCH: &str = "fetch";
/// Its value for a key directory.
const KEY_DIRECTORY: &str = "key-directory";

/// The choice of what is fetched, as it was made before.
fn choice(page: &Page) -> Markup {
    let directory = page.form.get(FETCH) == KEY_DIRECTORY;
    html! {
        fieldset {
            legend { "What to fetch" }
            @for (value, checked, label) in [
                ("certificate", !directory, "Certificate document: the application signs as Atlassian's do"),
                (KEY_DIRECTORY, directory, "Key directory: it uses HTTP message signatures"),
            ] {
                div.check {
                    input type="radio" id={ "fetch-" (value) } name=(FETCH) value=(value) checked[checked];
                    label for={ "fetch-" (value) } { " " (label) }
                }
            }
        }
    }
}
