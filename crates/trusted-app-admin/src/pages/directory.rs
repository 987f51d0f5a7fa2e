//! Applications that publish a key directory.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use maud::{Markup, html};
use tower_trusted_app::ApplicationRegistry;
use tower_trusted_app::application::{ApplicationKey, KeyState};
use tower_trusted_app::crypto::SignatureKey;
use tower_trusted_app::httpsig::SkippedKey;

use super::form::{Problems, application_fields, typed, warning};
use super::page::{Page, after};
use super::{ADD, back, failed, number, status, to_list, views};
use crate::fetch::FetchedDirectory;
use crate::service::{
    AdminError, Administration, ApplicationForm, DirectoryStatus, Field, Pending, thumbprint_groups,
};
use crate::site::see_other;

pub(super) const ADD_PATH: &str = "trusted-applications/directory/add";
const KEYS_PATH: &str = "trusted-applications/directory";
const REFRESH_PATH: &str = "trusted-applications/directory/refresh";
const KEYS: &str = "Trusted Application Keys";

pub(super) fn routes<R: ApplicationRegistry>() -> Router<Administration<R>> {
    Router::new()
        .route(&format!("/{ADD_PATH}"), get(add_form::<R>).post(add::<R>))
        .route(&format!("/{KEYS_PATH}"), get(keys::<R>).post(confirm::<R>))
        .route(&format!("/{REFRESH_PATH}"), get(to_list).post(refresh::<R>))
}

async fn add_form<R: ApplicationRegistry>(State(service): State<Administration<R>>, page: Page) -> Response {
    match service.pending_directory(&page.administrator, page.query.get("pending")) {
        Some(pending) => {
            show_add(&page, &pending, &ApplicationForm::proposed_with_directory(&pending.fetched), None)
        }
        None => failed(&page, ADD, &AdminError::PendingGone),
    }
}

fn show_add(
    page: &Page,
    pending: &Pending<FetchedDirectory>,
    form: &ApplicationForm,
    error: Option<&AdminError>,
) -> Response {
    let problems = error.map(Problems::of).unwrap_or_default();
    let content = html! {
        (problems.of_page("No application was added."))
        p { "Confirm the details of this Trusted Application." }
        (warning(false))
        (fetched(&pending.fetched))
        form method="post" action={ (page.root) (ADD_PATH) } novalidate {
            (page.token_field())
            input type="hidden" name="pending" value=(pending.token);
            (application_fields(&pending.fetched.authority, form, &problems))
            button #add_submit type="submit" { "Add" }
            a href=(page.list()) { "Cancel" }
        }
    };
    page.show(error.map_or(StatusCode::OK, status), ADD, &content)
}

async fn add<R: ApplicationRegistry>(State(service): State<Administration<R>>, page: Page) -> Response {
    let (token, form) = (page.form.get("pending"), typed(&page.form));
    match service.add(&page.administrator, token, &form, false).await {
        Ok(_) => see_other(&page.list_after("added")),
        Err(error) => match service.pending_directory(&page.administrator, token) {
            Some(pending) => show_add(&page, &pending, &form, Some(&error)),
            None => failed(&page, ADD, &error),
        },
    }
}

async fn keys<R: ApplicationRegistry>(State(service): State<Administration<R>>, page: Page) -> Response {
    show_keys(&service, &page, page.query.get("id"), "", None).await
}

async fn show_keys<R: ApplicationRegistry>(
    service: &Administration<R>,
    page: &Page,
    id: &str,
    failure: &str,
    error: Option<&AdminError>,
) -> Response {
    let found = match service.get(&page.administrator, id).await {
        Ok(found) => found,
        Err(error) => return failed(page, KEYS, &error),
    };
    let problems = error.map(Problems::of).unwrap_or_default();
    let application = &found.application;
    let content = html! {
        (problems.of_page(failure))
        @for problem in problems.of_field(Field::BaseUrl) { p.error { (problem) } }
        @for problem in problems.of_field(Field::Confirmation) { p.error { (problem) } }
        @if let Some(url) = application.key_directory() {
            (fetches(url, service.directory_status(&page.administrator, id)))
            form method="post" action={ (page.root) (REFRESH_PATH) } {
                (page.token_field())
                input type="hidden" name="id" value=(id);
                button #refresh_submit type="submit" { "Fetch Now" }
            }
        }
        @for (at, key) in application.signature_keys().iter().enumerate() {
            section {
                h2 { "Key " (at + 1) ": " (key.state()) }
                (self::key(key))
                @if key.state() == KeyState::Next {
                    (confirmation(page, id, found.version, at, key))
                }
            }
        }
        (back(page))
    };
    page.show(error.map_or(StatusCode::OK, status), &format!("{KEYS}: {}", application.name()), &content)
}

/// From where the keys come, and how that goes.
fn fetches(url: &str, status: Option<DirectoryStatus>) -> Markup {
    let problem = status.as_ref().and_then(|status| status.problem.as_deref());
    html! {
        @if status.as_ref().is_some_and(|status| status.stale) {
            div.alert role="alert" { p {
                strong { "The key directory has not been fetched for a day. " }
                "Keys that the application has withdrawn since then are still accepted."
            } }
        }
        dl {
            dt { "Key directory" } dd { (url) }
            dt { "Last fetched" }
            dd { @match status.as_ref().and_then(|status| status.succeeded) {
                Some(at) => (views::time(at)), None => "not since this server started",
            } }
            @if let Some(problem) = problem { dt { "The last fetch failed" } dd { (problem) } }
        }
        @if let Some(status) = &status { (skipped(&status.skipped)) }
    }
}

/// The entries of a directory that give no key.
fn skipped(skipped: &[SkippedKey]) -> Markup {
    html! {
        @if !skipped.is_empty() {
            div.warning #skipped {
                p {
                    strong { "Some entries of the key directory are skipped. " }
                    "The keys in them are not accepted, even if they were before. The others are read."
                }
                ul { @for one in skipped { li { (one) } } }
            }
        }
    }
}

/// The form by which a key that waits becomes active.
fn confirmation(
    page: &Page,
    id: &str,
    version: u64,
    at: usize,
    key: &ApplicationKey<SignatureKey>,
) -> Markup {
    let confirmed = format!("confirmed-{at}");
    html! {
        div.warning { p {
            "This key appeared in the key directory, and no key that is trusted already has signed that. Ask the other \
             application's administrator for its thumbprint, by another way than this one, and compare."
        } }
        form method="post" action={ (page.root) (KEYS_PATH) } {
            (page.token_field())
            input type="hidden" name="id" value=(id);
            input type="hidden" name="version" value=(version);
            input type="hidden" name="thumbprint" value=(key.public_key().thumbprint());
            div."field check" {
                input type="checkbox" id=(confirmed) name="confirmed" value="yes" required;
                label for=(confirmed) { " I have compared the thumbprint with the one that the other side sees." }
            }
            button type="submit" { "Trust this Key" }
        }
    }
}

async fn confirm<R: ApplicationRegistry>(State(service): State<Administration<R>>, page: Page) -> Response {
    let (id, thumbprint) = (page.form.get("id"), page.form.get("thumbprint"));
    let (version, confirmed) = (number(page.form.get("version")), page.form.get("confirmed") == "yes");
    match service.confirm_signature_key(&page.administrator, id, thumbprint, version, confirmed).await {
        Ok(_) => see_other(&after(&page.link(KEYS_PATH, "id", id), "confirmed")),
        Err(error) => show_keys(&service, &page, id, "The key was not confirmed.", Some(&error)).await,
    }
}

async fn refresh<R: ApplicationRegistry>(State(service): State<Administration<R>>, page: Page) -> Response {
    let id = page.form.get("id");
    match service.refresh_directory(id).await {
        Ok(_) => see_other(&after(&page.link(KEYS_PATH, "id", id), "fetched")),
        Err(error) => show_keys(&service, &page, id, "No keys were fetched.", Some(&error)).await,
    }
}

/// What was fetched, for a comparison.
fn fetched(fetched: &FetchedDirectory) -> Markup {
    html! {
        @if fetched.without_tls {
            div.warning { p {
                strong { "Fetched without TLS. " }
                "Anybody between this server and the application could have put in other keys. Compare the thumbprints."
            } }
        }
        dl { dt { "Fetched from" } dd { (fetched.url) } }
        h2 { "Keys" }
        @for listed in fetched.directory.keys() { (key(&listed.clone().into())) }
        (skipped(fetched.directory.skipped()))
        p {
            "The application has proven that it has the private half of each. Ask the other application's administrator for its thumbprints, \
             by another way than this one, and compare."
        }
    }
}

/// One key, by what people compare.
pub(super) fn key(key: &ApplicationKey<SignatureKey>) -> Markup {
    let public = key.public_key();
    let date = |at: Option<_>, without: &str| {
        html! {
            @match at { Some(at) => (views::time(at)), None => (without) }
        }
    };
    html! {
        dl.key {
            dt { "Thumbprint" } dd { code { (thumbprint_groups(public.thumbprint())) } }
            dt { "Algorithm" } dd { (public.algorithm()) }
            dt { "Valid" } dd { "from " (date(key.not_before(), "ever")) " until " (date(key.not_after(), "for ever")) }
        }
    }
}
