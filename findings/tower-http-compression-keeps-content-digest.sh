#!/usr/bin/env bash
# tower-http 0.7.1: `CompressionLayer` compresses a response that states a `Content-Digest` (RFC 9530) and leaves
# the digest as it was, although that field is about the content after content codings. A client that checks the digest
# of what it received rejects the response. It drops `Content-Length` and `Accept-Ranges` in the same place.
#
# Seen: "content-encoding: gzip", "digest unchanged: true", "digest of the content: false".
# Exits 0 if that is still so, 1 if it changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir src
cat >Cargo.toml <<'TOML'
[package]
name = "probe"
version = "0.0.0"
edition = "2024"

[dependencies]
base64 = "=0.23.1"
bytes = "1"
futures-executor = "0.3"
http = "1"
http-body-util = "0.1"
sha2 = "=0.11.0"
tower = { version = "0.5", features = ["util"] }
tower-http = { version = "=0.7.1", features = ["compression-gzip"] }
TOML
cat >src/main.rs <<'RUST'
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use sha2::{Digest, Sha256};
use tower::{Layer, ServiceExt, service_fn};
use tower_http::compression::CompressionLayer;

fn digest(content: &[u8]) -> String {
    format!("sha-256=:{}:", BASE64_STANDARD.encode(Sha256::digest(content)))
}

fn main() {
    let content = Bytes::from("a line that is long enough to be compressed\n".repeat(100));
    let stated = digest(&content);
    let field = stated.clone();
    let service = CompressionLayer::new().layer(service_fn(move |_: Request<()>| {
        let response = Response::builder()
            .header("content-type", "text/plain")
            .header("content-digest", &field)
            .body(Full::new(content.clone()));
        std::future::ready(response)
    }));
    let request = Request::builder().header("accept-encoding", "gzip").body(()).unwrap();
    futures_executor::block_on(async {
        let response = service.oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let received = body.collect().await.map_err(|error| error.to_string()).unwrap().to_bytes();
        println!("content-encoding: {}", parts.headers["content-encoding"].to_str().unwrap());
        println!("digest unchanged: {}", parts.headers["content-digest"] == *stated);
        println!("digest of the content: {}", parts.headers["content-digest"] == *digest(&received));
    });
}
RUST
seen=$(cargo run --quiet)
echo "$seen"
[ "$seen" = "content-encoding: gzip
digest unchanged: true
digest of the content: false" ]
