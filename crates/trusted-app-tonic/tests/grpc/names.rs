//! Routing, health and reflection under the layer.

use std::net::SocketAddr;

use issues_proto::ListRequest;
use issues_proto::issues_client::IssuesClient;
use issues_proto::issues_server::IssuesServer;
use tokio::net::TcpListener;
use tokio_stream::iter;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::service::LayerExt;
use tonic::transport::server::{Router, TcpIncoming};
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Code, Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use trusted_app_test::{FixedClock, TestIdentity};
use trusted_app_tonic::conditions::{PathPattern, PathRule};
use trusted_app_tonic::{RequestExt, is_health_or_reflection};

use crate::site::{Calls, Handler, PUBLIC, acting_as, get, refusal, signer, trusting, wiki};

async fn serve<L>(router: Router<L>) -> Channel
where
    Router<L>: Serve,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    router.spawn(TcpIncoming::from(listener));
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    endpoint.origin(PUBLIC.parse().unwrap()).connect_lazy()
}

/// What a test needs of the two types of routers: with the layer around all services, and around one.
trait Serve {
    fn spawn(self, incoming: TcpIncoming);
}

impl Serve for Router {
    fn spawn(self, incoming: TcpIncoming) {
        tokio::spawn(self.serve_with_incoming(incoming));
    }
}

impl Serve for Router<tower::layer::util::Stack<crate::site::Built, tower::layer::util::Identity>> {
    fn spawn(self, incoming: TcpIncoming) {
        tokio::spawn(self.serve_with_incoming(incoming));
    }
}

fn issues() -> IssuesServer<Handler> {
    IssuesServer::new(Handler(Calls::default()))
}

async fn health_is_served(channel: Channel) {
    let request = HealthCheckRequest { service: "issues.v1.Issues".into() };
    let answer = HealthClient::new(channel).check(request).await.unwrap().into_inner();
    assert_eq!(answer.status, 1, "SERVING");
}

async fn reflected_services(channel: Channel) -> Result<Vec<String>, Status> {
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut client = ServerReflectionClient::new(channel);
    let mut answers = client.server_reflection_info(iter([request])).await?.into_inner();
    match answers.message().await?.expect("an answer").message_response {
        Some(MessageResponse::ListServicesResponse(list)) => {
            Ok(list.service.into_iter().map(|service| service.name).collect())
        }
        other => panic!("{other:?}"),
    }
}

/// One service behind the layer keeps its name: its RPCs are found, its health is known, it is reflected.
#[tokio::test]
async fn around_one_service() {
    let named = trusting(wiki()).build().unwrap().named_layer(issues());
    let (reporter, health) = tonic_health::server::health_reporter();
    // `set_serving` asks the layered service's type for its name.
    serving(&reporter, &named).await;
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(issues_proto::FILE_DESCRIPTOR_SET)
        .build_v1()
        .unwrap();
    let channel =
        serve(Server::builder().add_service(named).add_service(health).add_service(reflection)).await;

    health_is_served(channel.clone()).await;
    assert!(reflected_services(channel.clone()).await.unwrap().contains(&"issues.v1.Issues".to_owned()));
    let status = IssuesClient::new(channel.clone()).get(get()).await.unwrap_err();
    assert_eq!(refusal(&status), (Code::Unauthenticated, "MISSING_CERT".to_owned()));
    let mut client = signed(channel);
    assert!(client.get(acting_as("alice", get())).await.is_ok());
}

async fn serving<S: tonic::server::NamedService>(reporter: &tonic_health::server::HealthReporter, _: &S) {
    reporter.set_serving::<S>().await;
}

fn signed(channel: Channel) -> crate::site::Client {
    crate::site::client(channel, TestIdentity::wiki(), FixedClock::default())
}

#[tokio::test]
async fn around_the_server_health_and_reflection_are_exempt_where_the_layer_says_so() {
    for exempt in [true, false] {
        let layer = trusting(wiki());
        let layer = if exempt { layer.skip(is_health_or_reflection) } else { layer };
        let (reporter, health) = tonic_health::server::health_reporter();
        reporter.set_serving::<IssuesServer<Handler>>().await;
        let reflection = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(issues_proto::FILE_DESCRIPTOR_SET)
            .build_v1()
            .unwrap();
        let server = Server::builder().layer(layer.build().unwrap());
        let channel = serve(with_services(server, health, reflection)).await;
        if exempt {
            health_is_served(channel.clone()).await;
            assert!(!reflected_services(channel.clone()).await.unwrap().is_empty());
        } else {
            let request = HealthCheckRequest::default();
            let status = HealthClient::new(channel.clone()).check(request).await.unwrap_err();
            assert_eq!(refusal(&status), (Code::Unauthenticated, "MISSING_CERT".to_owned()));
            let status = reflected_services(channel.clone()).await.unwrap_err();
            assert_eq!(refusal(&status), (Code::Unauthenticated, "MISSING_CERT".to_owned()));
        }
        let status = IssuesClient::new(channel).get(get()).await.unwrap_err();
        assert_eq!(refusal(&status), (Code::Unauthenticated, "MISSING_CERT".to_owned()));
    }
}

fn with_services<L: Clone>(
    mut server: Server<L>,
    health: tonic_health::pb::health_server::HealthServer<impl tonic_health::pb::health_server::Health>,
    reflection: tonic_reflection::server::v1::ServerReflectionServer<
        impl tonic_reflection::server::v1::ServerReflection,
    >,
) -> Router<L> {
    server.add_service(issues()).add_service(health).add_service(reflection)
}

/// A rule of RPCs: one method, or a whole service; of what it covers, what does not exist is unimplemented.
#[tokio::test]
async fn rules_of_rpcs() {
    for (pattern, get_allowed, list_allowed) in [
        ("issues.v1.Issues/Get", true, false),
        ("issues.v1.Issues/*", true, true),
        ("issues.v1.Issues/List", false, true),
        ("issues.v1.Issue/*", false, false),
        ("issues.v1.Issues/get", false, false),
    ] {
        let rule = PathRule::only([PathPattern::rpc(pattern).unwrap()]);
        let channel = serve(
            Server::builder().layer(trusting(wiki().paths(rule)).build().unwrap()).add_service(issues()),
        )
        .await;
        let mut client = signed(channel);
        let get = client.get(acting_as("alice", get())).await.map(drop);
        let list = client.list(acting_as("alice", ListRequest {})).await.map(drop);
        for (answer, allowed) in [(get, get_allowed), (list, list_allowed)] {
            match answer {
                Ok(()) => assert!(allowed, "{pattern}"),
                Err(status) => {
                    assert!(!allowed, "{pattern}: {status:?}");
                    assert_eq!(refusal(&status), (Code::PermissionDenied, "BAD_URL".to_owned()), "{pattern}");
                }
            }
        }
    }
}

#[tokio::test]
async fn an_unknown_method_is_unimplemented_only_for_who_may_call_it() {
    let rule = PathRule::only([PathPattern::rpc("issues.v1.Issues/*").unwrap()]);
    let channel =
        serve(Server::builder().layer(trusting(wiki().paths(rule)).build().unwrap()).add_service(issues()))
            .await;
    for (user, expected) in [(Some("alice"), Code::Unimplemented), (None, Code::Unauthenticated)] {
        let service =
            tower::Layer::layer(&signer(&TestIdentity::wiki(), FixedClock::default()), channel.clone());
        let mut client = tonic::client::Grpc::new(service);
        client.ready().await.unwrap();
        let mut request = Request::new(get());
        if let Some(user) = user {
            request = request.acting_as(user);
        }
        let path = PathAndQuery::from_static("/issues.v1.Issues/Nonesuch");
        let codec = tonic_prost::ProstCodec::<_, issues_proto::Issue>::default();
        assert_eq!(client.unary(request, path, codec).await.unwrap_err().code(), expected);
    }
}
