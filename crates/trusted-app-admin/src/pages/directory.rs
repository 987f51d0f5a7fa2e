//! Applications that publish a key directory.

use axum::extract::State;
use maud::{Markup, html};
use tower_trusted_app::ApplicationRegistry;
use tower_trusted_app::application::{ApplicationKey, KeyState};
use tower_trusted_app::crypto::SignatureKey;
use tower_trusted_app::httpsig::{KeyDirectory, SkippedKey};

use super::form::FieldErrors;
use super::page::{Answer, Page, Service, done};
use super::views;
use crate::fetch::Fetched;
use crate::service::{AdminError, Administration, DirectoryStatus, field, thumbprint_groups};

const KEYS_PATH: &str = "trusted-applications/directory";
const KEYS: &str = "Trusted Application Keys";

pub(super) async fn keys<R: ApplicationRegistry>(State(service): Service<R>, page: Page) -> Answer {
    show_keys(&service, &page, page.query.get("id"), "", None).await
}

async fn show_keys<R: ApplicationRegistry>(
    service: &Administration<R>,
    page: &Page,
    id: &str,
    failure: &str,
    error: Option<&AdminError>,
) -> Answer {
    let found = page.needs(KEYS, service.get(&page.administrator, id).await)?;
    let errors = FieldErrors::of(error);
    let application = &found.application;
    let content = html! {
        (errors.of_page(failure))
        @for error in errors.of_field(field::BASE_URL) { p.error { (error) } }
        @for error in errors.of_field(field::CONFIRMED) { p.error { (error) } }
        @if let Some(url) = application.key_directory() {
            (fetches(url, service.directory_status(&page.administrator, id)))
            form method="post" action={ (page.root) (KEYS_PATH) "/refresh" } {
                (page.hidden(&[("id", &id)]))
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
        (page.back())
    };
    Ok(page.answer(error, &format!("{KEYS}: {}", application.name()), &content))
}

/// From where the keys come, and how that goes.
fn fetches(url: &str, status: Option<DirectoryStatus>) -> Markup {
    let failure = status.as_ref().and_then(|status| status.failure.as_deref());
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
            @if let Some(failure) = failure { dt { "The last fetch failed" } dd { (failure) } }
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
            (page.hidden(&[("id", &id), ("version", &version), ("thumbprint", key.public_key().thumbprint())]))
            div."field check" {
                input type="checkbox" id=(confirmed) name="confirmed" value="yes" required;
                label for=(confirmed) { " I have compared the thumbprint with the one that the other side sees." }
            }
            button type="submit" { "Trust this Key" }
        }
    }
}

pub(super) async fn confirm<R: ApplicationRegistry>(State(service): Service<R>, page: Page) -> Answer {
    let (id, thumbprint) = (page.form.get("id"), page.form.get("thumbprint"));
    let (version, confirmed) = (page.version(), page.form.get("confirmed") == "yes");
    match service.confirm_signature_key(&page.administrator, id, thumbprint, version, confirmed).await {
        Ok(_) => Ok(done(&page.link(KEYS_PATH, "id", id), "confirmed")),
        Err(error) => show_keys(&service, &page, id, "The key was not confirmed.", Some(&error)).await,
    }
}

pub(super) async fn refresh<R: ApplicationRegistry>(State(service): Service<R>, page: Page) -> Answer {
    let id = page.form.get("id");
    match service.refresh_directory(id).await {
        Ok(_) => Ok(done(&page.link(KEYS_PATH, "id", id), "fetched")),
        Err(error) => show_keys(&service, &page, id, "No keys were fetched.", Some(&error)).await,
    }
}

/// What was fetched, for a comparison.
pub(super) fn fetched(fetched: &Fetched<KeyDirectory>) -> Markup {
    html! {
        @if fetched.without_tls {
            div.warning { p {
                strong { "Fetched without TLS. " }
                "Anybody between this server and the application could have put in other keys. Compare the thumbprints."
            } }
        }
        dl { dt { "Fetched from" } dd { (fetched.url) } }
        h2 { "Keys" }
        @for listed in fetched.document.keys() { (key(&listed.clone().into())) }
        (skipped(fetched.document.skipped()))
        p {
            "The application has proven that it has the private half of each. Ask the other application's administrator for its thumbprints, \
             by another way than this one, and compare."
        }
    }
}

/// One key, by what people compare.
fn key(key: &ApplicationKey<SignatureKey>) -> Markup {
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
