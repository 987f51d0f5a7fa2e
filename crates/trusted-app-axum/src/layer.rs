//! The layer, set up for axum.

use std::net::SocketAddr;

use axum::extract::OriginalUri;
use axum::extract::connect_info::{ConnectInfo, MockConnectInfo};
use http::Extensions;
use tower_trusted_app::conditions::Peer;
use tower_trusted_app::{KeyStore, SignedUrl, TrustedAppLayer, TrustedAppLayerBuilder, UserDirectory};

/// Builds a [`TrustedAppLayer`](crate::TrustedAppLayer) that knows axum: it reads the peer's address where axum leaves it (see
/// [`peer_address`](crate::manual::peer_address)), holds the *original* URI against signature and
/// path rules, also inside `nest`, and answers rejections with problem documents.
///
/// `public_url` is the base URL under which the trusted applications see this service.
///
/// Where it belongs: [`layer_order`](crate::manual::layer_order).
pub fn layer_builder<K: KeyStore, D: UserDirectory>(
    keys: K,
    users: D,
    public_url: SignedUrl,
) -> TrustedAppLayerBuilder<K, D> {
    TrustedAppLayer::builder(keys, users, public_url).peer(peer).original_uri(original_uri)
}

/// The peer: whatever the service states itself, then what axum's server states, then what a test
/// does.
fn peer(extensions: &Extensions) -> Option<Peer> {
    if let Some(peer) = extensions.get::<Peer>() {
        return Some(*peer);
    }
    let real = extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address);
    let mock = || extensions.get::<MockConnectInfo<SocketAddr>>().map(|MockConnectInfo(address)| address);
    let address = real.or_else(mock).or_else(|| extensions.get::<SocketAddr>())?;
    Some(Peer::Ip(address.ip()))
}

/// The outermost router keeps it before anything is stripped. Outside of every router there is none,
/// and none is needed.
fn original_uri(extensions: &Extensions) -> Option<&http::Uri> {
    extensions.get::<OriginalUri>().map(|OriginalUri(uri)| uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peer() {
        let address = |text: &str| SocketAddr::new(text.parse().unwrap(), 1234);
        let ip = |text: &str| Some(Peer::Ip(text.parse().unwrap()));
        let mut extensions = Extensions::new();
        assert_eq!(peer(&extensions), None);
        extensions.insert(address("10.0.0.1"));
        assert_eq!(peer(&extensions), ip("10.0.0.1"));
        extensions.insert(MockConnectInfo(address("10.0.0.2")));
        assert_eq!(peer(&extensions), ip("10.0.0.2"));
        extensions.insert(ConnectInfo(address("2001:db8::3")));
        assert_eq!(peer(&extensions), ip("2001:db8::3"));
        extensions.insert(Peer::Local);
        assert_eq!(peer(&extensions), Some(Peer::Local));
    }
}
