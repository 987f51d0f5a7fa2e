//! What every page needs, and the frame around it.

use std::fmt::Display;

use axum::extract::{FromRequestParts, OriginalUri, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use maud::{DOCTYPE, Markup, html};
use url::form_urlencoded;

use super::visible::visible;
use crate::administrator::Administrator;
use crate::service::{AdminError, Administration};
use crate::web::{self, Admitted, Fields, TOKEN};

pub(super) const STYLE: &str = include_str!("style.css");

pub(super) async fn style() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], STYLE)
}

/// A page, or one in its place that says what went wrong.
pub(super) type Answer = Result<Response, Response>;

/// What answers.
pub(super) type Service<R> = State<Administration<R>>;

/// What was done before a page was shown, by the word for it in the query. Other words say nothing.
const DONE: [(&str, &str); 7] = [
    ("added", "The application was added."),
    ("updated", "The application was updated."),
    ("deleted", "The application was deleted."),
    ("key-changed", "The key was changed."),
    ("revoked", "The old key was revoked."),
    ("confirmed", "The key is trusted now."),
    ("fetched", "The key directory was fetched."),
];

/// One request of a page.
pub(super) struct Page {
    pub(super) administrator: Administrator,
    token: String,
    pub(super) form: Fields,
    pub(super) query: Fields,
    /// What leads from this page to the site's root: relative, so that it holds behind any proxy.
    pub(super) root: String,
    /// The page's path below that root.
    path: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Page {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        let admitted =
            parts.extensions.get::<Admitted>().cloned().ok_or(StatusCode::INTERNAL_SERVER_ERROR)?;
        Ok(Self::of(parts, admitted))
    }
}

/// From a page at `path` below the site's root to that root. `original` is the whole path.
fn root(path: &str, original: &str) -> String {
    match path.matches('/').count() {
        // Mounted at `/a/b` and asked for without a slash at its end.
        0 | 1 if path.len() <= 1 && !original.ends_with('/') => {
            format!("./{}/", original.rsplit('/').next().unwrap_or_default())
        }
        0 | 1 => "./".to_owned(),
        slashes => "../".repeat(slashes - 1),
    }
}

/// Leads to a page at this address, which says what was done.
pub(super) fn done(address: &str, what: &str) -> Response {
    let sign = if address.contains('?') { '&' } else { '?' };
    Redirect::to(&format!("{address}{sign}done={what}")).into_response()
}

impl Page {
    pub(super) fn of(parts: &Parts, admitted: Admitted) -> Self {
        let path = parts.uri.path();
        let original = parts.extensions.get::<OriginalUri>().map_or(path, |uri| uri.0.path());
        Self {
            administrator: admitted.administrator,
            token: admitted.token,
            form: admitted.form,
            query: Fields::parse(parts.uri.query().unwrap_or_default().as_bytes()),
            root: root(path, original),
            path: path.to_owned(),
        }
    }

    /// A link to a page, with one parameter.
    pub(super) fn link(&self, path: &str, parameter: &str, value: &str) -> String {
        let query: String =
            form_urlencoded::Serializer::new(String::new()).append_pair(parameter, value).finish();
        format!("{}{path}?{query}", self.root)
    }

    /// The list of applications.
    pub(super) fn list(&self) -> String {
        format!("{}trusted-applications", self.root)
    }

    /// The version that a form was shown of; what is none is one that no application has.
    pub(super) fn version(&self) -> u64 {
        self.form.get("version").parse().unwrap_or_default()
    }

    /// The hidden fields of a form: the token that every form carries, and these.
    pub(super) fn hidden(&self, fields: &[(&str, &dyn Display)]) -> Markup {
        html! {
            input type="hidden" name=(TOKEN) value=(self.token);
            @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
        }
    }

    /// The way out of a form whose application somebody else has changed: the same form of what it is now.
    pub(super) fn as_it_is(&self, form: &str, id: &str, error: Option<&AdminError>) -> Markup {
        html! {
            @if let Some(AdminError::Changed { .. }) = error {
                p { a #as-it-is href=(self.link(&format!("trusted-applications/{form}"), "id", id)) { "Look at it as it is now" } }
            }
        }
    }

    pub(super) fn back(&self) -> Markup {
        html! { p { a href=(self.list()) { "Back to the list" } } }
    }

    /// What a page needs, or the page without it.
    #[expect(clippy::result_large_err, reason = "the answer itself, at once")]
    pub(super) fn needs<T>(&self, title: &str, found: Result<T, AdminError>) -> Result<T, Response> {
        found.map_err(|error| self.failed(title, &error))
    }

    /// A page without a form.
    pub(super) fn failed(&self, title: &str, error: &AdminError) -> Response {
        self.answer(Some(error), title, &html! { (alert(error)) (self.back()) })
    }

    /// A page that may say what went wrong.
    pub(super) fn answer(&self, error: Option<&AdminError>, title: &str, content: &Markup) -> Response {
        let status = error.map_or(StatusCode::OK, |error| web::status(error, StatusCode::CONFLICT));
        self.show(status, title, content)
    }

    /// A page in its frame.
    pub(super) fn show(&self, status: StatusCode, title: &str, content: &Markup) -> Response {
        let root = &self.root;
        let current = |path: &str| (self.path == path).then_some("page");
        let done = DONE.iter().find(|(word, _)| status == StatusCode::OK && *word == self.query.get("done"));
        let style = html! { link rel="stylesheet" href={ (root) "style.css" }; };
        let body = html! {
            a.skip href="#content" { "Skip to the content" }
            header {
                // A page of its own name: behind some routers nothing is served at the root with a slash at its end.
                a #administration href={ (root) "administration" } aria-current=[current("/administration")] { "Administration" }
                span { "Logged in as " (self.administrator.name()) }
            }
            div.columns {
                nav aria-label="Administration" {
                    h2 { "System" }
                    ul {
                        li { a #trusted_apps href=(self.list()) aria-current=[current("/trusted-applications")] { "Trusted Applications" } }
                        li {
                            a href={ (root) "trusted-applications/changes" } aria-current=[current("/trusted-applications/changes")] {
                                "Change Log"
                            }
                        }
                    }
                }
                main #content tabindex="-1" {
                    h1 { (title) }
                    @if let Some((_, text)) = done { p.done role="status" { (text) } }
                    (content)
                }
            }
        };
        (status, Html(visible(&frame(title, &style, &body).into_string()))).into_response()
    }
}

/// What stands around every page.
pub(super) fn frame(title: &str, style: &Markup, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) @if title != SITE { " - " (SITE) } }
                (style)
            }
            body { (body) }
        }
    }
}

pub(super) fn alert(error: &AdminError) -> Markup {
    html! { div.alert role="alert" { p { (error) } } }
}

/// The name of the site.
pub(super) const SITE: &str = "Administration";

#[cfg(test)]
mod tests {
    use super::root;

    #[test]
    fn links_lead_to_the_root() {
        for (path, original, expected) in [
            ("/", "/", "./"),
            ("/", "/a/b", "./b/"),
            ("/", "/a/b/", "./"),
            ("/trusted-applications", "/a/b/trusted-applications", "./"),
            ("/trusted-applications/edit", "/trusted-applications/edit", "../"),
            ("/trusted-applications/rotate/confirm", "/x", "../../"),
        ] {
            assert_eq!(root(path, original), expected, "{path} {original}");
        }
    }
}
