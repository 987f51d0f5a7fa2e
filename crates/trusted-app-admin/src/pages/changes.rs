//! The log of changes.

use axum::extract::State;
use maud::html;
use tower_trusted_app::ApplicationRegistry;
use tower_trusted_app::keys::write_applications;

use super::page::{Answer, Page, Service};
use super::views::time;

/// Entries that are shown.
const SHOWN: usize = 100;

const TITLE: &str = "Change Log";

pub(super) async fn changes<R: ApplicationRegistry>(State(service): Service<R>, page: Page) -> Answer {
    let changes = page.needs(TITLE, service.latest_changes(&page.administrator, SHOWN).await)?;
    let content = html! {
        @if changes.is_empty() { p { "Nothing has been changed yet." } }
        @for change in &changes {
            section {
                h2 {
                    @match (&change.before, &change.after) {
                        (None, _) => "Added ", (_, None) => "Deleted ", _ => "Changed ",
                    }
                    (change.id)
                }
                p { (time(change.stamp.at)) " by " (change.stamp.by) }
                dl {
                    @for (title, state) in [("Before", &change.before), ("After", &change.after)] {
                        @if let Some(state) = state {
                            dt { (title) }
                            dd { @match state {
                                Ok(application) => pre { (write_applications([&**application])) },
                                Err(broken) => p { "Invalid Key/Row: " (broken.reason) },
                            } }
                        }
                    }
                }
            }
        }
    };
    Ok(page.answer(None, TITLE, &content))
}
