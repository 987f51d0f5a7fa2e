//! Lists and details.

use maud::{Markup, html};
use tower_trusted_app::application::{ApplicationKey, KeyState};
use tower_trusted_app::keys::write_applications;
use tower_trusted_app::permission::Members;
use tower_trusted_app::registry::{Broken, Change, Entry, Registered};
use tower_trusted_app::{Timestamp, TrustedApplication};

use super::form::{Problems, field};
use super::keys::is_rotating;
use super::page::Page;
use crate::fetch::Fetched;
use crate::recent::RecentDecisions;
use crate::service::{Field, thumbprint_groups};

/// The list of applications.
pub(super) fn list(
    page: &Page,
    entries: &[Entry],
    recent: Option<&RecentDecisions>,
    now: Timestamp,
) -> Markup {
    html! {
        p { "These applications may act as your users. Both sides must have the same users." }
        @if entries.is_empty() {
            p #none { "No trusted applications have been configured." }
        } @else {
            div.scroll tabindex="0" role="region" aria-label="Trusted applications" {
                table.cards #applications role="table" {
                    thead role="rowgroup" { tr role="row" {
                        @for column in COLUMNS { th scope="col" role="columnheader" { (column) } }
                    } }
                    tbody role="rowgroup" { @for entry in entries { @match entry {
                        Ok(registered) => (row(page, registered, recent, now)),
                        Err(broken) => (broken_row(page, broken)),
                    } } }
                }
            }
        }
        p { a #unknown href={ (page.root) "trusted-applications/decisions" } { "Refused requests of unknown applications" } }
    }
}

const COLUMNS: [&str; 7] =
    ["Name", "Application ID", "Key (SHA-256)", "Schemes", "Last used", "State", "Operations"];

fn row(page: &Page, registered: &Registered, recent: Option<&RecentDecisions>, now: Timestamp) -> Markup {
    let application = &registered.application;
    let (id, name) = (application.id().as_str(), application.name());
    let used = recent.map(|recent| recent.last_used(id));
    let cells = [
        html! { (id) },
        html! {
            @for key in live(application.keys(), now) { div { code { (key.public_key().fingerprint()) } (standing(key)) } }
            @for key in live(application.signature_keys(), now) {
                div { code { (thumbprint_groups(key.public_key().thumbprint())) } (standing(key)) }
            }
        },
        html! { @for scheme in application.schemes() { (scheme) " " } },
        html! {
            @match used {
                None => "not recorded",
                Some(used) if used.is_empty() => "not since this server started",
                Some(used) => @for (scheme, at) in used { div { (time(at)) " (" (scheme) ")" } },
            }
        },
        html! {
            @if live(application.keys(), now).next().is_some() || live(application.signature_keys(), now).next().is_some() {
                "Active"
            } @else { "No key in use" }
            @if application.signature_keys().iter().any(|key| key.state() == KeyState::Next) { ", a new key waits" }
            @let warnings = application.warnings();
            @if !warnings.is_empty() {
                details.warnings {
                    summary { (warnings.len()) @if warnings.len() == 1 { " warning" } @else { " warnings" } }
                    ul { @for warning in &warnings { li { (warning) } } }
                }
            }
        },
        html! {
            @for (text, path) in operations(application) {
                a id={ (path) "-" (id) } href=(page.link(&format!("trusted-applications/{path}"), "id", id))
                    aria-label={ (text) " " (name) } { (text) } " "
            }
        },
    ];
    html! {
        tr role="row" {
            th scope="row" role="rowheader" { (name) }
            // Beside each the head of its column, for windows in which a row is a card.
            @for (column, cell) in COLUMNS.iter().skip(1).zip(&cells) { td role="cell" data-label=(column) { (cell) } }
        }
    }
}

/// What can be done with an application: the name of each, and its page.
fn operations(application: &TrustedApplication) -> Vec<(&'static str, &'static str)> {
    let mut all = vec![("Edit", "edit"), ("Delete", "delete")];
    if !application.keys().is_empty() {
        all.push(("Change Key", "rotate"));
    }
    if is_rotating(application) {
        all.push(("Revoke Old Key", "revoke"));
    }
    if !application.signature_keys().is_empty() {
        all.push(("Keys", "directory"));
    }
    all.push(("Decisions", "decisions"));
    all
}

fn live<K>(keys: &[ApplicationKey<K>], now: Timestamp) -> impl Iterator<Item = &ApplicationKey<K>> {
    keys.iter().filter(move |key| key.is_live(now))
}

fn broken_row(page: &Page, broken: &Broken) -> Markup {
    html! {
        tr role="row" {
            th scope="row" role="rowheader" { (broken.id) }
            td role="cell" data-label="Application ID" { (broken.id) }
            td role="cell" data-label="State" colspan="4" { strong.error { "Invalid Key/Row: " (broken.reason) } }
            td role="cell" data-label="Operations" {
                a id={ "delete-" (broken.id) } href=(page.link("trusted-applications/delete", "id", &broken.id))
                    aria-label={ "Delete " (broken.id) } { "Delete" }
            }
        }
    }
}

/// The field that says what is fetched.
pub(super) const FETCH: &str = "fetch";
/// Its value for a key directory.
pub(super) const KEY_DIRECTORY: &str = "key-directory";

/// The choice of what is fetched, as it was made before.
pub(super) fn choice(page: &Page) -> Markup {
    let directory = page.form.get(FETCH) == KEY_DIRECTORY;
    html! {
        fieldset {
            legend { "What to fetch" }
            @for (value, checked, label) in [
                ("certificate", !directory, "Certificate document: the application signs as Atlassian's do"),
                (KEY_DIRECTORY, directory, "Key directory: it uses HTTP message signatures"),
            ] {
                div.check {
                    input type="radio" id={ "fetch-" (value) } name=(FETCH) value=(value) checked[checked];
                    label for={ "fetch-" (value) } { " " (label) }
                }
            }
        }
    }
}

/// The box in which details are requested.
pub(super) fn request_box(
    page: &Page,
    action: &str,
    more: &Markup,
    base_url: &str,
    problems: &Problems,
) -> Markup {
    html! {
        form method="post" action={ (page.root) (action) } novalidate {
            (page.token_field())
            (more)
            (field(Field::BaseUrl, "Base URL", &html! {
                "The URL by which this server reaches the application, such as " code { "https://wiki.example.com/confluence" }
                ". Use https, so that nobody on the way can put in another key."
            }, base_url, None, problems))
            button type="submit" { "Send Request" }
        }
    }
}

/// What was fetched, for a comparison.
pub(super) fn fetched(fetched: &Fetched) -> Markup {
    let key = fetched.document.public_key();
    html! {
        @if fetched.without_tls {
            div.warning { p {
                strong { "Fetched without TLS. " }
                "Anybody between this server and the application could have put in another key. Compare the fingerprint."
            } }
        }
        dl {
            dt { "Fetched from" } dd { (fetched.url) }
            dt { "Key" } dd { "RSA, " (key.bits()) " bits" }
            dt { "Fingerprint (SHA-256)" } dd { code #fingerprint { (key.fingerprint()) } }
        }
        p { "Ask the other application's administrator for its fingerprint, by another way than this one, and compare." }
    }
}

/// The keys of an application.
pub(super) fn keys(application: &TrustedApplication) -> Markup {
    html! {
        ul {
            @for key in application.keys() { li { code { (key.fingerprint()) } (standing(key)) } }
            @for key in application.signature_keys() {
                li { code { (key.public_key().thumbprint()) } (standing(key)) " for HTTP message signatures" }
            }
        }
    }
}

/// Where a key stands in a rotation, and when it is good.
fn standing<K>(key: &ApplicationKey<K>) -> Markup {
    html! {
        " (" (key.state())
        @if let Some(first) = key.not_before() { ", from " (time(first)) }
        @if let Some(last) = key.not_after() { ", until " (time(last)) }
        ")"
    }
}

/// What about an application is allowed but hardly meant.
pub(super) fn warnings(application: &TrustedApplication) -> Markup {
    let warnings = application.warnings();
    html! {
        @if !warnings.is_empty() {
            div.warning #warnings {
                p { strong { "Is this what you mean?" } }
                ul { @for warning in &warnings { li { (warning) } } }
            }
        }
    }
}

/// What no field of the form changes.
pub(super) fn further(application: &TrustedApplication) -> Markup {
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
                dt { "Keys" } dd { (keys(application)) }
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

/// The log of changes.
pub(super) fn changes(changes: &[Change]) -> Markup {
    html! {
        @if changes.is_empty() { p { "Nothing has been changed yet." } }
        @for change in changes {
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
    }
}

/// To the second, for people; all of it for programs.
pub(super) fn time(at: Timestamp) -> Markup {
    let exact = at.to_rfc3339();
    let seconds = exact.get(..19).unwrap_or(&exact).replace('T', " ");
    html! { time datetime=(exact) { (seconds) " UTC" } }
}
