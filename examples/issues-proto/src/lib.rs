//! The gRPC service `issues.v1.Issues`: see `proto/issues.proto`.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    reason = "generated; the .proto has the documentation"
)]

tonic::include_proto!("issues.v1");

/// The file's descriptors, for the reflection service.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/issues.bin"));
