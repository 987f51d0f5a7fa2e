//! The same rules over gRPC.

use issues_proto::issues_client::IssuesClient;
use issues_proto::issues_server::{Issues, IssuesServer};
use issues_proto::{Comment, GetRequest, ImportSummary, Issue, ListRequest};
use tokio_stream::Empty;
use tonic::{Code, Request, Response, Status, Streaming};
use tower::Layer;
use tower_trusted_app::keys::MemoryKeyStore;
use trusted_app_test::TestIdentity;
use trusted_app_tonic::{RequestExt, sign_layer};

use crate::{PEOPLE, people, table};

const URL: &str = "https://tracker.example.com";

/// Says who asks.
#[derive(Clone)]
struct Tracker;

#[tonic::async_trait]
impl Issues for Tracker {
    async fn get(&self, request: Request<GetRequest>) -> Result<Response<Issue>, Status> {
        let summary = request.caller::<()>()?.user_name().to_owned();
        Ok(Response::new(Issue { key: request.into_inner().key, summary }))
    }

    type ListStream = Empty<Result<Issue, Status>>;

    async fn list(&self, _: Request<ListRequest>) -> Result<Response<Self::ListStream>, Status> {
        Err(Status::unimplemented("not asked for here"))
    }

    async fn import(&self, _: Request<Streaming<Issue>>) -> Result<Response<ImportSummary>, Status> {
        Err(Status::unimplemented("not asked for here"))
    }

    type DiscussStream = Empty<Result<Comment, Status>>;

    async fn discuss(&self, _: Request<Streaming<Comment>>) -> Result<Response<Self::DiscussStream>, Status> {
        Err(Status::unimplemented("not asked for here"))
    }
}

/// Every call is a `POST`, so a read-only application may make none.
#[tokio::test]
async fn users_groups_and_presets() {
    let wiki = TestIdentity::wiki();
    for (what, policy, expected) in table() {
        for read_only in [false, true] {
            let policy = if read_only { policy.clone().read_only() } else { policy.clone() };
            let keys = MemoryKeyStore::new([wiki.trusted().act_as(policy).build().unwrap()]).unwrap();
            let layer =
                trusted_app_tonic::layer_builder(keys, people(), URL.parse().unwrap()).build().unwrap();
            let server = layer.layer(IssuesServer::new(Tracker));
            let signed = sign_layer(wiki.local().clone(), URL.parse().unwrap()).layer(server);
            let mut client = IssuesClient::new(signed);
            for ((name, _), expected) in PEOPLE.into_iter().zip(expected.chars()) {
                let request = Request::new(GetRequest { key: "HSP-1".to_owned() }).acting_as(name);
                let answer = client.get(request).await;
                println!("{what}, read-only {read_only}: {name} -> {answer:?}");
                if expected == '+' && !read_only {
                    assert_eq!(answer.unwrap().into_inner().summary, name);
                } else {
                    let status = answer.unwrap_err();
                    assert_eq!(
                        (status.code(), status.message()),
                        (Code::PermissionDenied, "Permission Denied")
                    );
                }
            }
        }
    }
}
