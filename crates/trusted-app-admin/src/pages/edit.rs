//! Editing an application.

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use tower_trusted_app::permission::Members;
use tower_trusted_app::{ApplicationRegistry, TrustedApplication};

use super::form::{self, FieldErrors, application_fields, warning};
use super::page::{Answer, Page, Service, done};
use super::views;
use crate::service::{AdminError, ApplicationEdit};
use crate::web::Fields;

const TITLE: &str = "Edit Trusted Application Details";

pub(super) async fn show_form<R: ApplicationRegistry>(State(service): Service<R>, page: Page) -> Answer {
    let id = page.query.get("id");
    let found = page.needs(TITLE, service.get(&page.administrator, id).await)?;
    let typed = form::written(&ApplicationEdit::of(&found.application));
    Ok(show(&page, id, &found.version.to_string(), &typed, Some(&found.application), None))
}

fn show(
    page: &Page,
    id: &str,
    version: &str,
    typed: &Fields,
    application: Option<&TrustedApplication>,
    error: Option<&AdminError>,
) -> Response {
    let errors = FieldErrors::of(error);
    let content = html! {
        (errors.of_page("Nothing was changed."))
        (page.as_it_is("edit", id, error))
        p { "Change what this application may do." }
        (warning(application.is_none_or(|application| application.act_as().allows_administrators())))
        @if let Some(application) = application { (views::warnings(application)) }
        form method="post" action={ (page.root) "trusted-applications/edit" } novalidate {
            (page.hidden(&[("id", &id), ("version", &version)]))
            (application_fields(id, typed, &errors))
            @if let Some(application) = application { (further(application)) }
            button #update_submit type="submit" { "Update" }
            a href=(page.list()) { "Cancel" }
        }
    };
    page.answer(error, TITLE, &content)
}

pub(super) async fn edit<R: ApplicationRegistry>(State(service): Service<R>, page: Page) -> Response {
    let (id, version) = (page.form.get("id"), page.form.get("version"));
    match service.edit(&page.administrator, id, page.version(), form::read(&page.form), false).await {
        Ok(_) => done(&page.list(), "updated"),
        Err(error @ (AdminError::NotFound(_) | AdminError::Broken(_))) => page.failed(TITLE, &error),
        Err(error) => {
            let found = service.get(&page.administrator, id).await.ok();
            let application = found.as_ref().map(|found| &*found.application);
            show(&page, id, version, &page.form, application, Some(&error))
        }
    }
}

/// What no field of the form changes.
fn further(application: &TrustedApplication) -> Markup {
    let (conditions, policy) = (application.conditions(), application.act_as());
    html! {
        details #further {
            summary { "More conditions" }
            p.help { "They stay as they are when you update the fields above. The command "
                code { "trusted-app apps edit" } " and an import of the API change them." }
            dl {
                dt { "Methods" }
                dd { @match conditions.methods.methods() {
                    None => "any",
                    Some([]) => "none, so every request is refused",
                    Some(methods) => @for method in methods { code { (method) } " " },
                } }
                dt { "May act as" }
                dd { @match policy.allowed() {
                    None => p { "everybody" },
                    Some(allowed) if allowed.is_empty() => p { "nobody" },
                    Some(allowed) => { p { "only" } (members(allowed)) },
                } }
                @if !policy.denied().is_empty() { dt { "May never act as" } dd { (members(policy.denied())) } }
                dt { "Administrators" }
                dd { @if policy.allows_administrators() { "as any other user" } @else { "never" } }
                @if policy.is_read_only() { dt { "Reading" } dd { "no method but those that only read" } }
                dt { "Schemes" } dd { @for scheme in application.schemes() { code { (scheme) } " " } }
                dt { "Requests that count once only" } dd { (conditions.replay_protection) }
                dt { "Bodies under HTTP message signatures" }
                dd { @if conditions.insecure_unsigned_bodies { "may be unsigned: anybody on the way can replace them" } @else { "signed" } }
                dt { "Keys" } dd { (views::keys(application)) }
            }
        }
    }
}

fn members(members: &Members) -> Markup {
    html! {
        ul {
            @for user in &members.users { li { "the user " code { (user) } } }
            @for group in &members.groups { li { "the group " code { (group) } } }
        }
    }
}
