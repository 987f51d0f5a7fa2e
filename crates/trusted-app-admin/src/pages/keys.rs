//! Changing an application's key: the new one is fetched, compared, and taken; then the old one is revoked.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect};
use maud::html;
use tower_trusted_app::ApplicationRegistry;
use tower_trusted_app::registry::Registered;

use super::form::FieldErrors;
use super::page::{Answer, Page, Service, alert, done};
use super::views;
use crate::service::{AdminError, Administration, field};

const ROTATE: &str = "Change Trusted Application Key";

pub(super) async fn rotate_form<R: ApplicationRegistry>(State(service): Service<R>, page: Page) -> Answer {
    show_rotate(&service, &page, page.query.get("id"), "", None).await
}

/// The application of a form. `None` if the form is shown again because the registry is away.
async fn application<R: ApplicationRegistry>(
    service: &Administration<R>,
    page: &Page,
    id: &str,
    error: Option<&AdminError>,
) -> Result<Option<Registered>, AdminError> {
    match service.get(&page.administrator, id).await {
        Err(AdminError::Unavailable(_)) if error.is_some() => Ok(None),
        found => found.map(Some),
    }
}

fn name<'a>(found: Option<&'a Registered>, id: &'a str) -> &'a str {
    found.map_or(id, |found| found.application.name())
}

async fn show_rotate<R: ApplicationRegistry>(
    service: &Administration<R>,
    page: &Page,
    id: &str,
    base_url: &str,
    error: Option<&AdminError>,
) -> Answer {
    let found = page.needs(ROTATE, application(service, page, id, error).await)?;
    let errors = FieldErrors::of(error);
    let content = html! {
        (errors.of_page("No new key could be had, and nothing was changed."))
        p { "The new key of " strong { (name(found.as_ref(), id)) } " is fetched from the application itself." }
        @if let Some(found) = &found { p { "Its keys are:" } (views::keys(&found.application)) }
        (views::request_box(page, "trusted-applications/rotate", &[("id", &id)], &html! {}, base_url, &errors))
        p { a href=(page.list()) { "Cancel" } }
    };
    Ok(page.answer(error, ROTATE, &content))
}

pub(super) async fn request_key<R: ApplicationRegistry>(State(service): Service<R>, page: Page) -> Answer {
    let (id, base_url) = (page.form.get("id"), page.form.get(field::BASE_URL));
    match service.request_key(&page.administrator, id, base_url).await {
        Ok(pending) => {
            let form = page.link("trusted-applications/rotate/confirm", "pending", &pending.token);
            Ok(Redirect::to(&form).into_response())
        }
        Err(error) => show_rotate(&service, &page, id, base_url, Some(&error)).await,
    }
}

pub(super) async fn confirm_form<R: ApplicationRegistry>(State(service): Service<R>, page: Page) -> Answer {
    show_confirm(&service, &page, page.query.get("pending"), None).await
}

async fn show_confirm<R: ApplicationRegistry>(
    service: &Administration<R>,
    page: &Page,
    token: &str,
    error: Option<&AdminError>,
) -> Answer {
    let pending = service.pending(&page.administrator, token);
    let Some((pending, id)) = pending.and_then(|one| one.replaces_key_of.clone().map(|id| (one, id))) else {
        return Err(page.failed(ROTATE, error.unwrap_or(&AdminError::PendingGone)));
    };
    let found = page.needs(ROTATE, application(service, page, &id, error).await)?;
    let errors = FieldErrors::of(error);
    let version = found.as_ref().map_or_else(|| page.version(), |found| found.version);
    let content = html! {
        (errors.of_page("The key was not changed."))
        p { "The keys of " strong { (name(found.as_ref(), &id)) } " (" (id) ") until now:" }
        @if let Some(found) = &found { (views::keys(&found.application)) }
        h2 { "The new key" }
        (views::fetched(&pending.fetched))
        form method="post" action={ (page.root) "trusted-applications/rotate/confirm" } {
            (page.hidden(&[("pending", &pending.token), ("version", &version)]))
            div."field check" {
                @let errors = errors.of_field(field::CONFIRMED);
                @if !errors.is_empty() { div.error #confirmed-error { @for error in &errors { p { (error) } } } }
                input type="checkbox" #confirmed name="confirmed" value="yes" required
                    checked[page.form.get("confirmed") == "yes"]
                    aria-describedby=[(!errors.is_empty()).then_some("confirmed-error")];
                label for="confirmed" { " I have compared the fingerprint with the one that the other side sees." }
            }
            div."field check" {
                input type="checkbox" #at-once name="at_once" value="yes" checked[page.form.get("at_once") == "yes"]
                    aria-describedby="at-once-help";
                label for="at-once" { " Revoke the old key at once." }
                div.help #at-once-help {
                    "Needed if somebody else may have it. Otherwise it is accepted beside the new one until you revoke it in \
                     the list, so that no request fails while the other side changes over."
                }
            }
            button #rotate_submit type="submit" { "Change Key" }
            a href=(page.list()) { "Cancel" }
        }
    };
    Ok(page.answer(error, ROTATE, &content))
}

pub(super) async fn rotate<R: ApplicationRegistry>(State(service): Service<R>, page: Page) -> Answer {
    let (token, version) = (page.form.get("pending"), page.version());
    let (confirmed, at_once) = (page.form.get("confirmed") == "yes", page.form.get("at_once") == "yes");
    match service.rotate_key(&page.administrator, token, version, confirmed, at_once).await {
        Ok(_) => Ok(done(&page.list(), "key-changed")),
        Err(error) => show_confirm(&service, &page, token, Some(&error)).await,
    }
}

const REVOKE: &str = "Revoke Old Key";

pub(super) async fn revoke_form<R: ApplicationRegistry>(State(service): Service<R>, page: Page) -> Answer {
    show_revoke(&service, &page, page.query.get("id"), None).await
}

async fn show_revoke<R: ApplicationRegistry>(
    service: &Administration<R>,
    page: &Page,
    id: &str,
    error: Option<&AdminError>,
) -> Answer {
    let found = page.needs(REVOKE, application(service, page, id, error).await)?;
    if let Some(found) = &found
        && !views::is_rotating(&found.application)
    {
        let content = html! {
            @if let Some(error) = error { (alert(error)) }
            p { "No key of " strong { (found.application.name()) } " (" (id) ") is retiring: there is nothing to revoke." }
            (views::keys(&found.application))
            (page.back())
        };
        return Ok(page.answer(error, REVOKE, &content));
    }
    let version = found.as_ref().map_or_else(|| page.version(), |found| found.version);
    let content = html! {
        @if let Some(error) = error { (alert(error)) }
        p {
            "Are you sure you want to revoke the retiring key of " strong { (name(found.as_ref(), id)) } " (" (id) ")? What \
             it signs is refused from then on; the recent decisions show whether the other side still uses it."
        }
        @if let Some(found) = &found { (views::keys(&found.application)) }
        form method="post" action={ (page.root) "trusted-applications/revoke" } {
            (page.hidden(&[("id", &id), ("version", &version)]))
            button.danger #revoke_submit type="submit" { "Revoke Old Key" }
            a href=(page.list()) { "Cancel" }
        }
    };
    Ok(page.answer(error, REVOKE, &content))
}

pub(super) async fn revoke<R: ApplicationRegistry>(State(service): Service<R>, page: Page) -> Answer {
    let (id, version) = (page.form.get("id"), page.version());
    match service.finish_rotation(&page.administrator, id, version).await {
        Ok(_) => Ok(done(&page.list(), "revoked")),
        Err(error) => show_revoke(&service, &page, id, Some(&error)).await,
    }
}
