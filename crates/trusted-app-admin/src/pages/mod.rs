//! The web pages: server-rendered, without scripts.

mod decisions;
mod directory;
mod form;
mod keys;
mod page;
mod refusal;
mod views;
mod visible;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use maud::{Markup, html};
use tower_trusted_app::{ApplicationRegistry, TrustedApplication};

use self::form::{Problems, application_fields, typed, warning};
use self::page::Page;
use crate::service::{AdminError, Administration, ApplicationForm, Field, Pending, version_of};
use crate::site::see_other;

pub(crate) use refusal::{refused, send_again};

/// Entries of the log of changes that are shown.
const CHANGES: usize = 100;

pub(crate) fn routes<R: ApplicationRegistry>(administration: Administration<R>) -> Router {
    let list = "/trusted-applications";
    Router::new()
        .route("/", get(entry))
        .route("/administration", get(entry))
        .route("/style.css", get(style))
        .route(list, get(applications::<R>))
        .route(&format!("{list}/"), get(to_list))
        .route(&format!("{list}/request"), get(to_list).post(request::<R>))
        .route(&format!("{list}/add"), get(add_form::<R>).post(add::<R>))
        .route(&format!("{list}/edit"), get(edit_form::<R>).post(edit::<R>))
        .route(&format!("{list}/delete"), get(delete_form::<R>).post(delete::<R>))
        .route(&format!("{list}/rotate"), get(keys::rotate_form::<R>).post(keys::request_key::<R>))
        .route(&format!("{list}/rotate/confirm"), get(keys::confirm_form::<R>).post(keys::rotate::<R>))
        .route(&format!("{list}/revoke"), get(keys::revoke_form::<R>).post(keys::revoke::<R>))
        .route(&format!("{list}/changes"), get(changes::<R>))
        .route(&format!("{list}/decisions"), get(decisions::decisions::<R>))
        .merge(directory::routes())
        .with_state(administration)
}

async fn entry(page: Page) -> Response {
    let content = html! {
        h2 { "System" }
        ul { li { a href=(page.list()) { "Trusted Applications" } ": which applications may act as your users." } }
    };
    page.show(StatusCode::OK, page::SITE, &content)
}

async fn style() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], page::STYLE)
}

/// For addresses to which only forms are sent: whoever loads one by its name wants the list.
async fn to_list(page: Page) -> Response {
    see_other(&page.list())
}

async fn applications<R: ApplicationRegistry>(
    State(service): State<Administration<R>>,
    page: Page,
) -> Response {
    show_list(&service, &page, None).await
}

async fn show_list<R: ApplicationRegistry>(
    service: &Administration<R>,
    page: &Page,
    error: Option<&AdminError>,
) -> Response {
    let entries = match service.list(&page.administrator).await {
        // What was typed is not lost with the list.
        Err(away) if error.is_none() => return failed(page, "View Trusted Applications", &away),
        entries => entries,
    };
    let problems = error.map(Problems::of).unwrap_or_default();
    let content = html! {
        (problems.of_page("The details could not be requested, and no application was added."))
        @match &entries {
            Ok(entries) => (views::list(page, entries, service.recent(&page.administrator), service.now())),
            Err(away) => (alert(away)),
        }
        section.box aria-labelledby="request" {
            h2 #request { "Request New Trusted Application Details" }
            (views::request_box(page, "trusted-applications/request", &views::choice(page), page.form.get(Field::BaseUrl.as_str()), &problems))
        }
    };
    let worst = entries.as_ref().err().or(error);
    page.show(worst.map_or(StatusCode::OK, status), "View Trusted Applications", &content)
}

async fn request<R: ApplicationRegistry>(State(service): State<Administration<R>>, page: Page) -> Response {
    let base_url = page.form.get(Field::BaseUrl.as_str());
    let requested = if page.form.get(views::FETCH) == views::KEY_DIRECTORY {
        let pending = service.request_directory(&page.administrator, base_url).await;
        pending.map(|pending| (directory::ADD_PATH, pending.token))
    } else {
        let pending = service.request_details(&page.administrator, base_url).await;
        pending.map(|pending| ("trusted-applications/add", pending.token))
    };
    match requested {
        Ok((path, token)) => see_other(&page.link(path, "pending", &token)),
        Err(error) => show_list(&service, &page, Some(&error)).await,
    }
}

const ADD: &str = "Add New Trusted Application";

async fn add_form<R: ApplicationRegistry>(State(service): State<Administration<R>>, page: Page) -> Response {
    match service.pending(&page.administrator, page.query.get("pending")) {
        Some(pending) => show_add(&page, &pending, &ApplicationForm::proposed(&pending.fetched), None),
        None => failed(&page, ADD, &AdminError::PendingGone),
    }
}

fn show_add(page: &Page, pending: &Pending, form: &ApplicationForm, error: Option<&AdminError>) -> Response {
    let problems = error.map(Problems::of).unwrap_or_default();
    let content = html! {
        (problems.of_page("No application was added."))
        p { "Confirm the details of this Trusted Application." }
        (warning(false))
        (views::fetched(&pending.fetched))
        form method="post" action={ (page.root) "trusted-applications/add" } novalidate {
            (page.token_field())
            input type="hidden" name="pending" value=(pending.token);
            (application_fields(pending.fetched.document.application_id().as_str(), form, &problems))
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
        Err(error) => match service.pending(&page.administrator, token) {
            Some(pending) => show_add(&page, &pending, &form, Some(&error)),
            None => failed(&page, ADD, &error),
        },
    }
}

const EDIT: &str = "Edit Trusted Application Details";

async fn edit_form<R: ApplicationRegistry>(State(service): State<Administration<R>>, page: Page) -> Response {
    let id = page.query.get("id");
    match service.get(&page.administrator, id).await {
        Ok(found) => {
            let (version, form) = (found.version.to_string(), ApplicationForm::of(&found.application));
            show_edit(&page, id, &version, &form, Some(&found.application), None)
        }
        Err(error) => failed(&page, EDIT, &error),
    }
}

fn show_edit(
    page: &Page,
    id: &str,
    version: &str,
    form: &ApplicationForm,
    application: Option<&TrustedApplication>,
    error: Option<&AdminError>,
) -> Response {
    let problems = error.map(Problems::of).unwrap_or_default();
    let content = html! {
        (problems.of_page("Nothing was changed."))
        (as_it_is(page, "edit", id, error))
        p { "Change what this application may do." }
        (warning(application.is_none_or(|application| application.act_as().allows_administrators())))
        @if let Some(application) = application { (views::warnings(application)) }
        form method="post" action={ (page.root) "trusted-applications/edit" } novalidate {
            (page.token_field())
            input type="hidden" name="id" value=(id);
            input type="hidden" name="version" value=(version);
            (application_fields(id, form, &problems))
            @if let Some(application) = application { (views::further(application)) }
            button #update_submit type="submit" { "Update" }
            a href=(page.list()) { "Cancel" }
        }
    };
    page.show(error.map_or(StatusCode::OK, status), EDIT, &content)
}

async fn edit<R: ApplicationRegistry>(State(service): State<Administration<R>>, page: Page) -> Response {
    let (id, version, form) = (page.form.get("id"), page.form.get("version"), typed(&page.form));
    match service.edit(&page.administrator, id, number(version), &form, false).await {
        Ok(_) => see_other(&page.list_after("updated")),
        Err(error @ (AdminError::NotFound(_) | AdminError::Broken(_))) => failed(&page, EDIT, &error),
        Err(error) => {
            let found = service.get(&page.administrator, id).await.ok();
            let application = found.as_ref().map(|found| &*found.application);
            show_edit(&page, id, version, &form, application, Some(&error))
        }
    }
}

const DELETE: &str = "Delete Trusted Application";

async fn delete_form<R: ApplicationRegistry>(
    State(service): State<Administration<R>>,
    page: Page,
) -> Response {
    let id = page.query.get("id");
    match service.entry(&page.administrator, id).await {
        Ok(entry) => {
            let name = entry.as_ref().map_or(id, |one| one.application.name());
            show_delete(&page, id, name, version_of(&entry), None)
        }
        Err(error) => failed(&page, DELETE, &error),
    }
}

fn show_delete(page: &Page, id: &str, name: &str, version: u64, error: Option<&AdminError>) -> Response {
    let content = html! {
        @if let Some(error) = error { (alert(error)) }
        p { "Are you sure you want to delete " strong { (name) } " (" (id) ")? Its requests are refused from then on." }
        form method="post" action={ (page.root) "trusted-applications/delete" } {
            (page.token_field())
            input type="hidden" name="id" value=(id);
            input type="hidden" name="version" value=(version);
            button.danger #delete_submit type="submit" { "Delete" }
            a href=(page.list()) { "Cancel" }
        }
    };
    page.show(error.map_or(StatusCode::OK, status), &format!("{DELETE}: {name}"), &content)
}

async fn delete<R: ApplicationRegistry>(State(service): State<Administration<R>>, page: Page) -> Response {
    let (id, version) = (page.form.get("id"), number(page.form.get("version")));
    match service.remove(&page.administrator, id, version, false).await {
        // That it is gone already is what was wanted.
        Ok(()) | Err(AdminError::NotFound(_)) => see_other(&page.list_after("deleted")),
        Err(error @ (AdminError::Unavailable(_) | AdminError::NotWritten(_))) => {
            show_delete(&page, id, id, version, Some(&error))
        }
        Err(error @ AdminError::Changed { .. }) => {
            let content =
                html! { (alert(&error)) (as_it_is(&page, "delete", id, Some(&error))) (back(&page)) };
            page.show(status(&error), DELETE, &content)
        }
        Err(error) => failed(&page, DELETE, &error),
    }
}

async fn changes<R: ApplicationRegistry>(State(service): State<Administration<R>>, page: Page) -> Response {
    match service.latest_changes(&page.administrator, CHANGES).await {
        Ok(changes) => page.show(StatusCode::OK, "Change Log", &views::changes(&changes)),
        Err(error) => failed(&page, "Change Log", &error),
    }
}

/// A page without a form.
fn failed(page: &Page, title: &str, error: &AdminError) -> Response {
    page.show(status(error), title, &html! { (alert(error)) (back(page)) })
}

fn back(page: &Page) -> Markup {
    html! { p { a href=(page.list()) { "Back to the list" } } }
}

/// The way out of a form whose application somebody else has changed: the same form of what it is now.
fn as_it_is(page: &Page, form: &str, id: &str, error: Option<&AdminError>) -> Markup {
    html! {
        @if let Some(AdminError::Changed { .. }) = error {
            p { a #as-it-is href=(page.link(&format!("trusted-applications/{form}"), "id", id)) { "Look at it as it is now" } }
        }
    }
}

fn alert(error: &AdminError) -> Markup {
    html! { div.alert role="alert" { p { (error) } } }
}

fn status(error: &AdminError) -> StatusCode {
    match error {
        AdminError::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        AdminError::NotFound(_) => StatusCode::NOT_FOUND,
        AdminError::Broken(_) | AdminError::Changed { .. } | AdminError::PendingGone => StatusCode::CONFLICT,
        AdminError::BrokenOff { source, .. } => status(source),
        AdminError::Busy | AdminError::Unavailable(_) | AdminError::NotWritten(_) => {
            StatusCode::SERVICE_UNAVAILABLE
        }
    }
}

/// A version; what is none is one that no application has.
fn number(text: &str) -> u64 {
    text.parse().unwrap_or_default()
}
