//! The layer, set up for tonic.

use std::net::SocketAddr;

use http::{Extensions, HeaderMap, Method, Uri};
use tonic::transport::server::TcpConnectInfo;
#[cfg(any(feature = "tls-aws-lc", feature = "tls-ring"))]
use tonic::transport::server::TlsConnectInfo;
#[cfg(unix)]
use tonic::transport::server::UdsConnectInfo;
use tower_trusted_app::conditions::Peer;
use tower_trusted_app::{KeyStore, SignedUrl, TrustedAppLayer, TrustedAppLayerBuilder, UserDirectory};

use crate::status::GrpcStatus;

/// Builds a [`TrustedAppLayer`](crate::TrustedAppLayer) that knows tonic: it reads the peer's address where tonic's server leaves
/// it, and answers rejections with gRPC statuses.
///
/// `public_url` is the base URL under which the trusted applications reach this service. What they
/// sign of an RPC is that URL and the RPC's path: `https://host/package.Service/Method`.
///
/// Around the whole server it is a layer like any other, `Server::builder().layer(…)`. Around one
/// service it keeps the service's name by [`named_layer`](tonic::service::LayerExt::named_layer).
///
/// The peer is a [`Peer`] or what tonic's server states: the address of a TCP connection, with TLS
/// or without; a Unix socket is [`Peer::Local`], which only the word `local` in an address rule
/// matches.
pub fn layer_builder<K: KeyStore, D: UserDirectory>(
    keys: K,
    users: D,
    public_url: SignedUrl,
) -> TrustedAppLayerBuilder<K, D, GrpcStatus> {
    TrustedAppLayer::builder(keys, users, public_url).peer(peer).rejections(GrpcStatus)
}

/// The peer: whatever the service states itself, then what tonic's server states.
fn peer(extensions: &Extensions) -> Option<Peer> {
    if let Some(peer) = extensions.get::<Peer>() {
        return Some(*peer);
    }
    #[cfg(unix)]
    if extensions.get::<UdsConnectInfo>().is_some() {
        return Some(Peer::Local);
    }
    tcp_peer(extensions).map(|address| Peer::Ip(address.ip()))
}

fn tcp_peer(extensions: &Extensions) -> Option<SocketAddr> {
    let tcp = extensions.get::<TcpConnectInfo>();
    // tonic's own TLS leaves both; where a service ends TLS itself there is only this one.
    #[cfg(any(feature = "tls-aws-lc", feature = "tls-ring"))]
    let tcp = tcp.or_else(|| extensions.get::<TlsConnectInfo<TcpConnectInfo>>().map(TlsConnectInfo::get_ref));
    tcp.and_then(TcpConnectInfo::remote_addr).or_else(|| extensions.get::<SocketAddr>().copied())
}

/// Whether a request calls the standard health service, `grpc.health.v1.Health`. For
/// [`TrustedAppLayerBuilder::skip`], so that load balancers need no key.
#[must_use]
pub fn is_health(method: &Method, uri: &Uri, _headers: &HeaderMap) -> bool {
    *method == Method::POST && HEALTH.contains(&uri.path())
}

/// Whether a request calls the standard reflection service, `grpc.reflection.v1.ServerReflection`
/// or its `v1alpha`. For [`TrustedAppLayerBuilder::skip`]; whoever can connect then learns every service
/// and message that the server reflects.
#[must_use]
pub fn is_reflection(method: &Method, uri: &Uri, _headers: &HeaderMap) -> bool {
    *method == Method::POST && REFLECTION.contains(&uri.path())
}

/// Whether a request calls the standard health or reflection service.
///
/// ```
/// # use trusted_app_tonic::{is_health_or_reflection, keys::MemoryKeyStore, users::MemoryDirectory};
/// # let (keys, users) = (MemoryKeyStore::new([]).unwrap(), MemoryDirectory::of_names(["alice"]));
/// # let layer = trusted_app_tonic::layer_builder(keys, users, "https://tracker.example.com".parse().unwrap());
/// let layer = layer.skip(is_health_or_reflection);
/// ```
#[must_use]
pub fn is_health_or_reflection(method: &Method, uri: &Uri, headers: &HeaderMap) -> bool {
    is_health(method, uri, headers) || is_reflection(method, uri, headers)
}

// Whole paths: no server reads another RPC into them.
const HEALTH: [&str; 3] =
    ["/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/List", "/grpc.health.v1.Health/Watch"];

const REFLECTION: [&str; 2] = [
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(address: &str) -> TcpConnectInfo {
        let remote_addr = Some(SocketAddr::new(address.parse().unwrap(), 1234));
        TcpConnectInfo { local_addr: None, remote_addr }
    }

    #[test]
    fn the_peer() {
        let ip = |text: &str| Some(Peer::Ip(text.parse().unwrap()));
        let mut extensions = Extensions::new();
        assert_eq!(peer(&extensions), None);
        extensions.insert(SocketAddr::from(([10, 0, 0, 1], 1)));
        assert_eq!(peer(&extensions), ip("10.0.0.1"));
        extensions.insert(tcp("2001:db8::2"));
        assert_eq!(peer(&extensions), ip("2001:db8::2"));
        extensions.insert(Peer::Ip("10.0.0.3".parse().unwrap()));
        assert_eq!(peer(&extensions), ip("10.0.0.3"));
    }

    #[cfg(unix)]
    #[test]
    fn a_unix_socket_is_local() {
        let mut extensions = Extensions::new();
        extensions.insert(UdsConnectInfo { peer_addr: None, peer_cred: None });
        assert_eq!(peer(&extensions), Some(Peer::Local));
    }

    #[test]
    fn exempt_are_whole_paths_of_calls() {
        let exempt = |method: Method, path: &str| {
            is_health_or_reflection(&method, &path.parse().unwrap(), &HeaderMap::new())
        };
        for path in HEALTH.iter().chain(&REFLECTION) {
            assert!(exempt(Method::POST, path), "{path}");
            assert!(!exempt(Method::GET, path), "{path}");
            assert!(!exempt(Method::POST, &format!("{path}/../../issues.v1.Issues/Get")), "{path}");
        }
        for path in ["/", "/grpc.health.v1.Health/", "/grpc.health.v1.Health/check", "/issues.v1.Issues/Get"]
        {
            assert!(!exempt(Method::POST, path), "{path}");
        }
    }
}
