//! The issue tracker: users who see different issues, after logging in or by a trusted request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{BoxError, Form, Json, Router};
use serde::Deserialize;
use tower_trusted_app::crypto::default_provider;
use tower_trusted_app::keys::MemoryRegistry;
use tower_trusted_app::users::MemoryDirectory;
use tower_trusted_app::{KnownUser, LocalApplication};
use trusted_app_admin::fetch::{AddressPolicy, Fetcher};
use trusted_app_admin::recent::RecentDecisions;
use trusted_app_admin::{Administration, Administrator, Denied, Guard, Site};
use trusted_app_axum::Caller;

use crate::page::{self, escape};

/// Where JIRA has its issue feed, its portlets and its REST API; the seed's three default paths
/// lead there.
pub(crate) const FEED: &str = "/sr/jira.issueviews:searchrequest-xml/temp/SearchRequest.xml";
pub(crate) const PORTLET: &str = "/secure/RunPortlet.jspa";
pub(crate) const REST: &str = "/rest/api/2/search";

struct Issue {
    key: &'static str,
    summary: &'static str,
    visible_to: &'static [&'static str],
}

const ISSUES: &[Issue] = &[
    Issue { key: "HSP-1", summary: "The tea is cold <again>", visible_to: &["alice", "bob"] },
    Issue { key: "HSP-2", summary: "Biscuits & jam ran out", visible_to: &["alice", "bob"] },
    Issue { key: "MKY-1", summary: "Raise bob's salary", visible_to: &["alice"] },
];

/// Where trusted applications are administered.
pub(crate) const ADMINISTRATION: &str = "/secure/admin";

/// A user of the tracker, as its directory has them.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) name: &'static str,
}

impl User {
    /// No application may act as an administrator, unless that is stated.
    fn known(&self) -> KnownUser<Self> {
        let known = KnownUser::new(self.name, self.clone());
        if self.name == ADMINISTRATOR { known.as_administrator() } else { known }
    }
}

const USERS: &[User] = &[User { name: "alice" }, User { name: "bob" }, User { name: ADMINISTRATOR }];

/// The one user who may say which applications are trusted.
pub(crate) const ADMINISTRATOR: &str = "admin";

/// The cookie with the session's token.
const COOKIE: &str = "tracker";

/// The tracker's state: who is logged in, by session token.
#[derive(Clone)]
struct Tracker {
    /// Where it is mounted: empty, or a path without a slash at its end.
    context_path: String,
    sessions: Arc<Mutex<HashMap<String, &'static str>>>,
}

/// The whole application, below a context path if that is not empty. Whoever is in `registry` may act as its users.
pub(crate) fn router(
    identity: &LocalApplication,
    registry: &MemoryRegistry,
    public_url: &str,
    context_path: &str,
) -> Result<Router, BoxError> {
    let users = MemoryDirectory::of_users(USERS.iter().map(User::known));
    let recent = RecentDecisions::default();
    // `optional`: browsers without a trusted application log in as they always did.
    let trusted = trusted_app_axum::layer_builder(registry.clone(), users, public_url.parse()?)
        .context_path(context_path)
        .audit(recent.clone())
        .optional()
        .build()?;
    // The wiki is on this machine, where no fetch goes unless that is stated.
    let fetcher = Fetcher::new(AddressPolicy::insecure_open("127.0.0.1".parse()?));
    let tracker = Tracker { context_path: context_path.to_owned(), sessions: Arc::default() };
    let administration = Administration::new(registry.clone()).fetcher(fetcher).recent_decisions(recent);
    let site = Site::new(administration).guard(LoggedIn(tracker.clone())).into_router();
    let router = Router::new()
        .route("/", get(home))
        .route("/login", post(log_in))
        .route("/logout", post(log_out))
        .route(FEED, get(feed))
        .route(PORTLET, get(portlet))
        .route(REST, get(rest))
        .with_state(tracker)
        .nest_service(ADMINISTRATION, site)
        .merge(trusted_app_axum::certificate_route(identity))
        .layer(trusted);
    Ok(if context_path.is_empty() { router } else { Router::new().nest(context_path, router) })
}

/// Lets the administrator in who logged in here: no application can be one by a trusted request.
struct LoggedIn(Tracker);

impl Guard for LoggedIn {
    async fn administrator(&self, parts: &Parts) -> Result<Administrator, Denied> {
        match self.0.logged_in(&parts.headers) {
            Some(ADMINISTRATOR) => Ok(Administrator::new(ADMINISTRATOR)),
            Some(_) => Err(Denied::Forbidden),
            None => Err(Denied::LogInAt(self.0.home_path().to_owned())),
        }
    }
}

/// Whoever looks at a page: the user a trusted application acts as, else the one logged in.
struct Viewer(Option<String>);

impl FromRequestParts<Tracker> for Viewer {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, tracker: &Tracker) -> Result<Self, Response> {
        let caller = Option::<Caller<User>>::from_request_parts(parts, tracker)
            .await
            .map_err(IntoResponse::into_response)?;
        Ok(Self(match caller {
            Some(caller) => Some(caller.user().name.to_owned()),
            None => tracker.logged_in(&parts.headers).map(str::to_owned),
        }))
    }
}

impl Viewer {
    fn issues(&self) -> impl Iterator<Item = &'static Issue> {
        ISSUES.iter().filter(|issue| self.0.as_deref().is_some_and(|user| issue.visible_to.contains(&user)))
    }
}

impl Tracker {
    fn home_path(&self) -> &str {
        if self.context_path.is_empty() { "/" } else { &self.context_path }
    }

    /// Where people log in.
    fn form(&self) -> String {
        format!(
            "<form method='post' action='{}/login'>\
                 <p><label>User <input name='user' placeholder='alice, bob or admin' required></label></p>\
                 <p><label>Password <input name='password' type='password' placeholder=\"the user's name\" required></label></p>\
                 <p><button>Log in</button></p></form>",
            escape(&self.context_path)
        )
    }

    fn logged_in(&self, headers: &HeaderMap) -> Option<&'static str> {
        let token = page::cookie(headers, COOKIE)?;
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).get(token).copied()
    }
}

#[derive(Deserialize)]
struct Credentials {
    user: String,
    password: String,
}

/// The ordinary log-in. The password is the user's name: this is a demonstration.
async fn log_in(State(tracker): State<Tracker>, Form(form): Form<Credentials>) -> Response {
    match USERS.iter().find(|user| user.name == form.user && form.password == user.name) {
        Some(user) => {
            let mut token = [0; 16];
            if default_provider().random(&mut token).is_err() {
                return StatusCode::SERVICE_UNAVAILABLE.into_response();
            }
            let token: String = token.iter().map(|byte| format!("{byte:02x}")).collect();
            let cookie = format!("{COOKIE}={token}; HttpOnly; SameSite=Lax; Path=/");
            tracker.sessions.lock().unwrap_or_else(PoisonError::into_inner).insert(token, user.name);
            (AppendHeaders([(header::SET_COOKIE, cookie)]), Redirect::to(tracker.home_path())).into_response()
        }
        None => {
            let body = format!("<p class='refused'>Nobody of that name and password.</p>{}", tracker.form());
            (StatusCode::FORBIDDEN, Html(page::whole("Tracker", &body))).into_response()
        }
    }
}

async fn log_out(State(tracker): State<Tracker>, headers: HeaderMap) -> Redirect {
    if let Some(token) = page::cookie(&headers, COOKIE) {
        tracker.sessions.lock().unwrap_or_else(PoisonError::into_inner).remove(token);
    }
    Redirect::to(tracker.home_path())
}

async fn home(State(tracker): State<Tracker>, viewer: Viewer) -> Html<String> {
    let base = escape(&tracker.context_path);
    let body = match &viewer.0 {
        Some(user) => {
            let administration = match user.as_str() {
                ADMINISTRATOR => format!("<p><a href='{base}{ADMINISTRATION}'>Administration</a></p>"),
                _ => String::new(),
            };
            format!(
                "{administration}<form method='post' action='{base}/logout'>\
                 <p>You are <b>{}</b>. <button>Log out</button></p></form>{}",
                escape(user),
                table(&viewer)
            )
        }
        None => tracker.form(),
    };
    Html(page::whole("Tracker", &body))
}

/// The issue feed that a wiki's "JIRA issues" macro reads.
async fn feed(viewer: Viewer) -> impl IntoResponse {
    let items: String = viewer
        .issues()
        .map(|issue| {
            format!(
                "  <item><key>{}</key><title>[{}] {}</title></item>\n",
                issue.key,
                issue.key,
                escape(issue.summary)
            )
        })
        .collect();
    let feed = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rss version=\"0.92\"><channel>\n{items}</channel></rss>\n"
    );
    ([(header::CONTENT_TYPE, "text/xml; charset=utf-8")], feed)
}

/// A portlet, as a wiki's "JIRA portlet" macro embeds it.
async fn portlet(viewer: Viewer) -> Html<String> {
    Html(table(&viewer))
}

async fn rest(viewer: Viewer) -> Json<serde_json::Value> {
    let issues: Vec<_> = viewer
        .issues()
        .map(|issue| serde_json::json!({ "key": issue.key, "fields": { "summary": issue.summary } }))
        .collect();
    Json(serde_json::json!({ "total": issues.len(), "issues": issues }))
}

fn table(viewer: &Viewer) -> String {
    let rows: String = viewer
        .issues()
        .map(|issue| format!("<tr><td>{}</td><td>{}</td></tr>", issue.key, escape(issue.summary)))
        .collect();
    if rows.is_empty() {
        return "<p>No issues.</p>".to_owned();
    }
    format!("<table><tr><th>Issue</th><th>Summary</th></tr>{rows}</table>")
}
