//! What handlers find in a request.

use issues_proto::issues_client::IssuesClient;
use issues_proto::issues_server::IssuesServer;
use tonic::body::Body;
use tonic::client::GrpcService;
use tonic::{Code, Request};
use tower::Layer;
use trusted_app_test::{FixedClock, InsecureMockCallerLayer, TestIdentity};
use trusted_app_tonic::{BoxError, Caller, CallingApplication, RequestExt};

use crate::site::{Calls, Handler, Layered, acting_as, get, signer, trusting, wiki};

/// The caller of a request as a handler finds it, in a unit test of the handler.
#[tokio::test]
async fn a_handler_is_tested_without_cryptography() {
    let service = IssuesServer::new(Handler(Calls::default()));
    let mut client = IssuesClient::new(InsecureMockCallerLayer::acting_as("alice", ()).layer(service));
    let issue = client.get(get()).await.unwrap().into_inner();
    assert_eq!(issue.summary, "seen by alice");
}

/// The client calls the server in memory.
fn in_memory(
    layer: Layered,
    identity: TestIdentity,
) -> IssuesClient<impl GrpcService<Body, ResponseBody = Body, Error: Into<BoxError>>> {
    let server = layer.build().unwrap().layer(IssuesServer::new(Handler(Calls::default())));
    IssuesClient::new(signer(&identity, FixedClock::default()).layer(server))
}

#[tokio::test]
async fn optional_credentials() {
    let mut client = in_memory(trusting(wiki()).optional(), TestIdentity::wiki());
    let anonymous = client.get(get()).await.unwrap().into_inner();
    assert_eq!(anonymous.summary, "seen by nobody");
    let alice = client.get(acting_as("alice", get())).await.unwrap().into_inner();
    assert_eq!(alice.summary, "seen by alice");

    // Bad ones are refused all the same.
    let stranger = TestIdentity::stranger().with_id("wiki");
    let mut client = in_memory(trusting(wiki()).optional(), stranger);
    let status = client.get(acting_as("alice", get())).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
}

#[test]
fn a_missing_caller_is_a_mistake_of_the_service() {
    let anonymous = Request::new(());
    let status = anonymous.caller::<()>().unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Internal, "internal error"));
    assert!(anonymous.optional_caller::<()>().unwrap().is_none());
    assert!(anonymous.trusted_application().is_none());
}

#[test]
fn another_type_of_user_is_a_mistake_even_where_a_caller_is_optional() {
    let mut request = Request::new(());
    let application = wiki().build().unwrap();
    let caller = Caller::insecure_for_tests(application, "alice", 7_u8);
    request.extensions_mut().insert(CallingApplication::of(&caller));
    request.extensions_mut().insert(caller);
    assert_eq!(*request.caller::<u8>().unwrap().user(), 7);
    assert_eq!(request.trusted_application().unwrap().id().as_str(), "wiki");
    assert_eq!(request.caller::<String>().unwrap_err().code(), Code::Internal);
    assert_eq!(request.optional_caller::<String>().unwrap_err().code(), Code::Internal);
}

#[tokio::test]
async fn a_caller_cannot_be_brought_along() {
    let application = wiki().build().unwrap();
    let forged = Caller::insecure_for_tests(application, "root", ());
    let mut request = Request::new(get());
    request.extensions_mut().insert(forged);
    let mut client = in_memory(trusting(wiki()).optional(), TestIdentity::wiki());
    assert_eq!(client.get(request).await.unwrap().into_inner().summary, "seen by nobody");
}
