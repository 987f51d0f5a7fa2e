//! Changing an application's key: the new one is fetched, compared, and taken; then the old one is revoked.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use maud::html;
use tower_trusted_app::application::KeyState;
use tower_trusted_app::registry::Registered;
use tower_trusted_app::{ApplicationRegistry, TrustedApplication};

use super::form::Problems;
use super::page::Page;
use super::{alert, back, failed, number, status, views};
use crate::service::{AdminError, Administration, Field};
use crate::site::see_other;

const ROTATE: &str = "Change Trusted Application Key";

pub(super) async fn rotate_form<R: ApplicationRegistry>(
    State(service): State<Administration<R>>,
    page: Page,
) -> Response {
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
) -> Response {
    let found = match application(service, page, id, error).await {
        Ok(found) => found,
        Err(error) => return failed(page, ROTATE, &error),
    };
    let problems = error.map(Problems::of).unwrap_or_default();
    let content = html! {
        (problems.of_page("No new key could be had, and nothing was changed."))
        p { "The new key of " strong { (name(found.as_ref(), id)) } " is fetched from the application itself." }
        @if let Some(found) = &found { p { "Its keys are:" } (views::keys(&found.application)) }
        (views::request_box(page, "trusted-applications/rotate", &html! { input type="hidden" name="id" value=(id); }, base_url, &problems))
        p { a href=(page.list()) { "Cancel" } }
    };
    page.show(error.map_or(StatusCode::OK, status), ROTATE, &content)
}

pub(super) async fn request_key<R: ApplicationRegistry>(
    State(service): State<Administration<R>>,
    page: Page,
) -> Response {
    let (id, base_url) = (page.form.get("id"), page.form.get(Field::BaseUrl.as_str()));
    match service.request_key(&page.administrator, id, base_url).await {
        Ok(pending) => {
            see_other(&page.link("trusted-applications/rotate/confirm", "pending", &pending.token))
        }
        Err(error) => show_rotate(&service, &page, id, base_url, Some(&error)).await,
    }
}

pub(super) async fn confirm_form<R: ApplicationRegistry>(
    State(service): State<Administration<R>>,
    page: Page,
) -> Response {
    show_confirm(&service, &page, page.query.get("pending"), None).await
}

async fn show_confirm<R: ApplicationRegistry>(
    service: &Administration<R>,
    page: &Page,
    token: &str,
    error: Option<&AdminError>,
) -> Response {
    let pending = service.pending(&page.administrator, token);
    let Some((pending, id)) = pending.and_then(|one| one.replaces_key_of.clone().map(|id| (one, id))) else {
        return failed(page, ROTATE, error.unwrap_or(&AdminError::PendingGone));
    };
    let found = match application(service, page, &id, error).await {
        Ok(found) => found,
        Err(error) => return failed(page, ROTATE, &error),
    };
    let problems = error.map(Problems::of).unwrap_or_default();
    let version = found.as_ref().map_or_else(|| number(page.form.get("version")), |found| found.version);
    let content = html! {
        (problems.of_page("The key was not changed."))
        p { "The keys of " strong { (name(found.as_ref(), &id)) } " (" (id) ") until now:" }
        @if let Some(found) = &found { (views::keys(&found.application)) }
        h2 { "The new key" }
        (views::fetched(&pending.fetched))
        form method="post" action={ (page.root) "trusted-applications/rotate/confirm" } {
            (page.token_field())
            input type="hidden" name="pending" value=(pending.token);
            input type="hidden" name="version" value=(version);
            div."field check" {
                @let errors = problems.of_field(Field::Confirmation);
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
    page.show(error.map_or(StatusCode::OK, status), ROTATE, &content)
}

pub(super) async fn rotate<R: ApplicationRegistry>(
    State(service): State<Administration<R>>,
    page: Page,
) -> Response {
    let (token, version) = (page.form.get("pending"), number(page.form.get("version")));
    let (by, confirmed) = (&page.administrator, page.form.get("confirmed") == "yes");
    let changed = match page.form.get("at_once") {
        "yes" => service.rotate_key(by, token, version, confirmed).await,
        _ => service.begin_rotation(by, token, version, confirmed).await,
    };
    match changed {
        Ok(_) => see_other(&page.list_after("key-changed")),
        Err(error) => show_confirm(&service, &page, token, Some(&error)).await,
    }
}

const REVOKE: &str = "Revoke Old Key";

/// Whether an old key is accepted beside a new one.
pub(super) fn is_rotating(application: &TrustedApplication) -> bool {
    application.keys().iter().any(|key| key.state() == KeyState::Retiring)
}

pub(super) async fn revoke_form<R: ApplicationRegistry>(
    State(service): State<Administration<R>>,
    page: Page,
) -> Response {
    show_revoke(&service, &page, page.query.get("id"), None).await
}

async fn show_revoke<R: ApplicationRegistry>(
    service: &Administration<R>,
    page: &Page,
    id: &str,
    error: Option<&AdminError>,
) -> Response {
    let found = match application(service, page, id, error).await {
        Ok(found) => found,
        Err(error) => return failed(page, REVOKE, &error),
    };
    if let Some(found) = &found
        && !is_rotating(&found.application)
    {
        let content = html! {
            @if let Some(error) = error { (alert(error)) }
            p { "No key of " strong { (found.application.name()) } " (" (id) ") is retiring: there is nothing to revoke." }
            (views::keys(&found.application))
            (back(page))
        };
        return page.show(error.map_or(StatusCode::OK, status), REVOKE, &content);
    }
    let version = found.as_ref().map_or_else(|| number(page.form.get("version")), |found| found.version);
    let content = html! {
        @if let Some(error) = error { (alert(error)) }
        p {
            "Are you sure you want to revoke the retiring key of " strong { (name(found.as_ref(), id)) } " (" (id) ")? What \
             it signs is refused from then on; the recent decisions show whether the other side still uses it."
        }
        @if let Some(found) = &found { (views::keys(&found.application)) }
        form method="post" action={ (page.root) "trusted-applications/revoke" } {
            (page.token_field())
            input type="hidden" name="id" value=(id);
            input type="hidden" name="version" value=(version);
            button.danger #revoke_submit type="submit" { "Revoke Old Key" }
            a href=(page.list()) { "Cancel" }
        }
    };
    page.show(error.map_or(StatusCode::OK, status), REVOKE, &content)
}

pub(super) async fn revoke<R: ApplicationRegistry>(
    State(service): State<Administration<R>>,
    page: Page,
) -> Response {
    let (id, version) = (page.form.get("id"), number(page.form.get("version")));
    match service.finish_rotation(&page.administrator, id, version).await {
        Ok(_) => see_other(&page.list_after("revoked")),
        Err(error) => show_revoke(&service, &page, id, Some(&error)).await,
    }
}
