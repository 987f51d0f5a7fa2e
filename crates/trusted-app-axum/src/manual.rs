//! What to know before going into production.

#[doc = include_str!("../docs/layer_order.md")]
pub mod layer_order {}

#[doc = include_str!("../docs/peer_address.md")]
pub mod peer_address {}
