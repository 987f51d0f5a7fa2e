//! The wiki: its page shows the tracker's issues as the wiki's logged-in user sees them.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Request, header};
use axum::response::{AppendHeaders, Html, IntoResponse, Redirect};
use axum::routing::{get, post};
use axum::{BoxError, Form, Router};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use tower::{Layer, ServiceExt};
use tower_trusted_app::LocalApplication;
use tower_trusted_app::client::{ActAs, Sign, SignLayer};

use crate::page::{self, escape};
use crate::tracker::PORTLET;

/// Any tower HTTP client becomes one that signs.
type SigningClient = Sign<Client<HttpConnector, Body>, LocalApplication>;

/// The wiki's users. The tracker knows no charlie.
const USERS: [&str; 3] = ["alice", "bob", "charlie"];

struct Wiki {
    client: SigningClient,
    tracker: String,
}

/// The whole application; `tracker` is the tracker's base URL.
pub(crate) fn router(identity: &LocalApplication, tracker: String) -> Router {
    let client = SignLayer::new(identity.clone()).layer(Client::builder(TokioExecutor::new()).build_http());
    Router::new()
        .route("/", get(home))
        .route("/login", post(log_in))
        .with_state(Arc::new(Wiki { client, tracker }))
        .merge(trusted_app_axum::certificate_route(identity))
}

async fn home(State(wiki): State<Arc<Wiki>>, headers: HeaderMap) -> Html<String> {
    let choice: String =
        USERS.iter().map(|user| format!("<button name='user' value='{user}'>{user}</button> ")).collect();
    let mut body =
        format!("<form method='post' action='/login'><p>Log in to the wiki as {choice}</p></form>");
    if let Some(user) = page::cookie(&headers, "wiki").filter(|user| USERS.contains(user)) {
        let issues = match wiki.portlet(user).await {
            Ok(portlet) => {
                format!("<p>The tracker shows you, though you never logged in there:</p>{portlet}")
            }
            Err(reason) => format!("<p class='refused'>{}</p>", escape(&reason.to_string())),
        };
        body += &format!("<h2>Team page</h2><p>You are <b>{user}</b>.</p>{issues}");
    }
    Html(page::whole("Wiki", &body))
}

impl Wiki {
    /// The tracker's portlet, as `user` sees it.
    async fn portlet(&self, user: &str) -> Result<String, BoxError> {
        let request = Request::get(format!("{}{PORTLET}?portletKey=issues", self.tracker))
            .extension(ActAs::new(user))
            .body(Body::empty())?;
        let response = self.client.clone().oneshot(request).await?;
        if !response.status().is_success() {
            return Err(
                format!("The tracker refused: {}", page::trusted_app_error(response.headers())).into()
            );
        }
        Ok(String::from_utf8(response.into_body().collect().await?.to_bytes().to_vec())?)
    }
}

#[derive(Deserialize)]
struct Choice {
    user: String,
}

/// No password: this is a demonstration, and the tracker trusts whatever the wiki says.
async fn log_in(Form(choice): Form<Choice>) -> impl IntoResponse {
    let user = USERS.iter().find(|user| **user == choice.user).copied().unwrap_or_default();
    let cookie = format!("wiki={user}; HttpOnly; SameSite=Lax; Path=/");
    (AppendHeaders([(header::SET_COOKIE, cookie)]), Redirect::to("/"))
}
