//! An issue tracker over gRPC, whose users see different issues.

use std::pin::Pin;

use issues_proto::issues_server::Issues;
use issues_proto::{Comment, GetRequest, ImportSummary, Issue, ListRequest};
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status, Streaming};
use tower_trusted_app::users::MemoryDirectory;
use trusted_app_tonic::RequestExt;

/// A user of the tracker.
#[derive(Debug, Clone)]
pub struct User {
    /// As it is shown.
    pub full_name: &'static str,
    /// Whether the internal issues are shown too.
    pub internal: bool,
}

/// The tracker's users: alice, who sees internal issues, and bob, who does not.
#[must_use]
pub fn users() -> MemoryDirectory<User> {
    MemoryDirectory::new([
        ("alice", User { full_name: "Alice Adams", internal: true }),
        ("bob", User { full_name: "Bob Baker", internal: false }),
    ])
}

/// The keys and summaries of the issues that a user sees.
#[must_use]
pub fn issues(user: &User) -> Vec<Issue> {
    let all = [("HSP-1", "A bug anyone can see", false), ("MKY-1", "A bug only staff can see", true)];
    all.into_iter()
        .filter(|(.., internal)| user.internal || !internal)
        .map(|(key, summary, _)| Issue { key: key.to_owned(), summary: summary.to_owned() })
        .collect()
}

/// The service `issues.v1.Issues`. It does not know how its callers were verified.
#[derive(Debug, Clone, Copy)]
pub struct Tracker;

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl Issues for Tracker {
    async fn get(&self, request: Request<GetRequest>) -> Result<Response<Issue>, Status> {
        let issues = issues(request.caller::<User>()?.user());
        let key = request.into_inner().key;
        let issue = issues.into_iter().find(|issue| issue.key == key);
        issue.map(Response::new).ok_or_else(|| Status::not_found("no issue of that key"))
    }

    type ListStream = Answers<Issue>;

    async fn list(&self, request: Request<ListRequest>) -> Result<Response<Self::ListStream>, Status> {
        let issues = issues(request.caller::<User>()?.user());
        Ok(Response::new(Box::pin(tokio_stream::iter(issues.into_iter().map(Ok)))))
    }

    async fn import(&self, request: Request<Streaming<Issue>>) -> Result<Response<ImportSummary>, Status> {
        let reporter = request.caller::<User>()?.user().full_name.to_owned();
        let mut stream = request.into_inner();
        let mut issues = 0;
        while stream.message().await?.is_some() {
            issues += 1;
        }
        Ok(Response::new(ImportSummary { issues, reporter }))
    }

    type DiscussStream = Answers<Comment>;

    async fn discuss(
        &self,
        request: Request<Streaming<Comment>>,
    ) -> Result<Response<Self::DiscussStream>, Status> {
        let author = request.caller::<User>()?.user().full_name;
        let comments = request.into_inner();
        let signed = comments.map(move |comment| Ok(Comment { author: author.to_owned(), ..comment? }));
        Ok(Response::new(Box::pin(signed)))
    }
}
