//! Deleting an application.

use axum::extract::State;
use axum::response::Response;
use maud::html;
use tower_trusted_app::ApplicationRegistry;

use super::page::{Answer, Page, Service, alert, done};
use crate::service::{AdminError, version_of};

const TITLE: &str = "Delete Trusted Application";

pub(super) async fn show_form<R: ApplicationRegistry>(State(service): Service<R>, page: Page) -> Answer {
    let id = page.query.get("id");
    let entry = page.needs(TITLE, service.entry(&page.administrator, id).await)?;
    let name = entry.as_ref().map_or(id, |one| one.application.name());
    Ok(show(&page, id, name, version_of(&entry), None))
}

fn show(page: &Page, id: &str, name: &str, version: u64, error: Option<&AdminError>) -> Response {
    let content = html! {
        @if let Some(error) = error { (alert(error)) }
        p { "Are you sure you want to delete " strong { (name) } " (" (id) ")? Its requests are refused from then on." }
        form method="post" action={ (page.root) "trusted-applications/delete" } {
            (page.hidden(&[("id", &id), ("version", &version)]))
            button.danger #delete_submit type="submit" { "Delete" }
            a href=(page.list()) { "Cancel" }
        }
    };
    page.answer(error, &format!("{TITLE}: {name}"), &content)
}

pub(super) async fn delete<R: ApplicationRegistry>(State(service): Service<R>, page: Page) -> Response {
    let (id, version) = (page.form.get("id"), page.version());
    match service.remove(&page.administrator, id, version, false).await {
        // That it is gone already is what was wanted.
        Ok(()) | Err(AdminError::NotFound(_)) => done(&page.list(), "deleted"),
        Err(error @ (AdminError::Unavailable(_) | AdminError::NotWritten(_))) => {
            show(&page, id, id, version, Some(&error))
        }
        Err(error @ AdminError::Changed { .. }) => {
            let content = html! { (alert(&error)) (page.as_it_is("delete", id, Some(&error))) (page.back()) };
            page.answer(Some(&error), TITLE, &content)
        }
        Err(error) => page.failed(TITLE, &error),
    }
}
