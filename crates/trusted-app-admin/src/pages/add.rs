//! Adding an application whose details or key directory were fetched.

use axum::extract::State;
use axum::response::Response;
use maud::html;
use tower_trusted_app::ApplicationRegistry;

use super::form::{self, FieldErrors, application_fields, warning};
use super::page::{Page, Service, done};
use super::{directory, views};
use crate::service::{AdminError, Administration, ApplicationEdit};
use crate::web::Fields;

const TITLE: &str = "Add New Trusted Application";

pub(super) async fn show_form<R: ApplicationRegistry>(State(service): Service<R>, page: Page) -> Response {
    show(&service, &page, page.query.get("pending"), None, None)
}

/// The form of what waits, if it does, or of what was typed and why that was not added.
fn show<R: ApplicationRegistry>(
    service: &Administration<R>,
    page: &Page,
    token: &str,
    typed: Option<&Fields>,
    error: Option<&AdminError>,
) -> Response {
    let by = &page.administrator;
    let (id, fetched, proposed, path) = if let Some(pending) = service.pending(by, token) {
        let (fetched, path) = (pending.fetched, "trusted-applications/add");
        let id = fetched.document.application_id().to_string();
        (id, views::fetched(&fetched), ApplicationEdit::proposed(&fetched), path)
    } else if let Some(pending) = service.pending_directory(by, token) {
        let (fetched, path) = (pending.fetched, "trusted-applications/directory/add");
        let proposed = ApplicationEdit::proposed_with_directory(&fetched);
        (fetched.authority.clone(), directory::fetched(&fetched), proposed, path)
    } else {
        return page.failed(TITLE, error.unwrap_or(&AdminError::PendingGone));
    };
    let errors = FieldErrors::of(error);
    let proposed = form::written(&proposed);
    let content = html! {
        (errors.of_page("No application was added."))
        p { "Confirm the details of this Trusted Application." }
        (warning(false))
        (fetched)
        form method="post" action={ (page.root) (path) } novalidate {
            (page.hidden(&[("pending", &token)]))
            (application_fields(&id, typed.unwrap_or(&proposed), &errors))
            button #add_submit type="submit" { "Add" }
            a href=(page.list()) { "Cancel" }
        }
    };
    page.answer(error, TITLE, &content)
}

pub(super) async fn add<R: ApplicationRegistry>(State(service): Service<R>, page: Page) -> Response {
    let token = page.form.get("pending");
    match service.add(&page.administrator, token, form::read(&page.form), false).await {
        Ok(_) => done(&page.list(), "added"),
        Err(error) => show(&service, &page, token, Some(&page.form), Some(&error)),
    }
}
