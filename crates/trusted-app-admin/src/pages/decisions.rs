//! What was decided about requests lately.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use tower_trusted_app::ApplicationRegistry;

use super::page::Page;
use super::{failed, views};
use crate::recent::{RecentDecision, RecentDecisions};
use crate::service::Administration;

const TITLE: &str = "Recent Decisions";

/// The decisions about one application; without an id, the refusals of requests that belong to none.
pub(super) async fn decisions<R: ApplicationRegistry>(
    State(service): State<Administration<R>>,
    page: Page,
) -> Response {
    let (id, recent) = (page.query.get("id"), service.recent(&page.administrator));
    if id.is_empty() {
        let content = html! {
            p { "Refused requests for which no registered application was found: anybody may have sent them." }
            (table(recent.map(RecentDecisions::of_unknown), "No such request has come since this server started."))
        };
        return page.show(StatusCode::OK, &format!("{TITLE}: Unknown Applications"), &content);
    }
    match service.get(&page.administrator, id).await {
        Ok(found) => {
            let title = format!("{TITLE}: {}", found.application.name());
            let none = "No request of this application has come to this server since it started, or since the application was added.";
            page.show(StatusCode::OK, &title, &table(recent.map(|recent| recent.of(id)), none))
        }
        Err(error) => failed(&page, TITLE, &error),
    }
}

fn table(decisions: Option<Vec<RecentDecision>>, none: &str) -> Markup {
    let Some(decisions) = decisions else { return not_recorded() };
    html! {
        @if decisions.is_empty() {
            p { (none) }
        } @else {
            div.scroll tabindex="0" role="region" aria-label="Recent decisions" {
                table #decisions {
                    thead { tr {
                        th scope="col" { "Time" } th scope="col" { "Code" } th scope="col" { "Application ID" }
                        th scope="col" { "Request" } th scope="col" { "User" } th scope="col" { "What to do" }
                    } }
                    tbody { @for one in decisions { tr {
                        td { (views::time(one.at)) }
                        td { @match &one.refused { Some(refused) => (refused.code), None => "OK" } }
                        td { (one.application.unwrap_or_default()) }
                        td { code { (one.method) " " (one.path) } }
                        td { (one.user.unwrap_or_default()) }
                        td { @if let Some(refused) = &one.refused { div { (refused.reason) } div { (refused.hint) } } }
                    } } }
                }
            }
        }
    }
}

fn not_recorded() -> Markup {
    html! {
        p #not-recorded { "This server does not tell its administration what it decides about requests, so there is nothing to show." }
        p {
            "Whoever runs it can change that in its program: " code { "RecentDecisions" } " goes to "
            code { "TrustedAppLayer::audit" } ", and a clone of it to " code { "Administration::recent_decisions" } "."
        }
    }
}
