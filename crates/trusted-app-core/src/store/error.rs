//! What a store's errors are for the layer.

/// Any error of a store. It is logged on this side and never shown to the peer.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
