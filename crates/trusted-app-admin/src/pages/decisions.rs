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
                table.cards #decisions role="table" {
                    thead role="rowgroup" { tr role="row" {
                        @for column in COLUMNS { th scope="col" role="columnheader" { (column) } }
                    } }
                    tbody role="rowgroup" { @for one in decisions { (row(one)) } }
                }
            }
        }
    }
}

const COLUMNS: [&str; 6] = ["Time", "Code", "Application ID", "Request", "User", "What to do"];

fn row(decision: RecentDecision) -> Markup {
    let RecentDecision { at, refused, application, method, path, user, .. } = decision;
    let cells = [
        html! { @match &refused { Some(refused) => (refused.code), None => "OK" } },
        html! { (application.unwrap_or_default()) },
        html! { code { (method) " " (path) } },
        html! { (user.unwrap_or_default()) },
        html! { @if let Some(refused) = &refused { div { (refused.reason) } div { (refused.hint) } } },
    ];
    html! {
        tr role="row" {
            th scope="row" role="rowheader" { (views::time(at)) }
            // Beside each the head of its column, for windows in which a row is a card.
            @for (column, cell) in COLUMNS.iter().skip(1).zip(&cells) { td role="cell" data-label=(column) { (cell) } }
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
