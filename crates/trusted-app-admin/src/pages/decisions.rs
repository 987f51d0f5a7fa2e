//! What was decided about requests lately.

use axum::extract::State;
use maud::{Markup, html};
use tower_trusted_app::ApplicationRegistry;

use super::page::{Answer, Page, Service};
use super::views;
use crate::recent::{RecentDecision, RecentDecisions};

const TITLE: &str = "Recent Decisions";

/// The decisions about one application; without an id, the rejections of requests that belong to none.
pub(super) async fn decisions<R: ApplicationRegistry>(State(service): Service<R>, page: Page) -> Answer {
    let (id, recent) = (page.query.get("id"), service.recent(&page.administrator));
    if id.is_empty() {
        let content = html! {
            p { "Refused requests for which no registered application was found: anybody may have sent them." }
            (table(recent.map(RecentDecisions::of_unknown), "No such request has come since this server started."))
        };
        return Ok(page.answer(None, &format!("{TITLE}: Unknown Applications"), &content));
    }
    let found = page.needs(TITLE, service.get(&page.administrator, id).await)?;
    let title = format!("{TITLE}: {}", found.application.name());
    let none = "No request of this application has come to this server since it started, or since the application was added.";
    Ok(page.answer(None, &title, &table(recent.map(|recent| recent.of(id)), none)))
}

fn table(decisions: Option<Vec<RecentDecision>>, none: &str) -> Markup {
    let Some(decisions) = decisions else { return not_recorded() };
    html! {
        @if decisions.is_empty() {
            p { (none) }
        } @else {
            @let rows: Vec<_> = decisions.into_iter().map(row).collect();
            (views::table("decisions", "Recent decisions", &COLUMNS, &rows))
        }
    }
}

const COLUMNS: [&str; 6] = ["Time", "Code", "Application ID", "Request", "User", "What to do"];

fn row(decision: RecentDecision) -> Markup {
    let RecentDecision { at, rejected, application, method, path, user, .. } = decision;
    let cells = [
        html! { @match &rejected { Some(rejected) => (rejected.code), None => "OK" } },
        html! { (application.unwrap_or_default()) },
        html! { code { (method) " " (path) } },
        html! { (user.unwrap_or_default()) },
        html! { @if let Some(rejected) = &rejected { div { (rejected.reason) } div { (rejected.hint) } } },
    ];
    views::row(&COLUMNS, &views::time(at), &cells)
}

fn not_recorded() -> Markup {
    html! {
        p #not-recorded { "This server does not tell its administration what it decides about requests, so there is nothing to show." }
        p {
            "Whoever runs it can change that in its program: " code { "RecentDecisions" } " goes to "
            code { "TrustedAppLayerBuilder::audit" } ", and a clone of it to " code { "Administration::recent_decisions" } "."
        }
    }
}
