//! What the terminal shows: the same issues by trusted request and by log-in, and what is refused.

use axum::BoxError;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tower_trusted_app::seraph::{CERTIFICATE, SigningRequest};
use tower_trusted_app::{Clock, LocalApplication, SystemClock, Timestamp};

use crate::page::trusted_app_error;
use crate::tracker::{ADMINISTRATOR, FEED, PORTLET, REST};

/// Shows it all, and fails if anything is not as it should be.
pub(crate) async fn run(wiki: &LocalApplication, tracker: &str) -> Result<(), BoxError> {
    let wire = Wire { client: Client::builder(TokioExecutor::new()).build_http(), wiki, tracker };

    println!("\n3. What each user sees in the tracker\n");
    println!("   {:<61} {:<8} {:<22} {:<22}", "path", "user", "by trusted request", "by log-in");
    for path in [FEED, PORTLET, REST] {
        for user in ["alice", "bob", "charlie"] {
            let trusted = wire.get(path, wire.sign(path, user)?).await?;
            let logged_in = match wire.log_in(user).await? {
                Some(session) => wire.get(path, session).await?,
                None => Answer {
                    status: StatusCode::FORBIDDEN,
                    reason: "no such log-in".to_owned(),
                    body: String::new(),
                },
            };
            let verdict = if trusted.status.is_success() != logged_in.status.is_success()
                || trusted.body_if_ok() != logged_in.body_if_ok()
            {
                return Err(format!("{user} sees something else by trusted request at {path}").into());
            } else if trusted.status.is_success() {
                "equal"
            } else {
                "both refused"
            };
            println!(
                "   {path:<61} {user:<8} {:<22} {:<22} {verdict}",
                trusted.summary(),
                logged_in.summary()
            );
        }
    }

    println!("\n4. What is refused, and why\n");
    let now = SystemClock.now();
    let mut swapped = wire.sign(REST, "bob")?;
    if let Some(certificate) = wire.sign(REST, "alice")?.remove(CERTIFICATE) {
        swapped.insert(CERTIFICATE, certificate);
    }
    let hour_old = Timestamp::from_millis(now.as_millis() - 3_600_000);
    for (what, path, headers) in [
        ("a path that the wiki may not use", "/secure/admin", wire.sign("/secure/admin", "alice")?),
        ("an administrator, as whom the wiki may not act", PORTLET, wire.sign(PORTLET, ADMINISTRATOR)?),
        ("bob's signature with alice's name put in", REST, swapped),
        ("a request captured an hour ago", REST, wire.sign_at(REST, "alice", hour_old)?),
    ] {
        let answer = wire.get(path, headers).await?;
        if answer.status.is_success() {
            return Err(format!("{what}: was accepted").into());
        }
        println!("   {what}\n      {}  {}", answer.status.as_u16(), answer.reason);
    }
    Ok(())
}

/// Plain HTTP to the tracker, signed by hand so that each step can be seen, and spoilt.
struct Wire<'a> {
    client: Client<HttpConnector, Body>,
    wiki: &'a LocalApplication,
    tracker: &'a str,
}

struct Answer {
    status: StatusCode,
    reason: String,
    body: String,
}

impl Wire<'_> {
    fn sign(&self, path: &str, user: &str) -> Result<HeaderMap, BoxError> {
        self.sign_at(path, user, SystemClock.now())
    }

    fn sign_at(&self, path: &str, user: &str, created: Timestamp) -> Result<HeaderMap, BoxError> {
        let url = format!("{}{path}", self.tracker);
        let mut headers = HeaderMap::new();
        SigningRequest::new(user, &url, created).sign(self.wiki)?.apply(&mut headers);
        Ok(headers)
    }

    /// The session's cookie, if the tracker lets the user in.
    async fn log_in(&self, user: &str) -> Result<Option<HeaderMap>, BoxError> {
        let request = Request::post(format!("{}/login", self.tracker))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(format!("user={user}&password={user}")))?;
        let mut response = self.client.request(request).await?;
        Ok(response
            .headers_mut()
            .remove(header::SET_COOKIE)
            .map(|cookie| HeaderMap::from_iter([(header::COOKIE, cookie)])))
    }

    async fn get(&self, path: &str, headers: HeaderMap) -> Result<Answer, BoxError> {
        let mut request = Request::get(format!("{}{path}", self.tracker)).body(Body::empty())?;
        request.headers_mut().extend(headers);
        let response = self.client.request(request).await?;
        let (status, reason) = (response.status(), trusted_app_error(response.headers()));
        let body = String::from_utf8(response.into_body().collect().await?.to_bytes().to_vec())?;
        Ok(Answer { status, reason, body })
    }
}

impl Answer {
    fn body_if_ok(&self) -> Option<&str> {
        self.status.is_success().then_some(self.body.as_str())
    }

    /// The issues in the answer, or why there is none.
    fn summary(&self) -> String {
        if self.status.is_success() {
            let keys = ["HSP-1", "HSP-2", "MKY-1"].into_iter().filter(|key| self.body.contains(key));
            keys.collect::<Vec<_>>().join(" ")
        } else {
            self.reason.split(':').next().unwrap_or_default().to_owned()
        }
    }
}
