//! What every page needs, and the frame around it.

use axum::extract::{FromRequestParts, OriginalUri};
use axum::response::{Html, IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;
use maud::{DOCTYPE, Markup, html};
use url::form_urlencoded;

use crate::administrator::Administrator;
use crate::site::{Admitted, Fields};

/// One request of a page.
pub(super) struct Page {
    pub(super) administrator: Administrator,
    pub(super) token: String,
    pub(super) form: Fields,
    pub(super) query: Fields,
    /// What leads from this page to the site's root: relative, so that it holds behind any proxy.
    pub(super) root: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Page {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        let admitted =
            parts.extensions.get::<Admitted>().cloned().ok_or(StatusCode::INTERNAL_SERVER_ERROR)?;
        let original = parts.extensions.get::<OriginalUri>().map_or(parts.uri.path(), |uri| uri.0.path());
        Ok(Self {
            administrator: admitted.administrator,
            token: admitted.token,
            form: admitted.form,
            query: Fields::parse(parts.uri.query().unwrap_or_default().as_bytes()),
            root: root(parts.uri.path(), original),
        })
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

impl Page {
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

    /// The hidden field that every form carries.
    pub(super) fn token_field(&self) -> Markup {
        html! { input type="hidden" name="token" value=(self.token); }
    }

    /// A page in its frame.
    pub(super) fn show(&self, status: StatusCode, title: &str, content: &Markup) -> Response {
        let root = &self.root;
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (title) " - Administration" }
                    link rel="stylesheet" href={ (root) "style.css" };
                }
                body {
                    a.skip href="#content" { "Skip to the content" }
                    header { a #administration href=(root) { "Administration" } span { "Logged in as " (self.administrator.name()) } }
                    div.columns {
                        nav aria-label="Administration" {
                            h2 { "System" }
                            ul {
                                li { a #trusted_apps href=(self.list()) { "Trusted Applications" } }
                                li { a href={ (root) "trusted-applications/changes" } { "Change Log" } }
                            }
                        }
                        main #content tabindex="-1" { h1 { (title) } (content) }
                    }
                }
            }
        };
        (status, Html(page.into_string())).into_response()
    }
}

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
